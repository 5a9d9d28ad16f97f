"""What the facts of a run let a text say: each number with its unit and what it is the number of, each
verdict."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from decimal import Decimal

import msgspec

from modelcar_tui.supervisor.llm.figures import Claim, figures
from modelcar_tui.supervisor.llm.named import Named, known_went
from modelcar_tui.supervisor.llm.reading import Clause, Names, StrangeError, names, sentences
from modelcar_tui.supervisor.state import RunState

_UNITS = {"GiB": "gib", "GPUs": "gpu", "billion parameters": "billion"}
_COMPARISON = re.compile(r"model ~?(\d+) GiB[^;]*? vs GPU (\d+) GiB \((\S+)\)")
_MEASURES = {
    "required_vram": "need",
    "required": "need",
    "kv_cache": "kv",
    "gpu_count": "gpus",
    "longest_context": "context longest",
    "passed": "tests passed",
    "failed": "tests failed",
}
_QUOTED = ("verdict", "would_help", "all_at_once", "outcome", "with_changes")
"""Facts whose own sentences may be repeated word by word."""
_HEDGES = frozenset(("if", "would", "unless", "could", "might"))


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What a text may say."""

    names: Names = Names({}, {})
    claims: tuple[Claim, ...] = ()
    verdicts: Mapping[str, str] = {}
    """`GO`, `NO-GO` or `UNKNOWN` of each model."""
    overall: str = ""
    """The manifest's verdict; empty before there is one: then no verdict may be told."""
    with_changes: str = ""
    """The verdict that the proposed changes lead to."""
    went: str = ""
    """`GO` or `NO-GO` where the facts tell how something went without a verdict, as QA's outcome does."""
    short: frozenset[str] = frozenset()
    """The models that need more than the GPUs have on which they were judged."""
    options: Mapping[str, frozenset[tuple[str, ...]]] = {}
    """What would help a model, way by way."""
    judged: Mapping[str, str] = {}
    """The GPU product that each model was judged on."""
    words: Mapping[str, frozenset[str]] = {}
    """Values in words, such as a quantization, of each model; those of no model under the empty name."""
    quotes: Mapping[str, frozenset[tuple[str, ...]]] = {}
    """Sentences and clauses of the facts' own texts, by model."""


def learn(facts: Iterable[Named], *, went: str = "") -> Known:
    """What these facts let a text say."""
    facts = tuple(facts)
    models = dict.fromkeys(fact.about for fact in facts if fact.kind == "model" and fact.about)
    gpus = dict.fromkeys(fact.about for fact in facts if fact.kind == "gpu" and fact.about)
    compared = [match for fact in facts if (match := _COMPARISON.search(fact.note))]
    gpus |= dict.fromkeys(match[3] for match in compared)
    known = names(models, gpus)
    verdicts = {fact.about: str(fact.value) for fact in facts if fact.measure == "verdict" and fact.about}
    overall = next((str(fact.value) for fact in facts if fact.measure == "verdict" and not fact.about), "")
    changed = next((str(fact.value) for fact in facts if fact.measure == "with_changes"), "")
    claims: list[Claim] = []
    judged: dict[str, str] = {}
    words: dict[str, set[str]] = {}
    options: dict[str, frozenset[tuple[str, ...]]] = {}
    quotes: dict[str, set[tuple[str, ...]]] = {}
    for fact in facts:
        claims += _claims(fact, known)
        if fact.measure == "verdict" and (match := _COMPARISON.search(fact.note)):
            judged[fact.about] = match[3]
        about = fact.about if fact.kind == "model" else ""
        if isinstance(fact.value, str) and fact.measure not in _QUOTED:
            words.setdefault(about, set()).update(_words(fact.value, known))
        if fact.measure == "outcome":
            words.setdefault("", set()).update(_words(str(fact.value), known))
        if fact.measure in _QUOTED:
            told = (
                f"{fact.value}\n{fact.note}" if fact.measure in ("would_help", "all_at_once") else fact.note
            )
            quotes.setdefault(about, set()).update(_quotes(told, known, parts=bool(about)))
        if fact.measure == "would_help" and (ways := str(fact.value).partition("What would:")[2]):
            options[about] = frozenset(said(clause) for clause in _read(ways, known))
    claims += _counts(facts, verdicts)
    short = {
        fact.about
        for fact in facts
        if (match := _COMPARISON.search(fact.note)) and _need(fact, facts, int(match[1])) > int(match[2])
    }
    return Known(
        names=known,
        claims=tuple(claims),
        verdicts=verdicts,
        overall=overall,
        with_changes=changed,
        went=went,
        judged=judged,
        short=frozenset(short),
        options=options,
        words={about: frozenset(said) for about, said in words.items()},
        quotes={about: frozenset(said) for about, said in quotes.items()},
    )


def known(state: RunState, facts: tuple[Named, ...]) -> Known:
    """What may be said of these facts of a run."""
    return learn(facts, went=known_went(state, facts))


def _claims(fact: Named, known: Names) -> Iterator[Claim]:
    if isinstance(fact.value, int | float) and not isinstance(fact.value, bool):
        unit = _UNITS.get(fact.unit, fact.unit.casefold().removesuffix("s"))
        topics = frozenset(_MEASURES.get(fact.measure, fact.measure).split())
        yield Claim(Decimal(repr(fact.value)), unit, fact.about, topics)
        if fact.measure == "gpus":
            yield Claim(
                Decimal(repr(fact.value)), unit, fact.about, topics | {"free", "whole"}
            )  # `1 of 2 is free`
    if match := _COMPARISON.search(fact.note):
        yield Claim(Decimal(match[1]), "gib", fact.about, frozenset(("need",)), why=True)
        yield Claim(Decimal(match[2]), "gib", match[3], frozenset(("memory",)), why=True)
    if not fact.about:
        return
    for clause in _read(fact.note, known):
        for figure in figures(clause, gpu_known=fact.kind == "gpu"):
            number = figure.number
            if not figure.topics - {"not"}:
                continue
            of_gpu = figure.gpus and number.unit == "gpu" and fact.kind == "model"
            about = figure.gpus[0] if of_gpu else fact.about
            yield Claim(number.value, number.unit, about, figure.topics, why=fact.measure == "verdict")


def _need(fact: Named, facts: tuple[Named, ...], rounded: int) -> float:
    """What a model needs, in GiB: the comparison rounds it up."""
    exact = (
        f.value for f in facts if f.about == fact.about and f.measure == "required" and f.value is not None
    )
    return float(next(exact, rounded) or rounded)


def _counts(facts: tuple[Named, ...], verdicts: Mapping[str, str]) -> Iterator[Claim]:
    """How many models have which verdict, where every model has one."""
    total = next((fact.value for fact in facts if fact.measure == "models"), None)
    stated = next(
        (m for fact in facts if not fact.about and (m := re.match(r"\d+ of (\d+) models", fact.note))), None
    )
    if stated is not None:
        total = int(stated[1])
    if verdicts and total in (None, len(verdicts)):
        total = len(verdicts)
        for word in ("GO", "NO-GO", "UNKNOWN"):
            count = Decimal(sum(verdict == word for verdict in verdicts.values()))
            yield Claim(count, "model", "", frozenset(("models", word)))
            yield Claim(count, "", "", frozenset(("models", word)))
            yield Claim(Decimal(total), "model", "", frozenset(("models", word, "whole")))
        yield Claim(Decimal(total), "model", "", frozenset(("models",)))


def _read(text: str, known: Names) -> list[Clause]:
    with suppress(StrangeError):
        return [clause for sentence in sentences(text, known) for clause in sentence]
    return []


def _words(value: str, known: Names) -> set[str]:
    tokens = [token for clause in _read(value, known) for token in clause.tokens]
    return {token.text for token in tokens if token.kind in ("name", "number") or token.text == "none"}


def _quotes(text: str, known: Names, *, parts: bool) -> Iterator[tuple[str, ...]]:
    """Whole sentences and, with `parts`, the clauses of those that only state something: a clause of the
    whole run's reason no longer tells whose reason it is.
    """
    with suppress(StrangeError):
        for sentence in sentences(text, known):
            clauses = [said(clause) for clause in sentence]
            whole = tuple(word for clause in clauses for word in clause)
            yield whole
            if parts and not _HEDGES & set(whole):
                yield from (clause for clause in clauses if len(clause) > 1)


def said(clause: Clause) -> tuple[str, ...]:
    """A clause's words, to be compared."""
    return tuple(
        f"{token.value.normalize()} {token.unit}" if token.kind == "number" else token.text
        for token in clause.tokens
    )
