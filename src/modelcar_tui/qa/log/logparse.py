"""Progress and result from the suite's own lines.

The suite writes two streams. pytest's own lines go to stdout: a test's id without a line end, its word once
the test is over, the failure, sections and sums at the end. All else goes to stderr, through a queue: rulers
with the test's id, the log, `TEST: Class.fn[id] STATUS: PASSED`. A log holds both in any order, and a line of
one glued to a line of the other. So stderr, which is in order with itself, says which model is tested and how
it fared; stdout is believed only where stderr is silent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from modelcar_tui.qa.log.blocks import Block, Blocks
from modelcar_tui.qa.log.models import Found, Models, model_of
from modelcar_tui.qa.log.objects import follow
from modelcar_tui.qa.log.tables import suite
from modelcar_tui.qa.log.telling import told
from modelcar_tui.qa.measured import figures_of
from modelcar_tui.qa.types import QaCounts, QaMeasured, QaModelResult

MAX_MEASURED = 1_000
MAX_GLUED = 8
"""Pieces of a line that are taken apart."""
_SUMMARY = "short test summary info"
_SECTIONS = ("ERRORS", "FAILURES", _SUMMARY)
_PHASES = {"SETUP": "setup", "CALL": "inference"}
_ERRORS = ("Error: ", "Exception: ", "ERROR ", "CRITICAL ")
"""Of these a line holds one that looks like an error."""
_EXCEPTION = re.compile(r"^[\w.]*(?:Error|Exception|Exit|Expired|Failed)\b")


class SuiteResult(msgspec.Struct, kw_only=True):
    """What the log says, so far or in the end."""

    total: int = 0
    """Tests collected."""
    done: int = 0
    phase: str = "starting"
    window_s: float | None = None
    """The suite's own limit for what it waits for in this phase."""
    model: str = ""
    begun: int = 0
    """Tests whose set-up began; a model's budget counts from there."""
    counts: QaCounts | None = None
    """From the final line; None where the suite never got there."""
    seconds: float | None = None
    internal_error: str = ""
    usage_error: str = ""
    measured: list[QaMeasured] = []
    created: dict[str, None] = {}
    """Objects made and not deleted, in order."""
    lines: int = 0
    tests: Models

    @property
    def models(self) -> dict[str, QaModelResult]:
        """Each model that the log has spoken of."""
        return self.tests.results

    @property
    def first_error(self) -> str:
        """A line that looks like an error, for when no known failure was found."""
        return self.tests.error_line()


class SuiteParser:
    """Feed it cleaned lines, in order; read `result`."""

    def __init__(self) -> None:
        self.result = SuiteResult(tests=Models())
        self._lines = suite().lines
        self._blocks = Blocks()
        self._glued = 0
        self._ruled = False
        """A ruler with a test's id was seen, so stdout's ids tell nothing of now."""
        self._of_section: str | None = None
        """The model whose failure pytest prints, after its test or in the sections at the end."""

    def feed(self, line: str) -> bool:
        """Take one line; True when progress (phase, model, counts) changed."""
        self.result.lines += 1
        if not line:
            return False
        if (behind := line.find("TEST: ", 1)) > 0 and self._lines["status"].search(line[behind:]):
            return self._behind(line, behind)
        if line.startswith("INTERNALERROR>"):
            return self._internal(line)
        # What the line ends was said of the model before it.
        of = self._speaks_of()
        changed = self._structure(line)
        if changed is None:
            self._consider(self._blocks.feed(line, self.result.lines), of)
            return self._event(line)
        self._consider(self._blocks.close(), of)
        return changed

    def cause(self) -> tuple[str, Found] | None:
        """The most telling known failure and its model: of a failed model, else of the whole run."""
        self._consider(self._blocks.close(), self._speaks_of())
        return self.result.tests.cause()

    def _structure(self, line: str) -> bool | None:
        """Take a line of pytest's or a ruler of the suite's; None for any other."""
        first = line[0]
        if first in "=_- " or line.startswith("test_"):
            return self._ruler(line)
        if first == "T" and (match := self._lines["status"].search(line)):
            return self._status(match)
        return self._plain(line) if first in "cFEPSptX" else None

    def _ruler(self, line: str) -> bool | None:
        lines, result = self._lines, self.result
        if match := lines["phase"].search(line):
            return self._phase(match["phase"])
        if match := lines["test"].search(line):
            self._ruled = True
            return self._begin(model_of(match["id"]))
        if line[0] in "- t":
            return None
        if match := lines["progress"].search(line):
            self._blocks.section, self._of_section = False, None
            result.done, result.total = int(match["done"]), int(match["total"])
            return True
        if match := lines["section_test"].search(line):
            self._blocks.section, self._of_section = True, model_of(match["id"])
            return False
        return self._title(line) if line[0] == "=" else None

    def _title(self, line: str) -> bool | None:
        lines = self._lines
        if match := lines["final"].search(line):
            return self._final(match["counts"], float(match["sec"]))
        match = lines["title"].search(line)
        if match is None:
            return None
        title = match["title"]
        self._blocks.section = title in _SECTIONS
        self._of_section = None
        if title == _SUMMARY:
            return self._enter("summary")
        return self._enter("collecting") if title == "test session starts" else False

    def _plain(self, line: str) -> bool | None:
        lines, result = self._lines, self.result
        if match := lines["node"].search(line):
            return self._node(match)
        if match := lines["collected"].search(line):
            result.total = int(match["n"]) - int(match["desel"] or 0)
            return self._enter("collected")
        if not result.usage_error and lines["usage_error"].search(line):
            result.usage_error = line
            return False
        if match := lines["short_summary"].search(line):
            return self._summary(match["node"], match["msg"] or "")
        if match := lines["word"].match(line):
            rest = line[match.end() :]
            return self._rest(rest) if rest.strip() else False
        return None

    def _internal(self, line: str) -> bool:
        match, result = self._lines["internal_error"].search(line), self.result
        if match and (_EXCEPTION.match(match["msg"]) or not result.internal_error):
            result.internal_error = match["msg"] or line
        self._consider(self._blocks.feed(line, result.lines), self._speaks_of())
        return self._enter("internal error")

    def _rest(self, line: str) -> bool:
        """What stands glued behind a word or an id of pytest's: a line of the other stream."""
        if self._glued >= MAX_GLUED:
            return False
        self._glued += 1
        self.result.lines -= 1
        try:
            return self.feed(line)
        finally:
            self._glued -= 1

    def _behind(self, line: str, start: int) -> bool:
        """A test's status behind a piece of the other stream, which a log that keeps no streams apart glues
        on."""
        changed = self._rest(line[:start])
        return self._rest(line[start:]) or changed

    def _node(self, match: re.Match[str]) -> bool:
        """An id on stdout: before its test where it stands alone, after it where a word follows."""
        name, rest = model_of(match["id"]), match["rest"].strip()
        word = self._lines["word"].match(rest)
        if word:
            return self._word(name, word[1], rest[word.end() :])
        changed = not self._ruled and self._begin(name)
        return (self._rest(rest) or changed) if rest else changed

    def _word(self, name: str, word: str, rest: str) -> bool:
        """The word that pytest writes when a test is over: it counts where there is no status line."""
        known = self.result.models.get(name)
        changed = False
        if known is None or not known.status:
            changed = self._fared(name, word, "setup" if word == "ERROR" else "call")
        return (self._rest(rest) or changed) if rest.strip() else changed

    def _begin(self, name: str) -> bool:
        result = self.result
        changed = result.model != name
        result.tests.begin(name)
        result.model, self._of_section, self._blocks.section = name, None, False
        return self._enter("setup") or changed

    def _phase(self, phase: str) -> bool:
        if phase == "SETUP":
            self.result.begun += 1
        return self._enter(_PHASES.get(phase, "teardown")) or phase == "SETUP"

    def _status(self, match: re.Match[str]) -> bool:
        name = model_of(match["id"])
        self.result.model = name
        return self._fared(name, match["st"], match["when"] or "call")

    def _fared(self, name: str, status: str, when: str) -> bool:
        result = self.result
        if not result.tests.status(name, status, when):
            return False
        result.done = max(result.done, sum(bool(model.status) for model in result.models.values()))
        return True

    def _summary(self, node: str, text: str) -> bool:
        """A line of the short summary repeats an exception's first line: it names a cause of last resort."""
        match = self._lines["node"].search(node)
        name, tests = model_of(match["id"]) if match else "", self.result.tests
        if text and name not in tests.causes:
            self._consider((Block((text,), self.result.lines, True),), name)
        return False

    def _speaks_of(self) -> str:
        return self.result.model if self._of_section is None else self._of_section

    def _consider(self, blocks: Iterable[Block], model: str) -> None:
        """Look for a known failure in messages that have ended."""
        for block in blocks:
            if found := told(block):
                self.result.tests.found(
                    model, Found(found.rank, found.known, found.line, block.number, found.detail)
                )
            elif block.loud or any(word in block.lines[0] for word in _ERRORS):
                self.result.tests.error(model, block.lines[0])

    def _event(self, line: str) -> bool:
        lines, result = self._lines, self.result
        if "Executing " in line and (match := lines["fixture"].search(line)):
            return self._enter(suite().phases.get(match["name"], "setup"))
        if "ocp_resources" in line:
            follow(lines["object"].search(line), result.created)
        else:
            self._measure(line)
        if "Waiting for " not in line:
            return False
        changed = self._enter("waiting for pods") if "pods" in line and result.phase == "setup" else False
        # What waits behind the counts is no phase; the two streams of a container may swap the two.
        if result.counts is None and (match := lines["wait_window"].search(line)):
            result.window_s, changed = float(match["sec"]), True
        return changed

    def _final(self, counts: str, seconds: float) -> bool:
        result = self.result
        if result.counts is not None:
            return self._enter("finished")
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
        if self.result.counts is not None:
            # Sections, summary and a second closing line follow the first one.
            phase = "finished"
        changed = self.result.phase != phase
        self.result.phase = phase
        if changed:
            self.result.window_s = None
        return changed

    def _measure(self, line: str) -> None:
        result = self.result
        if len(result.measured) < MAX_MEASURED:
            result.measured += figures_of(result.model, line)
