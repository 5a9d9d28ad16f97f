"""Answers about arguments: how they are read, what the lint says, what is proposed; the sample manifests."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from functools import cache, partial
from typing import Any

from compatibility_support import H100, LLAMA, car, facts

from modelcar_tui.advice.finding import Finding
from modelcar_tui.advice.lint.lint import examine, lint_model
from modelcar_tui.advice.repairs.proposals import optimized_json, propose
from modelcar_tui.advice.solver.solver import solve
from modelcar_tui.core.facts import Fact, Source
from modelcar_tui.hardware.product import gpu_for
from modelcar_tui.manifest import ServingArguments
from modelcar_tui.manifest.reader import inspect_manifest
from modelcar_tui.models import ModelFacts
from modelcar_tui.vllm.arguments import read_engine_args, served_args
from same_places import ROOT, TESTS
from same_text import Item, Named, item

RELEASES = ("0.11.2", "0.19.1", "0.33.0")
FIXTURES = TESTS / "unit" / "advice" / "fixtures"
GPUS = 2


def readings() -> Iterator[Named]:
    """Published argument lists as the estimate reads them."""
    for name, args in _lists():
        yield name, partial(_reading, args)


def _reading(args: tuple[str, ...]) -> Item:
    found = {
        release: {
            "suite": read_engine_args(args, GPUS, release),
            "server": served_args(ServingArguments(args=args, gpu_count=GPUS), release),
        }
        for release in RELEASES
    }
    return item(found, " ".join(args)[:60])


def findings() -> Iterator[Named]:
    """The lint of the sample manifests, and of the published argument lists."""
    for path in sorted((ROOT / "config-yaml").glob("*.yaml")):
        for release in RELEASES:
            yield f"{path.name} {release}", partial(_manifest, path.name, release)
    for name, args in _lists():
        yield name, partial(_linted, args)


def _manifest(name: str, release: str) -> Item:
    manifest, problems = inspect_manifest(ROOT / "config-yaml" / name)
    found = examine(manifest, vllm=release).findings
    return item({"models": manifest.models, "findings": found, "problems": problems}, _graded(found))


def _linted(args: tuple[str, ...]) -> Item:
    model = ModelFacts(config=dict(LLAMA))
    found = {release: lint_model(car(*args, gpus=GPUS), vllm=release, facts=model) for release in RELEASES}
    return item(found, ", ".join(_graded(tuple(one)) for one in found.values()))


def _graded(found: tuple[Finding, ...]) -> str:
    """`2 error 1 note`."""
    grades = Counter(str(one.severity) for one in found)
    return " ".join(f"{count} {grade}" for grade, count in sorted(grades.items())) or "-"


def proposals() -> Iterator[Named]:
    """The smallest repairs of the published argument lists, and the suite's JSON after them."""
    for name, args in _lists():
        yield name, partial(_proposed, args)


def _proposed(args: tuple[str, ...]) -> Item:
    one = car(*args, gpus=GPUS)
    found = {}
    for release in RELEASES:
        changes = propose(one, facts(dict(LLAMA)), H100, vllm=release)
        found[release] = {"changes": changes, "after": optimized_json(one, changes)}
    return item(found, " ".join(str(len(each["changes"])) for each in found.values()))


OBJECTIVES = ("minimal", "context", "concurrency", "gpus")


def solutions() -> Iterator[Named]:
    """What would make refused start-ups of real machines start, for each objective."""
    for case in json.loads((FIXTURES / "refused.json").read_text("utf-8")):
        for objective in OBJECTIVES:
            yield f"{case['id']} {objective}", partial(_solved, case, objective)


def _solved(case: dict[str, Any], objective: str) -> Item:
    model = ModelFacts(
        config=case["config"], parameters=Fact(value=case["parameters"], source=Source.HEADERS)
    )
    gpu = gpu_for(case["gpu"], count=case["gpus_on_node"])
    found = solve(
        car(*case["args"], gpus=case["gpu_count"]),
        model,
        gpu,
        vllm=case["vllm"],
        objective=objective,
        improvements=True,
    )
    changes = " ".join(f"{change.new or '-' + change.flag}" for change in found.changes)
    return item(found, f"{'runs' if found.runs else 'no'}: {changes}")


@cache
def _lists() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The lists that were collected first; the tests' data has more."""
    lines = (ROOT / "tests" / "data" / "vllm" / "lists.jsonl").read_text("utf-8").splitlines()
    found = [(one["id"].replace("-", " "), tuple(one["args"])) for one in map(json.loads, lines)]
    return tuple(one for one in found if one[0].startswith(("collected ", "real ", "argument ")))
