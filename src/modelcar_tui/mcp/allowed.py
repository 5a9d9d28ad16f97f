"""Which files a client may have read: regular ones of a few kinds, below folders that the operator named."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection
from pathlib import Path

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.text import clean

YAML = (".yaml", ".yml")
DOCUMENTS = (*YAML, ".json")
MODELS = (".json", ".gguf")
_MOST_FILES = 2000
"""Of a model's folder; more are not looked at."""


class Allowed:
    """The folders that the operator named, with all that lies below them."""

    def __init__(self, roots: Collection[Path]) -> None:
        """
        Args:
            roots: Folders; a relative path of a client's starts at the first.

        Raises:
            UserError: one of them is no folder.
        """
        self.roots: list[Path] = []
        for root in roots:
            try:
                found = root.expanduser().resolve(strict=True)
            except (OSError, RuntimeError):
                found = root
            if not found.is_dir():
                raise UserError(
                    Problem(where=f"--root {root}", what="is no folder", fix="name one that exists")
                )
            self.roots.append(found)

    def file(self, path: str, kinds: tuple[str, ...]) -> Path:
        """The regular file that a client means.

        Args:
            path: As the client wrote it.
            kinds: How its name may end.

        Raises:
            UserError: it is outside, hidden, of another kind, no regular file, or not there.
        """
        found = self._below(path)
        if found.suffix.lower() not in kinds:
            raise _refused(path, f"is no {' or '.join(kinds)} file", "name a file of that kind")
        if not stat.S_ISREG(found.stat().st_mode):
            raise _refused(path, "is no regular file", "name a file")
        return found

    def model(self, path: str) -> Path:
        """The model folder, `config.json` or `.gguf` file that a client means; all in it must be allowed.

        Raises:
            UserError: as `file`.
        """
        found = self._below(path)
        if not found.is_dir():
            return self.file(path, MODELS)
        for file in sorted(found.iterdir())[:_MOST_FILES]:
            if file.name.startswith("."):
                continue  # no part of a model
            try:
                inner = file.resolve()
            except (OSError, RuntimeError):
                continue  # a link to nothing is read by nobody
            if not self._is_inside(inner):
                fix = "start the server with --root for the folder where it lies"
                raise _refused(path, f"holds a link to outside ({clean(file.name, limit=100)})", fix)
        return found

    def _below(self, path: str) -> Path:
        try:
            found = (self.roots[0] / path).resolve(strict=True)
        except (OSError, RuntimeError, ValueError) as error:
            lexical = Path(os.path.normpath(self.roots[0] / path.replace("\0", "")))
            if not self._is_inside(lexical):
                raise self._outside(path) from None  # whether it is there is not told
            what = getattr(error, "strerror", None) or "can't be read"
            raise _refused(path, what, "check the path") from None
        if not self._is_inside(found):
            raise self._outside(path)
        return found

    def _is_inside(self, found: Path) -> bool:
        """Below a root, and in nothing hidden of it: what programs keep for themselves, keys and logins."""
        return any(
            found.is_relative_to(root)
            and not any(part.startswith(".") for part in found.relative_to(root).parts)
            for root in self.roots
        )

    def _outside(self, path: str) -> UserError:
        roots = ", ".join(clean(str(root), limit=200) for root in self.roots)
        what = f"is not below an allowed folder ({roots}), or hidden there"
        return _refused(path, what, "the operator allows more by --root DIR")


def read_whole(path: Path, most: int) -> bytes:
    """The bytes of a file that `Allowed` gave; no link that came since, be it above, is followed.

    Raises:
        UserError: it can't be read, or has more than `most` bytes.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
        with os.fdopen(handle, "rb") as file:
            if _place_of(file.fileno(), path) != path:
                raise _refused(str(path), "was replaced while it was looked at", "ask again")
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise _refused(str(path), "is no regular file", "name a file")
            data = file.read(most + 1)
    except OSError as error:
        raise _refused(str(path), f"can't be read ({error.strerror})", "check its rights") from None
    if len(data) > most:
        raise _refused(str(path), f"is larger than {most // 1024} KiB", "a manifest is a few KiB")
    return data


def _place_of(handle: int, path: Path) -> Path:
    """Where an open file lies; `path` itself where the system doesn't tell."""
    try:
        return Path(f"/proc/self/fd/{handle}").readlink()
    except OSError:
        return path


def _refused(path: str, what: str, fix: str) -> UserError:
    return UserError(Problem(where=clean(path, limit=300), what=what, fix=fix, code="path-refused"))
