"""Memory of one GPU as a bar, and the terms of a sum."""

from __future__ import annotations

from modelcar_tui.core.facts import Term
from modelcar_tui.supervisor.reports import ModelVerdict
from modelcar_tui.tui import format as f
from modelcar_tui.tui.glyphs import Glyphs
from modelcar_tui.tui.rows import Row, Span, pad, paragraph, row, width

PARTS = (
    ("weights", "weights_gib", "used"), ("activation", "activation_gib", "warn"),
    ("other", "non_torch_gib", "muted"), ("graphs", "cuda_graph_gib", "badge"),
    ("KV cache", "kv_available_gib", "ok"),
)  # fmt: skip


def memory_rows(label: str, model: ModelVerdict | None, cells: int, glyphs: Glyphs) -> list[Row]:
    """A bar of what fills one GPU and its legend; nothing when the parts are not known."""
    if model is None or model.estimate is None or not model.gpu_gib.value:
        return []
    whole = model.gpu_gib.value
    parts = [(name, getattr(model.estimate, field).value, role) for name, field, role in PARTS]
    known = [(name, float(size), role) for name, size, role in parts if size is not None and size > 0]
    if not known:
        return []
    room = max(10, cells - 7)
    spans: list[Span] = [(f"{label:<5} ", "muted")]
    used = 0
    for name, size, role in known:
        length = min(room - used, max(1, round(size / whole * room)))
        text = (name if glyphs.ascii and length > len(name) + 1 else "").ljust(length, glyphs.bar_full)
        spans.append((text[:length], role))
        used += length
    spans.append((glyphs.bar_empty * (room - used), "faint"))
    legend: list[Span] = [(" " * 6, "text")]
    for name, size, role in known:
        legend += [(f"{name} ", role), (f"{size:.1f}  ", "muted")]
    legend.append((f"of {whole:.1f} GiB", "muted"))
    tokens = model.estimate.kv_tokens.value
    concurrency = model.estimate.max_concurrency.value
    rows = [Row(tuple(spans)), Row(tuple(legend))]
    if tokens is not None:
        many = f", {concurrency:.1f} requests of full length" if concurrency is not None else ""
        rows.append(row((f"      KV cache for {tokens:,} tokens{many}", "muted")))
    return rows


def term_rows(terms: tuple[Term, ...], cells: int, glyphs: Glyphs) -> list[Row]:
    """The terms of a sum: label, value, unit, source, and the note below."""
    labels = min(max((width(term.label) for term in terms), default=0), max(10, cells // 2 - 4))
    rows: list[Row] = []
    for term in terms:
        rows.append(
            row(
                "  ", pad(term.label, labels, "<", glyphs.ellipsis),
                (f"  {f.number(term.value):>9} {term.unit:<7}", "strong"), (f" {term.source.value}", "muted"),
            )
        )  # fmt: skip
        if term.note:
            rows += paragraph(term.note, cells, "faint", indent=4)
    return rows
