"""Kubernetes objects out of a file, JSON or YAML, however hostile: bounded, and one clear line on a fault.

JSON documents may follow one another (`kubectl get nodes -o json; kubectl get pods -A -o json`, JSON lines).
YAML aliases are followed as far as what they stand for stays bounded. UTF-16, which PowerShell writes, is
read.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec

from modelcar_tui.core.decode import decode
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.text import clean

JSON_LIMIT = 512 * 2**20
YAML_LIMIT = 32 * 2**20
DEPTH_LIMIT = 60
EXPANDED_LIMIT = 5_000_000
"""YAML nodes, with every alias replaced by what it stands for."""
_UTF16 = ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
DOCUMENTS_LIMIT = 10_000
_INK = re.compile(rb"\S")
_TRAILING = re.compile(r"trailing characters \(byte (\d+)\)")


def read_documents(path: Path, *, what: str, yaml_limit: int = YAML_LIMIT) -> list[Any]:
    """The documents of a file: one for JSON, any number for YAML.

    Raises:
        UserError: it can't be read, is too large, or is neither JSON nor YAML; one line that says where.
    """
    return parse(read_bytes(path, what=what), where=clean(str(path)), what=what, yaml_limit=yaml_limit)


def read_bytes(path: Path, *, what: str) -> bytes:
    """The bytes of a file.

    Raises:
        UserError: it can't be read, or is too large; one line that says where.
    """
    where = clean(str(path))
    try:
        if path.is_dir():
            raise _problem(where, f"{what} is a folder", "name a file")
        with path.open("rb") as file:
            data = _utf8(file.read(JSON_LIMIT + 1))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise _problem(where, f"{what} can't be read: {reason}", "check the path and its rights") from None
    if len(data) > JSON_LIMIT:
        raise _problem(where, f"{what} is larger than {JSON_LIMIT // 2**20} MiB", "")
    return data


def parse(data: bytes, *, where: str, what: str, yaml_limit: int = YAML_LIMIT) -> list[Any]:
    """`read_documents` for bytes that are there already."""
    if not data.strip():
        raise _problem(where, f"{what} is empty", "")
    if b"\0" in data[:4096]:
        raise _problem(where, f"{what} is not text", "give a file in JSON or YAML")
    if not looks_like_json(data):
        return _yaml(data, where=where, what=what, limit=yaml_limit)
    try:
        return [msgspec.json.decode(part) for part in json_documents(data)]
    except RecursionError:
        raise _problem(where, f"{what} is nested too deeply", "") from None
    except msgspec.DecodeError as error:
        wrong = _problem(where, f"{what} is not valid JSON: {clean(str(error), limit=120)}", "")
    if len(data) > 2**20 or re.match(rb'\s*(?:\[\s*)?\{\s*"', data):
        raise wrong from None  # too large for another attempt, or JSON by its quotes
    return _yaml(data, where=where, what=what, limit=yaml_limit)


def looks_like_json(data: bytes) -> bool:
    """Whether the first character opens a JSON object or list (YAML's flow style does too)."""
    return data[:64].lstrip()[:1] in (b"{", b"[")


def json_documents(data: bytes) -> list[msgspec.Raw]:
    """The JSON documents that follow one another, each still to be decoded.

    Raises:
        msgspec.DecodeError: one of them is none.
    """
    found: list[msgspec.Raw] = []
    view, at = memoryview(data), 0
    while not found or _INK.search(data, at):
        if len(found) >= DOCUMENTS_LIMIT:
            raise msgspec.DecodeError(f"more than {DOCUMENTS_LIMIT:,} documents")
        try:
            decode(view[at:], msgspec.Raw)
            end = len(data)
        except msgspec.DecodeError as error:
            match = _TRAILING.search(str(error))
            if match is None or int(match[1]) < 2:
                raise
            end = at + int(match[1]) - 1
        found.append(msgspec.Raw(data[at:end]))
        at = end
    return found


def _utf8(data: bytes) -> bytes:
    """The text in UTF-8 without a byte order mark."""
    for mark, name in _UTF16:
        if data.startswith(mark):
            return data[2:].decode(name, errors="replace").encode()
    return data.removeprefix(b"\xef\xbb\xbf")


def _yaml(data: bytes, *, where: str, what: str, limit: int) -> list[Any]:
    import yaml

    if len(data) > limit:
        fix = "save it as JSON (kubectl get ... -o json)"
        raise _problem(where, f"{what} is YAML of more than {limit // 2**20} MiB", fix)
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _check_shape(yaml, loader, data, where, what)
        return [document for document in yaml.load_all(data, Loader=loader) if document is not None]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{where}:{mark.line + 1}:{mark.column + 1}" if mark else where
        if "nesting depth" in (error.problem or ""):  # newer versions of libyaml have a limit of their own
            raise _problem(place, f"{what} is nested more than {DEPTH_LIMIT} levels deep", "") from None
        reason = clean(_unquoted(error.problem or "can't be parsed"), limit=120)
        raise _problem(place, f"{what} is not valid YAML: {reason}", "mend this line") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = clean(_unquoted(re.sub(r"\s+", " ", str(error))), limit=120)
        raise _problem(where, f"{what} is not valid YAML: {reason}", "") from None


def _unquoted(reason: str) -> str:
    """A parser's reason without what it quotes of the file, which may be a password that looks like a tag."""
    return re.sub(r"""(['"]).{2,}\1""", r"\1...\1", reason)


class _Open(msgspec.Struct):
    """A list or mapping whose end has not come."""

    anchor: str | None
    size: int = 1
    height: int = 0


class _Shape:
    """Depth and size of a YAML stream, with each alias counted as what it stands for."""

    def __init__(self) -> None:
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[int, int]] = {}
        self._total = 0

    def begin(self, anchor: str | None) -> str:
        """A list or mapping begins; what is wrong with it, if anything."""
        self._open.append(_Open(anchor))
        return self._judge(1, 0)

    def end(self) -> None:
        """The innermost list or mapping ends."""
        done = self._open.pop()
        if done.anchor:
            self._anchors[done.anchor] = (done.size, done.height)
        self._grow(done.size, done.height)

    def scalar(self, anchor: str | None) -> str:
        """A scalar."""
        if anchor:
            self._anchors[anchor] = (1, 0)
        self._grow(1, 0)
        return self._judge(1, 0)

    def alias(self, anchor: str) -> str:
        """An alias."""
        if any(one.anchor == anchor for one in self._open):
            return f"has an alias to itself (*{clean(anchor, limit=40)})"
        size, height = self._anchors.get(anchor, (1, 0))
        self._grow(size, height)
        return self._judge(size, height)

    def _grow(self, size: int, height: int) -> None:
        if self._open:
            self._open[-1].size += size
            self._open[-1].height = max(self._open[-1].height, height + 1)

    def _judge(self, size: int, height: int) -> str:
        self._total += size
        if len(self._open) + height > DEPTH_LIMIT:
            return f"is nested more than {DEPTH_LIMIT} levels deep"
        return "has aliases that stand for too much" if self._total > EXPANDED_LIMIT else ""


def _check_shape(yaml: Any, loader: Any, data: bytes, where: str, what: str) -> None:
    """Refuse what is deep or endless before anything recursive sees it: the C composer overflows the
    stack."""
    shape, wrong = _Shape(), ""
    for event in yaml.parse(data, Loader=loader):
        if isinstance(event, yaml.ScalarEvent):
            wrong = shape.scalar(event.anchor)
        elif isinstance(event, yaml.CollectionStartEvent):
            wrong = shape.begin(event.anchor)
        elif isinstance(event, yaml.CollectionEndEvent):
            shape.end()
        elif isinstance(event, yaml.AliasEvent):
            wrong = shape.alias(event.anchor)
        if wrong:
            place = f"{where}:{event.start_mark.line + 1}:{event.start_mark.column + 1}"
            raise _problem(place, f"{what} {wrong}", "")


def _problem(where: str, what: str, fix: str) -> UserError:
    return UserError(Problem(where=where, what=what, fix=fix, code="file"))
