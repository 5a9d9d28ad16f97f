"""Models on the GPUs that operators have, and what a senior engineer would sign: tests/data/pairs.yaml."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from compatibility_support import car

from modelcar_tui.advice.solver.solver import Solution, solve
from modelcar_tui.hardware.product import gpu_for
from modelcar_tui.image.local import read_local
from support.vllm_data import config_of


class Pair(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A model, a node and what is right."""

    id: str
    model: str
    gpu: str
    count: int
    rule: str
    scheme: str = "none"
    overrides: dict[str, Any] = {}
    """Of config.json, where the class's defaults are not the published model."""
    vllm: str = "0.19.1"
    gpus: int = 1
    args: tuple[str, ...] = ()
    image: str = "y"
    objective: str = "minimal"
    runs: bool = True
    set: tuple[str | int, ...] = ()
    context: tuple[int, int] | None = None
    ways: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    tight: bool = False


_FILE = Path(__file__).parents[2] / "data" / "pairs.yaml"
PAIRS = msgspec.convert(yaml.safe_load(_FILE.read_text("utf-8")), tuple[Pair, ...])
_LENGTH = "--max-model-len="


def solved(pair: Pair, folder: Path) -> Solution:
    (folder / "config.json").write_text(
        json.dumps(config_of(pair.model, pair.scheme) | pair.overrides), "utf-8"
    )
    item = car(*pair.args, gpus=pair.gpus, image=f"oci://registry.redhat.io/{pair.image}:1")
    gpu = gpu_for(pair.gpu, count=pair.count)
    facts = read_local(str(folder)).model
    return solve(item, facts, gpu, vllm=pair.vllm, objective=pair.objective)


def items(solution: Solution) -> list[str]:
    return [change.new or f"-{change.old}" for change in solution.changes]


@pytest.mark.parametrize("pair", PAIRS, ids=[pair.id for pair in PAIRS])
def test_a_model_on_a_gpu_gets_what_its_rule_says(pair: Pair, tmp_path: Path) -> None:
    solution = solved(pair, tmp_path)
    made = items(solution)
    lengths = [int(item.removeprefix(_LENGTH)) for item in made if item.startswith(_LENGTH)]
    assert solution.runs is pair.runs, solution.why_not
    assert [item for item in made if not item.startswith(_LENGTH)] == [str(item) for item in pair.set]
    if pair.context is None:
        assert lengths == []
    else:
        assert len(lengths) == 1 and pair.context[0] <= lengths[0] <= pair.context[1], lengths
    named = " | ".join(solution.alternatives)
    assert all(way in named for way in pair.ways), named
    told = " | ".join((named, solution.why_not, *made, *(change.reason for change in solution.changes)))
    assert not any(word in told for word in pair.never), told


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if pair.runs], ids=[p.id for p in PAIRS if p.runs])
def test_a_tight_start_is_said_to_be_one(pair: Pair, tmp_path: Path) -> None:
    solution = solved(pair, tmp_path)
    after = solution.estimate_after
    assert after is not None and after.tight is pair.tight, after.max_concurrency
    reasons = [change.reason for change in solution.changes if "Tight: below 1.25" in change.reason]
    assert len(reasons) == int(pair.tight and bool(solution.changes))


def test_the_pairs_are_many_each_with_its_own_rule() -> None:
    assert len(PAIRS) >= 60
    assert len({pair.id for pair in PAIRS}) == len({pair.rule for pair in PAIRS}) == len(PAIRS)
    assert len({pair.model for pair in PAIRS}) >= 20 and len({pair.gpu for pair in PAIRS}) >= 9
    assert {pair.vllm for pair in PAIRS} >= {"0.10.2", "0.19.1", "0.33.0"}


def test_the_context_is_cut_last_of_all_that_would_keep_it(tmp_path: Path) -> None:
    """Where a manifest names a context and something keeps it, that is what is proposed."""
    asked = [pair for pair in PAIRS if any(item.startswith(_LENGTH) for item in pair.args) and pair.runs]
    kept = [
        pair for pair in asked if not any(item.startswith(_LENGTH) for item in items(solved(pair, tmp_path)))
    ]
    assert len(kept) >= 10 and {pair.id for pair in asked} - {pair.id for pair in kept} == {
        "70b-2-h100-brim",
        "8b-l4-128k",
        "whisper-t4-4096",
    }
