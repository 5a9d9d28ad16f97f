"""Runs cut short in their journal, and what must be the same when they have gone on."""

from __future__ import annotations

from pathlib import Path

import msgspec

from modelcar_tui.manifest import Decision
from modelcar_tui.supervisor.journal import read_journal
from modelcar_tui.supervisor.state import RunState
from modelcar_tui.supervisor.supervisor import Supervisor

TIMES = frozenset({"started", "finished", "now", "seq", "seconds", "waited", "asks_since", "replaced"})
OF_QA = frozenset(
    {"began", "phase_since", "model_since", "request_id", "read_at", "observed_at", "at", "took"}
)


def same(state: RunState, *, without: frozenset[str] = frozenset()) -> object:
    """Without times, places and numbers of events, which differ between any two runs."""
    data = msgspec.json.decode(msgspec.json.encode(state))
    data["approval"] = {**data["approval"], "request_id": ""}
    data["qa"]["ended"] = 0.0
    return _plain(data, TIMES | without)


def unlike(got: object, plain: object, where: str = "") -> list[str]:
    """The innermost places that differ."""
    if isinstance(got, dict) and isinstance(plain, dict):
        keys = sorted(got.keys() | plain.keys())
        return [line for key in keys for line in unlike(got.get(key), plain.get(key), f"{where}.{key}")]
    if isinstance(got, list) and isinstance(plain, list) and len(got) == len(plain):
        pairs = enumerate(zip(got, plain, strict=True))
        return [line for number, (a, b) in pairs for line in unlike(a, b, f"{where}[{number}]")]
    return [] if got == plain else [f"{where} is {str(got)[:100]}, not {str(plain)[:100]}"]


def _plain(value: object, left_out: frozenset[str]) -> object:
    if isinstance(value, dict):
        return {key: _plain(item, left_out) for key, item in value.items() if key not in left_out}
    return [_plain(item, left_out) for item in value] if isinstance(value, list) else value


async def drive(supervisor: Supervisor) -> RunState:
    """Answer what is asked, to the end."""
    async for _ in supervisor.run():
        state = supervisor.state
        if state.waiting_for_approval and state.decision is not None:
            plan = state.decision.plan
            supervisor.answer(
                Decision(
                    plan_digest=plan.digest, accepted=tuple(c.id for c in plan.changes), write=True, who="me"
                )
            )
    return supervisor.state


def cut(folder: Path, events: int) -> None:
    """The run as a process leaves it that was killed after so many events."""
    lines = (folder / "journal.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "journal.jsonl").write_bytes(b"".join(lines[:events]))


def kinds(folder: Path) -> list[str]:
    """The events of the journal, by kind."""
    return [type(stamped.event).__name__ for stamped in read_journal(folder / "journal.jsonl")]
