"""Puts lists of texts into the operator's settings file, and leaves all else of it as it is written.

The file is its owner's: comments, order and layout stay. Each way to write a list is tried on the text and
read back; only one that changes nothing else is taken, and where none does nothing is written.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from modelcar_tui.core.config_file import MOST, NO_FILE, lines_of, with_home
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.files import check_owner, open_regular, write_atomic
from modelcar_tui.core.text import reveal

Texts = tuple[str, ...]
Tree = Mapping[str, Any]
Change = Callable[[Tree], Mapping[str, Texts]]
"""Of the file as it stands, as TOML reads it: the lists that are to be in it, by their whole names."""
_TRIES = 3
"""How often a file is read again that another program has written in the meantime."""
_MOST_LINES = 500
"""Of one list."""


class _MeanwhileError(Exception):
    """Somebody else has written the file."""


def edit_texts(path: Path, change: Change) -> None:
    """Write what `change` wants into the settings file, atomically; a file that is not there is made.

    Args:
        path: of the file; behind a link the file itself is written.
        change: see `Change`; called again where the file was written in the meantime.

    Raises:
        UserError: it can't be read or written, is another user's, is no TOML, or has no place for the list
            that leaves the rest alone. The file is as it was.
    """
    if str(path) == NO_FILE:
        raise _unkept(
            path, "no settings file is used here", "unset MODELCAR_TUI_CONFIG, or name a file with it"
        )
    try:
        for _ in range(_TRIES):
            try:
                return _edited(Path(os.path.realpath(path)), change)
            except _MeanwhileError:
                continue
    except OSError as error:
        raise _unkept(path, f"can't be written: {(error.strerror or 'no reason told').lower()}") from None
    raise _unkept(path, "another program writes it all the time", "try again")


def with_texts(text: str, name: str, values: Texts) -> str | None:
    """The TOML `text` with the list `name`, and nothing else changed; None where no way to write it does so.

    Args:
        text: as it is written.
        name: of the list with its table in front, such as `llm.allowed-hosts`.
        values: all that it is to hold.
    """
    tree = tomllib.loads(text)
    wanted = _set(deepcopy(tree), name, values)
    if wanted is None or wanted == tree:
        return text if wanted is not None else None
    for form in _forms(text, name, values):
        try:
            if tomllib.loads(form) == wanted:
                return form
        except (tomllib.TOMLDecodeError, RecursionError):
            continue
    return None


def _edited(path: Path, change: Change) -> None:
    before = _read(path)
    data = before or b""
    text = data.decode("utf-8-sig")
    for name, values in _wanted(path, text, change).items():
        fresh = with_texts(text, name, values)
        if fresh is None:
            told = f"{name} = {_list(values)}"
            raise _unkept(path, "there is no place for a line that leaves the rest alone", f"write: {told}")
        text = fresh
    written = (b"\xef\xbb\xbf" if data.startswith(b"\xef\xbb\xbf") else b"") + text.encode()
    if written == data:
        return
    if len(written) > MOST:
        raise _unkept(path, f"would be larger than {MOST // 1024} KiB")
    if before is None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)

    def last_look() -> None:
        if _read(path) != before:
            raise _MeanwhileError

    try:
        write_atomic(path, written, new=before is None, last_look=last_look)
    except FileExistsError:
        raise _MeanwhileError from None


def _wanted(path: Path, text: str, change: Change) -> Mapping[str, Texts]:
    try:
        return change(tomllib.loads(text))
    except (ValueError, RecursionError):
        raise _unkept(path, "not TOML", "`agent config --check` says where") from None


def _read(path: Path) -> bytes | None:
    """What stands there; None for nothing.

    Raises:
        OSError: it can't be read, or belongs to another user.
        UserError: it is too large, or no UTF-8.
    """
    try:
        handle = open_regular(path)
    except FileNotFoundError:
        return None
    with os.fdopen(handle, "rb") as file:
        check_owner(path)
        data = file.read(MOST + 1)
    if len(data) > MOST:
        raise _unkept(path, f"larger than {MOST // 1024} KiB")
    try:
        data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _unkept(path, "not UTF-8") from None
    return data


def _set(tree: dict[str, Any], name: str, values: Texts) -> dict[str, Any] | None:
    """The tree with the list in it; None where its table is no table."""
    *tables, last = name.split(".")
    inner = tree
    for table in tables:
        inner = inner.setdefault(table, {})
        if not isinstance(inner, dict):
            return None
    inner[last] = list(values)
    return tree


def _forms(text: str, name: str, values: Texts) -> Iterator[str]:
    """Ways to write it, the one that changes least first."""
    lines, end = text.splitlines(keepends=True), "\r\n" if "\r\n" in text else "\n"
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += end
    table, _, last = name.rpartition(".")
    at = lines_of(text)
    if name in at:
        first = at[name] - 1
        until = _until(lines, first)
        before, held, after = "".join(lines[:first]), "".join(lines[first:until]), "".join(lines[until:])
        yield from (f"{before}{form}{after}" for form in _in_place(held, values, end))
    new = f"{last} = {_list(values)}{end}"
    if table in at:
        yield "".join((*lines[: at[table]], new, *lines[at[table] :]))
        dotted = [line for line in range(len(lines)) if re.match(rf"\s*{re.escape(table)}\s*\.", lines[line])]
        for line in reversed(dotted):
            yield "".join((*lines[: line + 1], f"{table}.{new}", *lines[line + 1 :]))
    yield "".join((*lines, *([end] if lines else []), f"[{table}]{end}", new))


def _until(lines: list[str], first: int) -> int:
    """The line behind the value that begins on `first`."""
    for until in range(first + 1, min(len(lines), first + _MOST_LINES) + 1):
        try:
            tomllib.loads("".join(lines[first:until]))
        except tomllib.TOMLDecodeError:
            continue
        return until
    return first + 1


def _in_place(held: str, values: Texts, end: str) -> Iterator[str]:
    """A list as it is written with other values: first with its layout and comments, else on one line."""
    key, _, _ = held.partition("=")
    try:
        (told,) = _leaves(tomllib.loads(held))
    except ValueError:  # no TOML by itself, or more than one value
        told = None
    old = [one for one in told if isinstance(one, str)] if isinstance(told, list) else []
    text = held
    for gone in [one for one in old if one not in values]:
        text = _without(text, gone)
    fresh = ", ".join(json.dumps(one, ensure_ascii=False) for one in values if one not in old)
    if not fresh:
        yield text
    for bracket in [one.start() for one in re.finditer("]", text)][::-1]:
        inner = text[:bracket].rstrip()
        gap = text[len(inner) : bracket]
        for lead in (" ",) if inner.endswith(",") else (", ", ""):
            yield f"{inner}{lead}{fresh}{gap}{text[bracket:]}"
            yield f"{inner}{gap}{lead}{fresh}{text[bracket:]}"
    yield f"{key.rstrip()} = {_list(values)}{end}"


def _without(text: str, gone: str) -> str:
    """A list as it is written, less one text and a comma."""
    quoted = rf"([\"']){re.escape(gone)}\1"
    for form in (rf"\s*,[ \t]*{quoted}", rf"{quoted}\s*,[ \t]*", quoted):
        if found := re.search(form, text):
            return text[: found.start()] + text[found.end() :]
    return text


def _leaves(tree: Any) -> list[Any]:
    return [leaf for held in tree.values() for leaf in _leaves(held)] if isinstance(tree, dict) else [tree]


def _list(values: Texts) -> str:
    return f"[{', '.join(json.dumps(one, ensure_ascii=False) for one in values)}]"


def _unkept(path: Path, what: str, fix: str = "") -> UserError:
    return UserError(Problem(where=reveal(with_home(str(path))), what=what, fix=fix))
