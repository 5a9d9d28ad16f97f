"""Finding a model's files in an image's layers, whatever the layout, for as few bytes as possible."""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec

from modelcar_tui.core.contain import not_known
from modelcar_tui.core.text import clean
from modelcar_tui.image.errors import ImageError, Trouble
from modelcar_tui.image.files.found import DOCUMENTS, INDEX, WEIGHTS, Found, WeightFile, too_large
from modelcar_tui.image.files.gguf import read_gguf
from modelcar_tui.image.files.safetensors import HEADER_LIMIT, read_header
from modelcar_tui.image.files.source import Budget, Packed, Plain, Source, open_blob
from modelcar_tui.image.files.tar import TarEntry, is_tar, walk
from modelcar_tui.image.manifests import Descriptor, ImageManifest

FetchBlob = Callable[[Descriptor, int, int], Awaitable[bytes]]
"""`await fetch(layer, start, length)`."""
_AT_ONCE = 6
_WINDOW = 64 * 1024
_PACKED_WINDOW = 16 * 1024
UNPROMISING = 256 * 1024
"""How far a compressed layer is followed that has shown no file of a model."""
_PROMISING = 4 * 1024 * 1024
"""How far one is followed that has, while config.json is still missing."""
_MOST_STRANGERS = 64
"""How many large files that are no model's a layer may have before it is left."""
_TAR_END = 10240 + 512
"""The most that follows the last file of a tar: padding to a block, and to a record of twenty blocks."""
_INDEX_HEAD = 4096
_ORDINARY = 1 << 20
"""A larger document does not come off the budget, once for each name: the headers want theirs."""
_MOST_UNANNOTATED = 400
SOFT = (Trouble.BUDGET, Trouble.TOO_LARGE, Trouble.MALFORMED)
"""Faults of one layer or file that leave the others readable."""


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What the layers gave."""

    layout: str
    bytes_read: int
    faults: tuple[ImageError, ...] = ()


async def read_layers(manifest: ImageManifest, fetch: FetchBlob, found: Found, budget: Budget) -> Reading:
    """Fill `found` from the layers of one image.

    Raises:
        ImageError: the registry failed; broken layers and an empty budget only end up in `faults`.
    """
    named = [(layer, path) for layer in manifest.layers if (path := annotated_path(layer))]
    reader = _Reader(fetch, found, budget)
    slots = asyncio.Semaphore(_AT_ONCE)

    async def each(layer: Descriptor, path: str) -> None:
        async with slots:
            await reader.read(layer, path)

    if any(_wanted(path) or path.endswith(WEIGHTS) for _, path in named):
        jobs = _annotated_jobs(named, reader)
    else:
        unknown = sorted((layer for layer in manifest.layers if not annotated_path(layer)), key=_size_of)
        jobs = [(layer, "") for layer in unknown[:_MOST_UNANNOTATED]]
    try:
        async with asyncio.TaskGroup() as group:
            for layer, path in jobs:
                group.create_task(each(layer, path))
    except* ImageError as errors:
        raise errors.exceptions[0] from None
    layout = _layout(manifest, named, reader)
    return Reading(layout=layout, bytes_read=budget.used, faults=tuple(reader.faults))


def annotated_path(layer: Descriptor) -> str:
    """The file that an annotation says the layer holds; the empty text without one."""
    for key in (
        "olot.layer.content.inlayerpath",
        "olot.layer.content.name",
        "org.opencontainers.image.title",
    ):
        if text := layer.annotations.get(key):
            return posixpath.normpath("/" + text).lstrip("/")
    return ""


def _wanted(path: str) -> bool:
    return posixpath.basename(path) in DOCUMENTS


def _belongs(name: str) -> bool:
    return name in DOCUMENTS or name == INDEX or name.endswith(WEIGHTS)


def _size_of(layer: Descriptor) -> int:
    return layer.size


def _annotated_jobs(named: list[tuple[Descriptor, str]], reader: _Reader) -> list[tuple[Descriptor, str]]:
    """The documents first, then the weights' headers; nothing else costs a byte."""
    documents = [(layer, path) for layer, path in named if _wanted(path)]
    weights = [(layer, path) for layer, path in named if path.endswith(WEIGHTS)]
    for layer, path in weights:
        packed = layer.media_type.endswith(("gzip", "zstd"))
        reader.found.weights[path] = WeightFile(size=_content_size(layer), exact=not packed)
    paths = [path for _, path in named]
    headed = [
        each for each in weights if each[1].endswith((".safetensors", ".gguf")) and _is_loaded(each[1], paths)
    ]
    index = [(layer, path) for layer, path in named if posixpath.basename(path) == INDEX]
    reader.share(len(headed))
    return documents + (index if reader.short_of_headers(len(headed)) else []) + headed


def _is_loaded(path: str, named: list[str]) -> bool:
    """Not a second copy of the same weights beside Hugging Face's shards."""
    if "consolidated" not in posixpath.basename(path):
        return True
    folder = posixpath.dirname(path)
    return not any(
        other.endswith(".safetensors") and posixpath.dirname(other) == folder and "consolidated" not in other
        for other in named
    )


def _content_size(layer: Descriptor) -> int:
    """A one-file tar has a header of 512 bytes, and ends in at least 1024."""
    return max(0, layer.size - 1536) if "tar" in layer.media_type else layer.size


async def members(
    source: Source,
    layer: Descriptor,
    *,
    one: bool,
    belongs: Callable[[str], bool],
    patience: Callable[[], int],
) -> AsyncIterator[TarEntry]:
    """The members of a layer's tar, as far as looking for a model's files in it is worth the bytes.

    Args:
        source: The layer's bytes.
        layer: As the manifest names it.
        one: Whether the layer is known to hold one file.
        belongs: Whether a file of this name may be a model's.
        patience: How far a compressed layer that has such a file is followed further, in decoded bytes.
    """
    strangers, first = 0, True
    async for entry in walk(source):
        regular, known = entry.regular and sensible(entry.path), belongs(posixpath.basename(entry.path))
        if isinstance(source, Packed) and entry.path.startswith("models"):
            source.patience = patience()
        yield entry
        if not regular:
            continue
        strangers += not known and entry.size > _WINDOW
        if strangers > _MOST_STRANGERS:
            return
        if known and isinstance(source, Packed):
            source.patience = patience()
        alone = first and isinstance(source, Plain) and layer.size - entry.start - entry.size < _TAR_END
        if one or (alone and entry.path.endswith(WEIGHTS)):
            return  # the layer holds one file: looking for the archive's end would cost a request
        first = False


def sensible(path: str) -> bool:
    """Whether a path may be a model's: not deep, not upwards, no mark of a file that is gone."""
    parts = path.split("/")
    return len(parts) <= 8 and ".." not in parts and not any(part.startswith(".wh.") for part in parts)


class _Reader:
    def __init__(self, fetch: FetchBlob, found: Found, budget: Budget) -> None:
        self.found = found
        self.faults: list[ImageError] = []
        self.packing: set[str] = set()
        self._allowed: set[str] = set()
        self._fetch = fetch
        self._budget = budget
        self._window = _WINDOW

    def share(self, shards: int) -> None:
        """Smaller first windows where there are very many shards."""
        if shards:
            self._window = max(8 * 1024, min(_WINDOW, self._budget.left // (2 * shards)))

    def short_of_headers(self, shards: int) -> bool:
        """Whether reading every header may use up the budget, so that the index is worth its bytes."""
        return shards * self._window * 2 > self._budget.left

    async def read(self, layer: Descriptor, path: str) -> None:
        """One layer; its own faults are kept, faults of the registry go on up."""
        try:
            await self._layer(layer, path)
        except ImageError as error:
            if error.kind not in SOFT:
                raise
            self.faults.append(error)
        except BaseException as error:  # noqa: BLE001 - the end of the run is raised again
            self.faults.append(ImageError(Trouble.SURPRISE, not_known(error, f"layer {layer.digest[:19]}…")))

    async def _layer(self, layer: Descriptor, path: str) -> None:
        if layer.size == 0:
            return
        packed = layer.media_type.endswith(("gzip", "zstd"))
        first = _PACKED_WINDOW if packed else self._window

        async def fetch(start: int, length: int) -> bytes:
            return await self._fetch(layer, start, length)

        source, packing = await open_blob(fetch, layer.size, self._budget, first=first, patience=UNPROMISING)
        if await is_tar(source):
            await self._archive(source, layer, path, packing)
        elif path and not packing:
            await self._file(source, path, 0, layer.size)

    async def _archive(self, source: Source, layer: Descriptor, path: str, packing: str) -> None:
        """The files of a tar, as far as they may be a model's."""
        async for entry in members(source, layer, one=bool(path), belongs=_belongs, patience=self._patience):
            if not entry.regular or not sensible(entry.path):
                continue
            if await self._file(source, clean(entry.path, limit=500), entry.start, entry.size):
                self.packing.add(packing)

    def _patience(self) -> int:
        """Go on through a compressed layer of a model, but only as far as its config.json."""
        told = any(posixpath.basename(path) == "config.json" for path in self.found.documents)
        return UNPROMISING if told else _PROMISING

    async def _file(self, source: Source, path: str, start: int, size: int) -> bool:
        """Read what matters of one file; whether it belongs to a model."""
        name = posixpath.basename(path)
        if name in DOCUMENTS:
            await self._document(source, path, start, size)
            return True
        if name == INDEX:
            self.found.add_index(path, await source.read(start, min(size, _INDEX_HEAD)))
            return True
        if not name.endswith(WEIGHTS):
            return False
        self.found.weights[path] = WeightFile(size=size)
        try:
            if name.endswith(".safetensors"):
                header = await read_header(source, start, size, limit=min(HEADER_LIMIT, self._budget.total))
                self.found.weights[path] = WeightFile(size=size, header=header)
            elif name.endswith(".gguf"):
                self.found.weights[path] = WeightFile(size=size, gguf=await read_gguf(source, start, size))
        except ImageError as error:
            if error.kind not in SOFT:
                raise
            self.faults.append(error)
        return True

    async def _document(self, source: Source, path: str, start: int, size: int) -> None:
        name = posixpath.basename(path)
        if why := too_large(name, size):
            self.found.leave(path, why)
            return
        if size > _ORDINARY and name not in self._allowed:
            self._allowed.add(name)
            self._budget.total += size
        try:
            raw = await source.read(start, size)
        except ImageError as error:
            self.found.unread[path] = f"{name} was not read: {error}"
            raise
        if len(raw) == size:
            self.found.add_document(path, raw)


def _layout(manifest: ImageManifest, named: list[tuple[Descriptor, str]], reader: _Reader) -> str:
    if any("olot.layer.content.name" in layer.annotations for layer in manifest.layers):
        return "olot"
    weights = len(reader.found.weights) + len(reader.found.documents)
    packing = ", ".join(sorted(reader.packing - {""}))
    if named and weights:
        return "file per layer, annotated" if not manifest.artifact_type else "OCI artifact"
    if not weights:
        return "no model found"
    if len(manifest.layers) > 2:
        return f"file per layer, {packing or 'uncompressed'}"
    return f"one layer, {packing or 'uncompressed'}"
