"""Runs without a screen, killed at a point and resumed, each in forks of one loaded interpreter."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from kill_judge import Came, came, counted, differences, runs_in
from kill_points import KINDS, NOWHERE, Point, arm
from kill_scenes import FOREIGN, Scene, alone, in_child, resumed

from modelcar_tui.supervisor.runs import SETTINGS

KILLED = -9


class Killed(NamedTuple):
    """One run that was killed: at which points, what is wrong with what came of it, and how long it took."""

    scene: str
    points: tuple[Point, ...]
    killed: int
    """How often it was; a point may lie behind the end."""
    wrong: tuple[str, ...]
    seconds: float

    def line(self) -> str:
        """As a line of JSON."""
        told: dict[str, Any] = {**self._asdict(), "points": [str(point) for point in self.points]}
        return json.dumps(told)


class Bench:
    """One scene: its undisturbed run, the number of points in it, and runs that are killed."""

    def __init__(self, scene: Scene, folder: Path, parts: Path) -> None:
        self.scene = scene
        self._rooms = folder / scene.name
        self._parts = parts
        began = time.monotonic()
        status = self._run(NOWHERE)
        self.seconds = time.monotonic() - began
        self.plain: Came = came(status, self._rooms)
        self.counts: dict[str, int] = json.loads((self._rooms / "out.counts").read_text())
        if status != scene.status:
            raise RuntimeError(f"{scene.name}: status {status}\n{(self._rooms / 'out').read_text()[-2000:]}")

    def points(self, kinds: Sequence[str] = KINDS) -> list[Point]:
        """Every point of the kinds in the undisturbed run."""
        return [Point(kind, at) for kind in kinds for at in range(1, self.counts[kind] + 1)]

    def kill(self, *points: Point) -> Killed:
        """Kill the run at the first point, its resumes at the others; then resume it to its end."""
        began = time.monotonic()
        wrong: list[str] = []
        status, killed = self._run(points[0]), 0
        for point in (*points[1:], NOWHERE):
            if status != KILLED:
                break
            killed += 1
            wrong += self._in_between()
            status = self._again(point)
        try:
            wrong += differences(came(status, self._rooms), self.plain)
        except Exception as error:
            wrong.append(f"{type(error).__name__}: {error}")
        if wrong and (out := self._rooms / "out").exists():
            wrong.append(f"said: {out.read_text(errors='replace')[-400:]}" if status else "")
        found = tuple(line for line in wrong if line)
        return Killed(self.scene.name, points, killed, found, round(time.monotonic() - began, 2))

    def _run(self, point: Point) -> int:
        self.scene.lay_out(self._rooms)
        return in_child(lambda: self._armed(point, first=True), self._rooms / "out")

    def _again(self, point: Point) -> int:
        (self._rooms / "out").unlink(missing_ok=True)
        if any((run / SETTINGS).exists() for run in runs_in(self._rooms)):
            return in_child(lambda: self._armed(point, first=False), self._rooms / "out")
        status = in_child(lambda: resumed(self._rooms), self._rooms / "out")
        if status != 2:
            return status
        # There is no run yet: it is started again, and what its start left is no file of the operator's.
        shutil.rmtree(self._rooms / "state", ignore_errors=True)
        return in_child(lambda: self._armed(point, first=True), self._rooms / "out")

    def _armed(self, point: Point, *, first: bool) -> int:
        alone(self._rooms)
        counter = arm(point, self._rooms)
        status = self.scene.first(self._rooms, self._parts) if first else resumed(self._rooms)
        (self._rooms / "out.counts").write_text(json.dumps(counter.seen))
        return status

    def _in_between(self) -> list[str]:
        """What holds at every moment: nothing before the approval, never half a file, the base as it was."""
        wrong = []
        base, target = self._rooms / "a.base.yaml", self._rooms / "a.generated.yaml"
        if self.scene.manifest is not None and base.read_bytes() != self.scene.manifest:
            wrong.append("the base was changed")
        there = target.read_bytes() if target.exists() else None
        if there is not None and there != FOREIGN:
            if there != self.plain.files.get("a.generated.yaml"):
                wrong.append("half a generated file, or another")
            if not any(counted(run)["ApprovalGiven"] for run in runs_in(self._rooms)):
                wrong.append("written before the approval")
        if there is None and self.scene.force:
            wrong.append("the file of another hand is gone")
        return wrong
