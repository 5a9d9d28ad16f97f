"""The kinds of GPU at hand: a short title each, and what is free."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from modelcar_tui.cluster.types import AcceleratorReport
from modelcar_tui.supervisor import RunState
from modelcar_tui.verdict import DecisionReport


class KindAtHand(msgspec.Struct, frozen=True):
    """One kind of GPU."""

    name: str
    """As the verdict calls it: `H100-80GB-HBM3 80 GiB`."""
    title: str
    """Short, and apart from the others: `H100-80`."""
    free: int | None
    units: int

    @property
    def amount(self) -> str:
        """`6 of 16`; `? of 16` where it is not known what is free."""
        return f"{'?' if self.free is None else self.free} of {self.units}" if self.units else ""


def kinds_at_hand(state: RunState) -> tuple[KindAtHand, ...]:
    """All kinds, those that serve most models first; none before there is a verdict."""
    report = state.decision
    names = _names(report) if report is not None else []
    if report is None or not names:
        return ()
    amounts = _amounts(state.cluster) if state.cluster is not None else {}
    return tuple(
        KindAtHand(name, title, *amounts.get(name, (None, 0)))
        for name, title in zip(names, _titles(names), strict=True)
    )


def _names(report: DecisionReport) -> list[str]:
    serves: dict[str, int] = {}
    for model in report.models:
        for kind in model.kinds:
            serves[kind.kind] = serves.get(kind.kind, 0) + (kind.state in ("fits", "tight", "full"))
    return sorted(serves, key=lambda name: -serves[name])


def _amounts(cluster: AcceleratorReport) -> dict[str, tuple[int | None, int]]:
    # The engine has read this by then; no frame waits for it.
    from modelcar_tui.verdict import candidates, kind_name

    found: dict[str, tuple[int | None, int]] = {}
    for kind in candidates(cluster):
        free, units = found.get(kind_name(kind), (0, 0))
        pools = [pool for _, pool in kind.places]
        known = [pool.free for pool in pools if pool.free is not None]
        sure = free is not None and len(known) == len(pools)
        found[kind_name(kind)] = (
            (free or 0) + sum(known) if sure else None,
            units + sum(pool.units for pool in pools),
        )
    return found


def _titles(names: Iterable[str]) -> list[str]:
    """Short titles; a kind whose short one is another's too keeps its whole name."""
    names = list(names)
    short = [_short(name) for name in names]
    return [
        text if short.count(text) == 1 else name.replace(" ", "-").removesuffix("-GiB")
        for text, name in zip(short, names, strict=True)
    ]


def _short(name: str) -> str:
    """`A100-SXM4-80GB 20 GiB` as `A100-20`, `RTX-6000-Ada 48 GiB` as `RTX-6000-48`."""
    product, _, rest = name.partition(" ")
    parts = product.split("-")
    until = next((at for at, part in enumerate(parts, 1) if any(map(str.isdigit, part))), len(parts))
    memory, _, shared = rest.partition(" GiB")
    tail = f"-{memory}" if memory.isdecimal() else f" {rest}" if rest else ""
    return "-".join(parts[:until]) + tail + (f"-{shared.strip()[:6]}" if shared.strip() else "")
