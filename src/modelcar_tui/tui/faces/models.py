"""The models of a run as lines of a table: order, filter, groups. Pure, and quick for a hundred of them."""

from __future__ import annotations

from collections.abc import Callable, Collection

import msgspec

from modelcar_tui.core.text import reveal
from modelcar_tui.manifest import ModelCar
from modelcar_tui.supervisor import RunState, outcome_of
from modelcar_tui.tui.faces.decision import worst_first
from modelcar_tui.tui.patterns import Filter
from modelcar_tui.verdict import ModelOutcome, ModelRequirements, ModelVerdict, Verdict, kind_words

MANY = 20
"""Models from which they are grouped by themselves."""
_LEAST_PREFIX = 6


class ModelRow(msgspec.Struct, frozen=True):
    """One model, as far as it is known."""

    name: str
    car: ModelCar | None = None
    """As the manifest says."""
    read: ModelRequirements | None = None
    judged: ModelVerdict | None = None
    told: ModelOutcome | None = None
    changes: int = 0
    """Proposed for it."""
    required: int = 0
    """Of those, the ones without which it is no GO."""
    stage: str = ""
    """What goes on with it before there is a verdict, or how far it came."""

    @property
    def verdict(self) -> Verdict | None:
        """The one that stands; None before there is one."""
        return self.judged.verdict if self.judged is not None else None

    @property
    def why(self) -> str:
        """What decided it."""
        return self.judged.why if self.judged is not None else ""

    @property
    def gpu(self) -> str:
        """The GPU that it was compared with."""
        return self.judged.product if self.judged is not None else ""

    @property
    def text(self) -> str:
        """What a filter looks at."""
        word = self.told.headline if self.told is not None else ""
        object_ = kind_words(self.car) if self.car is not None else ""
        return f"{self.name} {word} {self.gpu} {self.why} {object_}"


class ModelGroup(msgspec.Struct):
    """A heading, and the models that it stands for."""

    key: str
    title: str
    rows: list[ModelRow]
    open: bool = False

    @property
    def first(self) -> ModelRow:
        """The one that speaks for all."""
        return self.rows[0]


def model_rows(state: RunState) -> list[ModelRow]:
    """All models: worst first once there is a verdict, else in the manifest's order."""
    read = {model.car.name: model for model in state.models}
    report = state.decision
    cars = {car.name: car for car in (state.manifest.models if state.manifest is not None else ())}
    if report is None:
        ended = state.finish is not None
        return [
            ModelRow(name, car, read.get(name), stage=_stage(read=name in read, ended=ended))
            for name, car in cars.items()
        ]
    outcome = outcome_of(state)
    told = {one.model: one for one in outcome.models} if outcome is not None else {}
    counts: dict[str, list[int]] = {}
    for change in report.plan.changes if state.answer is None else ():
        count = counts.setdefault(change.model, [0, 0])
        count[0] += 1
        count[1] += change.severity == "required"
    return [
        ModelRow(
            one.model,
            cars.get(one.model),
            read.get(one.model),
            one,
            told.get(one.model),
            *counts.get(one.model, (0, 0)),
        )
        for one in worst_first(report)
    ]


def _stage(*, read: bool, ended: bool) -> str:
    if ended:
        return "not judged" if read else "not read"
    return "being judged" if read else "being read"


_KEYS: dict[str, Callable[[ModelRow], str]] = {
    "reason": lambda line: f"{line.verdict} {'' if line.verdict is Verdict.GO else line.why}",
    "verdict": lambda line: f"{line.verdict or 'not judged yet'}",
    "GPU": lambda line: line.gpu or "no GPU",
    "namespace": lambda line: _namespace(line) or "no namespace",
}


def _namespace(line: ModelRow) -> str:
    return reveal(line.car.namespace) if line.car is not None else ""


def groupings(rows: list[ModelRow]) -> tuple[str, ...]:
    """What they may be grouped by, the first of it nothing: by namespace where there are several."""
    several = len({_namespace(line) for line in rows}) > 1
    return ("", *(one for one in _KEYS if several or one != "namespace"))


def arrange_models(
    rows: list[ModelRow], by: str, wanted: Filter | None, turned: Collection[str] = ()
) -> list[ModelRow | ModelGroup]:
    """The rows that pass, under headings.

    Args:
        rows: in their order.
        by: one of `groupings`; a reason that one model has alone needs no heading.
        wanted: what is shown; None shows all.
        turned: keys of the groups that the operator unfolded.
    """
    chosen = [line for line in rows if wanted is None or wanted.matches(line.text)]
    if not by:
        return list(chosen)
    groups: dict[str, ModelGroup] = {}
    for line in chosen:
        key = _KEYS[by](line)
        # Models of one reason and of one name apart from a number are alike; others with it are told apart.
        if by == "reason" and line.verdict is Verdict.GO:
            key += _stem(line.name)
        groups.setdefault(key, ModelGroup(key, "", [])).rows.append(line)
    out: list[ModelRow | ModelGroup] = []
    for one in groups.values():
        if by == "reason" and len(one.rows) == 1:
            out.append(one.rows[0])
            continue
        one.title = _title(one, by)
        one.open = one.key in turned
        out.append(one)
        out += one.rows if one.open else ()
    return out


def _stem(name: str) -> str:
    """The name without what counts its copies: `granite-8b-instruct-004` as `granite-8b-instruct`."""
    return name.rstrip("0123456789").rstrip("-_.")


def _common(names: list[str]) -> str:
    """What all names begin with."""
    low, high = min(names), max(names)
    pairs = zip(low, high, strict=False)
    at = next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(low), len(high)))
    return low[:at]


def _title(one: ModelGroup, by: str) -> str:
    if by in ("GPU", "namespace"):
        return one.key
    common = _common([line.name for line in one.rows])
    if len(common) >= _LEAST_PREFIX:
        return f"{_stem(common)}*"
    stems = {_stem(line.name) for line in one.rows}
    return f"{one.first.name} +{len(one.rows) - 1}" if len(stems) > 1 else f"{stems.pop()}*"
