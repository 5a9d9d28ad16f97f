"""What runs already: its own GPUs are free for itself."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from deciding_support import SHORT, cluster_of, h100, model
from kube_support import asks

from modelcar_tui.cluster.limits import NamespaceLimits, Quota
from modelcar_tui.cluster.types import AcceleratorReport, GpuNode, Held, Holder
from modelcar_tui.verdict.candidate import candidates
from modelcar_tui.verdict.deciding import decide_model
from modelcar_tui.verdict.proposing import together
from modelcar_tui.verdict.reports import Holds, ModelRequirements, ModelVerdict, Verdict

GIB = 1024
CHAT = {"name": "chat", "namespace": "prod", "kind": "InferenceService"}


def holder(gpus: int, *, pods: int = 1, **changes: Any) -> Holder:
    told = {**CHAT, "cpu_milli": 4000 * pods, "memory_mib": 16 * GIB * pods, "pods": pods, **changes}
    return Holder(gpus=(("nvidia.com/gpu", gpus),), **told)


def busy(name: str, free: int, *holders: Holder) -> GpuNode:
    """A node with 6 of 8 CPUs taken."""
    held = Held(cpu_milli=6000, memory_mib=40 * GIB, pods=4, holders=holders)
    room = {"arch": "amd64", "cpu_milli": 8000, "memory_mib": 64 * GIB, "ephemeral_mib": 900 * GIB}
    return msgspec.structs.replace(h100(name, 8, free), stated=False, held=held, **room)


def report(*nodes: GpuNode, **limits: Any) -> AcceleratorReport:
    there = NamespaceLimits(**{"namespace": "prod", **limits})
    return msgspec.structs.replace(cluster_of(*nodes), limits=there)


def judged(what: ModelRequirements, seen: AcceleratorReport) -> ModelVerdict:
    return decide_model(what, seen, candidates(seen), "0.19.0")


TWO = (SHORT, "--tensor-parallel-size=2")


def test_its_own_gpus_count_as_free_and_that_is_told() -> None:
    what = asks(*TWO, gpus=2, cpu_milli=4000, **CHAT)
    found = judged(what, report(busy("n", 1, holder(2))))
    assert (found.verdict, found.nodes) == (Verdict.GO, ("n",))
    (told,) = found.conditions
    assert (told.text, told.holds) == ("with its own 2 GPUs counted as free", Holds.YES)
    assert told.settles == "give them back first: a rolling update starts new pods before the old ones go"


def test_where_there_is_room_beside_them_nothing_is_told() -> None:
    found = judged(asks(**CHAT), report(busy("n", 1, holder(2))))
    assert (found.verdict, found.conditions) == (Verdict.GO, ())


@pytest.mark.parametrize(
    "other",
    [{"name": "other"}, {"namespace": "test"}, {"kind": "Deployment"}],
)
def test_those_of_others_do_not(other: dict[str, str]) -> None:
    found = judged(asks(*TWO, gpus=2, **CHAT), report(busy("n", 1, holder(2, **other))))
    assert found.verdict is Verdict.NO_GO


def test_a_file_without_a_namespace_is_of_the_one_that_was_looked_at() -> None:
    what = asks(*TWO, gpus=2, **{**CHAT, "namespace": ""})
    assert judged(what, report(busy("n", 1, holder(2)))).verdict is Verdict.GO
    unknown = cluster_of(busy("n", 1, holder(2)))
    assert judged(what, unknown).verdict is Verdict.NO_GO


def test_a_model_car_has_no_object_of_its_own_yet() -> None:
    what = model(*TWO, gpus=2)
    what = msgspec.structs.replace(what, car=msgspec.structs.replace(what.car, name="chat", kind="model-car"))
    assert judged(what, report(busy("n", 1, holder(2, kind="model-car")))).verdict is Verdict.NO_GO


def test_more_than_its_own_and_what_is_free_is_still_too_much() -> None:
    what = asks(*TWO, gpus=2, copies=3, **CHAT)
    found = judged(what, report(busy("n", 1, holder(4, pods=2))))
    assert (found.verdict, found.conditions) == (Verdict.NO_GO, ())


def test_its_replicas_stay_on_all_their_nodes() -> None:
    what = asks(*TWO, gpus=2, copies=2, **CHAT)
    found = judged(what, report(busy("a", 0, holder(2)), busy("b", 0, holder(2))))
    assert found.verdict is Verdict.GO
    assert found.conditions[0].text == "with its own 4 GPUs counted as free"


def test_what_a_quota_has_counted_is_not_counted_again() -> None:
    gpus = "requests.nvidia.com/gpu"
    full = {"quotas": (Quota(name="q", hard={gpus: 2}, used={gpus: 2}),)}
    what = asks(*TWO, gpus=2, **CHAT)
    assert judged(what, report(busy("n", 4, holder(2)), **full)).verdict is Verdict.GO
    assert judged(what, report(busy("n", 4), **full)).verdict is Verdict.NO_GO
    two = asks(*TWO, gpus=2, copies=2, **CHAT)
    assert judged(two, report(busy("n", 4, holder(2)), **full)).verdict is Verdict.NO_GO


def test_all_of_a_file_run_together_in_the_place_of_those_that_run() -> None:
    models = (asks(*TWO, gpus=2, **CHAT), asks(**{**CHAT, "name": "small"}))
    seen = report(busy("n", 1, holder(2)))
    verdicts = tuple(judged(one, seen) for one in models)
    assert {one.verdict for one in verdicts} == {Verdict.GO}
    placement = together(models, verdicts, candidates(seen), seen, vllm="0.19.0")
    assert placement is not None
    assert placement.all_together
