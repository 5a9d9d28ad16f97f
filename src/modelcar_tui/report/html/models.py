"""The models' table: verdict, need with its bounds, memory of one card as a bar, a column a kind of GPU."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from modelcar_tui.core.counting import several
from modelcar_tui.report.fares import models_in_qa
from modelcar_tui.report.html.told import TONES, gib, needed
from modelcar_tui.report.kinds import KindAtHand, kinds_at_hand
from modelcar_tui.supervisor import RunState
from modelcar_tui.verdict import ModelOutcome, ModelVerdict, RunOutcome, Verdict, long_words

MANY = 20
"""Models from which they are told by reason."""
MOST_KINDS = 6
"""Kinds of GPU that have a column beside the others; more have tables of their own."""
_KINDS_A_TABLE = 7
_BAR, _TALL = 168, 16
"""Width and height of a bar, in pixels."""
_TIED = "\N{NO-BREAK SPACE}"
_LETTER = 11
"""Pixels that a letter inside a part needs."""
_PARTS = (
    ("W", "weights", "weights_gib"),
    ("A", "activation", "activation_gib"),
    ("O", "driver and other", "non_torch_gib"),
    ("G", "CUDA graphs", "cuda_graph_gib"),
    ("K", "KV cache", "kv_available_gib"),
)
_ORDER = {Verdict.NO_GO: 0, Verdict.UNKNOWN: 1, Verdict.GO: 2}
_ON_KIND = {"fits": "fits", "tight": "fits, tight", "full": "fits, none free now", "unknown": "unknown"}
_KIND_TONES = {"fits": "go", "tight": "go", "full": "dk", "unknown": "dk", "refused": "no"}


class Part(NamedTuple):
    """One part of a bar."""

    letter: str
    x: float
    width: float
    text: str
    """Its letter, where there is room for it."""


class Bar(NamedTuple):
    """Memory of one GPU."""

    parts: tuple[Part, ...]
    card: float
    """Where the card ends, in pixels."""
    width: int
    height: int
    told: str
    """`W 15.3 · A 2.1 ... of 79.6 GiB`."""
    said: str
    """The same in whole words."""
    lacks: str
    """What the card lacks; empty where it lacks nothing."""


class Cell(NamedTuple):
    """A word and its class."""

    text: str
    tone: str = ""
    more: str = ""


class Row(NamedTuple):
    """One model."""

    at: int
    """Its number: its place in the manifest, from 1."""
    name: str
    serves: str
    """Kind, namespace, replicas and source of what a Kubernetes manifest serves; empty of a model-car."""
    verdict: Cell
    hangs: str
    """What its verdict hangs on."""
    why: str
    step: str
    need: Cell
    bar: Bar | None
    card: str
    """The card that it was compared with."""
    kinds: tuple[Cell, ...]
    predicted: Cell
    tested: Cell


class Group(NamedTuple):
    """Models of one verdict and one reason."""

    at: int
    verdict: Cell
    why: str
    size: str
    rows: tuple[Row, ...]


class KindTable(NamedTuple):
    """Some of the kinds of GPU, where all of them have no room beside the models."""

    kinds: tuple[KindAtHand, ...]
    begin: int


class Models(NamedTuple):
    """All that the table is made of."""

    rows: tuple[Row, ...]
    groups: tuple[Group, ...]
    """Empty where there are few models."""
    kinds: tuple[KindAtHand, ...]
    """Those with a column in the table."""
    apart: tuple[KindTable, ...]
    tally: str
    """`5 models: 3 GO, 1 NO-GO, 1 UNKNOWN`."""
    tested: bool
    """Whether QA says anything of them."""


def numbers(state: RunState) -> dict[str, int]:
    """Each model's number; of two of one name the first's."""
    names = [car.name for car in state.manifest.models] if state.manifest is not None else []
    names += [model.model for model in state.decision.models] if state.decision is not None else []
    return {name: at for at, name in enumerate(dict.fromkeys(names), 1)}


def models(state: RunState, told: RunOutcome | None) -> Models:
    """Worst first once there is a verdict, else as in the manifest."""
    kinds = kinds_at_hand(state)
    rows = _judged(state, told, kinds) if state.decision is not None else _not_judged(state)
    narrow = len(kinds) <= MOST_KINDS
    cuts = range(0, 0 if narrow else len(kinds), _KINDS_A_TABLE)
    return Models(
        rows=rows,
        groups=_groups(rows) if len(rows) >= MANY else (),
        kinds=kinds if narrow else (),
        apart=tuple(KindTable(kinds[at : at + _KINDS_A_TABLE], at) for at in cuts),
        tally=_tally(rows),
        tested=any(row.tested.text != "–" for row in rows),
    )


def _tally(rows: tuple[Row, ...]) -> str:
    counts = Counter(row.verdict.text for row in rows)
    words = [*(word.value for word in Verdict), "not judged"]
    parts = [f"{counts[word]} {word}" for word in words if counts[word]]
    return several(len(rows), "model") + (f": {', '.join(parts)}" if parts else "")


def _not_judged(state: RunState) -> tuple[Row, ...]:
    read = {model.car.name for model in state.models}
    none = Cell("–")
    return tuple(
        Row(
            at=at,
            name=car.name,
            serves=long_words(car),
            verdict=Cell("not judged", "dk"),
            hangs="",
            why="its image was read" if car.name in read else "its image was not read",
            step="",
            need=Cell("unknown", "dk"),
            bar=None,
            card="",
            kinds=(),
            predicted=none,
            tested=none,
        )
        for at, car in enumerate(state.manifest.models if state.manifest is not None else (), 1)
    )


def _judged(state: RunState, told: RunOutcome | None, kinds: tuple[KindAtHand, ...]) -> tuple[Row, ...]:
    report = state.decision
    order = sorted(report.models if report is not None else (), key=lambda model: _ORDER[model.verdict])
    at = numbers(state)
    outcomes = {one.model: one for one in (told.models if told is not None else ())}
    fares = {one.model: one for one in models_in_qa(state)}
    serves = {car.name: long_words(car) for car in (state.manifest.models if state.manifest else ())}
    rows = []
    for model in order:
        qa = fares.get(model.model)
        tested = Cell("–") if qa is None else Cell(qa.fares.value, _qa_tone(qa.fares.value), qa.cause)
        row = _row(at[model.model], model, outcomes.get(model.model), kinds, tested)
        rows.append(row._replace(serves=serves.get(model.model, "")))
    return tuple(rows)


def _qa_tone(word: str) -> str:
    return {"passed": "go", "failed": "no", "cut short": "no"}.get(word, "dk")


def _row(
    at: int, model: ModelVerdict, told: ModelOutcome | None, kinds: tuple[KindAtHand, ...], tested: Cell
) -> Row:
    before = model.verdict if model.predicted is None else model.predicted
    headline = told.headline if told is not None else str(model.verdict)
    fits = {one.kind: one for one in model.kinds}
    cells = []
    for kind in kinds:
        fit = fits.get(kind.name)
        cells.append(Cell("–") if fit is None else _on_kind(fit.state.value, fit.gpus, model.gpus))
    return Row(
        at=at,
        name=model.model,
        serves="",
        verdict=Cell(str(model.verdict), TONES[model.verdict]),
        hangs=headline.removeprefix(str(model.verdict)).lstrip(", "),
        why=model.why,
        step=told.next if told is not None else model.settle,
        need=Cell(needed(model.needed_gib, model.gpus), "dk" if not model.needed_gib.known else ""),
        bar=_bar(model),
        card=model.product,
        kinds=tuple(cells),
        predicted=Cell(str(before), TONES[before]),
        tested=tested,
    )


def _on_kind(state: str, gpus: int | None, asked: int) -> Cell:
    if state == "refused":
        return Cell("no", "no", f"with {several(gpus, 'GPU')}" if gpus and gpus != asked else "")
    return Cell(_ON_KIND[state], _KIND_TONES[state])


def _bar(model: ModelVerdict) -> Bar | None:
    """The parts of one card; the need alone where they are not known, nothing where it is unknown too."""
    whole, need = model.gpu_gib.value, model.needed_gib.value
    if not whole or need is None:
        return None
    known = _sizes(model) or [("N", "needed", need)]
    scale = _BAR / max(whole, need, sum(size for _, _, size in known))
    parts, x = [], 0.0
    for letter, _, size in known:
        width = size * scale
        text = letter if width >= _LETTER else ""
        parts.append(Part(letter, round(x, 1), round(max(width, 0.5), 1), text))
        x += width
    lacks = f"{gib(need - whole, up=True)} GiB more than the card has" if need > whole else ""
    told = " · ".join(f"{letter}{_TIED}{gib(size)}" for letter, _, size in known)
    said = ", ".join(f"{name} {gib(size)} GiB" for _, name, size in known)
    card = f"of {gib(whole)} GiB"
    return Bar(
        parts=tuple(parts),
        card=round(whole * scale, 1),
        width=_BAR,
        height=_TALL,
        told=f"{told} of{_TIED}{gib(whole)}{_TIED}GiB",
        said=f"{said}, {card}" + (f"; {lacks}" if lacks else ""),
        lacks=lacks,
    )


def _sizes(model: ModelVerdict) -> list[tuple[str, str, float]]:
    if model.estimate is None:
        return []
    sizes = [(letter, name, getattr(model.estimate, field).value) for letter, name, field in _PARTS]
    return [(letter, name, float(size)) for letter, name, size in sizes if size is not None and size > 0]


def _groups(rows: tuple[Row, ...]) -> tuple[Group, ...]:
    """By verdict and reason; the reasons of a GO need no telling apart."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        found.setdefault((row.verdict.text, "" if row.verdict.tone == "go" else row.why), []).append(row)
    return tuple(
        Group(at, own[0].verdict, why, several(len(own), "model"), tuple(own))
        for at, ((_, why), own) in enumerate(found.items(), 1)
    )
