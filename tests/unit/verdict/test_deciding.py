"""The verdict on one model and on all, from what was found out: the table that an operator bets on."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from deciding_support import LLAMA_8B, SHORT, cluster_of, decide, h100, model, node, t4

from modelcar_tui.cluster.types import Check, GpuNode, Guarantee, PullSecrets, State
from modelcar_tui.core.errors import Problem
from modelcar_tui.core.facts import Fact, Source
from modelcar_tui.image.types import ImageFacts
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.verdict.deciding import overall, preflight
from modelcar_tui.verdict.reports import Holds, ModelRequirements, ModelVerdict, Verdict
from modelcar_tui.vllm.readings import readings

CUT = Problem(what="the list of nodes was cut short", fix="run again", code="cut")


@pytest.mark.parametrize(
    ("what", "nodes", "verdict", "says"),
    [
        (model(SHORT), (h100(),), Verdict.GO, "are left for the KV cache"),
        (model(SHORT), (t4(),), Verdict.NO_GO, "the weights need 14.99 GiB and Tesla-T4 has 14.56 GiB"),
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
            model(SHORT, gpus=8),
            (node("n", "L40S", 4, mem=46068, guarantee=Guarantee.NONE),),
            Verdict.NO_GO,
            "8 GPUs on one node; the largest has 4 shares of L40S 45 GiB time-sliced",
        ),
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


def test_free_units_that_nobody_could_count_leave_a_go_unknown() -> None:
    found = decide(model(SHORT), h100(free=None))
    assert found.verdict is Verdict.UNKNOWN
    assert [(one.text, one.holds) for one in found.conditions] == [
        ("if 1 H100-80GB-HBM3 is free", Holds.UNKNOWN)
    ]
    assert "list pods" in found.settle
    mixed = decide(model(SHORT, gpus=4), h100("a", 8, 2), h100("b", 8, None))
    assert [one.text for one in mixed.conditions] == ["if 4 H100-80GB-HBM3 are free"]
    assert decide(model(SHORT), h100("a", 8, 2), h100("b", 8, None)).verdict is Verdict.GO


def test_a_slice_has_its_own_memory_and_not_its_cards() -> None:
    mig = h100(guarantee=Guarantee.HARD_SLICE, resource="nvidia.com/mig-1g.10gb")
    mig = msgspec.structs.replace(mig, pool=(msgspec.structs.replace(mig.pool[0], mem_mib=9984),))
    assert decide(model(SHORT), mig).verdict is Verdict.NO_GO
    nameless = msgspec.structs.replace(mig, pool=(msgspec.structs.replace(mig.pool[0], mem_mib=None),))
    assert decide(model(SHORT), nameless).verdict is Verdict.UNKNOWN


def test_time_sliced_units_are_cards_only_as_far_as_somebody_counted_them() -> None:
    shared = h100(guarantee=Guarantee.NONE)
    unknown = decide(model(SHORT, gpus=2), shared)
    assert unknown.verdict is Verdict.UNKNOWN
    assert [one.text for one in unknown.conditions] == ["if its 2 shares are of 2 cards"]
    assert any("only while no neighbour" in text for text in unknown.warnings)
    one_card = msgspec.structs.replace(shared, physical=1)
    assert decide(model(SHORT, gpus=2), one_card).verdict is Verdict.NO_GO
    assert decide(model(SHORT), one_card).verdict is Verdict.GO
    neighbour = msgspec.structs.replace(h100(guarantee=Guarantee.NONE, free=7), physical=1)
    assert decide(model(SHORT), neighbour).verdict is Verdict.UNKNOWN


def test_a_node_where_it_would_fail_is_named() -> None:
    found = decide(model(SHORT), t4(), h100())
    assert found.runs_on == ("H100-80GB-HBM3 80 GiB",)
    assert _pinned(found)
    assert not decide(model(SHORT), t4(free=0), h100()).conditions


def test_a_taint_that_keeps_the_pod_away_from_every_node_is_a_condition() -> None:
    taint = {"taints": ("nvidia.com/gpu:NoSchedule",)}
    tainted = [msgspec.structs.replace(h100(name), **taint) for name in ("a", "b")]
    found = decide(model(SHORT), *tainted)
    assert found.verdict is Verdict.UNKNOWN
    assert [one.text for one in found.conditions] == ["if its pod tolerates nvidia.com/gpu:NoSchedule"]
    assert decide(model(SHORT), *tainted, h100("c")).verdict is Verdict.GO
    assert decide(model(SHORT), *tainted, h100("c", free=0)).verdict is Verdict.UNKNOWN


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


@pytest.mark.parametrize("cc", ["8.9", "8.0"])
def test_the_reason_of_a_guess_tells_the_range_that_its_figure_has(cc: str) -> None:
    guess: dict[str, Fact[Any]] = {
        "parameters": Fact(value=70_000_000_000, source=Source.NAME),
        "bits": Fact(value=16, source=Source.NAME),
    }
    told = decide(
        model(SHORT, config=None, **guess), node("l", "L40S", 4, mem=46068, cc=cc), h100(), vllm=None
    )
    need = told.needed_gib
    assert need.low is not None and need.high is not None
    assert f"{need.low:.0f} to {need.high:.0f} GiB" in told.why


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


def l40s(name: str = "l", units: int = 4, free: int | None = -1, **more: Any) -> GpuNode:
    return node(name, "L40S", units, free, mem=46068, cc="8.9", **more)


def sliced(amount: int, **more: Any) -> GpuNode:
    return h100(units=amount, guarantee=Guarantee.HARD_SLICE, resource="nvidia.com/mig-7g.80gb", **more)


# Which kind is told.


def test_a_go_with_a_warning_is_better_than_an_unknown_without_one() -> None:
    found = decide(model(SHORT), node("x", "NOTHING-9000", 8, mem=81559), h100(guarantee=Guarantee.NONE))
    assert (found.verdict, found.product) == (Verdict.GO, "H100-80GB-HBM3")


def test_an_unknown_with_a_warning_is_better_than_a_no_go_without_one() -> None:
    doubtful = node("x", "NOTHING-9000", 8, mem=81559, guarantee=Guarantee.NONE)
    for nodes in ((t4(), doubtful), (doubtful, t4())):
        found = decide(model(SHORT), *nodes)
        assert (found.verdict, found.product) == (Verdict.UNKNOWN, "NOTHING-9000")
        assert found.warnings


def test_of_two_kinds_the_one_with_fewer_warnings_is_told_and_then_the_one_with_more_free() -> None:
    plain = decide(model(SHORT), h100(units=8, guarantee=Guarantee.NONE), l40s(units=1))
    assert plain.product == "L40S"
    free = decide(model(SHORT), l40s(units=8, free=2), h100(units=8, free=6))
    assert free.product == "H100-80GB-HBM3"
    nearly = decide(model(SHORT, gpus=2), l40s(free=0), h100(free=1))
    assert (nearly.verdict, nearly.product) == (Verdict.NO_GO, "H100-80GB-HBM3")
    equal = decide(model(SHORT), l40s(units=8, free=2), h100(units=8, free=2))
    assert equal.product == "L40S"
    assert equal.runs_on == ("L40S 45 GiB", "H100-80GB-HBM3 80 GiB")


def test_what_the_lint_asks_for_is_measured_against_the_kind_that_is_told() -> None:
    """Eight ranks: the H100 node has eight GPUs, the one with L40S has four."""
    what = model(SHORT, "--tensor-parallel-size=8")
    assert decide(what, l40s(free=2), h100(), vllm="0.19.1").settle == "set gpu_count 8"
    assert decide(what, h100(free=2), l40s(), vllm="0.19.1").settle == "write --tensor-parallel-size=1"


def test_at_most_ten_nodes_are_named() -> None:
    found = decide(model(SHORT), *(h100(f"n{number:02}") for number in range(12)))
    assert found.nodes == tuple(f"n{number:02}" for number in range(10))


def test_a_verdict_without_a_count_is_about_one_gpu() -> None:
    assert ModelVerdict(model="m", verdict=Verdict.GO, comparison="", why="").gpus == 1


# What no other GPU would change.


@pytest.mark.parametrize(
    ("what", "release"),
    [
        (model(SHORT, gpus=3), "0.19.0"),
        (model(SHORT, config={**LLAMA_8B, "architectures": ["GptOssForCausalLM"]}), "0.9.2"),
    ],
)
def test_what_stops_a_model_on_every_gpu_is_no_go_though_not_all_nodes_were_read(
    what: ModelRequirements, release: str
) -> None:
    assert decide(what, h100(), t4(), vllm=release, partial=True, problems=(CUT,)).verdict is Verdict.NO_GO


def test_a_problem_without_a_remedy_is_tried_again() -> None:
    bare = Problem(what="the list of nodes was cut short", code="cut")
    found = decide(model(SHORT), t4(), partial=True, problems=(bare,))
    assert found.settle == "read all nodes (the list of nodes was cut short): run again"
    other = msgspec.structs.replace(CUT, fix="ask for the right to list nodes")
    found = decide(model(SHORT), t4(), partial=True, problems=(other,))
    assert found.settle == "read all nodes (the list of nodes was cut short): ask for the right to list nodes"
    assert decide(model(SHORT), t4(), partial=False, problems=(CUT,)).verdict is Verdict.NO_GO


# Nodes on which it would land and fail.


@pytest.mark.parametrize(
    ("stray", "told"),
    [
        (t4(units=1), True),
        (t4(units=4, free=1), True),
        (t4(units=4, free=0), False),
        (t4(units=1, free=None), True),
        (t4(units=4, resource="nvidia.com/gpu.shared"), False),
    ],
)
def test_a_pod_may_land_where_its_units_are_free_under_the_same_name(stray: GpuNode, told: bool) -> None:
    found = decide(model(SHORT), stray, h100())
    assert found.verdict is Verdict.GO
    assert _pinned(found) is told


def _pinned(found: ModelVerdict) -> bool:
    """Whether the GO is one on the H100 only, because a pod may also land on a T4."""
    only = [one for one in found.conditions if one.text == "on H100-80GB-HBM3 only"]
    return any(
        one.holds is Holds.YES and "does not run on Tesla-T4: pin it to H100" in one.settles for one in only
    )


def test_a_pod_of_many_units_does_not_land_on_a_smaller_node() -> None:
    large = {**LLAMA_8B, "hidden_size": 8192, "num_hidden_layers": 80, "num_attention_heads": 64}
    what = model(SHORT, gpus=4, config={**large, "intermediate_size": 28672})
    for stray, told in ((t4(units=3, free=None), False), (t4(units=4, free=None), True), (t4(units=4), True)):
        found = decide(what, stray, h100())
        assert found.verdict is Verdict.GO
        assert _pinned(found) is told


# Warnings and words.


def test_a_release_that_nobody_read_is_a_warning() -> None:
    newest = readings().read[-1]
    warning = (
        f"vLLM 0.90.0 is newer than all that was read, {newest} stands in: what it changed is not known here"
    )
    assert decide(model(SHORT), h100(), vllm="0.90.0").warnings == (warning,)
    assert decide(model(SHORT), h100(), vllm="0.33.0").warnings == ()


def test_units_that_are_no_whole_cards_are_asked_what_they_are() -> None:
    said = "GPUs are time-sliced: this holds only while no neighbour uses the memory"
    shared = h100(guarantee=Guarantee.NONE)
    assert decide(model(SHORT), sliced(2)).warnings == ()
    assert decide(model(SHORT, gpus=2), h100()).warnings == ()
    alone = decide(model(SHORT), shared)
    assert (alone.verdict, alone.warnings) == (Verdict.GO, (said,))
    both = decide(model(SHORT, gpus=2), shared)
    assert (both.verdict, both.warnings) == (Verdict.UNKNOWN, (said,))
    (slices,) = (node.pool[0] for node in (sliced(2),))
    cut = msgspec.structs.replace(sliced(2), pool=(msgspec.structs.replace(slices, mig_profile="1g.10gb"),))
    assert decide(model(SHORT, gpus=2), cut).verdict is Verdict.NO_GO


@pytest.mark.parametrize(
    ("count", "shown"),
    [(1, "t0"), (3, "t0, t1, t2"), (4, "t0, t1, t2 and 1 more"), (6, "t0, t1, t2 and 3 more")],
)
def test_the_first_three_taints_are_told_and_the_others_counted(count: int, shown: str) -> None:
    taints = tuple(f"t{number}" for number in range(count))
    tainted = msgspec.structs.replace(h100(), taints=taints)
    found = decide(model(SHORT), tainted, msgspec.structs.replace(h100("i"), taints=taints[:1]))
    assert found.verdict is Verdict.UNKNOWN
    assert [one.text for one in found.conditions] == [f"if its pod tolerates {shown}"]
    assert f"h is tainted ({shown}):" in found.why


def test_a_node_has_room_with_just_as_many_units_as_are_wanted() -> None:
    tainted = msgspec.structs.replace(h100("a"), taints=("t:NoSchedule",))
    for free, verdict in ((2, Verdict.GO), (1, Verdict.UNKNOWN), (None, Verdict.UNKNOWN)):
        assert decide(model(SHORT, gpus=2), tainted, h100("b", 2, free)).verdict is verdict
    other = h100("b", resource="nvidia.com/gpu.shared")
    assert "tainted" in decide(model(SHORT), tainted, t4(free=0)).why
    assert decide(model(SHORT), tainted, other).verdict is Verdict.GO


@pytest.mark.parametrize(
    ("what", "release", "text"),
    [
        (model(SHORT), "0.19.0", "model 19 GiB vs GPU 80 GiB (H100-80GB-HBM3)"),
        (model(SHORT), None, "model ~20 GiB vs GPU 80 GiB (H100-80GB-HBM3)"),
        (model(SHORT, gpus=2), "0.19.0", "model 21 GiB on each of 2 GPUs vs GPU 80 GiB (H100-80GB-HBM3)"),
        (model(SHORT, config=None), "0.19.0", "model unknown vs GPU 80 GiB (H100-80GB-HBM3)"),
    ],
)
def test_what_is_needed_stands_beside_what_is_there(
    what: ModelRequirements, release: str | None, text: str
) -> None:
    assert decide(what, h100(), vllm=release).comparison == text


def test_a_card_of_unknown_memory_is_said_to_be_one() -> None:
    found = decide(model(SHORT), node("x", "NOTHING-9000", 8))
    assert found.comparison.endswith(" vs GPU memory unknown (NOTHING-9000)")


# Without a GPU.


@pytest.mark.parametrize(
    ("out", "told"),
    [
        (0, "no node offers a GPU"),
        (1, "no usable GPU: n0 is out (cordoned)"),
        (2, "no usable GPU: n0 is out (cordoned), and 1 more"),
        (3, "no usable GPU: n0 is out (cordoned), and 2 more"),
    ],
)
def test_the_first_node_that_is_out_is_told_and_the_others_counted(out: int, told: str) -> None:
    nodes = [h100(f"n{number}", usable=False) for number in range(out)]
    assert decide(model(SHORT), *nodes, h100("full", units=0)).why == told


def test_what_the_model_needs_is_told_where_there_is_no_gpu_to_compare_it_with() -> None:
    sized = msgspec.structs.replace(model(SHORT), required_vram_gib=Fact(value=17.2, source=Source.COMPUTED))
    assert decide(sized).comparison == "model 18 GiB vs no GPU"
    assert decide(model(SHORT)).comparison == "model unknown vs no GPU"
    assert decide(sized, known=False).comparison == "model 18 GiB vs GPU unknown"
    unseen = decide(model(SHORT, gpus=2), known=False)
    assert unseen.why == "the GPUs are unknown: the cluster could not be looked at"
    assert (unseen.settle, unseen.gpus) == ("state them: --gpu PRODUCT:COUNT", 2)


# Quantization on the card.


W8A8 = {"num_bits": 8, "type": "int", "strategy": "channel"}
"""As compressed-tensors writes it."""


def test_a_variant_that_runs_is_named_where_this_one_does_not() -> None:
    weights = {"weights": W8A8, "input_activations": {**W8A8, "strategy": "token", "dynamic": True}}
    whole = {"quant_method": "compressed-tensors", "config_groups": {"group_0": weights}}
    what = model(SHORT, config={**LLAMA_8B, "quantization_config": whole})
    image = "oci://registry.redhat.io/rhelai1/modelcar-granite-3-1-8b-instruct-quantized-w8a8:1.5"
    blackwell = node("b", "B200", 8, mem=183359, cc="10.0")
    variant = "; registry.redhat.io/rhelai1/modelcar-granite-3-1-8b-instruct-fp8-dynamic runs on it"
    named = msgspec.structs.replace(what, car=msgspec.structs.replace(what.car, image=image))
    found, other = decide(named, blackwell), decide(what, blackwell)
    assert (found.verdict, other.verdict) == (Verdict.NO_GO, Verdict.NO_GO)
    assert found.why.endswith(variant)
    assert not other.why.endswith("runs on it")
    assert found.why == other.why + variant


def test_a_card_whose_generation_nobody_knows_is_a_doubt() -> None:
    found = decide(model(SHORT), node("x", "NOTHING-9000", 8, mem=81559))
    assert found.verdict is Verdict.UNKNOWN
    assert "no compute capability or generation is known for NOTHING-9000" in found.why
    assert found.settle == "state the GPU by its product label, or the quantization"


def test_what_an_unknown_release_does_not_decide_is_not_settled_by_one() -> None:
    """The estimate is marked by the release that stands in, and yet another thing is unknown."""
    found = decide(model(SHORT, config=None), h100(), vllm=None)
    assert found.verdict is Verdict.UNKNOWN
    assert found.settle == "make the image readable (see the remarks)"


# The whole manifest.


@pytest.mark.parametrize(
    ("count", "shown"),
    [(1, "m0"), (3, "m0, m1, m2"), (4, "m0, m1, m2 and 1 more"), (6, "m0, m1, m2 and 3 more")],
)
def test_the_first_three_models_are_told_and_the_others_counted(count: int, shown: str) -> None:
    models = tuple(
        ModelVerdict(model=f"m{number}", verdict=Verdict.NO_GO, comparison="", why="w")
        for number in range(count)
    )
    good = ModelVerdict(model="g", verdict=Verdict.GO, comparison="", why="")
    assert overall((good, *models)) == (Verdict.NO_GO, f"{count} of {count + 1} models NO-GO: {shown} (w)")


@pytest.mark.parametrize(
    ("count", "told"), [(1, "the model"), (2, "each of the 2 models"), (3, "each of the 3 models")]
)
def test_a_manifest_whose_models_are_all_go_is_go(count: int, told: str) -> None:
    good = ModelVerdict(model="g", verdict=Verdict.GO, comparison="", why="")
    assert overall((good,) * count) == (Verdict.GO, f"{told} can be served as the manifest says")


def test_a_check_without_a_remedy_blocks_in_its_own_words() -> None:
    blocked = Check(code="x", state=State.BLOCKED, what="model-cars are off")
    assert overall((), (blocked,)) == (Verdict.NO_GO, "model-cars are off")


def test_before_serving_the_cluster_the_pull_secrets_and_the_disks_are_looked_at() -> None:
    off = Check(code="switch", state=State.WARNING, what="model-cars are off")
    what = model(SHORT)
    image = ImageFacts(
        reference="oci://quay.io/x/m:1",
        size_bytes=Fact(value=50 * 2**30, source=Source.HEADERS),
        architectures=Fact(value=("amd64",), source=Source.HEADERS),
        model=ModelFacts(),
    )
    large = msgspec.structs.replace(what, image=image)
    nameless = msgspec.structs.replace(
        what, image=msgspec.structs.replace(image, reference="oci://", size_bytes=Fact())
    )
    nodes = msgspec.structs.replace(h100(), ephemeral_mib=10 * 1024, arch="arm64", stated=False)
    report = msgspec.structs.replace(
        cluster_of(nodes),
        checks=(off,),
        pull=PullSecrets(namespace="n", registries=("registry.example.com",)),
    )
    found = preflight((large, nameless), report)
    assert found[0] is off
    assert [check.code for check in found[1:4]] == ["pull-secret", "ephemeral-storage", "architecture"]
    assert "1 image" in found[1].what
    assert "quay.io" in found[1].what
    assert {check.what.partition(":")[0] for check in found[2:]} == {"m"}


LARGE = {
    **LLAMA_8B,
    "hidden_size": 8192,
    "intermediate_size": 28672,
    "num_attention_heads": 64,
    "num_hidden_layers": 80,
}
"""Llama 3.3 70B."""


@pytest.mark.parametrize("free", [None, 4, 0])
def test_what_starts_nowhere_is_compared_with_the_largest_card(free: int | None) -> None:
    """However many smaller ones are free: reason and comparison are about one card, which both name."""
    found = decide(model(SHORT, config=LARGE), t4("t", 8, 8), h100("h", 4, free))
    assert found.verdict is Verdict.NO_GO
    assert found.product == "H100-80GB-HBM3"
    assert "(H100-80GB-HBM3)" in found.comparison
    assert "and H100-80GB-HBM3 has 79." in found.why
