"""The files that a browser may ask for: a fixed table, so no path of a request meets the disk."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from modelcar_tui.core.errors import Problem
from modelcar_tui.core.installing import install_libraries

_OURS = Path(__file__).parent / "static"
_TEXT = "; charset=utf-8"
_TABLE = {
    "icon.svg": ("", "icon.svg", "image/svg+xml"),
    "page.css": ("", "page.css", f"text/css{_TEXT}"),
    "run.css": ("", "run.css", f"text/css{_TEXT}"),
    "run.js": ("", "run.js", f"text/javascript{_TEXT}"),
    "xterm.css": ("textual_serve", "css/xterm.css", f"text/css{_TEXT}"),
    "textual.js": ("textual_serve", "js/textual.js", f"text/javascript{_TEXT}"),
    "mono.ttf": ("textual_serve", "fonts/RobotoMono-VariableFont_wght.ttf", "font/ttf"),
    "mono-italic.ttf": ("textual_serve", "fonts/RobotoMono-Italic-VariableFont_wght.ttf", "font/ttf"),
}
"""By the last part of its address: the package (empty: ours), the file under its static/, its type."""


def lacking() -> Problem | None:
    """Why there can be no page: the extra that brings the terminal's own script is not installed."""
    package = _package()
    if package is not None and (package / "js" / "textual.js").is_file():
        return None
    what = "the package textual-serve is not installed"
    return Problem(where="--web", what=what, fix=install_libraries("textual-serve"))


def static_file(name: str) -> tuple[Path, str] | None:
    """Where the file of that name lies, and its type; None where there is none of that name."""
    package, file, kind = _TABLE.get(name, ("", "", ""))
    folder = _package() if package else _OURS
    return (folder / file, kind) if file and folder is not None else None


@cache
def content(path: Path) -> tuple[bytes, str]:
    """A file of the table, and a mark that is another for other bytes."""
    data = path.read_bytes()
    return data, f'W/"{hashlib.sha256(data).hexdigest()[:32]}"'


def _package() -> Path | None:
    found = find_spec("textual_serve")
    return Path(found.origin).parent / "static" if found is not None and found.origin else None
