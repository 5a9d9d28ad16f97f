"""Many models as one indexed Job: an index a model, so that one that crashes takes no other with it.

The pods' logs are followed one after the other in the order of the indexes, whichever runs when: the cluster
keeps them until the Job is deleted, so nothing is lost, and the spool reads like one long run. A line of ours
says where an index begins, which is also how a later process finds its place again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import msgspec

from modelcar_tui.core.text import clean
from modelcar_tui.qa.events import MOST_FAILURES
from modelcar_tui.qa.log.logparse import SuiteParser
from modelcar_tui.qa.log.pipeline import Past, Pipeline
from modelcar_tui.qa.outcome import Ended, classify, failed_of
from modelcar_tui.qa.types import QaCounts, QaModelResult, QaOutcome

MODELS = "io.modelcar-tui/models"
"""Annotation of the Job: the models' names by index, JSON."""
INDEX = "batch.kubernetes.io/job-completion-index"
FILE = "modelcar-$(JOB_COMPLETION_INDEX).yaml"
"""Kubernetes puts the index in."""
_BEGINS = re.compile(r"^index (\d+) of (\d+): ")


class Exit(msgspec.Struct, frozen=True):
    """How a pod ended."""

    status: int | None
    """None when it vanished."""
    late: bool = False
    """Its own deadline ended it."""


class Indexes:
    """The indexes of one Job: whose log is read now, and how the earlier ones ended."""

    def __init__(self, models: tuple[str, ...], limit_s: float | None = None) -> None:
        self.models = models
        self.limit_s = limit_s
        self.current = 0
        """The index whose log the spool holds last."""
        self.stopped = False
        """No further index is begun."""
        self._parsers: dict[int, SuiteParser] = {}
        self._exits: dict[int, Exit] = {}

    @classmethod
    def of(cls, job: Mapping[str, Any]) -> Indexes | None:
        """Those of a Job that is there; None for a Job without indexes."""
        spec = job.get("spec") or {}
        if spec.get("completionMode") != "Indexed":
            return None
        count = int(spec.get("completions") or 1)
        try:
            names = json.loads((job["metadata"].get("annotations") or {})[MODELS])
            models = tuple(clean(str(name), limit=200) for name in names)[:count]
        except (LookupError, TypeError, ValueError):
            models = ()
        models += tuple(f"index {at}" for at in range(len(models), count))
        return cls(models, spec["template"]["spec"].get("activeDeadlineSeconds"))

    def begins(self, pipeline: Pipeline, line: str) -> bool:
        """Whether a line of ours in the spool begins an index; the pipeline then parses it afresh."""
        match = _BEGINS.match(line)
        if match is None:
            return False
        self.current = min(int(match[1]) - 1, len(self.models) - 1)
        self._fresh(pipeline)
        return True

    def begin(self, pipeline: Pipeline, index: int) -> bool:
        """Go to an index; False where an earlier process has begun it, and the log goes on."""
        if index < self.current or (index == self.current and index in self._parsers):
            return False
        self.current = index
        pipeline.say(f"index {index + 1} of {len(self.models)}: {self.models[index]}")
        self._fresh(pipeline)
        return True

    def ended(self, index: int, how: Exit) -> None:
        """An index has ended."""
        self._exits[index] = how

    def outcome(self, ended: Ended, *, seconds: float, limit_s: float | None) -> QaOutcome:
        """The outcome of all: of each model its own, of the run the first that did not pass."""
        each = [(name, self._one(index, ended, limit_s)) for index, name in enumerate(self.models)]
        ran = [(name, outcome) for name, outcome in each if outcome is not None]
        failed = [(name, outcome) for name, outcome in ran if not outcome.ok]
        missing = [name for name, outcome in each if outcome is None]
        outcomes = [outcome for _, outcome in ran]
        total = _total(outcomes)
        models = tuple(result for name, outcome in ran for result in _results(name, outcome))
        models += tuple(QaModelResult(model=name, status="") for name in missing)
        passed = QaOutcome(code="QA_OK", message=f"{total.passed} passed", exit_status=0)
        return msgspec.structs.replace(
            _failure(failed, len(missing), len(each)) if failed else passed,
            counts=total,
            seconds=seconds,
            models=models,
            measured=tuple(chain.from_iterable(outcome.measured for outcome in outcomes)),
            leftovers=tuple(dict.fromkeys(chain.from_iterable(outcome.leftovers for outcome in outcomes))),
        )

    def _one(self, index: int, ended: Ended, limit_s: float | None) -> QaOutcome | None:
        """None for an index that never began."""
        parser = self._parsers.get(index)
        if parser is None:
            return None
        how = self._exits.get(index)
        if how is None or (how.status is None and self.stopped):
            why = Ended.LOST if ended is Ended.ITSELF else ended
            return classify(parser, exit_status=None, ended=why, limit_s=limit_s)
        if how.late:
            return classify(parser, exit_status=how.status, ended=Ended.MODEL_TIMEOUT, limit_s=self.limit_s)
        lost = Ended.LOST if how.status is None else Ended.ITSELF
        return classify(parser, exit_status=how.status, ended=lost)

    def _fresh(self, pipeline: Pipeline) -> None:
        tests = [parser.result.tests for parser in self._parsers.values()]
        past = Past(
            done=self.current,
            total=len(self.models),
            passed=sum(one.passed for one in tests),
            failed=sum(one.failed for one in tests),
            failures=tuple(result for one in tests for result in one.failures)[:MOST_FAILURES],
        )
        self._parsers[self.current] = pipeline.begin(past)


def _failure(failed: Sequence[tuple[str, QaOutcome]], missing: int, count: int) -> QaOutcome:
    """The first that did not pass, with all that failed in its message."""
    name, first = failed[0]
    told = failed_of([(who, how.code.partition(":")[2]) for who, how in failed], count)
    rest = f"; {missing} were not run" if missing else ""
    return msgspec.structs.replace(first, message=f"{told}{rest}; {name}: {first.message}")


def _total(outcomes: Sequence[QaOutcome]) -> QaCounts:
    counts = [outcome.counts for outcome in outcomes if outcome.counts is not None]
    return QaCounts(
        passed=sum(c.passed for c in counts),
        failed=sum(c.failed for c in counts),
        errors=sum(c.errors for c in counts),
        skipped=sum(c.skipped for c in counts),
    )


def _results(name: str, outcome: QaOutcome) -> tuple[QaModelResult, ...]:
    """The suite's own result; for a suite that died before it spoke of the model, the outcome's."""
    if any(result.status for result in outcome.models):
        return outcome.models
    status = "PASSED" if outcome.ok else "ERROR"
    return (QaModelResult(model=name, status=status, phase=outcome.phase, line=outcome.cause),)
