"""The results of two specialists, as tables from the state's own facts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from modelcar_tui.core.counting import several
from modelcar_tui.core.facts import Fact, unknown
from modelcar_tui.supervisor import RunState
from modelcar_tui.tui import format as f
from modelcar_tui.tui.glyphs import Glyphs
from modelcar_tui.tui.lately import Lately
from modelcar_tui.tui.rows import Row, Span, crop_middle, pad, paragraph, row, width

if TYPE_CHECKING:
    from modelcar_tui.cluster import CardKind
    from modelcar_tui.cluster.types import Inventory
    from modelcar_tui.verdict import ModelRequirements

_NOT_JUDGED: Fact[float] = unknown("not compared with a GPU", unit="GiB")
_PLACE = re.compile(r"(hf|pvc|s3|gs|https?)://")
"""Where weights are that lie in no image, which has no size then."""
_NUMBERS = 30
"""Cells of the number columns of the configuration table."""


def _names(names: list[str], cells: int, share: float = 0.45) -> int:
    return min(max((width(name) for name in names), default=0), max(14, int(cells * share)))


def configuration_rows(state: RunState, cells: int, glyphs: Glyphs) -> list[Row]:
    """One row a model: name, GPUs, image size, memory needed and how well it is known."""
    if not state.models:
        return []
    names = _names([model.car.name for model in state.models], cells, 0.6)
    names = min(names, max(12, cells - _NUMBERS))
    roomy = cells >= names + _NUMBERS + 10
    judged = _judged(state)
    # The verdict's is what one GPU must have; before it there is only what all of a copy's GPUs share.
    title = "A GPU NEEDS" if judged else "WEIGHTS+10%"
    head = f"  {'GPUS':>4}  {'IMAGE':>9}  {title:>11}"
    rows = [row((pad("MODEL", names), "muted"), (head + ("  HOW IT IS KNOWN" if roomy else ""), "muted"))]
    for model in state.models:
        # One need has one number: the verdict's, once there is one.
        need = judged.get(model.car.name, _NOT_JUDGED) if judged else model.required_vram_gib
        rows.append(
            row(
                pad(crop_middle(model.car.name, names, glyphs.ellipsis), names),
                f"  {model.car.serving.gpu_count:>4}",
                _size_span(model),
                *_need_spans(need, roomy=roomy),
            )
        )
    return rows


def _size_span(model: ModelRequirements) -> Span:
    """The image's size; of weights that lie in no image where they lie."""
    size = model.image.size_bytes.value
    if size is None and (place := _PLACE.match(model.car.image)):
        return f"  {place[1]:>9}", "muted"
    return f"  {f.gib(size):>9}", "text" if size else "warn"


def _judged(state: RunState) -> dict[str, Fact[float]]:
    """What one GPU must have for each model that was compared with one; nothing where none was."""
    compared = [one for one in (state.decision.models if state.decision else ()) if one.product]
    return {one.model: one.needed_gib for one in compared}


def _need_spans(need: Fact[float], *, roomy: bool) -> list[Span]:
    """How much memory, and where there is room, how that is known."""
    amount = "unknown" if need.value is None else f"{'~' * need.guess}{need.value:.1f} GiB"
    spans: list[Span] = [(f"  {amount:>11}", "badge" if need.guess else "text" if need.known else "warn")]
    if roomy:
        source = need.source.told if need.known else need.note
        spans.append((f"  {source}", "badge" if need.guess else "muted"))
    return spans


def accelerator_rows(state: RunState, cells: int, glyphs: Glyphs) -> list[Row]:
    """Access, GPUs by product with free and total, the runtime image, what could not be looked up."""
    report = state.cluster
    if report is None:
        return []
    access, inventory = report.access, report.inventory
    who = f" as {access.user}" if access.user else ""
    where = f" {glyphs.dot} {access.server}" if access.server else ""
    rows = [
        row(("access   ", "muted"), (access.rung.value, "ok" if access.healthy else "warn"), f"{who}{where}")
    ]
    if access.problem:
        rows += paragraph(str(access.problem), cells, "warn", indent=9)
    rows += _kinds(state, cells, glyphs)
    if not inventory.known:
        rows.append(row(("GPUs     ", "muted"), ("could not look", "warn")))
    elif not inventory.nodes:
        rows.append(row(("GPUs     ", "muted"), (f"none on {several(inventory.nodes_seen, 'node')}", "warn")))
    if inventory.partial:
        rows.append(row((" " * 9, "muted"), ("partial: not all nodes could be read", "warn")))
    if report.runtime:
        version = f"  vLLM {report.runtime.version}" if report.runtime.version else ""
        image = crop_middle(report.runtime.image, cells - 9 - width(version), glyphs.ellipsis)
        rows.append(row(("runtime  ", "muted"), image, (version, "muted")))
    elif report.runtime_problem:
        rows.append(row(("runtime  ", "muted"), (str(report.runtime_problem), "warn")))
    return rows


@Lately
def _usable_kinds(inventory: Inventory) -> tuple[list[CardKind], list[str]]:
    # The engine has read this by then; the first frame must not.
    from modelcar_tui.cluster import card_kinds, cards_text

    usable = [kind for kind in card_kinds(inventory) if kind.usable]
    return usable, [cards_text(kind) for kind in usable]


def _kinds(state: RunState, cells: int, glyphs: Glyphs) -> list[Row]:
    """A row a kind of usable unit: a card that is shared is one card."""
    usable, told = _usable_kinds(state.cluster.inventory) if state.cluster else ([], [])
    names = min(_names(told, cells, 0.8), max(14, cells - 26))
    return [
        row(
            ("GPUs     " if not at else " " * 9, "muted"),
            f"{pad(crop_middle(text, names, glyphs.ellipsis), names)}  ",
            (
                f"{'?' if kind.free is None else kind.free} of {kind.units} free",
                "ok" if kind.free else "warn",
            ),
        )
        for at, (kind, text) in enumerate(zip(usable, told, strict=True))
    ]
