"""Draw the pictures of README and docs out of the recorded runs of `demo-logs/`.

    python tools/pictures.py [FOLDER]

Each is a screen of a recording that is stopped where the operator would look: `docs/pictures/NAME.svg`. The
same recordings give the same bytes. `README.md` beside them says what each shows, for whoever can't see it.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from modelcar_tui.core.loops import run_once
from modelcar_tui.qa import QaProgressed
from modelcar_tui.supervisor import events as e
from modelcar_tui.tui import ReplayPort, draw
from same_places import ROOT

FOLDER = ROOT / "docs" / "pictures"
RECORDED = ROOT / "demo-logs"
SIZE = (100, 30)
MOST = 60_000
"""Bytes of a picture."""


def _end(_: e.AnyEvent) -> bool:
    return False


def _asked(event: e.AnyEvent) -> bool:
    return isinstance(event, e.ApprovalRequested)


def _third_waits(event: e.AnyEvent) -> bool:
    return isinstance(event, QaProgressed) and event.phase == "waiting for pods" and event.done == 2


class Picture(NamedTuple):
    """One picture: of which recording, stopped where, on which screen."""

    recording: str
    until: Callable[[e.AnyEvent], bool]
    screen: str
    alt: str
    passed_s: float = 0.0
    """Seconds since the last event."""
    log_until: tuple[str, int] = ("", 0)
    """The log's last line: what stands in it, and for which time."""


PICTURES = {
    "dashboard": Picture(
        "approved",
        _asked,
        "dashboard",
        "The dashboard after the decision: NO-GO in red with its reason in one line, the key that accepts "
        "what is required, five models with what each needs of a card, and the proposed changes.",
    ),
    "review": Picture(
        "approved",
        _asked,
        "review",
        "The review of the proposed changes: the change under the cursor with its old and new value, its "
        "reason, and what the card's memory holds now and then.",
    ),
    "diff": Picture(
        "approved",
        _asked,
        "diff",
        "The same changes as a diff of the manifest: lines that go in red, lines that come in green.",
    ),
    "qa-running": Picture(
        "approved",
        _third_waits,
        "dashboard",
        "QA runs: two of five models have passed, the third waits for its pods, and the log follows below.",
        passed_s=40.0,
        log_until=("wait_for_isvc_pods", 3),
    ),
    "qa-failed": Picture(
        "qa-failed",
        _end,
        "dashboard",
        "QA has failed: four models passed, one ran out of GPU memory; the cause stands in the first line, "
        "with what to change.",
    ),
    "cause": Picture(
        "qa-failed",
        _end,
        "cause",
        "The log at the root cause of the failure, which the key e finds: CUDA out of memory, with figures.",
    ),
    "gpus": Picture(
        "approved",
        _asked,
        "gpus",
        "All GPUs of the cluster by node: cards and slices, how many are free, and why others can't be used.",
    ),
    "log": Picture(
        "approved",
        _end,
        "log",
        "The whole QA log at its end: five tests passed, and what the suite deleted.",
    ),
}


class Stopped(ReplayPort):
    """A recording that stands where it was stopped, as the live run would."""

    recorded = False

    def __init__(self, journal: Path, passed_s: float) -> None:
        super().__init__(journal, speed=0)
        self._passed_s = passed_s

    def now(self) -> float:
        return super().now() + self._passed_s


def drawn(picture: Picture) -> str:
    """The picture's SVG."""
    with tempfile.TemporaryDirectory(prefix="pictures-") as place:
        port = Stopped(_cut(picture, Path(place)), picture.passed_s)
        return run_once(draw(port, SIZE, picture.screen))


def _cut(picture: Picture, folder: Path) -> Path:
    """The recording's journal and log up to where they are stopped."""
    name = picture.recording
    whole = ReplayPort(RECORDED / f"{name}.jsonl", speed=0)
    whole.start(lambda: None)
    events = whole.drain()
    stop = next((at for at, one in enumerate(events, 1) if picture.until(one.event)), len(events))
    lines = (RECORDED / f"{name}.jsonl").read_bytes().splitlines(keepends=True)
    journal = folder / f"{name}.jsonl"
    journal.write_bytes(b"".join(lines[:stop]))
    log = (RECORDED / f"{name}.qa.txt").read_text(encoding="utf-8").splitlines(keepends=True)
    words, times = picture.log_until
    hits = [at for at, line in enumerate(log, 1) if words and words in line]
    end = hits[times - 1] if words else len(log)
    (folder / f"{name}.qa.txt").write_text("".join(log[:end]), encoding="utf-8")
    return journal


def told() -> str:
    """`README.md`: each picture as it stands in a page, with its alternative text."""
    rows = [f"| `{name}.svg` | {one.alt} |" for name, one in PICTURES.items()]
    head = [
        "# Pictures",
        "",
        "Screens of the recorded runs of `demo-logs/`, 100 columns by 30 rows; `make pictures` draws them",
        "anew, and a test holds them to the screens. Text of their own for whoever can't see them:",
        "",
        "| picture | alternative text |",
        "|---|---|",
    ]
    tail = [
        "",
        "One of your own: `modelcar-tui --replay RUN --picture FILE.svg --screen review`; or `F7`",
        "on any screen.",
    ]
    return "\n".join((*head, *rows, *tail, ""))


def main(folder: Path) -> None:
    """Draw all of them into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in PICTURES.items():
        svg = drawn(picture)
        if len(svg.encode()) > MOST:
            raise RuntimeError(f"{name}.svg has {len(svg.encode())} bytes; {MOST} at most")
        (folder / f"{name}.svg").write_text(svg, encoding="utf-8")
        sys.stdout.write(f"{name}.svg: {len(svg.encode()) // 1024} KiB\n")
    (folder / "README.md").write_text(told(), encoding="utf-8")


if __name__ == "__main__":
    os.environ["TZ"] = "UTC"
    os.environ.pop("NO_COLOR", None)
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
