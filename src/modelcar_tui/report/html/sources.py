"""What the page rests on: facts with source and age, what was done, the language model, versions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from modelcar_tui.core.counting import several
from modelcar_tui.core.facts import Source
from modelcar_tui.report.facts import MOST_NODES, Known, facts_of
from modelcar_tui.report.html.head import vllm
from modelcar_tui.report.html.told import Pair, age
from modelcar_tui.report.text import TITLES
from modelcar_tui.report.values import fact_text, number
from modelcar_tui.supervisor import RunState

_TOPICS = (
    ("configuration", "Models"),
    ("decision", "Verdict"),
    ("accelerator", "Cluster"),
    ("plan", "Proposed changes"),
    ("qa", "QA"),
)


class Said(NamedTuple):
    """One fact."""

    label: str
    text: str
    source: str
    age: str
    note: str
    terms: tuple[str, ...]
    says: str = ""
    """The sentence that answers tell of it."""


class Group(NamedTuple):
    """The facts of one model, node or run."""

    name: str
    rows: tuple[Said, ...]


class Topic(NamedTuple):
    """The facts behind one part of the page."""

    title: str
    tally: str
    groups: tuple[Group, ...]


class Done(NamedTuple):
    """What one specialist did."""

    title: str
    word: str
    tone: str
    summary: str
    steps: tuple[Pair, ...]
    lines: tuple[str, ...]


class Answer(NamedTuple):
    """A question about the run and its answer."""

    question: str
    lines: tuple[str, ...]
    by: str


class Model(NamedTuple):
    """The language model."""

    name: str
    about: tuple[Pair, ...]
    shares: tuple[str, ...]
    first: tuple[str, ...]
    """What it chose to be read first."""
    answers: tuple[Answer, ...]


def topics(state: RunState) -> list[Topic]:
    """All facts; topics without any are left out."""
    found = []
    for key, title in _TOPICS:
        groups: dict[str, list[Said]] = {}
        for known in facts_of(state, key):
            groups.setdefault(known.group, []).append(_said(known, state.now))
        count = sum(map(len, groups.values()))
        if count:
            own = tuple(Group(name, tuple(rows)) for name, rows in groups.items())
            found.append(Topic(title, several(count, "fact") + _of_how_many(state, key), own))
    return found


def _of_how_many(state: RunState, topic: str) -> str:
    """` of the first 500 of 5,000 nodes`, where not all are told."""
    nodes = len(state.cluster.inventory.nodes) if state.cluster is not None else 0
    if topic != "accelerator" or nodes <= MOST_NODES:
        return ""
    return f" of the first {MOST_NODES} of {several(nodes, 'node')}"


def _said(known: Known, now: float) -> Said:
    fact = known.fact
    source = "–" if fact.source is Source.NONE else fact.source.value
    guess = " (a guess)" if fact.guess else ""
    terms = tuple(
        f"{term.label}: {number(term.value)} {term.unit}".rstrip()
        + (f" ({term.source.value})" if term.source is not Source.NONE else "")
        + (f": {term.note}" if term.note else "")
        for term in fact.terms
    )
    return Said(known.label, fact_text(fact) + guess, source, age(fact.at, now), fact.note, terms, known.says)


def done(state: RunState) -> list[Done]:
    """The specialists with their checklists, as they stand."""
    return [
        Done(
            title=TITLES.get(pane.name, pane.title) if not pane.foreign else pane.title,
            word=pane.status.value,
            tone={"done": "go", "failed": "no"}.get(pane.status.value, "dk"),
            summary=pane.summary,
            steps=tuple(
                Pair(step.title, f"{step.status.value}{f': {step.detail}' if step.detail else ''}")
                for step in pane.steps
            ),
            lines=pane.lines,
        )
        for pane in state.panes
    ]


def language_model(state: RunState) -> Model | None:
    """Which was asked what; None where none was, and nobody asked the run anything."""
    llm = state.llm
    if not llm.model and not state.answers:
        return None
    pairs = [Pair("Asked at", llm.host, True), Pair("Cost", llm.cost if llm.model else "")]
    pairs += [Pair("Last problem", llm.problem)]
    answers = tuple(
        Answer(
            one.question,
            tuple((one.text or one.why or "There is no answer.").replace("\r", "").split("\n")),
            one.credit or ("" if not llm.model else "by the rules, no language model"),
        )
        for one in state.answers
    )
    return Model(llm.model, tuple(pair for pair in pairs if pair.text), llm.shares, state.read_first, answers)


def versions(state: RunState) -> list[Pair]:
    """Of everything that had a part in it."""
    return [pair for pair in _versions(state) if pair.text]


def _versions(state: RunState) -> Iterator[Pair]:
    yield Pair("modelcar-tui", state.version or "unknown")
    yield Pair("vLLM", vllm(state))
    report = state.cluster
    if report is not None:
        found = report.versions
        inferred = " (derived from Kubernetes)" if found.inferred and found.openshift else ""
        yield Pair("OpenShift", f"{found.openshift or 'unknown'}{inferred}")
        yield Pair("OpenShift AI", found.ai or "unknown")
        yield Pair("KServe", found.kserve or "unknown")
        yield Pair("Kubernetes", report.access.version or "unknown")
        yield Pair("Runtime image", report.runtime.image if report.runtime is not None else "unknown", True)
    yield Pair("QA image", state.qa.started.image, True)
    if state.manifest is not None:
        yield Pair("Manifest, sha256", state.manifest.sha256, True)
    if state.written is not None:
        yield Pair("Written manifest, sha256", state.written.sha256, True)
