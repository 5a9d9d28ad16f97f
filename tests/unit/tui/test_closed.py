"""A screen that was closed keeps nothing: neither itself nor what was painted of it."""

from __future__ import annotations

import gc
import weakref

from textual._styles_cache import StylesCache
from textual.color import Color
from textual.style import Style

from modelcar_tui.tui.closed import forget_closed


def test_the_colours_behind_a_widget_keep_no_widget() -> None:
    forget_closed()
    cache = StylesCache()
    base, over = Color(10, 20, 30), Color(200, 0, 0, 0.5)
    assert cache.get_inner_outer(base, over) == (Style(background=base + over), Style(background=base))
    seen = weakref.ref(cache)
    del cache
    gc.collect()
    assert seen() is None
