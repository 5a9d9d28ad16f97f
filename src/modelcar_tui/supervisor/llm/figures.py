"""What each number of a clause is said of: a pure function, for facts' notes and a model's words alike."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from modelcar_tui.supervisor.llm import lexicon as lex
from modelcar_tui.supervisor.llm.reading import Clause, Token

_BOUNDS = lex.PREPOSITIONS | lex.MORE | lex.LESS


class Claim(NamedTuple):
    """One number and what it is the number of."""

    value: Decimal
    unit: str
    """As `reading` counts it: `gib`, `token`, `gpu`; empty for a bare number."""
    about: str
    """The model or the GPU product; empty for the run as a whole."""
    topics: frozenset[str]
    why: bool = False
    """Whether it stands in the reason of a verdict."""


class Figure(NamedTuple):
    """One number in a clause, with what stands nearest to it."""

    number: Token
    topics: frozenset[str]
    models: tuple[str, ...]
    gpus: tuple[str, ...]
    flag: bool
    """A flag stands beside it, so that it needs no unit."""
    at: int
    """Its place in the clause."""


def figures(clause: Clause, *, gpu_known: bool = False) -> list[Figure]:
    """The numbers of a clause. `gpu_known` says that a clause without names speaks of a GPU."""
    tokens = clause.tokens
    places = [index for index, token in enumerate(tokens) if token.kind == "number"]
    groups = _groups(tokens, places)
    denied = {"not"} if lex.NOT & set(clause.texts()) else set()
    found: list[Figure] = []
    start = 0
    for index, group in enumerate(groups):
        following = groups[index + 1][0] if index + 1 < len(groups) else len(tokens)
        stop = _bound(tokens, group[-1] + 1, following) if following < len(tokens) else following
        near = [*tokens[start : group[0]], *tokens[group[-1] + 1 : stop]]
        for nth, place in enumerate(group):
            number = tokens[place]
            if not number.unit:
                number = number._replace(unit=tokens[group[-1]].unit)  # `1 of 5 models`
            topics = _topics(near, number.unit) | denied | ({"whole"} if nth else set())
            found.append(_figure(number, near, frozenset(topics), place, gpu_known=gpu_known))
        start = _bound(tokens, group[-1] + 1, following) if stop < following else group[-1] + 1
    return found


def _figure(
    number: Token, near: Sequence[Token], topics: frozenset[str], at: int, *, gpu_known: bool
) -> Figure:
    models = tuple(token.text for token in near if token.kind == "model")
    gpus = tuple(token.text for token in near if token.kind == "gpu")
    of_gpu = (bool(gpus) or gpu_known) and not models
    if number.unit == "gib" and of_gpu and topics <= {"free", "whole"}:
        topics |= {"memory"}
    return Figure(number, topics, models, gpus, any(token.kind == "flag" for token in near), at)


def _groups(tokens: Sequence[Token], places: list[int]) -> list[list[int]]:
    """`15 GiB of the 45 GiB` is one group: what is said around it is said of both."""
    groups: list[list[int]] = []
    for place in places:
        between = [token.text for token in tokens[groups[-1][-1] + 1 : place]] if groups else []
        if groups and between in (["of"], ["of", "the"], ["out", "of"], ["out", "of", "the"]):
            groups[-1].append(place)
        else:
            groups.append([place])
    return groups


def _bound(tokens: Sequence[Token], start: int, stop: int) -> int:
    """Where what is said of one number ends and of the next begins; `stop` where nothing parts them."""
    return next((index for index in range(start, stop) if tokens[index].text in _BOUNDS), stop)


def _topics(near: Sequence[Token], unit: str) -> set[str]:
    topics = {lex.TOPICS[token.text] for token in near if token.kind == "word" and token.text in lex.TOPICS}
    topics |= {lex.BY_FLAG.get(token.text, token.text) for token in near if token.kind == "flag"}
    if own := lex.BY_UNIT.get(unit):
        if not topics & lex.INSTEAD.get(own, frozenset((own,))):
            topics.add(own)
        if own == "models":
            topics |= {token.text for token in near if token.kind == "verdict"}
    if unit == "billion":
        topics |= {
            token.text for token in near if lex.UNITS.get(token.text) not in (None, "gpu", "model", "billion")
        }
    if "kv" in topics:
        topics -= {"free"}
        if "need" in topics:
            topics = topics - {"need", "kv"} | {"kv-need"}
    return topics


def agrees(said: frozenset[str], fact: frozenset[str]) -> bool:
    """Whether a number is said of what the fact says it of."""
    strong = said - lex.WEAK
    return bool(said) and strong == fact - lex.WEAK and (bool(strong) or said == fact)
