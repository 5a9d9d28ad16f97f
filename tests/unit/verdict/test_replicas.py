"""Replicas and their pods: all want a place at the same time."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from deciding_support import SHORT, cluster_of, decide, h100, node, t4
from kube_support import asks

from modelcar_tui.cluster.types import AcceleratorReport, GpuNode, Held
from modelcar_tui.verdict.candidate import candidates
from modelcar_tui.verdict.deciding import decide_model
from modelcar_tui.verdict.proposing import copies, together, together_line
from modelcar_tui.verdict.reports import ModelRequirements, ModelVerdict, Verdict

RELEASE, GIB = "0.19.0", 1024


def a100(name: str, free: int) -> GpuNode:
    return node(name, "A100-SXM4-80GB", 8, free, mem=81920, cc="8.0")


def read(name: str, free: int | None = 8, **changes: Any) -> GpuNode:
    room: dict[str, Any] = {
        "stated": False,
        "arch": "amd64",
        "cpu_milli": 64_000,
        "memory_mib": 512 * GIB,
        "ephemeral_mib": 900 * GIB,
        "held": Held(),
    }
    return msgspec.structs.replace(h100(name, 8, free), **{**room, **changes})


@pytest.mark.parametrize(
    ("replicas", "free", "verdict"),
    [
        (3, (1, 2), Verdict.GO),
        (3, (3,), Verdict.GO),
        (3, (1, 1), Verdict.NO_GO),
        (3, (0, 0), Verdict.NO_GO),
        (0, (1,), Verdict.GO),
        (0, (0,), Verdict.NO_GO),
    ],
)
def test_a_go_needs_a_place_for_each(replicas: int, free: tuple[int, ...], verdict: Verdict) -> None:
    nodes = [h100(f"n{number}", 8, each) for number, each in enumerate(free)]
    assert decide(asks(copies=replicas), *nodes).verdict is verdict


def test_how_many_have_one_is_told_and_what_would_help() -> None:
    found = decide(asks(SHORT, "--tensor-parallel-size=4", gpus=4, copies=4), h100("a", 8), h100("b", 8, 3))
    assert found.why == "it would fit on H100-80GB-HBM3, but 2 of 4 replicas have a place"
    assert found.settle == "fewer replicas, or 1 more node with 8 free H100-80GB-HBM3"
    assert found.nodes == ()
    one = decide(asks(copies=2), h100("a", 8, 1))
    assert one.why.endswith("but 1 of 2 replicas has a place")
    assert one.settle == "fewer replicas, or 1 more node with 1 free H100-80GB-HBM3"


def test_where_none_has_one_what_bars_the_nodes_is_told() -> None:
    found = decide(asks(copies=2), h100("a", 8, 0))
    assert found.why == (
        "it would fit on H100-80GB-HBM3, but no node has 1 free now "
        "(at most 0 of 8; the others are requested by pods)"
    )


def test_pods_of_one_replica_land_on_several_nodes_or_share_one() -> None:
    sizes = (SHORT, "--tensor-parallel-size=8")
    what = asks(*sizes, gpus=8, pods=2)
    assert decide(what, h100("a"), h100("b")).verdict is Verdict.GO
    assert decide(what, h100("a", 16)).verdict is Verdict.GO
    found = decide(what, h100("a"), h100("b", 8, 7))
    assert found.verdict is Verdict.NO_GO
    assert found.why.endswith("but 1 of 2 pods of a replica has a place")
    assert found.settle == "1 more node with 8 free H100-80GB-HBM3"
    twice = decide(asks(*sizes, gpus=8, pods=2, copies=2), h100("a"), h100("b"), h100("c"))
    assert twice.why.endswith("but 1 of 2 replicas (2 pods each) has a place")


def test_pods_of_one_replica_are_of_one_kind() -> None:
    what = asks(SHORT, "--tensor-parallel-size=8", gpus=8, pods=2)
    found = decide(what, h100("a"), a100("b", 8))
    assert (found.verdict, found.runs_on) == (Verdict.NO_GO, ())


def test_replicas_may_be_of_several_kinds() -> None:
    what = asks(copies=3)
    found = decide(what, h100("a", 8, 2), a100("b", 1))
    assert found.verdict is Verdict.GO
    kinds = ("H100-80GB-HBM3 80 GiB", "A100-SXM4-80GB 80 GiB")
    assert found.runs_on == kinds
    assert found.conditions[0].text == f"with its replicas on {' and '.join(kinds)}"
    assert decide(what, h100("a", 8, 1), a100("b", 1)).verdict is Verdict.NO_GO
    short = decide(asks(SHORT, "--kv-cache-dtype=fp8", copies=2), h100("a", 8, 1), t4("t", 4))
    assert short.verdict is Verdict.NO_GO


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({"cpu_milli": 7_999}, Verdict.NO_GO),
        ({"cpu_milli": 8_000}, Verdict.GO),
        ({"memory_mib": 31 * GIB}, Verdict.NO_GO),
        ({"most_pods": 1}, Verdict.NO_GO),
        ({"most_pods": 2}, Verdict.GO),
        ({"held": Held(cpu_milli=57_000)}, Verdict.NO_GO),
    ],
)
def test_the_rest_of_a_node_counts_for_each_of_its_pods(change: dict[str, Any], verdict: Verdict) -> None:
    what = asks(copies=2, cpu_milli=4000, memory_mib=16 * GIB)
    assert decide(what, read("a", **change)).verdict is verdict


def test_a_place_that_is_not_sure_leaves_it_open() -> None:
    found = decide(asks(copies=3), read("a", 2), read("b", 8, taints=("x:NoSchedule",)))
    assert found.verdict is Verdict.UNKNOWN
    assert "but 2 of 3 replicas have a place for sure: b is tainted (x:NoSchedule)" in found.why
    assert found.conditions[0].text == "if its pod tolerates x:NoSchedule"
    none = decide(asks(copies=3), read("b", 8, taints=("x:NoSchedule",)))
    assert "but b is tainted (x:NoSchedule)" in none.why
    few = decide(asks(copies=12), read("a", 2), read("b", 8, taints=("x:NoSchedule",)))
    assert few.verdict is Verdict.NO_GO
    assert decide(asks(copies=2), read("a", None)).verdict is Verdict.UNKNOWN


def test_many_alike_doubtful_nodes_are_all_counted() -> None:
    nodes = [read(f"n{number}", 1, taints=("x:NoSchedule",)) for number in range(20)]
    assert decide(asks(copies=15), *nodes).verdict is Verdict.UNKNOWN
    assert decide(asks(copies=21), *nodes).verdict is Verdict.NO_GO


def test_one_that_is_stopped_is_judged_as_one_and_says_so() -> None:
    found = decide(asks(copies=0), h100())
    assert found.warnings == ("it is stopped (no replica is asked for): judged as one replica",)
    assert decide(asks(), h100()).warnings == ()


def all_at_once(
    models: tuple[ModelRequirements, ...], *nodes: GpuNode
) -> tuple[AcceleratorReport, tuple[ModelVerdict, ...]]:
    report = cluster_of(*nodes)
    return report, tuple(decide_model(one, report, candidates(report), RELEASE) for one in models)


def test_what_stands_in_one_file_wants_its_places_together() -> None:
    models = (asks(name="a", copies=2), asks(name="b", copies=2))
    report, verdicts = all_at_once(models, h100("n", 8, 3))
    assert {one.verdict for one in verdicts} == {Verdict.GO}
    placement = together(models, verdicts, candidates(report), report, vllm=RELEASE)
    assert placement is not None
    assert sorted(one.model for one in placement.placed) == ["a", "a", "b"]
    assert together_line(placement, changed=False) == "together only 3 of 4 pods fit on the free GPUs"
    assert (
        placement.missing == ("H100-80GB-HBM3 80 GiB: 1 more node with 1 free, for b (none is free)",)
        or "for b" in placement.missing[0]
    )


def test_replicas_of_one_model_alone_are_no_matter_of_together() -> None:
    models = (asks(copies=2),)
    report, verdicts = all_at_once(models, h100("n", 8, 3))
    placement = together(models, verdicts, candidates(report), report, vllm=RELEASE)
    assert placement is not None
    assert len(placement.placed) == 2
    assert together_line(placement, changed=False) == ""


def test_pods_of_one_replica_are_placed_on_one_kind_together() -> None:
    sizes = (SHORT, "--tensor-parallel-size=8")
    models = (asks(*sizes, gpus=8, pods=2, name="wide"), asks(name="small"))
    report, verdicts = all_at_once(models, h100("a"), h100("b"), a100("c", 8))
    placement = together(models, verdicts, candidates(report), report, vllm=RELEASE)
    assert placement is not None
    assert placement.all_together
    assert {one.kind for one in placement.placed if one.model == "wide"} == {"H100-80GB-HBM3 80 GiB"}
    assert together_line(placement, changed=False) == "together they fit (3 of 3 pods)"


def test_how_many_replicas_there_is_room_for_counts_all_their_pods() -> None:
    sizes = (SHORT, "--tensor-parallel-size=4")
    models = (asks(*sizes, gpus=4, pods=2),)
    report, verdicts = all_at_once(models, h100("a"), h100("b", 8, 5))
    assert copies(models, verdicts, candidates(report), report, vllm=RELEASE) == {"m": 1}
