"""Drives the soaked process by its terminal, and looks at what it takes."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from terminal import Terminal

from soak.stage import Stage

APP = Path(__file__).resolve().parent / "app.py"
ESC = "\x1b"
SIZES = ((120, 40), (80, 24), (60, 20), (160, 50), (100, 30))
GROWTH = 1.10
STUCK_S = 30.0
SETTLE_S = 180.0
WARM = 10
"""A tenth of a part is warming up."""
KEY_CPU_S = 0.1
SPOOL_CAP = 256 * 1024**2
JOURNAL_CAP = 64 * 1024**2
WALK = (
    ("m", "j", ESC),
    ("?", ESC),
    ("o", ESC),
    ("l", "f", "w", "T", "/line 0", "\r", "n", "N", "e", "/", ESC, "f", ESC),
    ("z", "z"),
    ("tab", "b", ">"),
    ("1", "1", "2", "2"),
    ("a", "why is it so", "\r", ESC, ESC),
    ("l", "/INFO", "\r", "k", "k", "/", ESC, ESC),
    ("g", "j", ">", "b", "b", "i", "i", ESC),
)
REVIEW = (
    ("d", "j", " ", " ", "-", "U", "U", "v", "v", "v", "*", "U", ESC),
    ("d", "A", "U", "j", "\r", "j", " ", "U", ESC),
    ("t", ESC),
)
NAMED = {"tab": "\t"}


class Amount(NamedTuple):
    """How much is soaked."""

    refreshes: int
    lines: int


class Probe:
    """Asks the soaked process."""

    def __init__(self, path: Path, pump: Callable[[], object]) -> None:
        self._pump = pump
        self._socket = socket.socket(socket.AF_UNIX)
        until = time.monotonic() + 60
        while True:
            try:
                self._socket.connect(str(path))
                break
            except OSError:
                if time.monotonic() > until:
                    raise
                pump()
        self._rest = b""

    def ask(self, what: str) -> dict[str, Any]:
        """The terminal is read meanwhile, or the process might wait for us."""
        self._socket.sendall(what.encode() + b"\n")
        self._socket.settimeout(0.05)
        while b"\n" not in self._rest:
            try:
                part = self._socket.recv(65_536)
                if not part:
                    raise AssertionError("the soaked process has ended")
                self._rest += part
            except TimeoutError:
                self._pump()
        line, _, self._rest = self._rest.partition(b"\n")
        found: dict[str, Any] = json.loads(line)
        return found


class Part:
    """One part of a run: what was measured in it, and what does not hold."""

    def __init__(self, name: str, probe: Probe) -> None:
        self._name, self._probe = name, probe
        self._found: list[dict[str, Any]] = []

    def measure(self) -> dict[str, Any]:
        """Once more."""
        found = self._probe.ask("m")
        self._found.append(found)
        print(
            f"{self._name}: {found['reads']:,} refreshes, {found['lines']:,} lines: "
            f"{found['rss_mib']:.1f} MiB, "
            f"{found['descriptors']} descriptors, {found['threads']} threads, {found['blocks']:,} blocks",
            flush=True,
        )
        return found

    def wrong(self) -> list[str]:
        """The last against the first, which is taken when all is warm."""
        first, last = self._found[0], self._found[-1]
        told = []
        if last["rss_mib"] > first["rss_mib"] * GROWTH:
            told.append(f"{self._name}: {first['rss_mib']:.1f} MiB grew to {last['rss_mib']:.1f}")
        print("\n".join(last["grew"]), end="\n" if last["grew"] else "")
        told += [
            f"{self._name}: {first[what]} {what} became {last[what]}"
            for what in ("descriptors", "threads")
            if last[what] > first[what] + 1
        ]
        return told


class Operator:
    """Keys, and what they are for."""

    def __init__(self, window: Terminal, stage: Stage, probe: Probe) -> None:
        self._window, self._stage, self._probe = window, stage, probe
        self._sizes = 0

    def walk(self, keys: tuple[str, ...]) -> None:
        """Type them as a quick operator would."""
        for key in keys:
            self._window.keys(NAMED.get(key, key))
            # An escape is told from the beginning of a longer key by what does not follow it.
            self._window.quiet(0.15 if key == ESC else 0.03)

    def resize(self) -> None:
        """Another size of the terminal."""
        self._sizes += 1
        columns, rows = SIZES[self._sizes % len(SIZES)]
        self._window.screen.resize(rows, columns)
        handle = self._window._handle
        fcntl.ioctl(handle, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self._window.kill(signal.SIGWINCH)
        self._window.quiet(0.05)

    def gpus(self) -> None:
        """The screen of the GPUs, from wherever a walk has ended: a screen may be deaf to its last key."""
        until = time.monotonic() + STUCK_S
        while "· GPUs" not in self._window.text.split("\n")[0]:
            if time.monotonic() > until:
                raise AssertionError(f"the GPUs are not shown; the screen:\n{self._window.text}")
            self.walk((ESC, "g"))
            self._window.quiet(0.3)

    def refresh(self, times: int, *, done: int) -> int:
        """Read the cluster again by its key; `done` times it was before."""
        self.gpus()
        for _ in range(times):
            self._stage.change(large=done % 10 == 9)
            pressed, began = 0.0, time.monotonic()
            while self._probe.ask("c")["reads"] <= done:
                if time.monotonic() - began > STUCK_S:
                    raise AssertionError(f"the cluster is not read again; the screen:\n{self._window.text}")
                # A screen that has just opened may be deaf; one that reads says so and takes no second.
                if time.monotonic() - pressed > 3:
                    if pressed:
                        # The question of a try, or the summary of the run, has come before it.
                        self.walk(("-", ESC) if "on the real GPU?" in self._window.text else (ESC,))
                    self.gpus()
                    self._window.keys("r")
                    pressed = time.monotonic()
                self._window.quiet(0.02)
            done += 1
        self.walk((ESC,))
        return done


def rounds(operator: Operator, walks: tuple[tuple[str, ...], ...], first: int, last: int) -> Iterator[int]:
    """Refreshes from `first` to `last`, a few at a time, and a walk and a new size between them."""
    done, at, each = first, 0, min(max((last - first) // (len(walks) * 2), 1), 5)
    while done < last:
        operator.walk(walks[at % len(walks)])
        if at % 3 == 0:
            operator.resize()
        done = operator.refresh(min(each, last - done), done=done)
        at += 1
        yield done


def dashboard(stage: Stage, amount: Amount) -> list[str]:
    """The soak with a screen; what does not hold."""
    argv = [
        sys.executable,
        str(APP),
        "dashboard",
        str(stage.folder),
        str(stage.manifest("shown")),
        str(stage.recording),
    ]
    env = {"MODELCAR_TUI_QA_SPEED": "0", "PYTHONPATH": os.pathsep.join(sys.path[:2])}
    with Terminal(argv, columns=120, rows=40, env=env) as window:
        window.wait_for("d: review", 120)
        probe = Probe(stage.folder / "dashboard.sock", lambda: window.quiet(0.05))
        operator = Operator(window, stage, probe)
        before = amount.refreshes * 3 // 10
        told = _part("before the approval", operator, probe, (*REVIEW, *WALK), (0, before))
        _approve(window, operator)
        told += _part("QA", operator, probe, WALK, (before, amount.refreshes), lines=amount.lines)
        told += _at_rest(window, operator, amount)
        told += _files(next((stage.folder / "state" / "runs").iterdir()))
        print(f"{len(window.sent) / 1024:,.0f} KiB were sent to the terminal")
        window.kill(signal.SIGTERM)
        window.wait_end(60)
    return told


def _part(
    name: str,
    operator: Operator,
    probe: Probe,
    walks: tuple[tuple[str, ...], ...],
    span: tuple[int, int],
    *,
    lines: int = 0,
) -> list[str]:
    part, (first, last) = Part(name, probe), span
    steps = [first + (last - first) * at // WARM for at in range(1, WARM + 1)]
    for number, done in enumerate(rounds(operator, walks, first, last)):
        # What is opened for the first time loads what it needs.
        if (
            number >= len(walks)
            and steps
            and done >= steps[0]
            and (lines == 0 or probe.ask("c")["lines"] >= lines // WARM or done == last)
        ):
            part.measure()
            steps = [step for step in steps if step > done]
    while lines and not probe.ask("c")["finished"]:
        operator.walk(walks[2])
    part.measure()
    return part.wrong()


def _approve(window: Terminal, operator: Operator) -> None:
    """The plan and QA, by keys; screens are deaf at first, so they are typed until they are heard."""
    _until(window, operator, ("d",), lambda text: "[ ]" in text)
    _until(window, operator, ("*",), lambda text: "[x]" in text)
    _until(window, operator, ("W",), lambda text: "type write" in text)
    _until(window, operator, tuple("write"), lambda text: "skip it" in text)
    _until(window, operator, ("X",), lambda text: "skip it" not in text)


def _until(window: Terminal, operator: Operator, keys: tuple[str, ...], shows: Callable[[str], bool]) -> None:
    for _ in range(20):
        operator.walk(keys)
        end = time.monotonic() + 2
        while time.monotonic() < end:
            if shows(window.text):
                return
            window.quiet(0.05)
    raise AssertionError(f"{keys} did nothing; the screen:\n{window.text}")


def _cpu(pid: int) -> float:
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def _settled(window: Terminal) -> float:
    """Wait until all is done that a walk has begun, such as a filter of two million lines; seconds."""
    began = time.monotonic()
    while time.monotonic() - began < SETTLE_S:
        before, sent = _cpu(window.pid), len(window.sent)
        window.quiet(2.0)
        if _cpu(window.pid) - before < 0.1 and len(window.sent) == sent:
            break
    return time.monotonic() - began


def _at_rest(window: Terminal, operator: Operator, amount: Amount) -> list[str]:
    """After the end: what a key costs, and an idle screen."""
    operator.walk((ESC, ESC, "l"))
    print(f"at rest after {_settled(window):.0f} s")
    costs = []
    for _ in range(9):
        before = _cpu(window.pid)
        window.keys("f")
        window.quiet(0.5)
        costs.append(_cpu(window.pid) - before)
    key = sorted(costs)[len(costs) // 2]
    window.quiet(2.0)  # what the last key has changed may be painted late
    before, sent = _cpu(window.pid), len(window.sent)
    window.quiet(5.0)
    idle, bytes_sent = (_cpu(window.pid) - before) / 5.0, len(window.sent) - sent
    print(
        f"after {amount.lines:,} lines and {amount.refreshes:,} refreshes: "
        f"a key costs {key * 1000:.0f} ms of CPU; idle: {idle:.1%} of a core, {bytes_sent} bytes in 5 s"
    )
    told = [f"a key costs {key:.2f} s of CPU"] if key > KEY_CPU_S else []
    told += [f"an idle screen takes {idle:.1%} of a core"] if idle > 0.05 else []
    return told + ([f"an idle screen sent {bytes_sent} bytes"] if bytes_sent else [])


def _files(run: Path) -> list[str]:
    """What the run's folder holds, against the caps."""
    journal = (run / "journal.jsonl").stat().st_size
    spool = sum(file.stat().st_size for file in (run / "qa").glob("qa.log*"))
    others = {
        str(file.relative_to(run)): file.stat().st_size
        for file in sorted(run.rglob("*"))
        if file.is_file() and file.name != "journal.jsonl" and not file.name.startswith("qa.log")
    }
    print(
        f"journal {journal / 1024**2:.1f} MiB, log with its index {spool / 1024**2:.1f} MiB, "
        f"others {sum(others.values()) / 1024**2:.1f} MiB"
    )
    told = [f"the log takes {spool:,} bytes"] if spool > SPOOL_CAP else []
    return told + ([f"the journal takes {journal:,} bytes"] if journal > JOURNAL_CAP else [])


def headless(stage: Stage, amount: Amount) -> list[str]:
    """The same engine without a screen; what does not hold."""
    argv = [
        sys.executable,
        str(APP),
        "headless",
        str(stage.folder),
        str(stage.manifest("headless")),
        str(stage.recording),
    ]
    env = {**os.environ, "MODELCAR_TUI_QA_SPEED": "0", "PYTHONPATH": os.pathsep.join(sys.path[:2])}
    before = set((stage.folder / "state" / "runs").iterdir())
    child = subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        probe = Probe(stage.folder / "headless.sock", lambda: time.sleep(0.05))
        part, done = Part("headless", probe), 0
        while (found := probe.ask("c"))["lines"] < amount.lines // WARM and not found["finished"]:
            time.sleep(0.05)
        # The first times load what a look needs.
        each = max(amount.refreshes // 20, 1)
        while done < amount.refreshes // 2 or not found["finished"]:
            if found["reads"] >= done:
                if done and done % each == 0:
                    part.measure()
                stage.change(large=done % 10 == 9)
                probe.ask("r")
                done += 1
            found = probe.ask("c")
            time.sleep(0.01)
        while probe.ask("c")["reads"] < done:
            time.sleep(0.05)
        part.measure()
        (run,) = set((stage.folder / "state" / "runs").iterdir()) - before
        return part.wrong() + _files(run)
    finally:
        child.kill()
        child.wait()
