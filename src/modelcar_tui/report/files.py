"""The forms of a report as a file: which ending stands for which, the bytes, and what is one of ours."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from pathlib import PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelcar_tui.supervisor import RunState

FORMS = ("md", "html", "json", "xml")
"""Markdown, a page, our JSON, JUnit XML."""
_MAKERS = {"md": "markdown", "html": "html_page", "json": "json_report", "xml": "junit"}
"""Names of the room's door."""
_ENDINGS = {".md": "md", ".html": "html", ".htm": "html", ".json": "json", ".xml": "xml"}
_MARKS = {
    "md": re.compile(rb"\n<!-- modelcar-tui report -->\s*\Z"),
    "html": re.compile(rb"<meta\s[^>]*name=[\"']?generator[\"']?\s[^>]*content=[\"']?modelcar-tui\b", re.I),
    "json": re.compile(rb'\A\s*\{\s*"schema":\s*\d+,\s*"tool":\s*"modelcar-tui\b'),
    "xml": re.compile(rb"<property name=\"tool\" value=\"modelcar-tui\b"),
}
"""By which a report of ours is known, whoever made it with which release."""
MOST = 64 * 2**10
"""Bytes at the start, and at the end, of a file in which the mark stands."""


def form_of(name: str) -> str:
    """The form that a file's ending stands for; empty where it stands for none."""
    return _ENDINGS.get(PurePath(name).suffix.lower(), "")


def endings() -> str:
    """All of them, for a line to the operator."""
    return ", ".join(_ENDINGS)


def render(state: RunState, form: str) -> bytes:
    """A run as a file of one of `FORMS`.

    Raises:
        KeyError: it is none of them.
    """
    # By its door, which knows the file of each maker, those within rooms of their own too.
    make: Callable[[RunState], str] = getattr(import_module("modelcar_tui.report"), _MAKERS[form])
    # A lone surrogate, which no UTF-8 holds, is told as a question mark.
    return make(state).encode("utf-8", "replace")


def is_report(head: bytes, tail: bytes, form: str) -> bool:
    """Whether a file of this form is a report of ours.

    Args:
        head: Its first `MOST` bytes.
        tail: Its last ones.
        form: One of `FORMS`.
    """
    return _MARKS[form].search(tail if form == "md" else head) is not None
