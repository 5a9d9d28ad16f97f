"""Routing, journal, mailbox and reducer on their own."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelcar_tui.manifest import Decision
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.journal import Journal, read_journal
from modelcar_tui.supervisor.mailbox import Mailbox
from modelcar_tui.supervisor.routing import Progress, allowed_next
from modelcar_tui.supervisor.state import RunState, fold

TEAM = tuple(
    SimpleNamespace(name=name, needs=needs)
    for name, needs in [
        ("configuration", ()),
        ("accelerator", ()),
        ("decision", ("configuration", "accelerator")),
        ("qa", ("decision",)),
        ("licence", ("configuration",)),
        ("farewell", ("qa",)),
    ]
)
TAKEN, LEFT = Decision(plan_digest="p", write=True), Decision(plan_digest="p")
ANALYSED = {"configuration", "accelerator", "licence", "decision"}


@pytest.mark.parametrize(
    ("finished", "changes", "answer", "expected"),
    [
        (set(), False, None, ("configuration", "accelerator")),
        ({"accelerator"}, False, None, ("configuration",)),
        ({"configuration", "accelerator"}, False, None, ("decision", "licence")),
        (ANALYSED, False, None, ("qa",)),
        (ANALYSED, True, None, ("approval",)),
        (ANALYSED, True, TAKEN, ("write",)),
        (ANALYSED, True, LEFT, ("qa",)),
        (ANALYSED | {"write"}, True, TAKEN, ("qa",)),
        (ANALYSED | {"qa"}, False, None, ("farewell",)),
        (ANALYSED | {"qa", "farewell"}, False, None, ("summary",)),
        (ANALYSED | {"qa", "farewell", "summary"}, False, None, ()),
    ],
)
def test_routing_table(
    finished: set[str], changes: bool, answer: Decision | None, expected: tuple[str, ...]
) -> None:
    progress = Progress(finished=frozenset(finished), has_changes=changes, answer=answer)
    assert allowed_next(progress, TEAM) == expected


def test_fatal_manifest_goes_straight_to_the_summary() -> None:
    assert allowed_next(Progress(finished=frozenset({"configuration"}), fatal=True), TEAM) == ("summary",)


@given(
    finished=st.frozensets(
        st.sampled_from(["configuration", "accelerator", "decision", "qa", "licence", "write"])
    ),
    changes=st.booleans(),
    answer=st.sampled_from([None, TAKEN, LEFT]),
)
def test_write_is_never_reached_without_an_approval(
    finished: frozenset[str], changes: bool, answer: Decision | None
) -> None:
    steps = allowed_next(Progress(finished=finished, has_changes=changes, answer=answer), TEAM)
    if "write" in steps:
        assert answer == TAKEN
    if "qa" in steps:
        assert "decision" in finished
        assert not (changes and answer is None)


def test_journal_goes_on_after_a_line_that_a_crash_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    for text in ("one", "two"):
        journal.append(e.Noticed(text=text), 1.0)
    journal.close()
    with path.open("ab") as file:
        file.write(b'{"seq":3,"at":2.0,"event":{"kind":"Noti')
    again = Journal(path)
    again.append(e.Noticed(text="three"), 3.0)
    again.close()
    assert [(s.seq, s.event.text) for s in read_journal(path)] == [(1, "one"), (2, "two"), (3, "three")]
    assert path.stat().st_mode & 0o777 == 0o600


def test_growth_of_the_log_is_not_journalled(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    for lines in range(1000):
        journal.append(e.QaLogGrew(lines=lines, size=lines), 1.0)
    journal.close()
    assert (tmp_path / "journal.jsonl").stat().st_size == 0


def test_mailbox_keeps_the_newest_progress_and_every_notice() -> None:
    mailbox = Mailbox()
    for number in range(5000):
        mailbox.put(e.Stamped(2 * number, 0.0, e.QaProgressed(done=number, total=5000)))
        if number % 1000 == 0:
            mailbox.put(e.Stamped(2 * number + 1, 0.0, e.Noticed(text=str(number))))
    events = [stamped.event for stamped in mailbox.drain()]
    assert [event.text for event in events if isinstance(event, e.Noticed)] == [
        "0",
        "1000",
        "2000",
        "3000",
        "4000",
    ]
    assert [event.done for event in events if isinstance(event, e.QaProgressed)] == [4999]
    assert mailbox.coalesced == 4999
    assert mailbox.drain() == []


def test_state_told_twice_is_the_same_state() -> None:
    pane = e.PanePlan("configuration", "Configuration", (e.StepPlan("manifest", "Read"),))
    story = [
        e.RunStarted(run_id="r", manifest="x.yaml", panes=(pane,), version="1"),
        e.SpecialistStarted(specialist="configuration"),
        e.StepChanged(specialist="configuration", step="manifest", status=e.Status.DONE, detail="2 models"),
        e.SpecialistFinished(specialist="configuration", status=e.Status.DONE, summary="fine"),
    ]
    stamped = [e.Stamped(number, 5.0, event) for number, event in enumerate(story, 1)]
    once, twice = fold(stamped), fold([*stamped, *stamped])
    assert once == twice
    assert once.pane("configuration").steps[0].detail == "2 models"


def test_state_survives_its_own_json() -> None:
    state = fold([e.Stamped(1, 1.0, e.Noticed(text="x"))])
    assert msgspec.json.decode(msgspec.json.encode(state), type=RunState) == state
