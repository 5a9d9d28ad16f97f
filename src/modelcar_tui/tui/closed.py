"""What is left of a screen that was closed: nothing.

Textual 8.2 works the colours behind a widget out in a method that keeps its last 1,024 answers by the object
that it is called on, so the painted rows of closed screens stay until a thousand other widgets have come:
tens of MiB. The answer depends on the two colours alone.
"""

from __future__ import annotations

from functools import lru_cache

from textual._styles_cache import StylesCache
from textual.color import Color
from textual.style import Style


@lru_cache(256)
def _behind(base: Color, over: Color) -> tuple[Style, Style]:
    """Inside and outside of a widget."""
    return Style(background=base + over), Style(background=base)


def _inner_outer(_: StylesCache, base: Color, over: Color) -> tuple[Style, Style]:
    return _behind(base, over)


def forget_closed() -> None:
    """Keep the colours by themselves, for all widgets to come."""
    StylesCache.get_inner_outer = _inner_outer  # type: ignore[method-assign,assignment]
