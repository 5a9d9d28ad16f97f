"""An answer as parts: ids of facts and four operations. Code alone makes the words.

What stands first, and what stands together, is decided here: the verdict of whom an answer speaks, the terms
of a what-if with this run's own verdict.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, TypeAlias

import msgspec

from modelcar_tui.core.text import reveal
from modelcar_tui.supervisor.answers.fact import RunFact
from modelcar_tui.supervisor.answers.statements import STATEMENTS, sentence, subject, whose
from modelcar_tui.supervisor.answers.wording import amount

Do: TypeAlias = Literal["say", "calc", "compare", "cannot"]
How: TypeAlias = Literal["sum", "difference", "ratio", "percent"]
MOST_PARTS = 12
MOST_IDS = 24
MOST_LINES = 40
_WHOLE_RUN = frozenset(
    ("run_verdict", "with_changes", "changes", "together", "missing", "gpus_asked", "run_help")
)
"""Measures of the plan and of all models: the run's verdict stands before them."""
_OWN_WORDS = frozenset(("help", "note"))
"""Sentences that begin with a word of ours, not with a name."""
_MOST_NAMED = 3
"""Of more models than these the run's verdict stands first, not each of theirs."""
CANNOT = "This run does not tell that."
NEAREST = "The nearest that it tells:"


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One part of an answer."""

    do: Do = "say"
    ids: tuple[str, ...] = ()
    how: How | None = None
    """Of a `calc`."""
    why: str = ""
    """Of our rules, in words: what is not known of a `cannot`, what stands above a `say`. A language
    model has no such place."""


class PartError(ValueError):
    """A part that can't be said, in words that name no fact's subject."""


def rendered(
    parts: Sequence[Part], facts: Mapping[str, RunFact], asked: Sequence[str] = ()
) -> tuple[list[str], tuple[str, ...]]:
    """The lines of an answer, and the ids of the facts that they tell.

    Args:
        parts: what to say.
        facts: of the run and of the what-ifs, by id.
        asked: models that the question names.

    Raises:
        PartError: an id that is none, a senseless calculation, nothing of a model that was asked for.
    """
    chosen = [_found(part, facts) for part in parts[:MOST_PARTS]]
    spoken = [fact for found in chosen for fact in found]
    _check(parts, spoken, asked)
    told: dict[str, None] = {}
    lines: list[str] = []
    first = [sentence(fact) for fact in _once(_first(spoken, facts, asked), told)]
    for part, found in zip(parts[:MOST_PARTS], chosen, strict=True):
        if part.do == "cannot":
            lines += [part.why or CANNOT, *((NEAREST,) if found or first else ())]
        elif part.why:
            lines.append(part.why)
        if first:
            lines, first = [*lines, *first], []
        lines += _said(part, found, facts, told)
    if not lines:
        raise PartError("an answer without a part")
    return lines[:MOST_LINES], tuple(told)


def _found(part: Part, facts: Mapping[str, RunFact]) -> list[RunFact]:
    unknown = [one for one in part.ids if one not in facts]
    if unknown:
        raise PartError("an id that is none of the facts")
    return [facts[one] for one in dict.fromkeys(part.ids[:MOST_IDS])]


def _check(parts: Sequence[Part], spoken: Sequence[RunFact], asked: Sequence[str]) -> None:
    refusal = any(part.do == "cannot" for part in parts)
    whole = any(not fact.model for fact in spoken)
    if asked and not refusal and not whole and not any(fact.model in asked for fact in spoken):
        raise PartError("no fact of the model that the question names")


def _first(
    spoken: Sequence[RunFact], facts: Mapping[str, RunFact], asked: Sequence[str]
) -> Iterator[RunFact]:
    """The verdicts of whom the answer speaks, the run's own before the models'."""
    spoken_of = dict.fromkeys(fact.model for fact in spoken if fact.model)
    whole = any(fact.measure in _WHOLE_RUN for fact in spoken) or len(spoken_of) > _MOST_NAMED
    if whole and "verdict" in facts:
        yield facts["verdict"]
    names = dict.fromkeys((*asked, *(() if whole else spoken_of)))
    if len(names) > _MOST_NAMED and whole:
        return
    for name in names:
        verdict = facts.get(f"model/{name}/verdict")
        # A what-if's own sentence says what this run says of the model.
        if verdict is not None and not _only_what_ifs(name, spoken):
            yield verdict


def _once(found: Iterator[RunFact], told: dict[str, None]) -> Iterator[RunFact]:
    for fact in found:
        if fact.id not in told:
            told[fact.id] = None
            yield fact


def _only_what_ifs(name: str, spoken: Sequence[RunFact]) -> bool:
    """Whether nothing but what-ifs is said of a model."""
    own = [fact for fact in spoken if fact.model == name]
    return bool(own) and all(fact.which for fact in own)


def _said(
    part: Part, found: Sequence[RunFact], facts: Mapping[str, RunFact], told: dict[str, None]
) -> Iterator[str]:
    if part.do == "calc":
        yield _calculated(part.how or "sum", found)
        told.update(dict.fromkeys(fact.id for fact in found))
        return
    if part.do == "compare":
        yield _compared(found)
        told.update(dict.fromkeys(fact.id for fact in found))
        return
    for fact in found:
        if fact.which:
            yield from _of_what_if(fact, facts, told)
        elif fact.id not in told:
            told[fact.id] = None
            yield sentence(fact)


def _of_what_if(fact: RunFact, facts: Mapping[str, RunFact], told: dict[str, None]) -> Iterator[str]:
    """A what-if's fact under its verdict, which carries the terms and this run's own."""
    head = facts.get(f"{fact.which}/verdict")
    if head is not None and head.id not in told:
        told[head.id] = None
        yield sentence(head)
    if fact.id not in told:
        told[fact.id] = None
        words = sentence(fact)
        yield f"  Then {words[:1].lower() + words[1:] if fact.measure in _OWN_WORDS else words}"


def _calculated(how: How, found: Sequence[RunFact]) -> str:
    numbers = _numbers(found)
    names = [f"{subject(fact)} ({amount(fact)})" for fact in found]
    names[0] = names[0][:1].upper() + names[0][1:]
    unit = found[0].unit
    if how == "sum":
        if len({fact.measure for fact in found}) != 1:
            raise PartError("a sum of different measures")
        if len({fact.which for fact in found}) != 1 or len(
            {(fact.model, fact.gpu, fact.node) for fact in found}
        ) < len(found):
            raise PartError("a sum that counts one thing twice")
        noun = STATEMENTS[found[0].measure].noun
        each = " + ".join(f"{whose(fact)} ({amount(fact)})" for fact in found)
        terms = f", with {reveal(found[0].terms)}" if found[0].terms else ""
        return f"{noun[:1].upper()}{noun[1:]}, in all{terms}: {each} = {_number(sum(numbers))} {unit}."
    if len(numbers) != 2:
        raise PartError("this needs two facts")
    first, second = numbers
    if how == "difference":
        return f"{names[0]} less {names[1]}: {_number(first - second)} {unit}."
    if not second:
        raise PartError("a division by nothing")
    if how == "ratio":
        return f"{names[0]} is {first / second:.3g} times {names[1]}."
    return f"{names[0]} is {first / second * 100:.3g} % of {names[1]}."


def _compared(found: Sequence[RunFact]) -> str:
    numbers = _numbers(found)
    if len(numbers) != 2:
        raise PartError("a comparison needs two facts")
    first, second = numbers
    one, other = found
    if (
        one.measure == other.measure
        and one.model
        and other.model
        and not (one.which or other.which or one.flag)
    ):
        noun = STATEMENTS[one.measure].noun
        word = "above" if first > second else "below" if first < second else "the same as"
        told = [f"{reveal(fact.model)} ({amount(fact)})" for fact in found]
        return f"{noun[:1].upper()}{noun[1:]}: {told[0]} is {word} {told[1]}."
    word = "more than" if first > second else "less than" if first < second else "as much as"
    names = [f"{subject(fact)} ({amount(fact)})" for fact in found]
    return f"{names[0][:1].upper()}{names[0][1:]} is {word} {names[1]}."


def _numbers(found: Sequence[RunFact]) -> list[float]:
    """The values of facts that can be calculated with each other."""
    numbers = [fact.number for fact in found if fact.number is not None]
    if len(found) < 2 or len(numbers) != len(found):
        raise PartError("two or more facts whose numbers are known are needed")
    if len({fact.unit for fact in found}) != 1 or not found[0].unit:
        raise PartError("numbers of different units")
    return numbers


def _number(value: float) -> str:
    return f"{round(value, 2):,.10g}"
