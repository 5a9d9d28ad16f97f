"""Whether a text may hold a secret by its shape: asked of every text that is read, so it must cost next to
nothing; `core.masks` looks closely, and is loaded only then."""

from __future__ import annotations

from typing import Final

_NAMES = (
    """passw passphrase passcode pass= pass: pass" pass' pw token secret credential creds key auth cookie"""
)
_HEADERS = "bearer basic negotiate qmvhc jlyxj czwfy qmfza jhc2lj cyxnp"
_ADDRESSES = "@ sig= signature= code= jwt= sid= session= ticket= assertion= hash="
_BEGINNINGS = """-----begin sk- sk_ rk- rk_ hf_ ghp_ gho_ ghu_ ghs_ ghr_ github_pat_ glpat- gldt- glrt- glptt-
glcbt- glsoat- glft- glimt- gloas- glagent- gr1348941 hooks.slack -us sq0csp- nvapi- xox gsk_ xai- npm_ dapi
dckr_ hvs. hvb. hvr. pypi- a3t abia acca akia asia aiza gocspx- ya29. k8s-aws atatt sg. r8_ eyj sha256~"""
_PARTS: Final = " ".join((_NAMES, _HEADERS, _ADDRESSES, _BEGINNINGS)).split()
"""A part, in lower case, of everything that `core.masks` and `core.shapes` know."""


def may_hold_secret(text: str) -> bool:
    """Whether a closer look is worth while."""
    low = text.lower()
    for part in _PARTS:  # a loop is twice as fast as any() here  # noqa: SIM110
        if part in low:
            return True
    return False


def masked_by_shape(text: str) -> str:
    """`text` with a mask for all that has the shape of a secret."""
    if not may_hold_secret(text):
        return text
    from modelcar_tui.core.masks import masked

    return masked(text)
