"""The lint against what vLLM's own parser and server say, release by release; known gaps may only shrink."""

from __future__ import annotations

from collections import Counter

import pytest
from compatibility_support import LLAMA, car, facts
from vllm_answers import (
    PARSER,
    answers,
    changed_before,
    disagreements,
    known_gaps,
    lists,
    needs_a_file,
    releases,
    told,
)

from modelcar_tui.advice.finding import Severity
from modelcar_tui.advice.lint.lint import lint_model
from modelcar_tui.advice.repairs.proposals import optimized_json, propose
from modelcar_tui.models.catalog import catalog

CEILING = 0
"""Known gaps, one a list and kind; lowered with each that is closed, never raised."""
FILES = """
    argument-246 collected-28 companion-20 parser-name-26 parser-name-47 real-353 value-272 value-273
    value-274 value-275 shape-268 p001 p002 p004 p104 p105 p106 p107 p294 p295 p299 p370 p457 p517 p529 p535
"""
"""Lists of a template, a plug-in or a configuration that may exist in an image: no gaps."""
ASKED = "0.8.5 0.10.0 0.11.0 0.13.0 0.14.1 0.18.1 0.19.1 0.24.0 0.28.0 0.32.0 0.33.0"


def test_the_lists_are_many_and_each_stands_once() -> None:
    assert len(lists()) > 1500
    assert len({asked.id for asked in lists()}) == len({asked.args for asked in lists()}) == len(lists())
    kinds = Counter(asked.id.rstrip("0123456789") for asked in lists())
    assert (
        kinds["p"] > 300 and kinds["real-"] > 300 and kinds["argument-"] > 250 and kinds["collected-"] >= 40
    )


@pytest.mark.parametrize("release", releases())
def test_every_release_answers_every_list_and_gives_both_answers(release: str) -> None:
    said = answers(release)
    assert said.release == release and {"parser", "serve"} <= set(said.asked)
    assert said.accepts.isdisjoint(said.refused) and said.tags.keys() <= said.accepts
    assert said.accepts | said.refused.keys() | said.chance == {asked.id for asked in lists()}
    assert said.chance.isdisjoint(said.accepts | said.refused.keys()) and len(said.chance) < 3
    assert {row.stage for row in said.refused.values()} <= set(said.asked)
    assert all(0 < len(row.says) <= 120 and "\n" not in row.says for row in said.refused.values())
    assert min(len(said.accepts), len(said.refused)) > 400


def test_the_releases_that_runtimes_serve_are_asked() -> None:
    assert set(releases()) >= set(ASKED.split())


@pytest.mark.parametrize("release", releases())
def test_the_lint_says_what_vllm_says_but_for_known_gaps(release: str) -> None:
    found = {(name, bool(vllm)): (vllm, ours) for name, (vllm, ours) in disagreements(release).items()}
    known = {(gap.id, bool(gap.vllm)) for gap in known_gaps() if release in gap.releases}
    assert {name: found[name] for name in found.keys() - known} == {}, "vLLM and the lint differ anew"
    assert known - found.keys() == set(), "closed: take it off (python tests/unit/advice/vllm_answers.py)"


def test_the_known_gaps_are_sorted_named_by_lists_and_only_shrink() -> None:
    known = known_gaps()
    assert list(known) == sorted(known) and len({(gap.id, bool(gap.vllm)) for gap in known}) == len(known)
    assert {gap.id for gap in known} <= {asked.id for asked in lists()}
    assert all(gap.releases and bool(gap.vllm) != bool(gap.ours) for gap in known)
    assert len(known) == CEILING, "lower the ceiling with each gap that is closed"


def test_lists_that_vllm_refuses_for_a_file_alone_are_named() -> None:
    found = {
        asked.id
        for release in releases()
        for asked in lists()
        if (row := answers(release).refused.get(asked.id)) and needs_a_file(asked, row)
    }
    assert found == set(FILES.split())


def test_lists_that_kubernetes_changes_are_few() -> None:
    assert 0 < sum(changed_before(asked) for asked in lists()) < 10


@pytest.mark.parametrize("release", releases())
def test_a_stray_word_that_becomes_the_model_is_told(release: str) -> None:
    tagged = answers(release).tags
    named = [asked for asked in lists() if asked.id in tagged and not changed_before(asked)]
    assert [asked.args for asked in named if not told(asked.args, release)] == []


@pytest.mark.parametrize("release", releases())
def test_with_all_proposals_nothing_is_left_that_the_parser_refuses(release: str) -> None:
    left = set()
    for asked in lists():
        item = car(*asked.args)
        after = optimized_json(item, propose(item, facts(LLAMA), None, vllm=release))["serving_arguments"]
        left |= {asked.id} if told(after["args"], release) else set()
    assert left == set(), "a repair leaves what is refused"


def test_what_others_publish_is_published_for_models_of_the_catalog() -> None:
    families = {entry.family for entry in catalog()}
    models = [asked.model for asked in lists() if asked.id.startswith("collected-")]
    assert len(models) >= 40 and set(models) <= families


@pytest.mark.parametrize("release", ["0.11.2", "0.19.1", "0.33.0"])
def test_a_list_that_the_parser_refuses_is_never_only_a_warning(release: str) -> None:
    for asked in lists():
        if asked.id.startswith("argument-"):
            found = [one for one in lint_model(car(*asked.args), vllm=release) if one.code in PARSER]
            assert all(one.severity is Severity.ERROR for one in found), asked.args
