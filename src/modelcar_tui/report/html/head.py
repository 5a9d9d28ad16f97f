"""The top of the page: what the run comes to, what is not known, and what it is a report of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from modelcar_tui.core.counting import several
from modelcar_tui.core.text import reveal
from modelcar_tui.report.ending import Ending
from modelcar_tui.report.html.told import TONES, Pair, lasted, when
from modelcar_tui.supervisor import Approve, RunState, unknowns
from modelcar_tui.verdict import QA_FAILED


class Condition(NamedTuple):
    """One condition of the verdict."""

    text: str
    settles: str


class Head(NamedTuple):
    """The outcome, in the order in which it is read."""

    word: str
    tone: str
    rest: str
    """What the word hangs on."""
    why: str
    step: str
    """What to do next; empty where nothing is to be done, or known."""
    conditions: tuple[Condition, ...]
    unknown: tuple[str, ...]
    votes: tuple[str, ...]


def head(state: RunState, end: Ending) -> Head:
    """The outcome as far as it is known; nothing is called a verdict before the run has ended."""
    told = end.told
    unknown = unknowns(state, told)
    votes = tuple(str(vote) for vote in state.votes)
    conditions = tuple(Condition(one.text, one.settles) for one in (told.conditions if told else ()))
    if len(conditions) == 1 and not conditions[0].settles:
        conditions = ()  # the headline says it whole
    if told is None or state.finish is None:
        return Head(end.word, "dk", "", end.why, end.next, conditions, unknown, votes)
    tone = "no" if told.word == QA_FAILED else TONES[told.verdict]
    rest = told.headline.removeprefix(told.word).lstrip(", ")
    return Head(told.word, tone, rest, end.why, end.next, conditions, unknown, votes)


def about(state: RunState) -> list[Pair]:
    """What the page is a report of: manifest, cluster, vLLM, time, who."""
    return [pair for pair in _about(state) if pair.text]


def _about(state: RunState) -> Iterator[Pair]:
    yield Pair("Manifest", Path(state.path).name if state.path else "unknown", True)
    yield Pair("Folder", str(Path(state.path).parent) if "/" in state.path else "", True)
    yield Pair("Cluster", _cluster(state))
    yield Pair("vLLM", vllm(state))
    yield Pair("Began", when(state.started))
    finish = state.finish
    if finish is not None:
        yield Pair("Ended", f"{when(state.now)}, after {lasted(finish.seconds)}")
        yield Pair("Exit status", str(finish.exit_status))
    else:
        yield Pair("Ended", f"not yet; newest event {when(state.now)}")
    yield Pair("Written", written(state, short=True))
    yield Pair("Run", state.run_id, True)


def _cluster(state: RunState) -> str:
    report = state.cluster
    if report is None:
        return "not looked at"
    access = report.access
    who = f" as {access.user}" if access.user else ""
    where = access.server or (f"none; GPUs as stated ({report.inventory.origin})" if access.healthy else "")
    return f"{where}{who}" if where else access.rung.value


def vllm(state: RunState) -> str:
    """The release that serves, and who says so."""
    if state.vllm:
        return f"{state.vllm}, stated by the operator"
    runtime = state.cluster.runtime if state.cluster is not None else None
    if runtime is not None and runtime.version:
        return f"{runtime.version}, of the runtime {runtime.name or runtime.image}"
    return "unknown"


def written(state: RunState, *, short: bool = False) -> str:
    """What was written where, by whom; or why nothing was. `short` leaves out the manifest's own folder."""
    answer = state.answer
    who = f", accepted by {answer.who}" if answer is not None and answer.who not in ("", Approve.SHOW) else ""
    if state.written is not None:
        changes = several(state.written.changes, "change")
        path = Path(state.written.path)
        beside = short and path.parent == Path(state.path).parent
        return f"{path.name if beside else path} ({changes}, sha256 {state.written.sha256[:16]}){who}"
    if state.kept:
        return f"nothing: {state.kept}"
    changes_wait = state.decision is not None and bool(state.decision.plan.changes)
    return "nothing: the proposed changes were not answered" if changes_wait else "nothing"


def title(state: RunState, top: Head) -> str:
    """Of the document: `NO-GO: granite.base.yaml (DEMO)`."""
    name = reveal(Path(state.path).name) if state.path else "a run without a manifest"
    return f"{top.word}: {name}{' (DEMO)' if state.demo else ''}"
