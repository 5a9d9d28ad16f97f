"""A measured start decides alike wherever it is asked: estimate, verdict, what-if, solver, lint."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from modelcar_tui.advice import with_objections
from modelcar_tui.cluster.types import AcceleratorReport, GpuNode, Inventory, Pool
from modelcar_tui.core.facts import Fact
from modelcar_tui.image.types import ImageFacts
from modelcar_tui.kube.types import Access, Rung
from modelcar_tui.manifest import effective
from modelcar_tui.manifest.types import ModelCar, Position, Server, ServingArguments
from modelcar_tui.memory import Outcome, estimate, knobs
from modelcar_tui.memory.measured import others_held
from modelcar_tui.models import MeasuredStart, ModelFacts
from modelcar_tui.verdict import (
    ModelRequirements,
    ModelVerdict,
    Verdict,
    candidates,
    decide_model,
    propose_for,
)
from modelcar_tui.vllm.arguments import read_engine_args, served_args
from support.measured_starts import Row, row, rows

AT = Position(1, 1)


def model(
    of: Row, *starts: MeasuredStart, words: tuple[str, ...] | None = None, gpus: int = 0
) -> ModelRequirements:
    args = of.words if words is None else words
    size = gpus or read_engine_args(args, None, of.vllm).tp
    serving = ServingArguments(gpu_count=size, args=args, by_suite=False)
    car = ModelCar(
        name="m",
        image="oci://quay.io/x/m:1",
        at=AT,
        name_at=AT,
        image_at=AT,
        serving=serving,
        kind="InferenceService",
        server=Server(version=of.vllm, image="quay.io/x/vllm-cuda:1"),
    )
    facts = msgspec.structs.replace(of.facts, measured=starts)
    return ModelRequirements(car=car, image=ImageFacts(reference=car.image, model=facts))


def cluster(of: Row) -> AcceleratorReport:
    pool = Pool(resource="nvidia.com/gpu", units=8, free=8, mem_mib=of.start.memory_mib)
    card = of.gpu
    node = GpuNode(
        name="n",
        vendor="nvidia",
        product=card.product,
        cc=card.compute_capability,
        pool=(pool,),
        usable=True,
        stated=True,
    )
    inventory = Inventory(nodes=(node,), known=True, nodes_seen=1)
    return AcceleratorReport(access=Access(rung=Rung.OK), inventory=inventory)


def judged(of: Row, *starts: MeasuredStart, words: tuple[str, ...] | None = None) -> ModelVerdict:
    there = cluster(of)
    return decide_model(model(of, *starts, words=words), there, candidates(there), of.vllm)


def whole(of: Row) -> bool:
    """Whether a cluster can have such a card, and the row names its own outcome."""
    alone = of.gpu.vendor == "nvidia" and of.gpu.compute_capability and of.start.memory_mib
    args = read_engine_args(of.words, None, of.vllm)
    fits = args.tp * args.pp * args.dp <= 8 and not args.problems
    return bool(alone and fits and of.start.outcome in set(Outcome))


def beside_others(of: Row) -> bool:
    """Whether it was refused on a card of which others held a part."""
    idle = msgspec.structs.replace(of.gpu, free_gib=Fact())
    return of.start.outcome != "starts" and others_held(of.start, idle) > 0


BUSY = [one for one in rows() if whole(one) and beside_others(one)]
ROWS = [one for one in rows() if whole(one) and not beside_others(one)]


@pytest.mark.parametrize("of", ROWS, ids=lambda one: one.start.id)
def test_what_was_measured_is_the_verdict(of: Row) -> None:
    there = cluster(of)
    (kind,) = candidates(there)
    found = judged(of, of.start)
    alone = estimate(
        of.with_start, kind.gpu, served_args(model(of).car.serving, of.vllm).mended(), vllm=of.vllm
    )
    assert found.estimate == alone and alone.exact
    started = of.start.outcome == "starts"
    assert found.verdict is (Verdict.GO if started else Verdict.NO_GO), found.why
    assert alone.why in found.why
    said = with_objections(alone, of.with_start, kind.gpu, of.words, of.vllm)
    assert said.outcome is alone.outcome


@pytest.mark.parametrize("of", BUSY, ids=lambda one: one.start.id)
def test_a_refusal_beside_others_is_no_verdict_on_an_idle_card(of: Row) -> None:
    found, plain = judged(of, of.start), judged(of)
    assert (found.verdict, found.why) == (plain.verdict, plain.why)
    assert found.estimate is not None and "GiB of the card" in found.estimate.notes[-1]


def test_there_are_enough_of_them() -> None:
    assert len(ROWS) >= 80 and BUSY
    assert sum(one.start.outcome != "starts" for one in ROWS) >= 8


MINISTRAL = "n2-838d289bda"
NEMOTRON = "n2-870d8dba0c"
UNKNOWN = "n2-623f929fa4"
"""DeepSeek-V4-Pro on H200: no estimate was sure of it, and it served."""


def test_an_unknown_becomes_go_by_its_own_start_alone() -> None:
    of = row(UNKNOWN)
    assert judged(of).verdict is Verdict.UNKNOWN
    assert judged(of, of.start).verdict is Verdict.GO
    other = (*of.words, "--gpu-memory-utilization=0.5")
    assert judged(of, of.start, words=other).verdict is not Verdict.GO


def test_of_a_release_that_nobody_read_the_start_itself_counts_and_lends_no_parts() -> None:
    of = row(NEMOTRON)
    start = msgspec.structs.replace(of.start, vllm="0.99.0")
    newer = of._replace(vllm="0.99.0", start=start)
    found = judged(newer, start)
    assert found.verdict is Verdict.GO and found.estimate is not None and found.estimate.exact
    other = judged(newer, start, words=(*of.words, "--gpu-memory-utilization=0.8"))
    assert other.estimate is not None and other.estimate.measured is None


@pytest.mark.parametrize("of", ROWS, ids=lambda one: one.start.id)
def test_near_never_turns_an_unknown_into_go_without_a_measured_figure(of: Row) -> None:
    bare = msgspec.structs.replace(of.start, figures={})
    for more in ("--max-model-len=1024", "--gpu-memory-utilization=0.8"):
        words = (*of.words, more)
        found, plain = judged(of, bare, words=words), judged(of, words=words)
        assert found.verdict is plain.verdict
        assert (found.estimate is not None and found.estimate.measured is None) or found.estimate.exact


@pytest.mark.parametrize(
    "of", [one for one in ROWS if one.start.outcome == "starts"][::4], ids=lambda o: o.start.id
)
def test_a_shorter_context_never_fails_beside_a_start(of: Row) -> None:
    args = read_engine_args(of.words, None, of.vllm)
    (kind,) = candidates(cluster(of))
    for length in (1024, 4096):
        asked = msgspec.structs.replace(args, max_model_len=length)
        found = estimate(of.with_start, kind.gpu, asked, vllm=of.vllm)
        if found.measured is not None and length <= (args.max_model_len or length):
            assert found.outcome is Outcome.STARTS, found.why


def test_a_refusal_is_told_with_what_was_predicted() -> None:
    of = row(NEMOTRON)
    died = msgspec.structs.replace(
        of.start, outcome="died", error="CUDA error: illegal memory access", figures={}
    )
    found = judged(of, died)
    assert found.verdict is Verdict.NO_GO
    assert found.why.endswith("ended before it served: CUDA error: illegal memory access (predicted: starts)")


def test_rules_about_arguments_do_not_block_what_was_seen_to_start() -> None:
    of = row(NEMOTRON)
    words = (*of.words, "--no-such-flag=1")
    assert judged(of, of.start, words=words).verdict is Verdict.NO_GO
    with_it = msgspec.structs.replace(of.start, args=words)
    assert judged(of, with_it, words=words).verdict is Verdict.GO
    assert judged(of, with_it, words=(*of.words, "--no-such-flag=2")).verdict is Verdict.NO_GO


def test_parsers_still_count_for_a_try_may_have_had_no_tokenizer() -> None:
    of = row(NEMOTRON)
    words = (*of.words, "--tool-call-parser=nobody-has-it", "--enable-auto-tool-choice")
    with_it = msgspec.structs.replace(of.start, args=words)
    found = judged(of, with_it, words=words)
    assert found.verdict is Verdict.NO_GO and "nobody-has-it" in found.why


def test_a_quantized_model_is_go_with_a_word_on_its_dummies() -> None:
    of = row(NEMOTRON)
    assert any("dummy weights" in one for one in judged(of, of.start).warnings)
    real = msgspec.structs.replace(of.start, dummy=False)
    assert not any("dummy weights" in one for one in judged(of, real).warnings)


def test_proposals_and_what_ifs_count_with_the_same_parts() -> None:
    of = row(NEMOTRON)
    start = of.start
    there = cluster(of)
    (kind,) = candidates(there)
    facts: ModelFacts = msgspec.structs.replace(of.facts, measured=(start,))
    args = read_engine_args(of.words, None, of.vllm)
    for knob in knobs(facts, kind.gpu, args, vllm=of.vllm):
        if knob.flag == "--gpu-memory-utilization=0.95":
            changed = msgspec.structs.replace(args, gpu_memory_utilization=0.95)
            again: Any = estimate(facts, kind.gpu, changed, vllm=of.vllm)
            assert again.measured == start and knob.kv_tokens == again.kv_tokens.value
            break
    else:
        pytest.fail("no knob of the utilization")


def test_what_is_proposed_starts_by_the_measured_parts() -> None:
    """The measured cache is too small for the asked context; the formulas would have let it pass."""
    of = row(MINISTRAL)
    there = cluster(of)
    kinds = candidates(there)
    words = (*of.words, "--max-model-len=200000", "--gpu-memory-utilization=0.32")
    plain = estimate(of.facts, kinds[0].gpu, read_engine_args(words, None, of.vllm), vllm=of.vllm)
    found = judged(of, of.start, words=words)
    assert found.estimate is not None and found.estimate.measured == of.start and not found.estimate.exact
    assert plain.kv_tokens.value != found.estimate.kv_tokens.value
    asked = model(of, of.start, words=words)
    proposal = propose_for(asked, found, kinds, there, vllm=of.vllm, objective="minimal")
    assert found.verdict is Verdict.NO_GO and proposal.changes
    serving = effective(asked.car.serving, proposal.changes)
    changed = msgspec.structs.replace(asked, car=msgspec.structs.replace(asked.car, serving=serving))
    accepted = decide_model(changed, there, kinds, of.vllm)
    assert accepted.verdict is Verdict.GO
    assert accepted.estimate is not None and accepted.estimate.measured == of.start
