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
from modelcar_tui.hardware.products import gpu_for
from modelcar_tui.manifest.arguments import effective
from modelcar_tui.manifest.plan import Change
from modelcar_tui.manifest.types import ModelCar
from modelcar_tui.memory.estimate import estimate
from modelcar_tui.memory.types import Outcome
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.vllm.engine_args import engine_args
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
UNREPAIRED = {"list-11"}
"""Lists whose repair is known to be wrong (test_lint_against_vllm.py)."""


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
    chance = random.Random(14)
    every = [asked.args for asked in lists() if asked.id not in UNREPAIRED]
    made = []
    for row in lines("configs.jsonl"):
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
        engine = engine_args(after.args, after.gpu_count, asked.vllm)
        found = estimate(facts, gpu_for(asked.card[0], count=asked.card[1]), engine, vllm=asked.vllm)
        assert found.outcome is Outcome.STARTS, (asked, found.why)
    assert ran > 300


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
