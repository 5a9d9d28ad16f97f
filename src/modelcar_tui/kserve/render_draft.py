"""An object that grows field by field, with the reason of what was chosen, and its YAML.

Values are written by PyYAML alone, with everything beyond ASCII escaped. A comment stands on lines of its own
above its field; that the comments change nothing is proven by reading the text again.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from typing import Any, TypeAlias

import yaml

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.numbers import holds_mask
from modelcar_tui.core.text import reveal

Path: TypeAlias = tuple[str | int, ...]
_WIDTH = 100
"""Cells of a comment with what it is indented by."""
_LEAST = 40
_PLAIN = re.compile(r"(?:--?)?[A-Za-z/][\w./:=@-]*", re.ASCII)
"""What no reader of YAML, 1.1 or 1.2, takes for anything but this text..."""
_WORDS = frozenset(["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"])
"""... but for these."""


class Draft:
    """One object of Kubernetes in the making, or a manifest."""

    def __init__(self, api_version: str = "", kind: str = "") -> None:
        self.object: dict[str, Any] = {"apiVersion": api_version, "kind": kind} if kind else {}
        self.comments: dict[Path, str] = {}

    def put(self, path: str | Path, value: Any, why: str = "") -> None:
        """Set a field, and the reason of its value.

        Args:
            path: keys with dots between them, or as they are where a key holds one.
            value: plain data; None, and what is empty, leaves the field out.
            why: one sentence; empty for what the operator said.
        """
        if value is None or value in ((), [], {}, ""):
            return
        keys = tuple(path.split(".")) if isinstance(path, str) else path
        place: Any = self.object
        for key in keys[:-1]:
            place = place[key] if isinstance(key, int) else place.setdefault(key, {})
        place[keys[-1]] = list(value) if isinstance(value, tuple) else value
        if why:
            self.comments[keys] = why

    def has(self, path: Path) -> bool:
        """Whether the field is there."""
        place: Any = self.object
        for key in path:
            if isinstance(key, int):
                there = isinstance(place, list) and key < len(place)
            else:
                there = isinstance(place, dict) and key in place
            if not there:
                return False
            place = place[key]
        return True

    def tell(self, path: Path, why: str) -> None:
        """Say something of a field besides what is said of it; of what is not there, above what would hold
        it."""
        while not self.has(path):
            path = path[:-1]
        told = self.comments.get(path, "")
        self.comments[path] = f"{told}; {why}" if told else why

    @property
    def title(self) -> str:
        """`InferenceService granite-3-1-8b-instruct`."""
        name = self.object.get("metadata", {}).get("name", "")
        return f"{self.object.get('kind', 'manifest')} {name}".strip()

    def text(self) -> str:
        """Its YAML.

        Raises:
            UserError: a value holds the mask of a secret, so it is not known.
        """
        for path, value in _texts(self.object, ()):
            if holds_mask(value):
                raise UserError(_masked(self.title, path, value))
        plain: str = yaml.dump(
            self.object,
            Dumper=_Dumper,
            sort_keys=False,
            width=float("inf"),
            allow_unicode=False,
            default_flow_style=False,
        )
        told = _with_comments(plain, self.comments)
        if yaml.safe_load(told) != self.object:
            raise AssertionError(f"{self.title} is not read as it was written")
        return told


class _Dumper(yaml.SafeDumper):
    """Block style without aliases; a text that could be taken for something else stands in quotes."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style: str | None = '"'
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS and not value.endswith(":"):
        style = None
    elif '"' in value and value.isascii() and value.isprintable():
        style = "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Every text of an object with its place, keys included."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield (*path, key), key
            yield from _texts(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, (*path, index))
    elif isinstance(value, str):
        yield path, value


def _masked(title: str, path: Path, value: str) -> Problem:
    place = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).lstrip(".")
    what = f"{place} is a secret in clear text ({value}), which is not kept and so can't be rendered"
    fix = "take it from a Secret by an environment variable: $(NAME)"
    if path[-1] in ("storageUri", "uri", "image"):
        fix = "leave the login out, and name the Secret that has it: --pull-secret NAME"
    return Problem(where=title, what=what, fix=fix, code="secret-not-rendered")


def _with_comments(text: str, comments: dict[Path, str]) -> str:
    lines = text.splitlines()
    above: dict[int, list[str]] = {}
    for path, at, column in _places(yaml.compose(text), ()):
        if path in comments:
            above.setdefault(at, []).extend(_comment(comments[path], column))
    out: list[str] = []
    for number, line in enumerate(lines):
        out += above.get(number, [])
        out.append(line)
    return "\n".join(out) + "\n"


def _places(node: Any, path: Path) -> Iterator[tuple[Path, int, int]]:
    """Line and column, from 0, of each field of a document in block style."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield (*path, key.value), key.start_mark.line, key.start_mark.column
            yield from _places(value, (*path, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield (*path, index), value.start_mark.line, max(0, value.start_mark.column - 2)
            yield from _places(value, (*path, index))


def _comment(why: str, column: int) -> list[str]:
    pad = " " * column
    told = textwrap.wrap(plain_line(why), max(_LEAST, _WIDTH - column - 2), break_long_words=False)
    return [f"{pad}# {line}" for line in told]


def plain_line(text: str) -> str:
    """A text on one line, in ASCII: nothing of it hides, ends a comment, or needs another charset."""
    return reveal(text).encode("ascii", "backslashreplace").decode()
