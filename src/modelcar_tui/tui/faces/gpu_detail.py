"""The node or group under the cursor in full, and what else limits the cluster's GPUs."""

from __future__ import annotations

from collections.abc import Iterator

from modelcar_tui.cluster import MEMORY_READ_FROM, MEMORY_WORTH, scale_text, why_text
from modelcar_tui.cluster.types import LIMIT_CODES, AcceleratorReport, GpuNode, State
from modelcar_tui.core.counting import several
from modelcar_tui.supervisor import RunState
from modelcar_tui.tui import format as f
from modelcar_tui.tui.faces.gpu_groups import Group
from modelcar_tui.tui.faces.gpus import GpuRow
from modelcar_tui.tui.glyphs import Glyphs
from modelcar_tui.tui.rows import Row, labelled

_Told = tuple[str, str, str]
"""A label, what is said behind it (nothing is not shown), its role."""
_LABEL = 10
_NAMED, _REASONS = 3, 4
_STATES = {State.OK: "ok", State.WARNING: "warn", State.BLOCKED: "bad", State.UNKNOWN: "warn"}


def detail_rows(state: RunState, line: GpuRow, width: int, glyphs: Glyphs) -> list[Row]:
    """All that is known of one resource of a node; what matters most comes first."""
    told = [*_of_unit(line, glyphs), *(_of_node(state, line, line.node) if line.node else ())]
    return [part for label, text, role in told for part in _field(label, text, width, role)]


def _of_unit(line: GpuRow, glyphs: Glyphs) -> Iterator[_Told]:
    why = why_text(line.why) if line.why else ""
    yield ("caution", why, "warn") if line.usable else ("not used", why, "bad")
    yield f"{glyphs.land} here", ", ".join(line.models), "accent"
    yield "product", line.product + (f", compute capability {line.cc}" if line.cc else ""), "text"
    offered = f" ({line.resource})" if line.resource else ", and nothing offers it"
    total = several(line.total, line.unit)
    free = f"{line.free} of {total}" if line.free is not None else f"unknown of {total}: pods were not listed"
    yield "free", free + offered, "text"
    memory = "unknown"
    if line.mem_mib is not None:
        source = MEMORY_READ_FROM.get(line.mem_from, line.mem_from)
        memory = f"{f.mib(line.mem_mib)} each, {MEMORY_WORTH[line.guarantee]} (from {source})"
    yield "memory", memory, "text"


def _of_node(state: RunState, line: GpuRow, node: GpuNode) -> Iterator[_Told]:
    yield from (("not for", text, "warn") for text in _not_here(state, node, line.resource))
    yield "tolerate", ", ".join(node.taints), "text"
    yield "scheduler", node.scheduler or "", "text"
    yield from (("note", note, "warn") for note in node.notes)
    if node.unrecognised:
        yield "also", f"{', '.join(node.unrecognised)} (no accelerators that we know)", "muted"
    known = [
        "" if node.physical is None else several(node.physical, "card"),
        " ".join(part for part in (line.where, node.arch or "") if part),
        "" if node.memory_mib is None else f"RAM {f.mib(node.memory_mib)}",
        "" if node.ephemeral_mib is None else f"disk {f.mib(node.ephemeral_mib)}",
    ]
    yield "node", ", ".join(part for part in known if part) or "nothing else is known", "text"


def _not_here(state: RunState, node: GpuNode, resource: str) -> list[str]:
    """The models whose pod this node does not take, or may not take, by reason; as the verdict asks it."""
    # The engine has read these by then; the first frame must not.
    from modelcar_tui.cluster import FitAnswer, may_run
    from modelcar_tui.verdict import pod_for, release_of

    pool = next((one for one in node.pool if one.resource == resource), None)
    if pool is None or state.cluster is None:
        return []
    reasons: dict[str, list[str]] = {}
    for model in state.models:
        release = release_of(model.car, state.cluster, None)
        fit = may_run(pod_for(model, state.cluster, release), node, pool)
        if fit.answer is not FitAnswer.YES:
            reasons.setdefault(f"it {fit.why}", []).append(model.car.name)
    most = sorted(reasons.items(), key=lambda item: -len(item[1]))[:_REASONS]
    return [f"{_several(names)}: {why}" for why, names in most]


def _several(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def group_rows(one: Group, width: int, glyphs: Glyphs) -> list[Row]:
    """What a group stands for: its amounts, what lands on it, why some of its nodes don't count."""
    free, total = one.amount
    told = f"{'unknown' if free is None else free} of {several(total, one.unit)} on usable nodes"
    rows = _field("free", told, width)
    rows += _field(f"{glyphs.land} here", ", ".join(one.models), width, "accent")
    reasons: dict[str, set[str]] = {}
    for line in one.rows:
        if not line.usable:
            reasons.setdefault(line.why, set()).add(line.name)
    for why, names in sorted(reasons.items(), key=lambda pair: -len(pair[1])):
        some = f"{several(len(names), 'node')}: {why_text(why)}"
        rows += _field("not used", some, width, "bad")
    best = max(one.rows, key=lambda line: (line.usable, line.free or 0), default=None)
    if best is not None and best.usable and best.free:
        rows += _field("most free", f"{best.free} of {best.total} on {best.name}", width)
    return rows


def limit_rows(report: AcceleratorReport | None, width: int, glyphs: Glyphs) -> list[Row]:
    """Quotas, queues, what could not be read, MachineSets, pull secrets: what is amiss comes first."""
    if report is None:
        return []
    marks = {"ok": glyphs.done, "warn": glyphs.warning, "bad": glyphs.failed}
    rows: list[Row] = []
    checks = [check for check in report.checks if check.code in LIMIT_CODES]
    for check in sorted(checks, key=lambda check: check.state is State.OK):
        role = _STATES[check.state]
        rows += _marked(marks[role], role, check.what + (f"; {check.fix}" if check.fix else ""), width)
    for problem in report.inventory.problems:
        rows += _marked(glyphs.warning, "warn", str(problem), width)
    for more in report.inventory.scale_up:
        if more.could_add_nodes:
            rows += _marked("+", "muted", f"could be added: {scale_text(more)}", width)
    if report.pull is not None and report.pull.registries:
        rows += _marked(glyphs.done, "ok", f"pull secrets cover {', '.join(report.pull.registries)}", width)
    for gap in report.pull.unknown if report.pull else ():
        rows += _marked(glyphs.unknown, "warn", gap, width)
    return rows


def _field(label: str, text: str, width: int, role: str = "text") -> list[Row]:
    tone = "accent" if role == "accent" else "muted"
    return labelled(label, text, max(8 + _LABEL, width), indent=_LABEL, role=role, tone=tone)


def _marked(mark: str, role: str, text: str, width: int) -> list[Row]:
    return labelled(mark, text, max(8 + 2, width), indent=2, tone=role)
