"""Every form of a report tells each try; none makes a run red that is not."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest

from modelcar_tui.core.errors import Problem
from modelcar_tui.report.document import markdown
from modelcar_tui.report.html.page import html_page
from modelcar_tui.report.junit_xml import junit
from modelcar_tui.report.text import plain
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.state import RunState
from modelcar_tui.trial.types import TrialEnd
from modelcar_tui.verdict import Verdict
from pilot import support as s
from pilot import trial_states as t
from pilot.states import BIG
from support.reporting import HOSTILE, hostile, told

FORMS = {"text": plain, "markdown": markdown, "html": html_page, "junit": junit}
GOOD = e.RunFinished(exit_status=0, verdict=Verdict.GO, summary="decided", seconds=9.0)
WHY = "a quota of the namespace leaves no GPU"


def finished(*events: e.AnyEvent) -> RunState:
    """A run that ended well, with these tries."""
    return told([*s.decided(), *events, GOOD])


def not_run() -> RunState:
    end = TrialEnd(id="w", problem=Problem(where=BIG, what=WHY, fix="ask for more"))
    return finished(e.TrialAsked(id="w", model=BIG), e.TrialEnded(end=end))


def suite_of(state: RunState) -> ET.Element:
    found = ET.fromstring(junit(state)).find("testsuite[@name='modelcar-tui.tries']")
    assert found is not None
    return found


@pytest.mark.parametrize("form", FORMS)
def test_a_try_is_told_with_its_end_and_one_that_could_not_be_run_with_its_reason(form: str) -> None:
    measured = FORMS[form](told(t.ended(Path())))
    assert "17.02" in measured and "predicted" in measured
    failed = FORMS[form](not_run())
    assert WHY in failed and "ask for more" in failed


@pytest.mark.parametrize("form", FORMS)
def test_a_run_without_tries_has_no_word_of_them(form: str) -> None:
    assert "Tries on real GPUs" not in FORMS[form](finished())
    assert "modelcar-tui.tries" not in FORMS[form](finished())


def test_a_try_that_could_not_be_run_is_skipped_and_its_run_stays_green() -> None:
    without, state = ET.fromstring(junit(finished())), ET.fromstring(junit(not_run()))
    assert [state.get(name) for name in ("failures", "errors")] == [
        without.get(name) for name in ("failures", "errors")
    ]
    (case,) = suite_of(not_run()).findall("testcase")
    skipped = case.find("skipped")
    assert skipped is not None and skipped.get("message") == "can't be tried"
    assert WHY in (case.findtext("system-out") or "")


@pytest.mark.parametrize(
    ("outcome", "how"), [("starts", []), ("refused_kv", ["skipped"]), ("died", ["skipped"])]
)
def test_what_a_try_measured_is_for_the_verdict_to_fail(outcome: str, how: list[str]) -> None:
    (*before, last) = t.ended(Path())
    assert isinstance(last, e.TrialEnded) and last.end.measured is not None
    start = msgspec.structs.replace(last.end.measured, outcome=outcome)
    end = e.TrialEnded(end=msgspec.structs.replace(last.end, measured=start))
    (case,) = suite_of(told([*before, end, GOOD])).findall("testcase")
    assert [each.tag for each in case if each.tag != "system-out"] == how


@pytest.mark.parametrize("payload", ["tag", "link", "lines", "control", "bidi", "cdata"])
def test_words_of_a_try_stay_text(payload: str) -> None:
    state = hostile(told(t.failed(Path())), HOSTILE[payload])
    page = html_page(state).partition('<h2 id="tries">')[2].partition("</section>")[0]
    document = markdown(state).partition("## Tries on real GPUs")[2].partition("\n## ")[0]
    assert "unauthorized" in page and "unauthorized" in document
    assert re.search(r"(?<!\\)<script>alert", f"{page} {document}") is None
    assert re.search(r"(?<!\\)\]\(https://evil", document) is None
    ET.fromstring(junit(state))
    for text in (plain(state), document, page):
        assert "\x1b" not in text and "\u202e" not in text
