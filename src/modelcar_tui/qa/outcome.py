"""How QA ended: `QA_OK` or `QA_ERROR:<code>`, what it means and what to do next (table in `docs/qa.md`)."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from modelcar_tui.core.counting import several
from modelcar_tui.core.errors import Problem
from modelcar_tui.qa.log.logparse import SuiteParser, SuiteResult
from modelcar_tui.qa.log.models import Found
from modelcar_tui.qa.types import FAILED_STATUSES, QaModelResult, QaOutcome


class Ended(StrEnum):
    """What ended the container."""

    ITSELF = "itself"
    TIMEOUT = "the budget of the whole run"
    MODEL_TIMEOUT = "the budget of one model"
    HANG = "silence"
    LOST = "somebody removed the container"


class Stop(NamedTuple):
    """What ended the container, and in what."""

    ended: Ended
    limit_s: float | None
    doing: str


OK = "QA_OK"
MAX_NAMED = 12
"""Failed models that a message names."""
_BY_STATUS = {
    2: ("INTERRUPTED", "the suite was interrupted", "run again"),
    3: ("SUITE_CRASHED", "the suite itself crashed (pytest internal error)", "read the INTERNALERROR lines"),
    4: (
        "SUITE_USAGE",
        "this image does not take our arguments",
        "choose the tag of your release with --qa-image",
    ),
    5: (
        "NO_TESTS",
        "the suite found no test for this manifest",
        "the manifest must hold a list of named models",
    ),
    99: (
        "CLUSTER_UNHEALTHY",
        "the suite's sanity check found the cluster unhealthy",
        "oc get nodes,dsci,dsc",
    ),
    125: ("PODMAN_FAILED", "podman could not run the container", "read podman's line in the log"),
    126: (
        "IMAGE_UNSUITABLE",
        "the image's entrypoint can't be executed",
        "check --qa-image and its architecture",
    ),
    127: ("IMAGE_UNSUITABLE", "the image has no such entrypoint", "check --qa-image"),
    130: ("INTERRUPTED", "the suite was interrupted", "run again"),
    137: (
        "KILLED",
        "the container was killed (out of memory, or from outside)",
        "raise --qa-memory, look at dmesg",
    ),
    139: ("KILLED", "the container crashed (segmentation fault)", "run again, then another --qa-image"),
    143: ("KILLED", "the container was stopped from outside", "run again"),
}
# Where the exit status says enough, a known failure only adds the cause line.
_STATUS_DECIDES = frozenset({4, 5, 125, 126, 127, 137, 139, 143})


def classify(
    parser: SuiteParser,
    *,
    exit_status: int | None,
    ended: Ended = Ended.ITSELF,
    seconds: float | None = None,
    limit_s: float | None = None,
    where: str = "",
) -> QaOutcome:
    """The outcome from exit status, phase and lines together.

    Args:
        where: What the suite did when it was ended; by default what it did last.
    """
    result = parser.result
    stop = Stop(ended, limit_s, where or doing(result))
    code, message, fix, cause = _decide(parser, exit_status, stop)
    ok = code == OK
    return QaOutcome(
        code=code if ok else f"QA_ERROR:{code}",
        message=message,
        fix=fix,
        exit_status=exit_status,
        counts=result.counts,
        seconds=result.seconds if seconds is None else seconds,
        phase=_phase(result),
        cause="" if ok else cause,
        models=tuple(result.models.values()),
        measured=tuple(result.measured),
        leftovers=tuple(result.created) if _left(result) else (),
    )


def _decide(parser: SuiteParser, exit_status: int | None, stop: Stop) -> tuple[str, str, str, str]:
    result, models = parser.result, tuple(parser.result.models.values())
    model, found = parser.cause() or ("", None)
    line = _telling_line(result, model, found)
    if stop.ended is not Ended.ITSELF:
        return _ended(stop, line)
    if exit_status == 0:
        return _passed(result, line)
    known = _BY_STATUS.get(exit_status if exit_status is not None else -1)
    if known and exit_status in _STATUS_DECIDES:
        code, message, fix = known
        return code, message, fix, result.usage_error or line
    if found:
        return found.known.code, whose(models, model) + found.means, found.known.fix, line
    if known:
        return (*known, line)
    if exit_status == 1:
        message = f"{whose(models)}{_numbers(result)}; the log names no known cause"
        return "TESTS_FAILED", message, "read the first failure in the log", line
    message = f"the suite ended with exit status {exit_status}"
    return "UNEXPECTED", message, "read the end of the log", line


def _telling_line(result: SuiteResult, model: str, found: Found | None) -> str:
    """The line of the log that says most of the cause; of several models it begins with the one that
    failed."""
    if found is None:
        return result.internal_error or result.usage_error or result.first_error
    known = result.models.get(model)
    of_many = len(result.models) > 1 and known is not None and known.status in FAILED_STATUSES
    return f"{model}: {found.line}" if of_many else found.line


def whose(models: Sequence[QaModelResult], model: str = "") -> str:
    """Which models failed, each with its cause, before what one of them means; empty for a run of one."""
    failed = [one for one in models if one.status in FAILED_STATUSES]
    if len(models) < 2 or not failed:
        return ""
    head = failed_of([(one.model, one.cause) for one in failed], len(models)) + "; "
    return f"{head}{model}: " if model and len(failed) > 1 else head


def failed_of(failed: Sequence[tuple[str, str]], models: int) -> str:
    """`2 of 4 models failed: a (CUDA_OOM), b (no known cause)`, of models with their causes."""
    told = ", ".join(f"{model} ({cause or 'no known cause'})" for model, cause in failed[:MAX_NAMED])
    more = f" and {len(failed) - MAX_NAMED} more" if len(failed) > MAX_NAMED else ""
    return f"{len(failed)} of {several(models, 'model')} failed: {told}{more}"


def _passed(result: SuiteResult, line: str) -> tuple[str, str, str, str]:
    counts = result.counts
    if counts is None and not result.tests.passed:
        message = "the container ended well without the suite's closing line"
        return "NO_RESULT", message, "check --qa-image: is it the test suite?", line
    if counts is not None and (counts.failed or counts.errors):
        return "TESTS_FAILED", f"{_numbers(result)} although the exit status is 0", "read the log", line
    ran = counts.ran if counts is not None else result.tests.passed
    if not ran:
        skipped = counts.skipped if counts is not None else 0
        message = f"0 ran: {'the one test was' if skipped == 1 else f'all {skipped} tests were'} skipped"
        return "NONE_RAN", message, "the suite skips all when it does not know the accelerator", line
    return OK, _numbers(result), "", ""


def _ended(stop: Stop, line: str) -> tuple[str, str, str, str]:
    ended, where = stop.ended, f" while {stop.doing}"
    limit = f" of {stop.limit_s:.0f} s" if stop.limit_s else ""
    if ended is Ended.TIMEOUT:
        fix = "raise --qa-timeout; a cold image of 140 GB alone takes more than an hour to pull"
        return "TIMEOUT", f"stopped at the limit{limit}{where}", fix, line
    if ended is Ended.MODEL_TIMEOUT:
        message = f"stopped: one model used its budget{limit}{where}"
        return "MODEL_TIMEOUT", message, "look at its pod's events", line
    if ended is Ended.HANG:
        message = f"stopped: no line for{limit.replace(' of', '')}{where}"
        return "HANG", message, "look at the cluster, run again", line
    fix = "who ran podman rm or podman system prune?"
    return "CONTAINER_LOST", f"the container vanished{where}", fix, line


def _left(result: SuiteResult) -> bool:
    """Whether what was created may still be there: the suite did not come to its end, or not to that of a
    test."""
    torn = any(m.phase == "teardown" and m.status in FAILED_STATUSES for m in result.models.values())
    return torn or result.phase != "finished"


def doing(result: SuiteResult) -> str:
    """The phase, and of which model."""
    return f"{result.phase} ({result.model})" if result.model else result.phase


def _phase(result: SuiteResult) -> str:
    """The phase of the first failed model, else where the suite stood."""
    failed = next((m for m in result.models.values() if m.status in FAILED_STATUSES), None)
    return failed.phase if failed else result.phase


def _numbers(result: SuiteResult) -> str:
    counts = result.counts
    if counts is None:
        return f"{result.tests.passed} passed, {result.tests.failed} failed (by status lines)"
    parts = [f"{counts.passed} passed"]
    parts += [f"{n} {what}" for n, what in ((counts.failed, "failed"), (counts.errors, "errors")) if n]
    parts += [f"{counts.skipped} skipped"] if counts.skipped else []
    return ", ".join(parts)


_AS_THEY_ARE = (
    "kubeconfig-missing busy suite-usage suite-crashed suite-image no-tests image-unsuitable namespace-busy "
    "pod-refused pod-security scc service-account limitrange secret-too-large"
)
"""Codes of problems that an outcome's code repeats."""
_REFUSED = {code: code.upper().replace("-", "_") for code in _AS_THEY_ARE.split()} | {
    "kubeconfig": "KUBECONFIG_INVALID",
    "pull-secret-missing": "OCI_PULL_SECRET_MISSING",
    "manifest-missing": "MODELCAR_NOT_FOUND",
    "registry-undetermined": "MODELCAR_REGISTRY_UNDETERMINED",
    "pull-secret": "PULL_SECRET_INVALID",
    "manifest": "MODELCAR_YAML_INVALID",
    "registry": "REGISTRY_UNSUPPORTED",
    "accelerator": "ACCELERATOR_UNSUPPORTED",
}


def refused(problem: Problem) -> QaOutcome:
    """The outcome of a run that our own checks stopped before the container was made."""
    code = _REFUSED.get(problem.code, "NOT_STARTED")
    message = f"{problem.where}: {problem.what}" if problem.where else problem.what
    return could_not_start(code, message, problem.fix)


def could_not_start(code: str, message: str, fix: str) -> QaOutcome:
    """The outcome of a run whose container was never made (or can't be reached)."""
    return QaOutcome(code=f"QA_ERROR:{code}", message=message, fix=fix, phase="start")
