"""Which changes are proposed for one model, for which kind of GPU, and whether all models run at once."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from deciding_support import LLAMA_8B, SHORT, cluster_of, h100, model, node, t4

from modelcar_tui.cluster.types import GpuNode
from modelcar_tui.verdict.candidate import candidates
from modelcar_tui.verdict.deciding import decide_model
from modelcar_tui.verdict.placement import Assignment, Placement
from modelcar_tui.verdict.proposing import Proposal, propose_for, together, together_line
from modelcar_tui.verdict.reports import ModelRequirements, ModelVerdict, Verdict

RELEASE = "0.19.1"
SWAP = "--swap-space=4"
LARGE: dict[str, Any] = {
    **LLAMA_8B,
    "hidden_size": 8192,
    "num_hidden_layers": 80,
    "num_attention_heads": 64,
    "intermediate_size": 28672,
}


def l4(units: int = 1, free: int | None = -1) -> GpuNode:
    return node("l", "L4", units, free, mem=23034, cc="8.9")


def proposed(what: ModelRequirements, *nodes: GpuNode, objective: str = "minimal") -> Proposal:
    report = cluster_of(*nodes)
    kinds = candidates(report)
    verdict = decide_model(what, report, kinds, RELEASE)
    return propose_for(what, verdict, kinds, report, vllm=RELEASE, objective=objective)


def required(found: Proposal) -> list[str | None]:
    return [change.new or change.old for change in found.changes if change.severity == "required"]


def test_without_gpus_the_plain_repairs_are_proposed() -> None:
    found = proposed(model(SHORT, SWAP))
    assert (required(found), found.hope) == ([SWAP], "")


def test_a_model_that_runs_is_improved_for_the_gpu_on_which_it_runs() -> None:
    """On the T4 it would need two of them; on the H100 it runs as it is."""
    what = model(SHORT, "--trust-remote-code")
    for nodes in ((t4(), h100()), (h100(), t4())):
        found = proposed(what, *nodes)
        assert [change.old for change in found.changes] == ["--trust-remote-code"]
        assert found.hope == ""


def test_a_go_has_nothing_to_hope_for_even_where_a_change_is_required() -> None:
    what = model(SHORT, SWAP)
    report = cluster_of(h100())
    kinds = candidates(report)
    verdict = ModelVerdict(
        model="m", verdict=Verdict.GO, comparison="", why="", product="H100-80GB-HBM3", runs_on=("x",)
    )
    found = propose_for(what, verdict, kinds, report, vllm=RELEASE, objective="minimal")
    assert (required(found), found.hope) == ([SWAP], "")


@pytest.mark.parametrize(
    ("what", "hope"),
    [
        (model(), "accept: add --max-model-len=32768"),
        (model(SWAP), "accept: add --max-model-len=32768, delete --swap-space=4"),
        (
            model(SWAP, "--foo-bar=1"),
            "accept: add --max-model-len=32768, delete --swap-space=4, delete --foo-bar=1",
        ),
    ],
)
def test_what_would_make_it_run_is_told_with_the_number_of_changes(
    what: ModelRequirements, hope: str
) -> None:
    assert proposed(what, l4()).hope == hope


def test_where_no_change_makes_it_run_what_would_is_told() -> None:
    found = proposed(model(SHORT, config=LARGE), l4())
    assert required(found) == []
    assert found.hope == (
        "the weights need 131.45 GiB and L4 has 22.03 GiB; no arguments make it start on 1 x L4. "
        "What would: 8 x L4 on one node; 1 x NVIDIA-B200"
    )


def test_a_change_that_is_required_and_not_enough_is_no_way_out() -> None:
    found = proposed(model(SHORT, SWAP, config=LARGE), l4())
    assert required(found) == [SWAP]
    assert found.hope.startswith("the weights need")


def test_a_model_that_nobody_can_size_says_why() -> None:
    found = proposed(model(SHORT, config=None), l4())
    assert found.hope == "there is no config.json; the number of parameters is not known"


@pytest.mark.parametrize(
    ("free", "wanted"),
    [
        (4, ["2", "--tensor-parallel-size=2"]),
        (2, ["2", "--tensor-parallel-size=2"]),
        (1, []),
        # None is free now, or nobody knows: what the node has counts.
        (0, ["2", "--tensor-parallel-size=2"]),
        (None, ["2", "--tensor-parallel-size=2"]),
    ],
)
def test_no_more_units_are_proposed_than_are_free_on_one_node(free: int | None, wanted: list[str]) -> None:
    assert required(proposed(model(SHORT), t4(units=4, free=free))) == wanted


def test_the_kind_that_asks_for_the_fewest_changes_is_chosen() -> None:
    """Two changes on the T4, one on the L4."""
    for nodes in ((t4(), l4()), (l4(), t4())):
        assert required(proposed(model(), *nodes)) == ["--max-model-len=32768"]


def test_a_gpu_that_nobody_knows_is_better_than_one_that_can_t_do_and_worse_than_one_that_can() -> None:
    unknown = node("x", "NOTHING-9000", 1)
    for nodes in ((unknown, l4()), (l4(), unknown)):
        found = proposed(model(), *nodes)
        assert found.hope == "accept: add --max-model-len=32768"
    for nodes in ((unknown, t4(units=1)), (t4(units=1), unknown)):
        found = proposed(model(SHORT, SWAP), *nodes)
        assert found.hope.startswith("the memory of this GPU is not known")


def test_improvements_do_not_count_as_required_changes() -> None:
    """The T4 asks for two required changes, the L4 for one and an improvement beside it."""
    what = model("--trust-remote-code")
    for nodes in ((t4(), l4()), (l4(), t4())):
        assert required(proposed(what, *nodes)) == ["--max-model-len=32768"]


def test_what_is_left_to_the_operator_is_told_after_the_changes() -> None:
    found = proposed(model("--api-key hunter2hunter2"), l4())
    hope = "accept: add --max-model-len=32768; and by hand: write --api-key="
    assert found.hope.startswith(hope)


def test_a_change_that_can_t_be_written_leaves_the_hope_as_it_is() -> None:
    """The review says so; here the value has a line break."""
    found = proposed(model("--chat-template", "a\nb"), l4())
    assert found.hope == "accept: add --max-model-len=32768"


# All at once.


def placement_of(*counts: int, nodes: tuple[GpuNode, ...], go: bool = True) -> Placement | None:
    report = cluster_of(*nodes)
    kinds = candidates(report)
    models, verdicts = [], []
    for number, count in enumerate(counts):
        what = model(SHORT, gpus=count)
        car = msgspec.structs.replace(what.car, name=f"m{number}")
        models.append(msgspec.structs.replace(what, car=car))
        verdicts.append(decide_model(models[-1], report, kinds, RELEASE if go else None))
    return together(tuple(models), tuple(verdicts), kinds, report, vllm=RELEASE)


def test_models_that_run_alone_share_what_is_free() -> None:
    both = placement_of(4, 4, nodes=(h100(),))
    assert both is not None
    assert both.all_together
    assert [(made.node, made.kind, made.units) for made in both.placed] == [
        ("h", "H100-80GB-HBM3 80 GiB", 4)
    ] * 2
    third = placement_of(4, 4, 4, nodes=(h100(),))
    assert third is not None
    assert third.unplaced == ("m2",)
    full = placement_of(4, 4, nodes=(h100("a", 8, 4), h100("b", 8, 0)))
    assert full is not None
    assert full.unplaced == ("m1",)
    assert full.missing == (
        "H100-80GB-HBM3 80 GiB: 1 more node with 4 free, for m1 (4 are free, at most 4 on one node)",
    )


def test_a_model_that_does_not_run_alone_takes_no_room() -> None:
    found = placement_of(3, 8, nodes=(h100(),))  # three GPUs can't share 32 heads
    assert found is not None
    assert [made.model for made in found.placed] == ["m1"]
    assert not found.unplaced


def test_a_node_s_other_units_are_none_of_the_kind() -> None:
    whole = h100("a", 2)
    slices = msgspec.structs.replace(whole.pool[0], resource="nvidia.com/mig-7g.80gb", units=4, free=4)
    both = msgspec.structs.replace(whole, pool=(*whole.pool, slices))
    report = cluster_of(both)
    kinds = tuple(kind for kind in candidates(report) if kind.pool.resource == "nvidia.com/gpu")
    what = model(SHORT, gpus=2)
    verdict = decide_model(what, report, kinds, RELEASE)
    found = together((what, what), (verdict, verdict), kinds, report, vllm=RELEASE)
    assert found is not None
    assert len(found.placed) == 1
    assert found.missing[0].endswith("(2 are free, at most 2 on one node)")


def test_free_units_that_nobody_counted_leave_it_open() -> None:
    assert placement_of(1, nodes=()) is None
    assert placement_of(1, nodes=(h100(free=None),)) is None
    assert placement_of(1, nodes=(h100(), t4(free=None))) is None
    assert placement_of(1, nodes=(h100(),)) is not None


def lined(placed: int, unplaced: int, *, exact: bool = True) -> Placement:
    made = tuple(Assignment(model=f"m{n}", node="n", kind="k", units=1) for n in range(placed))
    return Placement(placed=made, unplaced=tuple(f"u{n}" for n in range(unplaced)), exact=exact)


@pytest.mark.parametrize(
    ("placement", "changed", "line"),
    [
        (None, False, ""),
        (lined(0, 0), False, ""),
        (lined(1, 0), False, ""),
        (lined(0, 1), False, ""),
        (lined(2, 0), False, "together they fit (2 of 2)"),
        (lined(1, 1), False, "together only 1 of 2 fit on the free GPUs"),
        (lined(0, 2), False, "together only 0 of 2 fit on the free GPUs"),
        (lined(3, 0), True, "with the proposed changes, together they fit (3 of 3)"),
        (
            lined(2, 1, exact=False),
            False,
            "together only 2 of 3 fit on the free GPUs, as far as was searched",
        ),
        (lined(2, 0, exact=False), False, "together they fit (2 of 2)"),
    ],
)
def test_one_sentence_about_all_models_at_once(placement: Placement | None, changed: bool, line: str) -> None:
    assert together_line(placement, changed) == line
