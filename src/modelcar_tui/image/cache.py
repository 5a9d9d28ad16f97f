"""Facts by manifest digest, and digests by reference: a second look costs one conditional request."""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import suppress
from pathlib import Path

import msgspec
import platformdirs

from modelcar_tui.core.decode import decode
from modelcar_tui.core.facts import Fact
from modelcar_tui.core.files import private_folder
from modelcar_tui.core.reference import Reference
from modelcar_tui.image.options import ImageOptions
from modelcar_tui.models import ModelFacts

VERSION = 2
"""Raised when facts are read differently, so that older entries are ignored."""
_LARGEST = 64 * 1024 * 1024


class CachedImage(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one digest, before catalog and name are mixed in. No secret, no weight."""

    version: int
    digest: str
    size: Fact[int]
    architectures: Fact[tuple[str, ...]]
    model: ModelFacts
    layout: str
    bytes_read: int


class _Pointer(msgspec.Struct, frozen=True, kw_only=True):
    version: int
    digest: str


class ImageCache:
    """A folder of small files; one that can't be read or written is as good as none."""

    def __init__(self, options: ImageOptions) -> None:
        named = options.cache_dir or os.environ.get("MODELCAR_TUI_CACHE_DIR")
        base = Path(named) if named else platformdirs.user_cache_path("modelcar-tui")
        self._folder = base / "images" / f"v{VERSION}"
        self._on = options.use_cache
        self._variant = f"{options.architecture}\0{options.byte_budget}"
        self._map = options.registries_conf or ""

    def digest_of(self, reference: Reference) -> str | None:
        """The digest that the reference had when it was last looked at."""
        pointer = self._load(self._name("at", f"{reference.pull}\0{self._map}"), _Pointer)
        return pointer.digest if isinstance(pointer, _Pointer) and pointer.version == VERSION else None

    def get(self, digest: str) -> CachedImage | None:
        """The facts of a digest."""
        entry = self._load(self._name("of", digest), CachedImage)
        good = isinstance(entry, CachedImage) and entry.version == VERSION and entry.digest == digest
        return _unmeasured(entry) if good else None  # type: ignore[arg-type]

    def put(self, reference: Reference, image: CachedImage) -> None:
        """Keep the facts, and what the reference pointed to."""
        if not self._on:
            return
        with suppress(OSError):
            private_folder(self._folder)
            _write(self._name("of", image.digest), msgspec.json.encode(_unmeasured(image)))
            pointer = _Pointer(version=VERSION, digest=image.digest)
            _write(self._name("at", f"{reference.pull}\0{self._map}"), msgspec.json.encode(pointer))

    def _name(self, kind: str, key: str) -> Path:
        packed = hashlib.sha256(f"{kind}\0{key}\0{self._variant}".encode()).hexdigest()
        return self._folder / f"{kind}-{packed[:40]}.json"

    def _load(self, path: Path, kind: type[msgspec.Struct]) -> msgspec.Struct | None:
        if not self._on:
            return None
        try:
            with path.open("rb") as file:
                raw = file.read(_LARGEST + 1)
            return decode(raw, kind) if len(raw) <= _LARGEST else None
        except (OSError, msgspec.MsgspecError, ValueError, RecursionError):
            return None


def _unmeasured(image: CachedImage) -> CachedImage:
    """Measured starts are the operator's, not the image's: they are never kept, nor taken, from here."""
    if not image.model.measured:
        return image
    return msgspec.structs.replace(image, model=msgspec.structs.replace(image.model, measured=()))


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all for other processes; not flushed: what a crash loses is only read again."""
    handle, name = tempfile.mkstemp(prefix=".", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
