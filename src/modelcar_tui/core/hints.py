"""Whether a text may hold a secret by its shape: asked of every text that is read, so it must cost next to
nothing; `core.masks` looks closely, and is loaded only then."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from modelcar_tui.core.any_of import any_of

_NAMES = (
    """passw passphrase passcode pass= pass: pass" pass' pw token secret credential creds key auth cookie"""
)
_HEADERS = "bearer basic negotiate qmvhc jlyxj czwfy qmfza jhc2lj cyxnp"
_PLACES = "login curl @ sig= signature= code= jwt= sid= session= ticket= assertion= hash="
_BEGINNINGS = """-----begin sk- sk_ rk- rk_ hf_ ghp_ gho_ ghu_ ghs_ ghr_ github_pat_ glpat- gldt- glrt- glptt-
glcbt- glsoat- glft- glimt- gloas- glagent- gr1348941 hooks.slack -us sq0csp- nvapi- xox gsk_ xai- npm_ dapi
dckr_ hvs. hvb. hvr. pypi- a3t abia acca akia asia aiza gocspx- ya29. k8s-aws atatt sg. r8_ eyj sha256~"""
_PARTS: Final = " ".join((_NAMES, _HEADERS, _PLACES, _BEGINNINGS)).split()
"""A part, in lower case, of everything that `core.masks` and `core.shapes` know."""


_FEW = 200


class _AnyOf:
    """Whether a text holds one of some words. Compiled once it pays: the first frame has few texts, a log a
    million."""

    def __init__(self, words: Iterable[str]) -> None:
        self._words = tuple(dict.fromkeys(words))
        self._left = _FEW
        self._pattern: re.Pattern[str] | None = None

    def __call__(self, text: str) -> bool:
        low = text.lower()
        if self._pattern is None:
            if self._left > 0:
                self._left -= 1
                return any(word in low for word in self._words)
            self._pattern = re.compile(any_of({word.encode() for word in self._words}).decode())
        return self._pattern.search(low) is not None


may_hold_secret = _AnyOf(_PARTS)
"""Whether a closer look at a text is worth while."""
may_begin_secret = _AnyOf(_BEGINNINGS.split())
"""Whether one of the beginnings that issuers give their tokens may stand in a text."""
