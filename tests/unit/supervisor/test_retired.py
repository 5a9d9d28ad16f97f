"""Journals and checkpoints of earlier releases hold events and words that no run tells any more."""

from __future__ import annotations

import sys
from contextlib import aclosing
from pathlib import Path

import pytest

from modelcar_tui.manifest import Decision
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.journal import Journal, read_journal
from modelcar_tui.supervisor.recorded import damage_of, retold
from modelcar_tui.supervisor.state import fold
from modelcar_tui.supervisor.supervisor import Supervisor

sys.path.insert(0, str(Path(__file__).parent))
from team import MANIFEST, fake_team

LINES = {
    "NarrationToken": '{"kind":"NarrationToken","specialist":"decision","text":"granite is"}',
    "NarrationSettled": (
        '{"kind":"NarrationSettled","specialist":"decision","confirmed":true,"text":"it is GO.","why":""}'
    ),
    "RouteChosen": '{"kind":"RouteChosen","steps":["accelerator"],"by":"model","why":""}',
}


def line(kind: str, seq: int, at: float = 2.0) -> bytes:
    return f'{{"seq":{seq},"at":{at},"event":{LINES[kind]}}}\n'.encode()


def told(path: Path, *kinds: str) -> Path:
    """A journal with a line of each kind between two notices."""
    journal = Journal(path)
    journal.append(e.Noticed(text="before"), 1.0)
    journal.close()
    with path.open("ab") as file:
        for seq, kind in enumerate(kinds, 2):
            file.write(line(kind, seq))
    return path


def test_there_is_a_line_of_each() -> None:
    assert set(LINES) == set(e.RETIRED)


@pytest.mark.parametrize("kinds", [*((kind,) for kind in LINES), tuple(LINES)])
def test_a_journal_that_holds_them_is_read_told_again_and_gone_on_with(
    kinds: tuple[str, ...], tmp_path: Path
) -> None:
    path = told(tmp_path / "journal.jsonl", *kinds)
    journal = Journal(path)
    journal.append(e.Noticed(text="after"), 3.0)
    journal.close()
    assert [(s.seq, s.event.text) for s in read_journal(path)] == [(1, "before"), (len(kinds) + 2, "after")]
    state = fold(retold(path))
    assert damage_of(state) == ""
    assert [notice.text for notice in state.notices] == ["before", "after"]


def test_a_line_behind_them_that_can_t_be_read_is_named_by_its_number(tmp_path: Path) -> None:
    path = told(tmp_path / "journal.jsonl", *LINES)
    with path.open("ab") as file:
        file.write(b'{"seq":9,"at":2.0,"event":{"kind":"RouteTaken"}}\n')
    assert "at line 5 (of a newer release)" in damage_of(fold(retold(path)))
    journal = Journal(path)
    assert journal.append(e.Noticed(text="after"), 3.0).seq == 10
    journal.close()
    assert [notice.text for notice in fold(read_journal(path)).notices] == ["before", "after"]


async def test_a_run_that_holds_them_is_resumed(tmp_path: Path) -> None:
    manifest = tmp_path / "x.base.yaml"
    manifest.write_text(MANIFEST)
    first = Supervisor(manifest, specialists=fake_team(), state_dir=str(tmp_path))
    async with aclosing(first.run()) as events:
        async for stamped in events:
            if isinstance(stamped.event, e.ApprovalRequested):
                break
    assert first.folder is not None
    path = first.folder / "journal.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    last = [line(kind, first.state.seq + 1 + place) for place, kind in enumerate(LINES)]
    path.write_bytes(b"".join([lines[0], *(line(kind, 1) for kind in LINES), *lines[1:], *last]))
    again = Supervisor("", specialists=fake_team(), resume=first.folder)
    async for _ in again.run():
        state = again.state
        if state.waiting_for_approval and state.decision is not None:
            again.answer(Decision(plan_digest=state.decision.plan.digest, who="me"))
    assert again.state.finish is not None and not damage_of(again.state)
    assert {pane.status for pane in again.state.panes} == {e.Status.DONE}
