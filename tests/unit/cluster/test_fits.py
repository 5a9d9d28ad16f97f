"""One pod and one node: each filter by hand, and what taking away may never do."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelcar_tui.cluster import fits
from modelcar_tui.cluster.fits import FitAnswer, PodShape, may_run, may_stand, shared_cards, tolerated
from modelcar_tui.cluster.types import GpuNode, Guarantee, Held, Pool
from modelcar_tui.manifest.scheduling import Requirement, Scheduling, Toleration

GIB = 1024
POD = PodShape(units=2, processes=2, image_mib=100 * GIB, architectures=("amd64",))
POOL = Pool(resource="nvidia.com/gpu", units=8, free=4, mem_mib=81559, mem_guarantee=Guarantee.EXCLUSIVE)
NODE = GpuNode(
    name="n",
    vendor="nvidia",
    product="H100-80GB-HBM3",
    arch="amd64",
    physical=8,
    cpu_milli=16_000,
    memory_mib=64 * GIB,
    ephemeral_mib=450 * GIB,
    storage_mib=500 * GIB,
    most_pods=250,
    held=Held(cpu_milli=4_000, memory_mib=4 * GIB, pods=10),
    pool=(POOL,),
)


def answer(node: dict[str, Any] | None = None, pool: dict[str, Any] | None = None, **pod: Any) -> fits.Fit:
    replace = msgspec.structs.replace
    return may_run(replace(POD, **pod), replace(NODE, **(node or {})), replace(POOL, **(pool or {})))


def wants(**scheduling: Any) -> Scheduling:
    return Scheduling(**scheduling)


def test_a_pod_that_every_filter_lets_pass_may_run() -> None:
    assert answer() is fits.YES


@pytest.mark.parametrize(
    ("node", "pool", "pod", "code", "says"),
    [
        ({"usable": False, "why": "disk-pressure"}, {}, {}, "disk-pressure", "short of disk space"),
        ({"usable": False, "why": "leaving"}, {}, {}, "leaving", "about to be taken away"),
        ({"arch": "arm64"}, {}, {}, "architecture", "is arm64, the image is for amd64"),
        ({"cpu_milli": 5_999}, {}, {}, "cpu", "2 of 5.999 CPUs free, the pod asks for 2"),
        ({"held": Held(cpu_milli=14_001)}, {}, {}, "cpu", "as the QA suite's pods do"),
        ({"held": Held(memory_mib=49 * GIB + 1)}, {}, {}, "memory", "the pod asks for 15"),
        ({"held": Held(pods=250)}, {}, {}, "pods", "has 250 pods and may have 250"),
        ({"ephemeral_mib": 99 * GIB}, {}, {}, "storage", "the image has 100.0 GiB"),
        ({}, {"free": 1}, {}, "busy", "has 1 of 8 free, the pod asks for 2"),
        ({}, {"units": 1, "free": 1}, {}, "units", "has 1 in all"),
        ({}, {"mig_profile": "3g.40gb"}, {}, "mig", "can't be split"),
        ({}, {"mem_guarantee": Guarantee.HARD_SHARE}, {"processes": 1}, "mps", "more than one share"),
        ({"physical": 1}, {"mem_guarantee": Guarantee.NONE, "free": 8}, {}, "shares", "8 shares of 1 card"),
        ({}, {"resource": "dra:gpu.nvidia.com", "asked_for": False}, {}, "dra", "extendedResourceName"),
        ({}, {}, {"scheduling": wants(selector=(("pool", "gpu"),))}, "selector", "pool=gpu"),
        ({}, {}, {"scheduling": wants(terms=((Requirement(key="zone", values=("a",)),),))}, "affinity", ""),
    ],
)
def test_what_bars_a_pod_is_told_with_its_numbers(
    node: dict[str, Any], pool: dict[str, Any], pod: dict[str, Any], code: str, says: str
) -> None:
    found = answer(node, pool, **pod)
    assert (found.answer, found.code) == (FitAnswer.NO, code)
    assert says in found.why


@pytest.mark.parametrize(
    ("node", "pool", "pod", "code", "condition"),
    [
        ({}, {"free": None}, {}, "free", "if 2 H100-80GB-HBM3 are free"),
        ({"arch": None}, {}, {}, "architecture", "if the node is amd64"),
        ({"cpu_milli": None}, {}, {}, "cpu", "if 2 CPUs are free"),
        ({"memory_mib": None}, {}, {}, "memory", "if 15 GiB of RAM are free"),
        ({"ephemeral_mib": None}, {}, {}, "storage", "if the node can hold 100 GiB of images"),
        (
            {"ephemeral_mib": 120 * GIB, "storage_mib": 125 * GIB},
            {},
            {},
            "storage",
            "under 85% of its",
        ),
        ({"taints": ("a=b:NoSchedule",)}, {}, {}, "taint", "if its pod tolerates a=b:NoSchedule"),
        ({}, {"asked_for": None}, {}, "dra", "if a DeviceClass serves what the pod asks for"),
        ({}, {"mem_guarantee": Guarantee.NONE, "free": 8}, {}, "shares", "if its 2 shares are of 2 cards"),
        ({}, {"mem_guarantee": Guarantee.NONE}, {"processes": 1}, "neighbour", "leave it the memory"),
    ],
)
def test_what_nobody_knows_is_a_condition_with_what_settles_it(
    node: dict[str, Any], pool: dict[str, Any], pod: dict[str, Any], code: str, condition: str
) -> None:
    found = answer(node, pool, **pod)
    assert (found.answer, found.code) == (FitAnswer.UNKNOWN, code)
    assert condition in found.condition
    assert found.settles


@pytest.mark.parametrize(
    ("storage", "fetched", "condition"),
    [
        (130, False, ""),
        (129, False, "if the node's images stay under 85% of its storage"),
        (129, True, ""),
        (123, True, ""),
        (122, True, "if the node's pods stay under 90% of its storage"),
    ],
)
def test_an_image_that_is_fetched_into_the_pod_has_the_line_of_pods(
    storage: int, fetched: bool, condition: str
) -> None:
    """100 GiB of the model and 10 of the runtime."""
    found = answer({"ephemeral_mib": 120 * GIB, "storage_mib": storage * GIB}, fetched=fetched)
    assert found.condition == condition
    assert found.answer is (FitAnswer.UNKNOWN if condition else FitAnswer.YES)


def test_the_scheduler_puts_a_pod_where_taints_and_amounts_let_it_whatever_its_image() -> None:
    replace = msgspec.structs.replace
    tolerates = wants(tolerations=(Toleration(operator="Exists"),))
    for pod, node, pool, may in (
        (POD, NODE, POOL, True),
        (POD, replace(NODE, ephemeral_mib=1), POOL, True),
        (POD, replace(NODE, taints=("a:NoSchedule",)), POOL, False),
        (replace(POD, scheduling=tolerates), replace(NODE, taints=("a:NoSchedule",)), POOL, True),
        (POD, NODE, replace(POOL, free=None), True),
        (POD, NODE, replace(POOL, free=0), False),
        (POD, replace(NODE, cpu_milli=0), POOL, False),
    ):
        assert fits.may_be_put(pod, node, pool) is may


def test_a_refusal_is_told_before_a_doubt() -> None:
    assert answer({"taints": ("a:NoSchedule",), "held": Held(cpu_milli=16_000)}).code == "cpu"
    assert answer({"taints": ("a:NoSchedule",)}, {"free": 0}).code == "busy"
    assert answer({"taints": ("a:NoSchedule",)}, {"free": None}).code == "taint"


def test_a_node_that_is_only_named_is_asked_for_its_cards_alone() -> None:
    bare = GpuNode(name="what-if-1", vendor="nvidia", stated=True)
    assert may_run(POD, bare, POOL) is fits.YES
    assert may_run(POD, msgspec.structs.replace(bare, stated=False), POOL).answer is FitAnswer.UNKNOWN


def test_whether_units_are_free_is_another_question_than_whether_the_pod_may_stand() -> None:
    full = msgspec.structs.replace(POOL, free=0)
    assert may_stand(POD, NODE, full) is fits.YES
    assert may_run(POD, NODE, full).code == "busy"


@pytest.mark.parametrize(
    ("taint", "toleration", "yes"),
    [
        ("k=v:NoSchedule", {"key": "k", "value": "v"}, True),
        ("k=v:NoSchedule", {"key": "k", "value": "v", "effect": "NoExecute"}, False),
        ("k=v:NoSchedule", {"key": "k"}, False),
        ("k=v:NoSchedule", {"key": "k", "operator": "Exists"}, True),
        ("k:NoSchedule", {"key": "k"}, True),
        ("k:NoSchedule", {"operator": "Exists"}, True),
        ("k:NoSchedule", {"operator": "Equal"}, False),
        ("k:NoSchedule", {"key": "other", "operator": "Exists"}, False),
    ],
)
def test_a_toleration_is_held_against_a_taint_as_the_scheduler_does(
    taint: str, toleration: dict[str, str], yes: bool
) -> None:
    assert tolerated(taint, (Toleration(**toleration),)) is yes
    found = answer({"taints": (taint,)}, scheduling=wants(tolerations=(Toleration(**toleration),)))
    assert found.answer is (FitAnswer.YES if yes else FitAnswer.UNKNOWN)


@pytest.mark.parametrize(
    ("operator", "values", "yes"),
    [
        ("In", ("4", "8"), True),
        ("NotIn", ("8",), False),
        ("NotIn", ("4",), True),
        ("Exists", (), True),
        ("DoesNotExist", (), False),
        ("Gt", ("4",), True),
        ("Gt", ("8",), False),
        ("Lt", ("9",), True),
        ("Lt", ("x",), False),
        ("Like", ("8",), False),
    ],
)
def test_a_requirement_of_a_label_is_met_as_the_scheduler_means_it(
    operator: str, values: tuple[str, ...], yes: bool
) -> None:
    term = (Requirement(key="gpus", operator=operator, values=values),)
    found = answer({"labels": {"gpus": "8"}}, scheduling=wants(terms=(term,)))
    assert (found.answer is FitAnswer.YES) is yes
    either = wants(terms=(term, (Requirement(key="gpus", operator="Exists"),)))
    assert answer({"labels": {"gpus": "8"}}, scheduling=either) is fits.YES


def test_shares_of_time_sliced_cards_are_no_more_than_the_cards() -> None:
    sliced = msgspec.structs.replace(POOL, mem_guarantee=Guarantee.NONE)
    assert shared_cards(NODE, POOL) == 8
    assert shared_cards(msgspec.structs.replace(NODE, physical=2), sliced) == 2
    assert shared_cards(msgspec.structs.replace(NODE, physical=None), sliced) == 1


_ORDER = {FitAnswer.YES: 0, FitAnswer.UNKNOWN: 1, FitAnswer.NO: 2}


@settings(max_examples=300, deadline=None)
@given(
    st.builds(
        dict,
        cpu_milli=st.integers(0, 40_000),
        memory_mib=st.integers(0, 99 * GIB),
        ephemeral_mib=st.integers(0, 300 * GIB),
        physical=st.integers(1, 8),
        taints=st.sampled_from([(), ("a:NoSchedule",)]),
    ),
    st.builds(
        dict,
        units=st.integers(1, 8),
        free=st.integers(0, 8),
        mem_guarantee=st.sampled_from([Guarantee.EXCLUSIVE, Guarantee.NONE, Guarantee.HARD_SHARE]),
    ),
    st.integers(1, 4),
)
def test_less_of_anything_never_makes_the_answer_better(
    node: dict[str, Any], pool: dict[str, Any], units: int
) -> None:
    before = _ORDER[answer(node, pool, units=units, processes=units).answer]
    for name in ("cpu_milli", "memory_mib", "ephemeral_mib"):
        less = answer({**node, name: node[name] // 2}, pool, units=units, processes=units)
        assert _ORDER[less.answer] >= before, (name, less)
        unknown = answer({**node, name: None}, pool, units=units, processes=units)
        assert before == 0 or unknown.answer is not FitAnswer.YES, (name, unknown)
    worse = [
        ({**node, "taints": (*node["taints"], "b:NoSchedule")}, pool),
        (node, {**pool, "free": pool["free"] // 2}),
        ({**node, "usable": False, "why": "cordoned"}, pool),
        ({**node, "held": Held(cpu_milli=8_000, memory_mib=8 * GIB, pods=11)}, pool),
    ]
    for changed in worse:
        assert _ORDER[answer(*changed, units=units, processes=units).answer] >= before, changed
