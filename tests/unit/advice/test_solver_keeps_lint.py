"""What the solver proposes passes the lint, each change alone and all at once, whatever the manifest says."""

from __future__ import annotations

import random
from collections import Counter

import msgspec
import pytest
from compatibility_support import car
from vllm_answers import disagreements, lists, releases

from modelcar_tui.advice.finding import Severity
from modelcar_tui.advice.lint.lint import lint_model
from modelcar_tui.advice.solver.solver import OBJECTIVES, Solution, solve
from modelcar_tui.hardware.product import gpu_for
from modelcar_tui.manifest.arguments import effective
from modelcar_tui.manifest.plan import Change
from modelcar_tui.manifest.types import ModelCar
from modelcar_tui.memory.estimator import estimate
from modelcar_tui.memory.types import Outcome
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.vllm.arguments.engine_args import read_engine_args
from support.vllm_data import config_of, lines

CARDS = (
    ("NVIDIA-H100-80GB-HBM3", 8),
    ("NVIDIA-L4", 1),
    ("Tesla-T4", 2),
    ("NVIDIA-A100-SXM4-80GB", 4),
    ("NVIDIA-L40S", 2),
)
RELEASES = ("0.8.5", "0.11.0", "0.19.1", "0.33.0")
SCHEMES = ("none", "none", "fp8-block", "fp8-dyn", "w4a16")
UNREPAIRED = {"list-11", "real-62", "argument-229", "dotted-19"}
"""Lists whose repair is known to be wrong (test_lint_against_vllm.py), and ropes of no told kind."""


class Asked(msgspec.Struct, frozen=True):
    """One question to the solver."""

    model: str
    scheme: str
    args: tuple[str, ...]
    gpus: int
    card: tuple[str, int]
    vllm: str
    objective: str


def questions() -> list[Asked]:
    """Every config, each once as its publisher leaves it and once with arguments that others publish."""
    every = [asked.args for asked in lists() if asked.id not in UNREPAIRED]
    made = []
    for row in lines("configs.jsonl"):
        chance = random.Random(row["id"])  # a config more changes nothing about the others
        for args in ((), chance.choice(every)):
            card = chance.choice(CARDS)
            made.append(
                Asked(
                    model=row["id"],
                    scheme=chance.choice(SCHEMES),
                    args=args,
                    gpus=chance.choice((1, card[1])),
                    card=card,
                    vllm=chance.choice(RELEASES),
                    objective=chance.choice(("minimal", *OBJECTIVES)),
                )
            )
    return made


def solved(asked: Asked) -> tuple[ModelCar, ModelFacts, Solution]:
    item = car(*asked.args, gpus=asked.gpus)
    facts = ModelFacts(config=config_of(asked.model, asked.scheme))
    gpu = gpu_for(asked.card[0], count=asked.card[1])
    return item, facts, solve(item, facts, gpu, vllm=asked.vllm, objective=asked.objective, ways_out=False)


def errors(item: ModelCar, facts: ModelFacts, vllm: str, changes: tuple[Change, ...] = ()) -> Counter[str]:
    after = msgspec.structs.replace(item, serving=effective(item.serving, changes))
    found = lint_model(after, vllm=vllm, facts=facts)
    return Counter(finding.code for finding in found if finding.severity is Severity.ERROR)


def test_all_changes_together_pass_the_lint_and_start_by_the_estimate() -> None:
    ran = 0
    for asked in questions():
        item, facts, solution = solved(asked)
        if not solution.runs:
            continue
        ran += 1
        assert errors(item, facts, asked.vllm, solution.changes) == {}, asked
        after = effective(item.serving, solution.changes)
        engine = read_engine_args(after.args, after.gpu_count, asked.vllm)
        found = estimate(facts, gpu_for(asked.card[0], count=asked.card[1]), engine, vllm=asked.vllm)
        assert found.outcome is Outcome.STARTS, (asked, found.why)
    assert ran > 300


@pytest.mark.parametrize(
    ("args", "card", "gpus", "vllm"),
    [
        (("--kv-cache-dtype=nvfp4",), ("Tesla-T4", 2), 2, "0.33.0"),  # without it no argument is left
        (('--speculative-config={"posterior_alpha": "3.5"}',), ("NVIDIA-H100-80GB-HBM3", 8), 8, "0.8.5"),
        (("--rope-scaling", '{"type":"dynamic","factor":2.0}'), ("NVIDIA-H100-80GB-HBM3", 8), 1, "0.19.1"),
        (("--max-model-len=262144",), ("Tesla-T4", 1), 1, "0.33.0"),  # neither the model nor the card has it
        (("--",), ("NVIDIA-H100-80GB-HBM3", 8), 1, "0.8.5"),  # behind it vLLM reads no flags
        (("--", "x"), ("NVIDIA-H100-80GB-HBM3", 8), 1, "0.8.5"),
    ],
)
@pytest.mark.parametrize(
    "model", ["arcee-ai/Trinity-Mini", "openbmb/MiniCPM3-4B", "tiiuae/falcon-40b old form"]
)
def test_what_goes_together_is_changed_together(
    model: str, args: tuple[str, ...], card: tuple[str, int], gpus: int, vllm: str
) -> None:
    model = next(row["id"] for row in lines("configs.jsonl") if row["id"].endswith(model))
    asked = Asked(
        model=model, scheme="none", args=args, gpus=gpus, card=card, vllm=vllm, objective="concurrency"
    )
    item, facts, solution = solved(asked)
    by_id = {change.id: change for change in solution.changes}
    for change in solution.changes:
        group = tuple(by_id[name] for name in (change.id, *change.together_with))
        assert errors(item, facts, vllm, group).total() <= errors(item, facts, vllm).total(), change
    if solution.runs:
        after = effective(item.serving, solution.changes)
        engine = read_engine_args(after.args, after.gpu_count, vllm)
        assert estimate(facts, gpu_for(card[0], count=card[1]), engine, vllm=vllm).outcome is Outcome.STARTS


def test_no_change_alone_adds_an_error_to_those_that_the_lint_has() -> None:
    seen = 0
    for asked in questions():
        item, facts, solution = solved(asked)
        before = errors(item, facts, asked.vllm)
        by_id = {change.id: change for change in solution.changes}
        for change in solution.changes:
            seen += 1
            group = tuple(by_id[name] for name in (change.id, *change.together_with))
            assert errors(item, facts, asked.vllm, group).total() <= before.total(), (asked, change)
    assert seen > 500


@pytest.mark.parametrize("release", RELEASES)
def test_the_lint_is_vllms_own_word_on_nearly_all_of_the_lists(release: str) -> None:
    """So what passes it here passes vLLM's parser, too."""
    assert release in releases() and len(disagreements(release)) < 0.1 * len(lists())
