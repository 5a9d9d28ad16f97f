"""The catalog's nearest image of the same model that runs, for when this one can't."""

from __future__ import annotations

from collections.abc import Callable

from modelcar_tui.models import images_of_same_model
from modelcar_tui.models.quantization import schemes_by_id
from modelcar_tui.vllm.quantization.support import Support

_REGISTRY = "registry.redhat.io/"


def nearest(reference: str, scheme: str, judge: Callable[[str], Support]) -> str:
    """The variant of `reference` that runs, closest in size to the one that does not; empty when there is
    none.

    A native variant beats one that works with a cost, then the nearer number of bits, then fewer bits.
    """
    own = _bits(scheme)
    best: tuple[tuple[int, int, int], str] | None = None
    for entry in images_of_same_model(reference):
        support = judge(entry.scheme) if entry.listed and entry.scheme else Support.UNKNOWN
        if entry.scheme == scheme or support not in (Support.NATIVE, Support.AT_A_COST):
            continue
        bits = _bits(entry.scheme)
        rank = (int(support is not Support.NATIVE), abs(bits - own), bits)
        if best is None or rank < best[0]:
            best = (rank, _REGISTRY + entry.repository)
    return best[1] if best else ""


def _bits(scheme: str) -> int:
    known = schemes_by_id().get(scheme)
    return known.bits if known else 16
