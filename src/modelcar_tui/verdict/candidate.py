"""The kinds of GPU that a cluster offers: one `Gpu` for each kind of pool, asked by verdict and proposals."""

from __future__ import annotations

from functools import lru_cache

import msgspec

from modelcar_tui.cluster.types import AcceleratorReport, GpuNode, Guarantee, Pool, Runtime
from modelcar_tui.core.facts import Fact
from modelcar_tui.hardware import Gpu, gpu_for, served
from modelcar_tui.verdict.alike import Alike, Place, alike


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of unit that the nodes offer, and where."""

    gpu: Gpu
    pool: Pool
    nodes: tuple[GpuNode, ...]
    """Usable nodes with this kind, most free units first."""
    places: tuple[Place, ...]
    """The same nodes, each with its pool of the kind."""
    groups: tuple[Alike, ...]
    """The same places, by what else tells them apart."""
    most: int
    """Units on the largest node."""
    most_free: int | None
    """Free units on the emptiest node; None when free is unknown."""


def candidates(report: AcceleratorReport) -> tuple[Candidate, ...]:
    """The kinds of GPU at hand: usable nodes with at least one unit, grouped by product and memory."""
    groups: dict[tuple[object, ...], list[tuple[GpuNode, Pool]]] = {}
    for node in report.inventory.nodes:
        for pool in node.pool:
            if node.usable and pool.units > 0 and not _beside(node, pool, report.runtime):
                key = (*_known(node, pool), pool.resource, pool.mem_mib, pool.mig_profile, pool.mem_guarantee)
                groups.setdefault(key, []).append((node, pool))
    return tuple(_candidate(members) for members in groups.values())


def _candidate(members: list[tuple[GpuNode, Pool]]) -> Candidate:
    members = sorted(members, key=lambda member: (member[1].free is None, -(member[1].free or 0)))
    node, pool = members[0]
    free = [member[1].free for member in members]
    known = [count for count in free if count is not None]
    most = max(member[1].units for member in members)
    gpu = gpu_of(node, pool, count=max(_at_once(*member) for member in members))
    return Candidate(
        gpu=gpu,
        pool=pool,
        nodes=tuple(node for node, _ in members),
        most=most,
        most_free=max(known) if len(known) == len(free) else None,
        places=tuple(members),
        groups=alike(members),
    )


def _at_once(node: GpuNode, pool: Pool) -> int:
    """Units that one server may be split over: shares of one card are no more than that card."""
    cards = node.card(pool).physical
    return min(pool.units, cards) if pool.beside_neighbours and cards else pool.units


def gpu_of(node: GpuNode, pool: Pool, *, count: int) -> Gpu:
    """One unit of a pool as vLLM meets it: its card or MIG slice, its memory, what neighbours leave of it.

    Args:
        count: units that tensor parallelism may use at most.
    """
    vendor, product, capability = _known(node, pool)
    shared = pool.mem_guarantee is not Guarantee.EXCLUSIVE
    return _gpu(vendor, product, capability, pool.mig_profile, pool.mem_mib, shared, count)


@lru_cache(maxsize=1024)
def _gpu(
    vendor: str,
    product: str | None,
    capability: str | None,
    mig_profile: str | None,
    mem_mib: int | None,
    shared: bool,
    count: int,
) -> Gpu:
    name = product or vendor
    unit = f"{name}-MIG-{mig_profile}" if mig_profile else name
    gpu = gpu_for(unit, memory_mib=mem_mib, count=count)
    if not mem_mib and shared:
        missing: Fact[float] = Fact(note="the memory of what a pod gets of it is not known", unit="GiB")
        gpu = msgspec.structs.replace(gpu, memory_gib=missing, visible_gib=missing)
    return msgspec.structs.replace(
        gpu,
        product=name,
        profile=mig_profile or "",
        vendor=vendor,
        compute_capability=capability or gpu.compute_capability,
    )


def _beside(node: GpuNode, pool: Pool, runtime: Runtime | None) -> bool:
    """Whether units are of built-in graphics, or the like, beside cards that OpenShift AI serves: no pod of
    its runtimes asks for them. An image of the operator's own may."""
    own = runtime is not None and not runtime.accelerator
    return node.vllm_runtime and not own and not served(node.card(pool).vendor)


def _known(node: GpuNode, pool: Pool) -> tuple[str, str | None, str | None]:
    """Vendor, product and compute capability of a pool's cards."""
    card = node.card(pool)
    return card.vendor, card.product, card.cc


def kind_name(kind: Candidate) -> str:
    """`H100-80GB-HBM3 80 GiB`: tells the kinds of one inventory apart."""
    memory = f" {kind.pool.mem_mib / 1024:.0f} GiB" if kind.pool.mem_mib else ""
    words = {Guarantee.NONE: " time-sliced", Guarantee.HARD_SHARE: " shared"}
    shared = words.get(kind.pool.mem_guarantee, "")
    if shared and kind.pool.resource.startswith("dra:"):
        shared = " shared"
    return f"{kind.gpu.product}{memory}{shared}"
