"""Words of the inventory: why a node does not count, what a unit's memory is worth, times and amounts."""

from __future__ import annotations

from datetime import UTC, datetime

from modelcar_tui.cluster.types import Guarantee, ScaleUp
from modelcar_tui.core.counting import several

_WHY = {
    "card-present-but-not-advertised": "a card is present but nothing offers it: driver or device plugin "
    "missing",
    "node-not-ready": "the node is not ready",
    "starting": "the node is still being set up",
    "cordoned": "the node is cordoned",
    "being-deleted": "the node is being deleted",
    "leaving": "the node is about to be taken away",
    "disk-pressure": "the node is short of disk space",
    "pid-pressure": "the node is short of process ids",
    "network-unavailable": "the node's network is not set up",
    "no-healthy-devices": "none of its devices is healthy",
    "other-names-only": "its cards are offered only in another scheduler's measure, which no pod of "
    "vLLM asks for",
    "resource-slices-incomplete": "its newest ResourceSlices are not all there yet",
}
MEMORY_WORTH = {
    Guarantee.EXCLUSIVE: "a whole card",
    Guarantee.HARD_SLICE: "a slice of its own",
    Guarantee.HARD_SHARE: "a fixed share of a card",
    Guarantee.NONE: "the whole card's, shared with the neighbours without a limit",
    Guarantee.UNKNOWN: "what it is worth is not known",
}
"""What the memory of one unit is."""
MEMORY_READ_FROM = {
    "label": "label",
    "product-name": "product name",
    "instance-type": "machine type",
    "model-table": "card table",
    "dra": "ResourceSlice",
    "operator": "operator",
}
"""Where the memory of one unit was read; reads on after "from"."""
_AGES = ((2 * 86400, 86400, "days"), (2 * 3600, 3600, "h"), (120, 60, "min"), (0, 1, "s"))


def why_text(code: str) -> str:
    """A `why` code as a sentence."""
    return _WHY.get(code, code)


def gib(mib: int | None) -> str:
    """MiB as `79.65 GiB`, or `unknown`."""
    return "unknown" if mib is None else f"{mib / 1024:.2f}".rstrip("0").rstrip(".") + " GiB"


def some(names: tuple[str, ...] | list[str], most: int, *, rest: str = "") -> str:
    """`a, b, c and 397 more`, with where the rest is to be found."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more:,} more{rest}" if more > 0 else "")


def scale_text(more: ScaleUp) -> str:
    """`12 x L40S (MachineSet gpu-a)`; how many a node has may be unknown."""
    product = more.product or "GPUs of an unknown kind"
    gpus = more.could_add_gpus
    amount = (
        f"{several(more.could_add_nodes, 'node')} with an unknown number of" if gpus is None else f"{gpus} x"
    )
    return f"{amount} {product} (MachineSet {more.machine_set})"


def stamp(at: float) -> str:
    """Seconds since 1970 as `2026-11-29T22:05:08Z`."""
    return datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def age(at: float, now: float) -> str:
    """`3 s`, `2 min`, `5 h`, `3 days`."""
    seconds = max(0, int(now) - int(at))
    size, word = next((size, word) for least, size, word in _AGES if seconds >= least)
    return f"{seconds // size} {word}"
