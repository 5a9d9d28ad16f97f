"""`agent measurements`: the starts of vLLM that were measured here."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress

import msgspec

from modelcar_tui.commands.guard import complain
from modelcar_tui.core.cells import pad, table, width
from modelcar_tui.core.config_file import to_type
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.core.text import reveal
from modelcar_tui.memory import Outcome
from modelcar_tui.models import MeasuredStart
from modelcar_tui.report import to_json
from modelcar_tui.verdict import Kept, Measurements

ACTS = ("list", "show", "forget", "export")
_HEAD = ("id", "date", "model", "GPU", "vLLM", "outcome", "predicted", "KV tokens")
_UNITS = {"_gib": "GiB", "_s": "s", "_tokens": "tokens", "_blocks": "blocks", "_len": "tokens"}
_TITLES = {
    "weights_gib": "weights",
    "activation_gib": "activation peak",
    "non_torch_gib": "outside PyTorch",
    "graphs_gib": "CUDA graphs",
    "graphs_estimated_gib": "CUDA graphs, as vLLM estimated them",
    "kv_cache_gib": "KV cache",
    "kv_tokens": "KV cache",
    "kv_blocks": "KV cache",
    "max_model_len": "longest request",
    "concurrency": "such requests at once",
    "total_gib": "memory of the card",
    "free_gib": "free at the start",
    "requested_gib": "what vLLM may use",
    "load_s": "loading",
    "graphs_s": "capturing graphs",
    "init_s": "starting the engine",
    "profile_s": "profiling",
}
_LIST = "agent measurements"


def run_measurements(act: str, ids: Sequence[str], *, every: bool, anonymous: bool, form: str) -> int:
    """List, show, forget or export; what can't be read is told on standard error.

    Args:
        ids: of `show` one, of `forget` some unless `every`, of `export` some or none for all.

    Raises:
        UserError: an id that is none, ids where none belong, a folder that can't be read.
    """
    _check(act, ids, every=every, anonymous=anonymous)
    store = Measurements()
    if act == "forget":
        return _forget(store, ids, every=every, form=form)
    kept, problems = store.look()
    for problem in problems:
        complain(str(problem))
    chosen = _chosen(store, kept, ids) if ids else kept
    if act == "show":
        return _show(chosen[0].start, form)
    if act == "export":
        return _export(chosen, anonymous=anonymous, form=form)
    return _list(store, tuple(one.start for one in kept), form)


def _check(act: str, ids: Sequence[str], *, every: bool, anonymous: bool) -> None:
    what = ""
    if act == "list" and ids:
        what = "takes no id"
    elif act == "show" and len(ids) != 1:
        what = "takes one ID"
    elif act == "forget" and bool(ids) == every:
        what = "takes the IDs to forget, or --all"
    elif every and act != "forget":
        what = "knows no --all"
    elif anonymous and act != "export":
        what = "knows no --anonymous"
    if what:
        raise UserError(Problem(where=f"{_LIST} {act}", what=what, fix=f"what there is: {_LIST}"))


def _chosen(store: Measurements, kept: tuple[Kept, ...], ids: Sequence[str]) -> tuple[Kept, ...]:
    _known(store, ids)
    found = {one.start.id: one for one in kept}
    broken = [id_ for id_ in ids if id_ not in found]
    if broken:
        raise UserError(
            Problem(
                where=reveal(broken[0]), what="can't be read", fix=to_type(f"{_LIST} forget {{}}", broken[0])
            )
        )
    return tuple(found[id_] for id_ in dict.fromkeys(ids))


def _known(store: Measurements, ids: Sequence[str]) -> None:
    """Refuse before anything is done for the others."""
    there = store.ids()
    problems = [
        Problem(where=reveal(id_), what="there is no such measurement", fix=f"what there is: {_LIST}")
        for id_ in dict.fromkeys(ids)
        if id_ not in there
    ]
    if problems:
        raise UserError(*problems)


def _forget(store: Measurements, ids: Sequence[str], *, every: bool, form: str) -> int:
    if every:
        ids = sorted(store.ids())
    else:
        _known(store, ids)
    gone = store.forget(ids)
    if form == "json":
        sys.stdout.write(to_json({"forgotten": list(gone)}))
    elif gone:
        sys.stdout.writelines(f"forgotten: {reveal(id_)}\n" for id_ in gone)
    else:
        sys.stdout.write("nothing was kept\n")
    return ExitStatus.GO


def _export(chosen: tuple[Kept, ...], *, anonymous: bool, form: str) -> int:
    from modelcar_tui.commands.measured_rows import as_yaml, rows_of

    rows = rows_of(chosen, anonymous=anonymous)
    sys.stdout.write(to_json(rows) if form == "json" else as_yaml(rows))
    return ExitStatus.GO


def _list(store: Measurements, starts: tuple[MeasuredStart, ...], form: str) -> int:
    if form == "json":
        sys.stdout.write(to_json([msgspec.to_builtins(start) for start in starts]))
    elif not starts:
        sys.stdout.write(f"no measurements in {reveal(str(store.folder))}\n")
    else:
        rows = [_line(start) for start in starts]
        sys.stdout.writelines(f"{reveal(line)}\n" for line in _table(rows))
    return ExitStatus.GO


def _table(rows: list[tuple[str, ...]]) -> Iterator[str]:
    """As wide as the terminal; elsewhere a line a row."""
    cells = 0
    with suppress(OSError, ValueError):
        if sys.stdout.isatty():
            cells = os.get_terminal_size(sys.stdout.fileno()).columns
    if cells:
        yield from table(_HEAD, rows, cells, right={7}, firm={0})
        return
    widths = [max(width(row[at]) for row in (_HEAD, *rows)) for at in range(len(_HEAD))]
    for row in (_HEAD, *rows):
        yield "  ".join(
            pad(text, most, right=at == 7) for at, (text, most) in enumerate(zip(row, widths, strict=True))
        )


def _line(start: MeasuredStart) -> tuple[str, ...]:
    tokens = _value(start.figures, "kv_tokens")
    gpus = f" x {start.gpus}" if start.gpus > 1 else ""
    return (
        start.id,
        _day(start.at),
        start.model,
        start.gpu + gpus,
        start.vllm or "?",
        start.outcome,
        start.predicted or "-",
        "-" if tokens is None else f"{tokens:,.0f}",
    )


def _show(start: MeasuredStart, form: str) -> int:
    if form == "json":
        sys.stdout.write(to_json(msgspec.to_builtins(start)))
        return ExitStatus.GO
    sys.stdout.writelines(f"{reveal(line)}\n" for line in _lines(start))
    return ExitStatus.GO


def _lines(start: MeasuredStart) -> Iterator[str]:
    memory = f", {start.memory_mib / 1024:.0f} GiB each" if start.memory_mib else ""
    told = (
        ("model", f"{start.model}{' (with dummy weights)' if start.dummy else ''}"),
        ("when", _minute(start.at)),
        ("GPU", f"{start.gpus} x {start.gpu}{memory}"),
        ("vLLM", start.vllm or "?"),
        ("image", start.runtime_digest),
        ("arguments", " ".join(start.args)),
        ("variables", " ".join(f"{name}={value}" for name, value in start.environment)),
        ("outcome", _in_words(start.outcome)),
        ("predicted", _in_words(start.predicted)),
        ("its words", start.error),
    )
    yield start.id
    for name, text in told:
        if text:
            yield f"  {pad(name, 10)} {text}"
    rows = list(_figures(start))
    if not rows:
        return
    head = ("", "measured", "predicted", "difference")
    widths = [max(width(row[at]) for row in (head, *rows)) for at in range(len(head))]
    yield ""
    for row in (head, *rows):
        yield (
            "  "
            + "  ".join(
                pad(text, most, right=at > 0) for at, (text, most) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
        )


def _figures(start: MeasuredStart) -> Iterator[tuple[str, str, str, str]]:
    """Each figure with its unit, the predicted one, and by how many percent the measured one is more."""
    names = [*_TITLES, *sorted({*start.figures, *start.predicted_figures} - {*_TITLES})]
    for name in names:
        one, other = _value(start.figures, name), _value(start.predicted_figures, name)
        if one is None and other is None:
            continue
        more = "" if one is None or not other else f"{(one / other - 1) * 100:+.1f} %"
        yield _TITLES.get(name, name), _amount(name, one), _amount(name, other), more


def _amount(name: str, value: float | None) -> str:
    if value is None:
        return "-"
    unit = next((unit for end, unit in _UNITS.items() if name.endswith(end)), "")
    shown = f"{value:,.0f}" if unit in ("tokens", "blocks") else f"{value:,.2f}"
    return f"{shown} {unit}".rstrip()


def _in_words(outcome: str) -> str:
    return Outcome(outcome).told if outcome in set(Outcome) else outcome


def _value(figures: dict[str, float], name: str) -> float | None:
    value = figures.get(name)
    return value if value is not None and math.isfinite(value) else None


def _day(at: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(_seconds(at))) if at > 0 else "?"


def _minute(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(_seconds(at))) if at > 0 else ""


def _seconds(at: float) -> float:
    return min(max(at, 0.0), 1e11) if math.isfinite(at) else 0.0
