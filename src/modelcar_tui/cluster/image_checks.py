"""Whether the nodes can take a model's image: storage, architecture, and the time that a cold pull takes."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from modelcar_tui.cluster.fits import LARGER_DISKS, FitAnswer, holds
from modelcar_tui.cluster.types import Check, GpuNode, Inventory, State
from modelcar_tui.core.counting import several

QA_BUDGET_S = 1800.0
"""How long opendatahub-tests waits for an InferenceService to become ready (30 minutes)."""
SECONDS_PER_GB = 33.0
"""Cold start of a model-car for each GB (1e9 bytes) of its image: 14 GB took 363 s, 140 GB 4,603 s."""
FASTEST_SECONDS_PER_GB = 26.0


class ImageNeed(msgspec.Struct, frozen=True, kw_only=True):
    """A model's image as far as nodes are concerned."""

    model: str
    size_bytes: int | None = None
    """Sum of its layers; None when unknown."""
    architectures: tuple[str, ...] | None = None


def check_images(
    images: Sequence[ImageNeed], inventory: Inventory, budget_s: float = QA_BUDGET_S, *, fetched: bool = False
) -> tuple[Check, ...]:
    """The checks of every image against the usable accelerator nodes (all usable nodes where there are
    none).

    Args:
        images: of the models.
        inventory: the nodes.
        budget_s: how long the suite waits for a model, in seconds.
        fetched: whether KServe copies images into the pods' own storage.
    """
    gpu = [node for node in inventory.nodes if node.usable]
    checks: list[Check] = []
    for image in images:
        checks += _storage(image, gpu, fetched=fetched)
        checks += _architecture(image, inventory, gpu)
        checks += _pull(image, budget_s)
    return tuple(checks)


def check_waiting(inventory: Inventory) -> tuple[Check, ...]:
    """Pods that wait for the same units: they may get them first."""
    return tuple(
        Check(
            code="pending-pods",
            state=State.WARNING,
            what=f"{several(one.pods, 'pod waits', 'pods wait')} for {one.units} {one.resource} "
            "and may get them first",
            fix="oc get pods -A --field-selector=status.phase=Pending",
        )
        for one in inventory.waiting
    )


def pull_seconds(size_bytes: int) -> tuple[float, float]:
    """Shortest and longest time to expect until a cold image is there and the model starts to load."""
    return size_bytes / 1e9 * FASTEST_SECONDS_PER_GB, size_bytes / 1e9 * SECONDS_PER_GB


def _storage(image: ImageNeed, nodes: list[GpuNode], *, fetched: bool) -> list[Check]:
    """The answers of `fits.holds`, node by node, in one check."""
    if image.size_bytes is None or all(node.ephemeral_mib is None for node in nodes):
        return []
    size = image.size_bytes // 2**20
    doubts = [(node, fit) for node in nodes if (fit := holds(size, node, fetched=fetched)) is not None]
    small = [(node, fit) for node, fit in doubts if fit.answer is FitAnswer.NO]
    if not doubts:
        return []
    node, fit = (small or doubts)[0]
    count = len(small or doubts)
    state = State.BLOCKED if len(small) == len(nodes) else State.WARNING
    which = f"{count} of {len(nodes)} nodes: {node.name}" if len(nodes) > 1 else node.name
    what = f"{image.model}: {which} {fit.why}"
    return [Check(code="ephemeral-storage", state=state, what=what, fix=LARGER_DISKS)]


def _architecture(image: ImageNeed, inventory: Inventory, nodes: list[GpuNode]) -> list[Check]:
    here = {node.arch for node in nodes} if nodes else {node.arch for node in inventory.others if node.usable}
    if not image.architectures or not here or None in here:
        return []
    names = "/".join(sorted(arch for arch in here if arch))
    offered = "/".join(image.architectures)
    common = here & set(image.architectures)
    if common == here:
        return []
    if common:
        what = f"{image.model}: its image is for {offered} only, some nodes are not ({names})"
        return [Check(code="architecture", state=State.WARNING, what=what)]
    what = f"{image.model}: its image is for {offered}, the nodes are {names}"
    return [
        Check(code="architecture", state=State.BLOCKED, what=what, fix="use an image built for the nodes")
    ]


def _pull(image: ImageNeed, budget_s: float) -> list[Check]:
    if image.size_bytes is None:
        return []
    low, high = pull_seconds(image.size_bytes)
    size = f"{image.size_bytes / 2**30:.1f} GiB"
    fix = "pull the image to the nodes beforehand, or raise the QA timeout"
    pull, waits = f"{image.model}: a cold pull of {size} takes", f"{budget_s / 60:.0f}"
    if low > budget_s:
        what = f"{pull} about {low / 60:.0f} to {high / 60:.0f} min, QA waits {waits}"
    elif high > budget_s * 0.7:
        what = f"{pull} up to {high / 60:.0f} min of the {waits} that QA waits"
    else:
        what = f"{pull} about {max(high / 60, 1):.0f} min"
        return [Check(code="pull-time", state=State.OK, what=what)]
    return [Check(code="pull-time", state=State.WARNING, what=what, fix=fix)]
