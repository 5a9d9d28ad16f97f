"""Which shapes of JSON a key of a flag's object takes: each is tried with the release's own classes."""

from __future__ import annotations

import json
import traceback
from argparse import Action
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pydantic

SHAPES: Mapping[str, Any] = {
    "n": None,
    "t": True,
    "1": 1,
    "0": 0,
    "-": -1,
    "h": 1.5,
    "w": 2.0,
    "s": "x",
    "d": "1",
    "y": "true",
    "e": [],
    "i": [1],
    "l": ["x"],
    "o": {},
    "p": {"x": 1},
}
"""One of each, by the letter that stands for it in `json_keys.json`."""
_AUTOMATIC = "auto"
"""A word that some choices take without listing it."""
_AFTERWARDS = "__post_init__"
"""Where a class goes on once its fields are read."""
_NO_KEY = "no_such_key"
Row = dict[str, Any]
Read = Callable[[Any], Any]


def probed(action: Action, kind: type, rows: Iterable[tuple[str, Row]]) -> Iterator[tuple[str, Row]]:
    """The rows of a flag's object, with `takes`: the letters of the shapes that each key takes.

    `choices` keeps those that are taken as written; `case`: in any case; `numbers`: those of -1 to 9
    that are taken, where it is a choice; `strict`: an object that refuses keys which it does not know; the
    object itself is the row of the empty key.
    """
    read = _reader(action, kind)
    yield "", _strict(read, "")
    for key, row in rows:
        more = {"takes": "".join(sign for sign, value in SHAPES.items() if _takes(read, key, value))}
        if "choices" in row:
            more |= _choices(read, key, row["choices"])
        yield key, row | more | (_strict(read, key) if "object" in row["kind"] else {})


def _choices(read: Read, key: str, listed: list[str]) -> Row:
    words = [word for word in listed if _takes(read, key, word)]
    checked = not _takes(read, key, SHAPES["s"])
    if checked and _takes(read, key, _AUTOMATIC):
        words = sorted({*words, _AUTOMATIC})
    numbers = [number for number in range(-1, 10) if _takes(read, key, number)] if checked else []
    told: Row = {"choices": words or ([] if numbers else listed)}
    if checked and words and all(_takes(read, key, word.swapcase()) for word in words):
        told["case"] = True
    return told | ({"numbers": numbers} if numbers else {})


def _strict(read: Read, key: str) -> Row:
    path = f"{key}.{_NO_KEY}" if key else _NO_KEY
    return {} if _takes(read, path, 1) else {"strict": True}


def _takes(read: Read, key: str, value: Any) -> bool:
    for part in reversed(key.split(".")):
        value = {part: value}
    refusal = _refusal(read, value)
    if refusal is None or isinstance(refusal, pydantic.ValidationError):
        first = key.partition(".")[0]
        return refusal is None or not any(_is_about(row, first) for row in refusal.errors())
    return str(refusal) == str(_refusal(read, {}))  # it says so of any object


def _refusal(read: Read, found: dict[str, Any]) -> Exception | None:
    """What is said of the fields; what comes after them is said of the object, beside the model."""
    try:
        read(found)
    except Exception as error:  # noqa: BLE001 - each class refuses in its own way
        if any(frame.name == _AFTERWARDS for frame in traceback.extract_tb(error.__traceback__)):
            return None
        cause = error.__cause__ or error.__context__
        return cause if isinstance(cause, pydantic.ValidationError) else error
    return None


def _is_about(error: Any, key: str) -> bool:
    """Whether it is this key that is refused, not one that is missing beside it."""
    return bool(error["loc"][:1] == (key,) and error["type"] != "missing")


def _reader(action: Action, kind: type) -> Read:
    """What the parser does with the text; for a flag that it takes as any JSON, what the engine does."""
    name = getattr(action.type, "__qualname__", "")
    if name == "CompilationConfig.from_cli":  # a dictionary of Python's
        return lambda found: action.type(repr(found))  # type: ignore[operator,misc]
    if "parse_dataclass" in name or "lambda" in name or name.endswith(("from_json", "from_cli")):
        return lambda found: action.type(json.dumps(found))  # type: ignore[operator,misc]
    return lambda found: kind(**found)
