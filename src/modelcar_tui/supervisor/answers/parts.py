"""An answer as parts: ids of facts and four operations. Code alone makes the words.

What stands first, and what stands together, is decided here: the verdict of whom an answer speaks, the terms
of a what-if with this run's own verdict.
"""

from __future__ import annotations

import math
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
_NO_SUMS = frozenset(("context", "longest_context", "copies", "on_kind", "runs_on", "gpu_memory", "card"))
"""Measures of which a sum is of nothing: alternatives, limits, and the same GPUs again and again."""
_EACH = frozenset(("need", "weights_each"))
"""Measures of one GPU: of a model on several they don't add up to what it takes."""
_OWN_WORDS = frozenset(("help", "note"))
"""Sentences that begin with a word of ours, not with a name."""
_MOST_NAMED = 3
"""Of more models than these the run's verdict stands first, not each of theirs."""
CANNOT = "This run does not tell that."
THEIR_CANNOT = "The language model says that this run does not tell that."
"""Of one that a model chose: it may be wrong, and says who says so."""
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
            lines += [part.why or THEIR_CANNOT, *((NEAREST,) if found or first else ())]
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
    if part.do in ("calc", "compare"):
        for fact in found:
            yield from _heading(fact, facts, told)
        yield _calculated(part.how or "sum", found) if part.do == "calc" else _compared(found)
        told.update(dict.fromkeys(fact.id for fact in found))
        return
    for fact in found:
        if fact.which:
            yield from _of_what_if(fact, facts, told)
        elif fact.id not in told:
            told[fact.id] = None
            yield sentence(fact)


def _of_what_if(fact: RunFact, facts: Mapping[str, RunFact], told: dict[str, None]) -> Iterator[str]:
    yield from _heading(fact, facts, told)
    if fact.id not in told:
        told[fact.id] = None
        words = sentence(fact)
        yield f"  Then {words[:1].lower() + words[1:] if fact.measure in _OWN_WORDS else words}"


def _heading(fact: RunFact, facts: Mapping[str, RunFact], told: dict[str, None]) -> Iterator[str]:
    """The verdict of a what-if, which carries the terms and this run's own; once, before all else of it."""
    head = facts.get(f"{fact.which}/verdict")
    if head is not None and head.id not in told:
        told[head.id] = None
        yield sentence(head)


def _calculated(how: How, found: Sequence[RunFact]) -> str:
    numbers, unit = _numbers(found), found[0].unit
    rough = " (from a guess)" if any(fact.guess for fact in found) else ""
    if how == "sum":
        return f"{_summed(found)} = {_number(sum(numbers))} {unit}{rough}."
    if len(numbers) != 2:
        raise PartError("this needs two facts")
    first, second = numbers
    one, other = (f"{subject(fact)} ({amount(fact)})" for fact in found)
    if how == "difference":
        return f"{_begun(one)} less {other}: {_number(first - second)} {unit}{rough}."
    if not second:
        raise PartError("a division by nothing")
    if how == "ratio":
        return f"{_begun(one)} is {first / second:.3g} times {other}{rough}."
    return f"{_begun(one)} is {first / second * 100:.3g} % of {other}{rough}."


def _summed(found: Sequence[RunFact]) -> str:
    """What is added up, with its terms.

    Raises:
        PartError: it adds up to nothing.
    """
    _check_sum(found)
    terms = f", with {reveal(found[0].terms)}" if found[0].terms else ""
    each = " + ".join(f"{whose(fact)} ({amount(fact)})" for fact in found)
    return f"{_begun(STATEMENTS[found[0].measure].noun)}, in all{terms}: {each}"


def _check_sum(found: Sequence[RunFact]) -> None:
    measure = found[0].measure
    if any(fact.measure != measure for fact in found):
        raise PartError("a sum of different measures")
    subjects = {(fact.model, fact.gpu, fact.node) for fact in found}
    if len({fact.which for fact in found}) != 1 or len(subjects) < len(found):
        raise PartError("a sum that counts one thing twice")
    if measure in _NO_SUMS or (measure in _EACH and any(_spread(fact) for fact in found)):
        raise PartError("a sum of what does not add up")


def _spread(fact: RunFact) -> bool:
    """Whether its model is spread over several GPUs."""
    count = fact.more.get("gpus")
    return isinstance(count, int) and count > 1


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
        return f"{_begun(noun)}: {told[0]} is {_sure(word, found)} {told[1]}."
    word = "more than" if first > second else "less than" if first < second else "as much as"
    names = [f"{subject(fact)} ({amount(fact)})" for fact in found]
    return f"{_begun(names[0])} is {_sure(word, found)} {names[1]}."


def _sure(word: str, found: Sequence[RunFact]) -> str:
    """The word of a comparison, unless bounds of a guess leave it open."""
    if not any(fact.guess for fact in found):
        return word
    (low, high), (other_low, other_high) = (_bounds(fact) for fact in found)
    return word if low > other_high or high < other_low else f"by a guess {word}"


def _bounds(fact: RunFact) -> tuple[float, float]:
    """Between what its value lies; anything where a guess has no bounds."""
    low, high = fact.more.get("low"), fact.more.get("high")
    if fact.guess:
        known = isinstance(low, int | float) and isinstance(high, int | float)
        return (float(low), float(high)) if known else (-math.inf, math.inf)  # type: ignore[arg-type]
    return (fact.number or 0.0,) * 2


def _begun(text: str) -> str:
    """The text as a sentence's beginning."""
    return text[:1].upper() + text[1:]


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
