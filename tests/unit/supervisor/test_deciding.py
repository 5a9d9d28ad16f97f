"""The verdict on one model and on all, from what was found out: the table that an operator bets on."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from deciding_support import SHORT, decide, h100, model, node, t4

from modelcar_tui.cluster.types import Check, GpuNode, Guarantee, State
from modelcar_tui.core.errors import Problem
from modelcar_tui.core.facts import Fact, Source
from modelcar_tui.verdict.deciding import overall
from modelcar_tui.verdict.reports import ModelRequirements, ModelVerdict, Verdict

CUT = Problem(what="the list of nodes was cut short", fix="run again", code="cut")


@pytest.mark.parametrize(
    ("what", "nodes", "verdict", "says"),
    [
        (model(SHORT), (h100(),), Verdict.GO, "are left for the KV cache"),
        (model(SHORT), (t4(),), Verdict.NO_GO, "the weights need 14.99 GiB and 14.21 GiB are free"),
        (model(SHORT), (t4(), h100()), Verdict.GO, "are left for the KV cache"),
        (model(SHORT, gpus=2), (t4(),), Verdict.GO, "are left for the KV cache"),
        (
            model(SHORT, gpus=8),
            (h100(units=4),),
            Verdict.NO_GO,
            "8 GPUs on one node; the largest has 4 x H100",
        ),
        (model(SHORT, gpus=8), (h100("a", 4), h100("b", 4)), Verdict.NO_GO, "wants 8 GPUs on one node"),
        (
            model(SHORT, gpus=4),
            (h100("a", 8, 2), h100("b", 8, 3)),
            Verdict.NO_GO,
            "4 free now (at most 3 of 8",
        ),
        (model(SHORT, gpus=4), (h100("a", 8, 2), h100("b", 8, 4)), Verdict.GO, "are left for the KV cache"),
        (model(SHORT, gpus=3), (h100(),), Verdict.NO_GO, "32 attention heads can't be shared by 3 GPUs"),
        (
            model("--max-model-len=200000"),
            (h100(),),
            Verdict.NO_GO,
            "is more than the model's 131072 positions",
        ),
        (model(), (node("l", "L4", 1, mem=23034, cc="8.9"),), Verdict.NO_GO, "one request of 131072 tokens"),
        (model(SHORT, config=None), (h100(),), Verdict.UNKNOWN, "there is no config.json"),
        (model(SHORT), (node("x", "NOTHING-9000", 8),), Verdict.UNKNOWN, "not"),
        (model(SHORT), (), Verdict.NO_GO, "no node offers a GPU"),
        (model(SHORT), (h100(usable=False),), Verdict.NO_GO, "no usable GPU: h is out (cordoned)"),
        (model(SHORT), (h100(units=0),), Verdict.NO_GO, "no node offers a GPU"),
    ],
)
def test_the_verdict_on_one_model(
    what: ModelRequirements, nodes: tuple[GpuNode, ...], verdict: Verdict, says: str
) -> None:
    found = decide(what, *nodes)
    assert found.verdict is verdict, found.why
    assert says in found.why
    assert found.settle or verdict is not Verdict.UNKNOWN


def test_free_units_that_nobody_could_count_are_said() -> None:
    found = decide(model(SHORT), h100(free=None))
    assert found.verdict is Verdict.GO
    assert "free GPUs are unknown: pods could not be listed" in found.warnings
    mixed = decide(model(SHORT, gpus=4), h100("a", 8, 2), h100("b", 8, None))
    assert mixed.verdict is Verdict.GO
    assert "free GPUs are unknown: pods could not be listed" in mixed.warnings


def test_a_slice_has_its_own_memory_and_not_its_cards() -> None:
    mig = h100(guarantee=Guarantee.HARD_SLICE, resource="nvidia.com/mig-1g.10gb")
    mig = msgspec.structs.replace(mig, pool=(msgspec.structs.replace(mig.pool[0], mem_mib=9984),))
    assert decide(model(SHORT), mig).verdict is Verdict.NO_GO
    nameless = msgspec.structs.replace(mig, pool=(msgspec.structs.replace(mig.pool[0], mem_mib=None),))
    assert decide(model(SHORT), nameless).verdict is Verdict.UNKNOWN


def test_time_sliced_units_are_a_go_with_its_condition() -> None:
    found = decide(model(SHORT, gpus=2), h100(guarantee=Guarantee.NONE))
    assert found.verdict is Verdict.GO
    assert any("only while no neighbour" in text for text in found.warnings)
    assert any("may be the same card" in text for text in found.warnings)


def test_a_node_where_it_would_fail_is_named() -> None:
    found = decide(model(SHORT), t4(), h100())
    assert found.runs_on == ("H100-80GB-HBM3 80 GiB",)
    assert any("does not run on Tesla-T4: pin it to H100" in text for text in found.warnings)
    assert not decide(model(SHORT), t4(free=0), h100()).warnings


def test_a_taint_that_keeps_the_pod_away_from_every_node_is_said() -> None:
    taint = {"taints": ("nvidia.com/gpu:NoSchedule",)}
    tainted = [msgspec.structs.replace(h100(name), **taint) for name in ("a", "b")]
    assert any(
        "tainted (nvidia.com/gpu:NoSchedule)" in text for text in decide(model(SHORT), *tainted).warnings
    )
    assert not decide(model(SHORT), *tainted, h100("c")).warnings
    full = h100("c", free=0)
    assert any("tainted" in text for text in decide(model(SHORT), *tainted, full).warnings)


def test_a_cluster_that_could_not_be_looked_at_is_unknown_and_never_without_gpus() -> None:
    problem = Problem(what="you may not list nodes", fix="oc adm policy ...")
    found = decide(model(SHORT), known=False, problems=(problem,))
    assert found.verdict is Verdict.UNKNOWN
    assert (found.why, found.settle) == ("the GPUs are unknown: you may not list nodes", "oc adm policy ...")


@pytest.mark.parametrize("nodes", [(t4(),), (), (h100(free=0),), (h100(usable=False),)])
def test_a_no_go_needs_all_nodes(nodes: tuple[GpuNode, ...]) -> None:
    """The node that was not read may be the one that serves it."""
    whole = decide(model(SHORT), *nodes)
    cut = decide(model(SHORT), *nodes, partial=True, problems=(CUT,))
    assert (whole.verdict, cut.verdict) == (Verdict.NO_GO, Verdict.UNKNOWN)
    assert whole.why in cut.why
    assert cut.settle == "read all nodes (the list of nodes was cut short): run again"


def test_a_cut_list_changes_neither_a_go_nor_what_no_gpu_can_help() -> None:
    assert decide(model(SHORT), h100(), partial=True, problems=(CUT,)).verdict is Verdict.GO
    too_long = model("--max-model-len=200000")
    assert decide(too_long, h100(), t4(), partial=True, problems=(CUT,)).verdict is Verdict.NO_GO


def test_pods_that_could_not_all_be_read_leave_the_nodes_complete() -> None:
    problem = Problem(what="not all pods could be read", code="no-pods")
    assert decide(model(SHORT), t4(), partial=True, problems=(problem,)).verdict is Verdict.NO_GO


def test_what_would_settle_an_unknown_fits_its_reason() -> None:
    guess: dict[str, Fact[Any]] = {
        "parameters": Fact(value=8_030_000_000, source=Source.NAME),
        "bits": Fact(value=4, source=Source.NAME),
        "quantization_name": Fact(value="w4a16", source=Source.NAME),
    }
    long = decide(model(config=None, **guess), h100())
    assert long.settle.startswith("give --max-model-len, or make the image readable")
    short = decide(model(SHORT, config=None, **guess), node("l", "L4", 1, mem=23034, cc="8.9"))
    assert short.verdict is Verdict.GO
    draft = '--speculative-config={"model":"x/y","num_speculative_tokens":3}'
    assert "only a start of vLLM" in decide(model(SHORT, draft), h100()).settle
    assert "--gpu PRODUCT:COUNT" in decide(model(SHORT), node("x", "NOTHING-9000", 8)).settle
    # The sampler of 0.16 takes 3 GiB more than that of the newest release.
    tight = model("--max-model-len=131072", "--gpu-memory-utilization=0.45")
    near = decide(tight, h100(), vllm=None)
    assert "it depends on the vLLM version" in near.why
    assert near.settle == "state the release that will serve it: --vllm VERSION"
    assert {decide(tight, h100(), vllm=release).verdict for release in ("0.16.0", "0.19.0")} == {
        Verdict.NO_GO,
        Verdict.GO,
    }


def test_the_manifest_is_as_good_as_its_worst_model_and_its_cluster() -> None:
    go, no, maybe = (
        ModelVerdict(model=name, verdict=verdict, comparison="", why=f"because of {name}")
        for name, verdict in (("a", Verdict.GO), ("b", Verdict.NO_GO), ("c", Verdict.UNKNOWN))
    )
    assert overall((go,))[0] is Verdict.GO
    assert overall((go, maybe)) == (Verdict.UNKNOWN, "1 of 2 models UNKNOWN: c (because of c)")
    assert overall((go, maybe, no)) == (Verdict.NO_GO, "1 of 3 models NO-GO: b (because of b)")
    blocked = Check(code="x", state=State.BLOCKED, what="model-cars are off", fix="switch them on")
    assert overall((go,), (blocked,)) == (Verdict.NO_GO, "model-cars are off; switch them on")
    assert overall((go,), (msgspec.structs.replace(blocked, state=State.WARNING),))[0] is Verdict.GO
