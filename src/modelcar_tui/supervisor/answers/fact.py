"""A fact of a run by its id: typed values for whoever chooses among facts, a sentence for whoever reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from modelcar_tui.core.facts import Fact

Scalar = str | int | float | bool | None


class RunFact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One fact. `statements` has the words of its measure."""

    id: str
    """Such as `model/granite-3.1-8b-instruct/weights`."""
    measure: str
    model: str = ""
    """The model that it is of, by its name in the manifest."""
    gpu: str = ""
    """The product, `L40S`."""
    node: str = ""
    flag: str = ""
    """The argument of vLLM."""
    value: Scalar = None
    """None where it is not known."""
    unit: str = ""
    more: Mapping[str, Scalar] = {}
    """Further typed values that belong to it, such as `{"gpus": 2}` of a need on each GPU."""
    told: str = ""
    """The program's own words, for the operator alone: they may name anything."""
    source: str = ""
    guess: bool = False
    terms: str = ""
    """Of a what-if, what was asked: `--max-model-len=4096 on 1 x L40S`; empty for a fact of the run."""
    which: str = ""
    """Of a what-if, `what-if-1`."""
    stands: str = ""
    """Of a what-if, the verdict that this run has on the model."""

    @property
    def number(self) -> float | None:
        """The value where it can be calculated with."""
        return (
            self.value if isinstance(self.value, int | float) and not isinstance(self.value, bool) else None
        )


def of_model(name: str, measure: str, value: Scalar = None, unit: str = "", **fields: object) -> RunFact:
    """A fact of a model."""
    made: dict[str, object] = {"id": f"model/{name}/{measure}", "measure": measure, "model": name}
    return msgspec.structs.replace(
        RunFact(id="", measure=measure), **{**made, "value": value, "unit": unit, **fields}
    )


def measured(
    name: str,
    measure: str,
    fact: Fact[int] | Fact[float],
    unit: str,
    divide: float = 1.0,
    more: Mapping[str, Scalar] | None = None,
) -> RunFact:
    """A figure of a model, rounded to hundredths; its value is None where it is not known."""
    value: int | float | None = None
    if fact.value is not None:
        found = fact.value / divide
        value = int(found) if float(found).is_integer() else round(float(found), 2)
    source = str(fact.source) if fact.known else ""
    bounds: dict[str, Scalar] = {
        key: round(float(bound) / divide, 2)
        for key, bound in (("low", fact.low), ("high", fact.high))
        if bound is not None and fact.known
    }
    whole = {**(more or {}), **bounds}
    return of_model(name, measure, value, unit, source=source, guess=fact.guess, more=whole)


def by_id(facts: Iterable[RunFact]) -> dict[str, RunFact]:
    """The facts by their ids; the first of an id stands."""
    found: dict[str, RunFact] = {}
    for fact in facts:
        found.setdefault(fact.id, fact)
    return found
