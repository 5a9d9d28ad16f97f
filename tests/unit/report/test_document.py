"""The Markdown of a run: one document that others render, in which text from outside stays text."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import escape

from modelcar_tui.core.text import reveal
from modelcar_tui.report import FORMS, html_page, markdown, plain, render
from modelcar_tui.report.escaping import CUT, escaped, table
from modelcar_tui.report.html.changes import remarks
from modelcar_tui.report.shown import shown
from modelcar_tui.report.text import effect_text
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor import outcome_of, unknowns
from modelcar_tui.supervisor.state import RunState
from modelcar_tui.verdict import Verdict, Vote
from pilot.states import STATES
from support.reporting import HOSTILE, hostile, rich, state_of

FOUR = ["Configuration", "Accelerator Compatibility", "Deployment Decision", "QA Validation"]
OURS = {"<details>", "<summary>", "</summary>", "</details>", CUT, "<!-- modelcar-tui report -->"}


def parsed(text: str) -> list[Token]:
    """As GitHub reads it: tables, strikethrough, bare addresses; no bare names of hosts."""
    reader = MarkdownIt("gfm-like")
    assert reader.linkify is not None
    reader.linkify.set({"fuzzy_link": False, "fuzzy_email": True})
    return reader.parse(text)


def inner(tokens: list[Token]) -> list[Token]:
    return [child for token in tokens for child in token.children or ()]


def headings(tokens: list[Token]) -> list[str]:
    return [tokens[at + 1].content for at, token in enumerate(tokens) if token.type == "heading_open"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunState:
    return rich(tmp_path_factory.mktemp("rich"))


def test_title_outcome_models_then_the_four_sections(run: RunState) -> None:
    text = markdown(run)
    titles = headings(parsed(text))
    assert titles[0] == "Model-car report: granite.base.yaml"
    assert [title for title in titles if title in FOUR] == FOUR
    assert titles.index("Models") == 1 and titles[-1] == "Result"
    assert text.startswith("# Model-car report") and text.splitlines()[2].startswith("**QA FAILED**: ")
    assert "\nnext: lower --max-model-len" in text and "QA\\_ERROR" not in text
    assert text.endswith("\n<!-- modelcar-tui report -->\n")


def test_each_model_is_a_row_with_what_was_predicted_and_measured(run: RunState) -> None:
    assert run.decision is not None
    rows = [line for line in markdown(run).partition("## Models\n")[2].splitlines() if line.startswith("|")]
    table = rows[2 : 2 + len(run.decision.models)]
    assert [row.split(" | ")[0].strip("| ") for row in table] == [one.model for one in run.decision.models]
    assert any(" | passed | " in row for row in table)
    assert all(" | GO | " in row or " | NO-GO | " in row or " | UNKNOWN | " in row for row in table)


@pytest.mark.parametrize("name", ["working", "waiting", "qa-running"])
def test_a_run_that_has_not_ended_has_no_verdict(name: str, tmp_path: Path) -> None:
    kept = {"run_id": "20261009-080000-abcdef", "folder": str(tmp_path)}
    text = markdown(msgspec.structs.replace(state_of(name, tmp_path), **kept))
    assert text.splitlines()[2].startswith("**NOT FINISHED**: this run has not ended")
    assert "next: modelcar-tui --resume 20261009-080000-abcdef" in text
    assert "there is no verdict and no exit status" in text and "(exit status" not in text


def test_an_empty_run_is_told_as_one() -> None:
    text = markdown(RunState())
    assert headings(parsed(text)) == ["Model-car report", "What is not known", "Result"]
    assert "**NOT FINISHED**" in text


@pytest.mark.parametrize("name", STATES)
def test_it_lists_the_votes_and_what_is_not_known_as_the_page_does(name: str, tmp_path: Path) -> None:
    vote = Vote(who="Team <b>", verdict=Verdict.NO_GO, reason="no licence")
    state = msgspec.structs.replace(state_of(name, tmp_path), votes=(vote,))
    text, page = markdown(state), html_page(state)
    assert f"## What other specialists say\n\n- {escaped(str(vote))}\n" in text
    listed = text.partition("## What is not known\n\n")[2].partition("\n\n")[0].splitlines()
    said = unknowns(state, outcome_of(state))
    assert listed == [f"- {escaped(one)}" for one in said]
    assert all(str(escape(shown(one))) in page for one in said)


@pytest.mark.parametrize("name", STATES)
def test_of_cluster_manifest_and_changes_it_tells_what_the_page_tells(name: str, tmp_path: Path) -> None:
    state = state_of(name, tmp_path)
    text, report = markdown(state), state.decision
    for remark in remarks(state):
        assert escaped(remark.what.partition(": ")[2] or remark.what) in text and escaped(remark.fix) in text
    effect = effect_text(report, state) if report is not None else ""
    assert escaped(effect) in text and escape(effect) in html_page(state)
    assert bool(effect) is (report is not None and bool(report.plan.changes))


@pytest.mark.parametrize("name", STATES)
def test_every_state_is_one_document(name: str, tmp_path: Path) -> None:
    state = state_of(name, tmp_path)
    tokens = parsed(markdown(state))
    assert len([token for token in tokens if token.tag == "h1" and token.nesting == 1]) == 1
    assert not {token.type for token in inner(tokens)} & {"link_open", "image"}
    if state.decision is not None:
        said = "".join(token.content for token in inner(tokens))
        assert all(one.model in said for one in state.decision.models)


@pytest.mark.parametrize("payload", HOSTILE.values(), ids=HOSTILE)
def test_no_text_from_outside_becomes_more_than_text(run: RunState, payload: str) -> None:
    """The blocks of the document are those of the same run without it, one by one."""
    run = msgspec.structs.replace(run, answers=())  # an answer of several lines is a list
    plain, odd = parsed(markdown(run)), parsed(markdown(hostile(run, payload)))
    assert [(one.type, one.tag) for one in odd] == [(one.type, one.tag) for one in plain]
    kinds = {token.type for token in inner(odd)}
    assert kinds <= {"text", "text_special", "softbreak", "strong_open", "strong_close", "html_inline"}
    for token in [*odd, *inner(odd)]:
        if token.type in ("html_block", "html_inline"):
            left = token.content
            for tag in OURS:
                left = left.replace(tag, "")
            assert left.strip() in ("", "for machines")
    # All of it can be read: nothing was dropped to make it harmless.
    said = "".join(token.content for token in inner(odd) if token.type != "html_inline")
    assert reveal(payload).strip() in said


@given(st.text(max_size=60))
def test_any_text_is_read_as_it_is(text: str) -> None:
    tokens = parsed(f"- {escaped(text)}\n\n| a |\n| --- |\n| {escaped(text)} |\n")
    want = reveal(text).strip()
    item, _, cell = (token for token in tokens if token.type == "inline") if want else (None, None, None)
    for found in (item, cell):
        if found is not None:
            children = found.children or []
            assert "".join(one.content for one in children if one.type != "html_inline") == want
            assert {one.type for one in children} <= {"text", "text_special", "html_inline"}


CALLS = re.compile(
    r"(?<!\w)@\w|[\w.-]+@[\w-]+\.\w|[#!]\d|GH-\d|(?<!\w)[%^&]\w|:\+1:|:[a-z_]+:|:100:|\w://\w|www\.\w"
)
"""What the sites look for in a rendered document, piece by piece: their filters know no backslash."""


@pytest.mark.parametrize("name", ["bare address", "autolink", "e-mail", "issue", "smiley"])
def test_nothing_calls_a_person_an_issue_or_a_picture_once_it_is_rendered(name: str) -> None:
    assert CALLS.search(HOSTILE[name])
    pieces = re.split(r"<[^>]*>", MarkdownIt("commonmark").render(f"- {escaped(HOSTILE[name])}\n"))
    assert [piece for piece in map(html.unescape, pieces) if CALLS.search(piece)] == []


SECRET = "ghp_" + "A" * 36


@pytest.mark.parametrize("form", [*FORMS, "plain"])
def test_a_journal_of_another_hand_gives_away_no_secret_and_moves_no_cursor(run: RunState, form: str) -> None:
    odd = hostile(run, f"\x1b[2J {SECRET}")
    text = plain(odd) if form == "plain" else render(odd, form).decode()
    assert SECRET not in text and "\x1b" not in text


def test_names_that_scripts_look_for_stay_as_they_are() -> None:
    places = ("QA_ERROR:CUDA_OOM: granite: it ended", "warning unknown-key one.yaml:120:5: granite")
    assert all(escaped(place) == place for place in places)
    for word in ("QA_OK: 5 passed", "--max-model-len=8192", "QA_ERROR:CUDA_OOM", "0.18.0+rhai", "15.75 GiB"):
        assert escaped(word) == word
    assert escaped("a_b") == "a_b" and escaped("_a_") == "\\_a\\_"
    assert [*table(("a",), [])] == []


def test_a_fence_is_longer_than_what_it_holds(run: RunState) -> None:
    assert run.decision is not None
    hunk = msgspec.structs.replace(run.decision.hunks[0], lines=("+ `````", "```` x", "# GO"))
    decision = msgspec.structs.replace(run.decision, hunks=(hunk,))
    tokens = parsed(markdown(msgspec.structs.replace(run, decision=decision)))
    (diff,) = (token for token in tokens if token.type == "fence" and token.info == "diff")
    assert diff.markup == "``````" and diff.content.endswith("+ `````\n```` x\n# GO\n")
    assert "GO" not in headings(tokens)


def test_the_demo_is_marked_in_title_and_text(run: RunState) -> None:
    text = markdown(msgspec.structs.replace(run, demo=True))
    assert text.startswith("# Model-car report: granite.base.yaml (DEMO)\n\nDEMO: a stub cluster")


ASKED = (
    e.QuestionAnswered(id="1", question="what if?", text="With --x=1 m would be GO.\n  Then m needs 1 GiB."),
    e.QuestionAnswered(id="2", question="<b>why</b>", text="<i>m</i> is NO-GO."),
)


def test_what_a_what_if_comes_to_stands_below_its_terms(run: RunState) -> None:
    state = msgspec.structs.replace(run, answers=ASKED)
    lists = [
        token.level
        for token in parsed(markdown(state))
        if token.type == "inline" and "would be GO" in token.content
    ]
    below = [
        token.level
        for token in parsed(markdown(state))
        if token.type == "inline" and token.content.startswith("Then m")
    ]
    assert len(lists) == len(below) == 1 and below[0] > lists[0]
    page = html_page(state)
    assert '<p class="then">Then m needs 1 GiB.</p>' in page and ".then {" in page


@pytest.mark.parametrize("form", [plain, markdown, html_page], ids=["text", "md", "html"])
def test_where_rules_answered_no_language_model_is_said_to_have_been_asked(
    form: Callable[[RunState], str], run: RunState
) -> None:
    state = msgspec.structs.replace(run, answers=ASKED, llm=type(run.llm)())
    text = form(state)
    assert "Language model" in text and "No language model was asked." in text
    assert "No language model was asked." not in form(msgspec.structs.replace(state, answers=()))
