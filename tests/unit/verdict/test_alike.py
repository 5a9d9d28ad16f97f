"""Nodes in groups: what the best of a group is refused, every one of it is."""

from __future__ import annotations

from typing import Any

import msgspec
from deciding_support import h100
from hypothesis import given, settings
from hypothesis import strategies as st

from modelcar_tui.cluster.fits import FitAnswer, PodShape, may_run
from modelcar_tui.cluster.types import GpuNode, Guarantee, Held, Pool
from modelcar_tui.verdict.alike import Place, alike

GIB = 1024


def place(name: str, free: int | None = 8, guarantee: Guarantee = Guarantee.EXCLUSIVE, **more: Any) -> Place:
    node: GpuNode = msgspec.structs.replace(h100(name, 8, free, guarantee=guarantee), stated=False, **more)
    return node, node.pool[0]


def names(*places: Place) -> list[list[str]]:
    return [[node.name for node, _ in group.members] for group in alike(places)]


def test_amounts_alone_keep_nodes_together_and_everything_else_tells_them_apart() -> None:
    rich, poor = place("a", cpu_milli=9, held=Held()), place("b", 1, cpu_milli=1, held=Held(pods=3))
    assert names(rich, poor) == [["a", "b"]]
    tainted = place("c", cpu_milli=9, held=Held(), taints=("t:NoSchedule",))
    unknown = place("d", None, cpu_milli=9, held=Held())
    silent = place("e", held=Held())
    labelled = place("f", cpu_milli=9, held=Held(), labels={"zone": "a"})
    assert names(rich, tainted, unknown, silent, labelled, poor) == [["a", "b"], ["c"], ["d"], ["e"], ["f"]]
    shares = [place(name, free, Guarantee.NONE) for name, free in (("g", 8), ("h", 7))]
    assert names(*shares) == [["g"], ["h"]]
    assert names() == []


def test_the_best_has_the_most_of_each_amount_that_one_has_left() -> None:
    one = place("a", 2, cpu_milli=16_000, memory_mib=64, held=Held(cpu_milli=15_000), most_pods=10)
    other = place("b", 5, cpu_milli=8_000, memory_mib=32, held=Held(memory_mib=8, pods=4), most_pods=10)
    (group,) = alike([one, other])
    node, pool = group.best
    assert (node.cpu_milli, node.memory_mib, node.most_pods, node.held) == (8_000, 64, 10, Held())
    assert (pool.free, pool.units) == (5, 8)
    (spent,) = alike([place(name, cpu_milli=0, held=Held(), storage_mib=0) for name in ("c", "d")])
    assert (spent.best[0].cpu_milli, spent.best[0].storage_mib) == (0, 0)


_PLACES = st.lists(
    st.builds(
        dict,
        free=st.sampled_from([None, 0, 2, 8]),
        guarantee=st.sampled_from([Guarantee.EXCLUSIVE, Guarantee.NONE, Guarantee.HARD_SHARE]),
        cpu_milli=st.sampled_from([None, 0, 2_000, 16_000]),
        memory_mib=st.sampled_from([0, 15 * GIB, 64 * GIB]),
        ephemeral_mib=st.sampled_from([None, 10 * GIB, 30 * GIB, 99 * GIB]),
        most_pods=st.sampled_from([1, 250]),
        held=st.sampled_from([None, Held(), Held(cpu_milli=1_000, memory_mib=GIB, pods=1)]),
        physical=st.sampled_from([None, 1, 8]),
        taints=st.sampled_from([(), ("t:NoSchedule",)]),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=300, deadline=None)
@given(_PLACES, st.sampled_from([1, 2, 8]), st.sampled_from([None, 20 * GIB]))
def test_what_the_best_is_refused_every_one_is(
    made: list[dict[str, Any]], units: int, image: int | None
) -> None:
    places: list[tuple[GpuNode, Pool]] = [place(f"n{number}", **one) for number, one in enumerate(made)]
    pod = PodShape(units=units, processes=units, image_mib=image)
    groups = alike(places)
    assert sorted(node.name for group in groups for node, _ in group.members) == sorted(
        node.name for node, _ in places
    )
    for group in groups:
        if may_run(pod, *group.best).answer is FitAnswer.NO:
            assert all(may_run(pod, *one).answer is FitAnswer.NO for one in group.members), group
