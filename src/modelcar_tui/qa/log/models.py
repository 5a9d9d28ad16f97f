"""How each model fares: which one is tested now, its status, and the cause of its failure."""

from __future__ import annotations

import re
from functools import cache

import msgspec

from modelcar_tui.core.text import clean
from modelcar_tui.qa.log.tables import KnownFailure
from modelcar_tui.qa.suite_facts import suffixes
from modelcar_tui.qa.types import FAILED_STATUSES, QaModelResult

MAX_MODELS = 2_000


class Found(msgspec.Struct, frozen=True):
    """A line that names a known failure."""

    rank: int
    known: KnownFailure
    line: str
    number: int
    detail: str = ""
    """What more of the message is worth telling."""

    @property
    def means(self) -> str:
        """What the failure means, with what the message tells of it."""
        return f"{self.known.means}: {self.detail}" if self.detail else self.known.means


@cache
def _mode() -> re.Pattern[str]:
    """What the suite and pytest put behind a model's name."""
    return re.compile(rf"-(?:{'|'.join(suffixes())})_?(\d*)$")


def model_of(ident: str) -> str:
    """The model of a test's id (`granite-standard`); of two with one name the second is `granite (2)`."""
    match = _mode().search(ident)
    name = ident[: match.start()] if match else ident
    if "\\" in name:
        name = _unescaped(name)
    return f"{name} ({int(match[1]) + 1})" if match and match[1] and match[1] != "0" else name


def _unescaped(name: str) -> str:
    """pytest writes an id in ASCII, other letters as escapes."""
    try:
        return clean(name.encode("ascii", "backslashreplace").decode("unicode_escape"), limit=400)
    except (UnicodeDecodeError, ValueError):
        return name


class Models:
    """The models that the log has spoken of, in order."""

    def __init__(self) -> None:
        self.results: dict[str, QaModelResult] = {}
        self.causes: dict[str, Found] = {}
        """The most telling failure of each; of the run outside any model under the empty name."""
        self.first_error: dict[str, str] = {}
        """The first line of each that looks like an error."""

    def begin(self, name: str) -> bool:
        """A model's test begins; False where there are too many."""
        if name not in self.results:
            if len(self.results) >= MAX_MODELS:
                return False
            self.results[name] = QaModelResult(model=name, status="")
        return True

    def status(self, name: str, status: str, when: str) -> bool:
        """A test's own status line; False where it changes nothing."""
        if not self.begin(name):
            return False
        known = self.results[name]
        if known.status in FAILED_STATUSES and status not in FAILED_STATUSES:
            return False
        if status not in FAILED_STATUSES:
            # What was said on the way to a pass explains no later failure.
            self.causes.pop(name, None)
            self.first_error.pop(name, None)
        self.results[name] = QaModelResult(model=name, status=status, phase=when)
        self._explain(name)
        return True

    def error(self, name: str, line: str) -> None:
        """A line that looks like an error and names no known failure."""
        if name not in self.first_error and not self._passed(name):
            self.first_error[name] = line
            self._explain(name)

    def found(self, name: str, found: Found) -> None:
        """A known failure was named while this model's test ran (or in its part of the summary)."""
        before = self.causes.get(name)
        if self._passed(name) or (before and not _tells_more(found, before)):
            return
        self.causes[name] = found
        self._explain(name)

    @property
    def passed(self) -> int:
        """Models that passed by their status line."""
        return sum(result.status == "PASSED" for result in self.results.values())

    @property
    def failed(self) -> int:
        """Models that failed, or whose set-up or tear-down did."""
        return sum(result.status in FAILED_STATUSES for result in self.results.values())

    @property
    def failures(self) -> tuple[QaModelResult, ...]:
        """The models that failed, each with no more than its status and the code of its cause."""
        return tuple(
            QaModelResult(model=one.model, status=one.status, cause=one.cause)
            for one in self.results.values()
            if one.status in FAILED_STATUSES
        )

    def cause(self) -> tuple[str, Found] | None:
        """The most telling failure with its model: of a failed model, else of one that never reported."""
        failed = [(name, found) for name, found in self.causes.items() if self._failed(name)]
        open_ = [(name, found) for name, found in self.causes.items() if not self._passed(name)]
        return min(
            failed or open_, key=lambda one: (one[1].known.last, one[1].rank, one[1].number), default=None
        )

    def error_line(self) -> str:
        """The first line that looks like an error: of a failed model, else of any."""
        failed = [line for name, line in self.first_error.items() if self._failed(name)]
        return next(iter(failed or self.first_error.values()), "")

    def _explain(self, name: str) -> None:
        """Put the cause into the result of a failed model; it is often said after the status."""
        result = self.results.get(name)
        if result is None or result.status not in FAILED_STATUSES:
            return
        found = self.causes.get(name)
        self.results[name] = QaModelResult(
            model=name,
            status=result.status,
            phase=result.phase,
            cause=found.known.code if found else "",
            means=found.means if found else "",
            fix=found.known.fix if found else "",
            line=found.line if found else self.first_error.get(name, ""),
        )

    def _passed(self, name: str) -> bool:
        known = self.results.get(name)
        return known is not None and known.status in ("PASSED", "SKIPPED")

    def _failed(self, name: str) -> bool:
        known = self.results.get(name)
        return known is not None and known.status in FAILED_STATUSES


def _tells_more(found: Found, before: Found) -> bool:
    return found.rank < before.rank or (
        found.rank == before.rank and bool(found.detail) > bool(before.detail)
    )
