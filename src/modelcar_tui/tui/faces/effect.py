"""What a change, or a group of them, does to its model: the verdict and one GPU's memory, before and
after."""

from __future__ import annotations

from modelcar_tui.tui import format as f
from modelcar_tui.tui.faces.memory import memory_rows
from modelcar_tui.tui.glyphs import Glyphs
from modelcar_tui.tui.rows import EMPTY, Row, paragraph, row
from modelcar_tui.verdict import ModelVerdict, Verdict


def effect_rows(
    before: ModelVerdict | None, after: ModelVerdict | None, when: str, cells: int, glyphs: Glyphs
) -> list[Row]:
    """The model now and then; `when` says which "then" it is. Nothing where neither is known."""
    if before is None:
        return []
    if after is None:
        bars = memory_rows("now", before, cells, glyphs)
        return [EMPTY, row(("memory of one GPU", "muted")), *bars] if bars else []
    rows = [EMPTY, row((when, "muted"))]
    if (before.verdict, before.why, before.comparison) == (after.verdict, after.why, after.comparison):
        rows.append(row(_word(before, glyphs), ("  the verdict stays", "muted")))
    else:
        rows.append(row(_word(before, glyphs), (f" {glyphs.arrow} ", "muted"), _word(after, glyphs)))
        rows += paragraph(f"{after.comparison}: {after.why}", cells, "muted")
    if before.estimate == after.estimate and before.gpu_gib == after.gpu_gib:
        bars = memory_rows("both", before, cells, glyphs)
    else:
        bars = memory_rows("now", before, cells, glyphs) + memory_rows("then", after, cells, glyphs)
    return [*rows, *bars]


def overall_rows(before: Verdict | None, after: Verdict | None, glyphs: Glyphs) -> list[Row]:
    """The verdict for the marks as they are and with more accepted; nothing where one is not known."""
    if before is None or after is None:
        return []
    head = [EMPTY, row(("as marked, and if they were accepted too", "muted"))]
    if before is after:
        return [*head, row(_block(before, glyphs), ("  the verdict stays", "muted"))]
    return [*head, row(_block(before, glyphs), (f" {glyphs.arrow} ", "muted"), _block(after, glyphs))]


def _word(model: ModelVerdict, glyphs: Glyphs) -> tuple[str, str]:
    return _block(model.verdict, glyphs)


def _block(verdict: Verdict, glyphs: Glyphs) -> tuple[str, str]:
    return f" {verdict.value} {glyphs.verdict(verdict)} ", f.VERDICT_BLOCK[verdict]
