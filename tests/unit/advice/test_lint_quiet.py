"""How much the lint says: what counts is not to drown in what is a matter of taste."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest
from compatibility_support import LLAMA, car, facts, manifest
from vllm_answers import Asked, answers, lists, releases

from modelcar_tui.advice.finding import Finding, Severity
from modelcar_tui.advice.lint.formats import render_files
from modelcar_tui.advice.lint.lint import examine
from modelcar_tui.advice.repairs.proposals import propose
from modelcar_tui.manifest.types import ArgumentsFrom, ModelCar, Position
from modelcar_tui.vllm.arguments.engine_args import read_engine_args

PUBLISHED = ("collected-", "real-", "p")
"""Lists that others publish, by the beginnings of their ids; the rest is made up to meet one rule each."""


def share(release: str, asked: Iterable[Asked], *, fitting: bool) -> float:
    """Of the lists that vLLM accepts: how many have at most two findings of any severity.

    Args:
        release: the judge.
        asked: the lists.
        fitting: whether gpu_count is what the list asks for, else 1.
    """
    accepted = [each for each in asked if each.id in answers(release).accepts]
    quiet = 0
    for each in accepted:
        args = read_engine_args(each.args, None, release)
        item = car(*each.args, gpus=args.tp * args.pp * args.dp if fitting else 1)
        quiet += len(examine(manifest(item), vllm=release).findings) <= 2
    return quiet / len(accepted)


@pytest.mark.parametrize("release", releases())
def test_at_most_two_findings_on_almost_every_list_that_vllm_accepts(release: str) -> None:
    published = [each for each in lists() if each.id.rstrip("0123456789") in PUBLISHED]
    assert len(published) > 700
    for asked in (lists(), published):
        assert share(release, asked, fitting=True) >= 0.975
        assert share(release, asked, fitting=False) >= 0.955


def test_matters_of_style_are_one_finding_a_manifest() -> None:
    first = car("--seed", "1", "--max-num-seqs", "8", "-tp=1", "--trust-remote-code", "--port=8080", name="a")
    second = car("--max-model=4096", "--distributed-executor-backend=mp", "--nope=1", name="b")
    wrong, style = sorted(
        examine(manifest(first, second), vllm="0.19.1").findings, key=lambda one: one.severity
    )
    assert (wrong.code, style.code, style.severity, style.model) == (
        "flag-unknown",
        "style",
        Severity.WARNING,
        "",
    )
    assert style.what == (
        "2 flags and values are two items, which the QA suite takes apart, "
        "1 -tp is a form that the QA suite does not know, 1 flag is shortened, "
        "1 argument repeats the serving runtime's template, 1 executor backend is more than one GPU needs, "
        "1 --trust-remote-code runs Python from a model image; in 2 models"
    )
    assert len(style.parts) == 7 and style.at == style.parts[0].at == Position(10, 9)


def test_asked_for_each_is_told_at_its_place() -> None:
    item = car("--seed", "1", "--max-num-seqs", "8")
    found = examine(manifest(item), vllm="0.19.1", each=True).findings
    assert [(one.code, one.at) for one in found] == [
        ("two-item-flag", Position(10, 9)),
        ("two-item-flag", Position(12, 9)),
    ]
    (style,) = examine(manifest(item), vllm="0.19.1").findings
    assert style.parts == found and style.model == item.name


def test_one_matter_of_style_is_told_as_it_is() -> None:
    assert [one.code for one in examine(manifest(car("--seed", "1")), vllm="0.19.1").findings] == [
        "two-item-flag"
    ]


def test_a_shared_block_counts_once_and_its_models_all() -> None:
    cars = [car("--seed", "1", "-tp=1", name=name, origin=ArgumentsFrom.DEFAULT) for name in "abc"]
    (style,) = examine(manifest(*cars), vllm="0.19.1").findings
    assert style.what.startswith("1 flag and its value") and style.what.endswith("; in 3 models")


def test_code_from_the_image_that_the_model_does_not_need_is_no_matter_of_style() -> None:
    item = car("--trust-remote-code", "--seed", "1", "-tp=1")
    found = examine(manifest(item), vllm="0.19.1", facts={item.name: facts(LLAMA)}).findings
    assert [(one.code, one.severity) for one in found] == [
        ("remote-code", Severity.WARNING),
        ("style", Severity.WARNING),
    ]


def _folded(item: ModelCar) -> tuple[Finding, ...]:
    return examine(manifest(item), vllm="0.19.1").findings


def test_every_format_tells_where_the_parts_are() -> None:
    found = [("m.yaml", _folded(car("--seed", "1", "--max-num-seqs", "8")))]
    assert render_files(found, "text").endswith("; agent lint --style names each [model]")
    (plain,) = json.loads(render_files(found, "json"))
    assert [(part["line"], part["code"]) for part in plain["parts"]] == [
        (10, "two-item-flag"),
        (12, "two-item-flag"),
    ]
    (result,) = json.loads(render_files(found, "sarif"))["runs"][0]["results"]
    places = [each["physicalLocation"]["region"]["startLine"] for each in result["relatedLocations"]]
    assert places == [10, 12] and result["level"] == "warning"
    assert render_files(found, "github").count("\n") == 0


def test_what_the_suite_takes_apart_is_still_proposed_one_by_one() -> None:
    item = car("--seed", "1", "-tp", "1", "--max-num-seqs", "8")
    assert len(_folded(item)) == 1
    proposed = {change.new for change in propose(item, facts(LLAMA), None, vllm="0.19.1")}
    assert {"--seed=1", "--tensor-parallel-size=1", "--max-num-seqs=8"} <= proposed
