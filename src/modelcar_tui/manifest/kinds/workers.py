"""Workers of a group of pods that are unlike their leader, which alone is compared with the nodes."""

from __future__ import annotations

from collections.abc import Iterator

from modelcar_tui.core.errors import Problem
from modelcar_tui.manifest.kinds.objects import text_below
from modelcar_tui.manifest.kinds.pods import scheduling_of
from modelcar_tui.manifest.limits import shorten
from modelcar_tui.manifest.scheduling import Scheduling
from modelcar_tui.manifest.spans import Node
from modelcar_tui.manifest.telling import Told

CODE = "workers-differ"


def unlike(leader: Scheduling, image: str, pod: Node, container: Node, told: Told) -> Iterator[Problem]:
    """What a worker wants of its node, or brings along, otherwise than the leader.

    Args:
        leader: what its pod asks of its node.
        image: that the leader starts; empty where it is not known.
        pod: the worker's specification.
        container: the worker's that runs vLLM.
        told: for the places.
    """
    own = text_below(container, "image")
    if _stricter(scheduling_of(pod, container), leader):
        what = "a worker asks more of its node than the leader, which alone is compared with the nodes"
        fix = "ask for the same nodes, tolerations and amounts in both"
        yield told.problem(container, what, fix, CODE)
    if image and own and own != image:
        what = f"a worker starts the image {shorten(own, 60)}, the leader {shorten(image, 60)}"
        yield told.problem(container, what, "start one image in both", CODE)


def _stricter(one: Scheduling, leader: Scheduling) -> bool:
    """Whether a node that takes the leader may refuse a pod that asks so."""
    amounts = ((one.cpu_milli, leader.cpu_milli), (one.memory_mib, leader.memory_mib))
    return (
        any((asked or 0) > (known or 0) for asked, known in amounts)
        or not {*one.whole.resources} <= {*leader.whole.resources}
        or not {*leader.tolerations} <= {*one.tolerations}
        or (one.selector, one.terms, one.whole.node) != (leader.selector, leader.terms, leader.whole.node)
    )
