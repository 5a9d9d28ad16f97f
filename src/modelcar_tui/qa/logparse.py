"""Progress and result from the suite's own lines.

The suite prints pytest's outcome word glued to the next log line and its final line twice, so the status
line (`TEST: Class.fn[id] STATUS: PASSED`) decides what a test did, and the first final line gives the counts.
"""

from __future__ import annotations

import re

import msgspec

from modelcar_tui.qa.measured import figures_of
from modelcar_tui.qa.tables import KnownFailure, recognise, suite
from modelcar_tui.qa.types import QaCounts, QaMeasured, QaModelResult

MAX_MODELS = 2_000
MAX_MEASURED = 1_000
MAX_OBJECTS = 200
_FAILED = ("FAILED", "ERROR")


class Found(msgspec.Struct, frozen=True):
    """A line that names a known failure."""

    rank: int
    known: KnownFailure
    line: str
    number: int


class SuiteResult(msgspec.Struct, kw_only=True):
    """What the log says, so far or in the end."""

    total: int = 0
    """Tests collected."""
    done: int = 0
    phase: str = "starting"
    window_s: float | None = None
    """The suite's own limit for what it waits for in this phase."""
    model: str = ""
    counts: QaCounts | None = None
    """From the final line; None where the suite never got there."""
    seconds: float | None = None
    internal_error: str = ""
    usage_error: str = ""
    first_error: str = ""
    """The first line that looks like an error, for when no known failure was found."""
    best: Found | None = None
    models: dict[str, QaModelResult] = {}
    measured: list[QaMeasured] = []
    created: dict[str, None] = {}
    """Objects made and not deleted, in order."""
    lines: int = 0

    @property
    def passed(self) -> int:
        """Models that passed by their status line."""
        return sum(m.status == "PASSED" for m in self.models.values())

    @property
    def failed(self) -> int:
        """Models that failed, or whose set-up or tear-down did."""
        return sum(m.status in _FAILED for m in self.models.values())


class SuiteParser:
    """Feed it cleaned lines, in order; read `result`."""

    def __init__(self) -> None:
        self.result = SuiteResult()
        self._lines = suite().lines
        self._causes: dict[str, Found] = {}
        self._in_summary = False

    def feed(self, line: str) -> bool:
        """Take one line; True when progress (phase, model, counts) changed."""
        result = self.result
        result.lines += 1
        if not line:
            return False
        self._look_for_cause(line)
        first = line[0]
        if first in "=_-":
            return self._ruler(line)
        if first == "T" and (match := self._lines["status"].search(line)):
            return self._status(match)
        if first in "cFEIpt" or "tests/" in line:
            return self._plain(line)
        return self._event(line)

    def _ruler(self, line: str) -> bool:
        result = self.result
        if line[0] == "-" and (match := self._lines["phase"].search(line)):
            return self._enter({"SETUP": "setup", "CALL": "inference"}.get(match["phase"], "teardown"))
        if match := self._lines["progress"].search(line):
            result.done, result.total = int(match["done"]), int(match["total"])
            return True
        if self._lines["session_start"].search(line):
            return self._enter("collecting")
        if line.startswith("=") and "short test summary" in line:
            self._in_summary = True
            return self._enter("summary")
        if match := self._lines["final"].search(line):
            return self._final(match["counts"], float(match["sec"]))
        return False

    def _plain(self, line: str) -> bool:
        lines, result = self._lines, self.result
        if match := lines["node"].search(line):
            result.model = match["model"]
            self._causes.pop(result.model, None)
            self._model(result.model)
            return self._enter("setup") or True
        if match := lines["collected"].search(line):
            result.total = int(match["n"]) - int(match["desel"] or 0)
            return self._enter("collected")
        if match := lines["internal_error"].search(line):
            result.internal_error = match["msg"] or result.internal_error or line
            return self._enter("internal error")
        if not result.usage_error and lines["usage_error"].search(line):
            result.usage_error = line
            return False
        if match := lines["short_summary"].search(line):
            if not result.first_error and match["msg"]:
                result.first_error = match["msg"]
            return False
        return self._event(line)

    def _event(self, line: str) -> bool:
        lines, result = self._lines, self.result
        if "Executing " in line and (match := lines["fixture"].search(line)):
            return self._enter(suite().phases.get(match["name"], "setup"))
        if "ocp_resources" in line:
            self._object(line)
        else:
            self._measure(line)
        if "Waiting for " not in line:
            return False
        changed = self._enter("waiting for pods") if "pods" in line and result.phase == "setup" else False
        if match := lines["wait_window"].search(line):
            result.window_s, changed = float(match["sec"]), True
        return changed

    def _status(self, match: re.Match[str]) -> bool:
        result = self.result
        model = re.sub(r"-(?:raw|standard|serverless)$", "", match["id"])
        known = self._model(model)
        status, when = match["st"], match["when"] or "call"
        if known is None:
            return False
        if known.status in _FAILED and status not in _FAILED:
            return False
        found = self._causes.get(model) or self._causes.get(model[:20])
        failed = status in _FAILED
        result.models[known.model] = QaModelResult(
            model=known.model,
            status=status,
            phase=when,
            cause=found.known.code if failed and found else "",
            means=found.known.means if failed and found else "",
            fix=found.known.fix if failed and found else "",
            line=found.line if failed and found else "",
        )
        if failed and found and (result.best is None or result.best.rank > found.rank):
            result.best = found
        if known.status == "":
            result.done = max(result.done, sum(bool(m.status) for m in result.models.values()))
        return True

    def _final(self, counts: str, seconds: float) -> bool:
        result = self.result
        if result.counts is not None:
            return False
        numbers = {m["what"].rstrip("s"): int(m["n"]) for m in self._lines["count_item"].finditer(counts)}
        if not numbers:
            return False
        result.counts = QaCounts(
            passed=numbers.get("passed", 0),
            failed=numbers.get("failed", 0),
            errors=numbers.get("error", 0),
            skipped=numbers.get("skipped", 0),
        )
        result.seconds = seconds
        return self._enter("finished")

    def _enter(self, phase: str) -> bool:
        changed = self.result.phase != phase
        self.result.phase = phase
        if changed:
            self.result.window_s = None
        return changed

    def _model(self, name: str) -> QaModelResult | None:
        models = self.result.models
        if name not in models:
            if len(models) >= MAX_MODELS:
                return None
            models[name] = QaModelResult(model=name, status="")
        return models[name]

    def _look_for_cause(self, line: str) -> None:
        result = self.result
        if found := recognise(line):
            rank, known = found
            here = Found(rank, known, line, result.lines)
            if self._in_summary:
                # The summary repeats the lines above without saying more; it names a cause only of last
                # resort.
                if result.best is None:
                    result.best = here
                return
            before = self._causes.get(result.model)
            if before is None or before.rank > rank:
                self._causes[result.model] = here
        elif not result.first_error and (line.startswith("E  ") or " ERROR " in line or "[error" in line):
            result.first_error = line.removeprefix("E").strip()

    def cause(self) -> Found | None:
        """The most telling known failure: of a failed model, else of the whole run."""
        if self.result.best:
            return self.result.best
        unfinished = [f for m, f in self._causes.items() if not m or not self._passed(m)]
        return min(unfinished, key=lambda found: (found.rank, found.number), default=None)

    def _passed(self, model: str) -> bool:
        known = self.result.models.get(model)
        return known is not None and known.status in ("PASSED", "SKIPPED")

    def _measure(self, line: str) -> None:
        result = self.result
        if len(result.measured) < MAX_MEASURED:
            result.measured += figures_of(result.model, line)

    def _object(self, line: str) -> None:
        match = self._lines["object"].search(line)
        if not match:
            return
        name, created = f"{match['kind']}/{match['name']}", self.result.created
        if match[0].startswith("Delet"):
            created.pop(name, None)
            if match["kind"] == "Namespace":
                # What was in it goes with it.
                created.clear()
        elif len(created) < MAX_OBJECTS:
            created[name] = None
