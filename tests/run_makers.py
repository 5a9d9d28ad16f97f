"""Run folders as runs leave them, made of their events: thousands cost little."""

from __future__ import annotations

import os
import time
from pathlib import Path

import msgspec

from modelcar_tui.qa import QaStarted
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.runs import JOURNAL, LOCK, SETTINGS
from modelcar_tui.supervisor.settings import Settings
from modelcar_tui.verdict import Verdict

DAY_S = 86_400.0


def started(*, demo: bool = False, manifest: str = "/m/a.yaml") -> e.RunStarted:
    return e.RunStarted(run_id="x", manifest=manifest, panes=(), version="1", demo=demo)


def finished(status: int = 0, verdict: Verdict = Verdict.GO) -> e.RunFinished:
    return e.RunFinished(exit_status=status, verdict=verdict, summary="all is well", seconds=1.0)


def qa_started() -> QaStarted:
    return QaStarted(container="c", image="i", log="qa.log")


def make_run(
    state: Path,
    *events: e.AnyEvent,
    days: float = 0,
    number: int = 0,
    demo: bool = False,
    settings: bool = True,
    name: str = "",
) -> Path:
    """A run of so many days ago; without events one that ended with GO."""
    at = time.time() - days * DAY_S
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(at))
    folder = state / "runs" / (name or f"{stamp}-{number:06x}")
    folder.mkdir(parents=True, mode=0o700)
    if settings:
        kept = Settings(manifest="/m/a.yaml", demo=demo)
        (folder / SETTINGS).write_bytes(msgspec.json.encode(kept))
        (folder / LOCK).touch()
        told = events or (started(demo=demo), finished())
        lines = (msgspec.json.encode(e.Stamped(seq, at, one)) for seq, one in enumerate(told, 1))
        (folder / JOURNAL).write_bytes(b"".join(line + b"\n" for line in lines))
    age(folder, days)
    return folder


def age(folder: Path, days: float) -> None:
    """Put the times of a folder and of what is in it so many days back."""
    at = time.time() - days * DAY_S
    for path in (*folder.rglob("*"), folder):
        if not path.is_symlink():
            os.utime(path, (at, at))
