"""Puts lists of texts into the operator's settings file, and leaves all else of it as it is written.

The file is its owner's: comments, order and layout stay (tomlkit). What comes out is read back, and is
written only where it holds the list, and all else as before.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from modelcar_tui.core.config_file import MOST, NO_FILE, with_home
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.files import check_owner, open_regular, write_atomic
from modelcar_tui.core.text import reveal

Texts = tuple[str, ...]
Tree = Mapping[str, Any]
Change = Callable[[Tree], Mapping[str, Texts]]
"""Of the file as it stands, as TOML reads it: the lists that are to be in it, by their whole names."""
_TRIES = 3
"""How often a file is read again that another program has written in the meantime."""


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
    """The TOML `text` with the list `name`, and nothing else changed; None where it has no place for one.

    Args:
        text: as it is written.
        name: of the list with its table in front, such as `llm.allowed-hosts`.
        values: all that it is to hold.
    """
    wanted = _set(tomllib.loads(text), name, values)
    if wanted is None:
        return None
    try:
        fresh = _written(text, name, values)
        return fresh if tomllib.loads(fresh) == wanted else None
    except Exception:  # noqa: BLE001 - what tomlkit can't write is left to the operator's own hand
        return None


def _written(text: str, name: str, values: Texts) -> str:
    """The text with the list; one that is there keeps its layout, its comments and the texts that stay."""
    import tomlkit
    from tomlkit.items import Array

    document = tomlkit.parse(text)
    table, _, last = name.rpartition(".")
    if table not in document:
        document.add(table, tomlkit.table())
    held: Any = document[table]
    listed = held.get(last)
    if not isinstance(listed, Array):
        held[last] = list(values)
        return tomlkit.dumps(document)
    for at in reversed(range(len(listed))):
        if listed[at] not in values:
            del listed[at]
    for one in values:
        if one not in listed:
            listed.append(one)
    return tomlkit.dumps(document)


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


def _list(values: Texts) -> str:
    return f"[{', '.join(json.dumps(one, ensure_ascii=False) for one in values)}]"


def _unkept(path: Path, what: str, fix: str = "") -> UserError:
    return UserError(Problem(where=reveal(with_home(str(path))), what=what, fix=fix))
