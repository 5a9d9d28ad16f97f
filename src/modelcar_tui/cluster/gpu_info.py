"""The text of `info/gpu_info.txt` and of `agent accelerator`: cluster, user, time, a table, the checks."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from modelcar_tui.cluster.cards import CardKind, card_kinds, card_totals
from modelcar_tui.cluster.gpu_blocks import block_lines
from modelcar_tui.cluster.set_up import set_up_lines
from modelcar_tui.cluster.types import AcceleratorReport, Inventory, State
from modelcar_tui.cluster.words import MEMORY_READ_FROM, age, gib, scale_text, some, stamp, why_text
from modelcar_tui.core.cells import hang, table
from modelcar_tui.core.counting import several
from modelcar_tui.core.version import __version__
from modelcar_tui.kube import Rung

WIDTH = 120
"""Cells of a line in a file."""
_HEAD = ("#", "PRODUCT", "CARDS", "NODES", "SHARED HOW", "FREE", "MEMORY EACH", "NEEDS / WHY NOT")
_RIGHT, _FIRM = (0, 2, 3), (0, 2, 3, 5)
_MOST_KINDS, _MOST_CHECKS, _MOST_LINES = 100, 60, 40
_NARROW = 100
"""Cells below which what a kind needs, or why it does not count, stands under the table."""
_FIRST = 4
"""Names of nodes beside a row of the table."""
_ORDER = (State.BLOCKED, State.WARNING, State.UNKNOWN, State.OK)


def gpu_info_text(report: AcceleratorReport, *, cells: int | None = None, now: float | None = None) -> str:
    """Cluster, user, time, what could not be looked at, one row a kind of unit, the checks, the nodes by what
    they have in common.

    A blank line ends each part. A node's part is a bullet and `Key: value` a line. Whatever is told in full
    only in the JSON twin says so.

    Args:
        report: of a cluster, a file or stated GPUs.
        cells: the longest line; the longest of a table's, too. Without it, as in a file.
        now: seconds since 1970 at which it is written.
    """
    now, cells = time.time() if now is None else now, cells or WIDTH
    found = card_kinds(report.inventory)
    parts: Iterable[Iterable[str]] = (
        _head(report, cells, now),
        _unknown(report, cells),
        _table(found, cells),
        _serving(report, cells),
        _checks(report, cells),
        *block_lines(report.inventory, cells),
    )
    texts = ("\n".join(part) for part in parts)
    return "\n\n".join(text for text in texts if text) + "\n"


def _head(report: AcceleratorReport, cells: int, now: float) -> Iterator[str]:
    access, inventory = report.access, report.inventory
    yield from hang("Cluster: ", _cluster(report, now), cells)
    yield from hang(
        "User: ", access.user or ("not asked" if access.rung is Rung.WHAT_IF else "unknown"), cells
    )
    yield from hang("Time: ", f"{stamp(now)}, written by modelcar-tui {__version__}", cells)
    if versions := _versions(report):
        yield from hang("Versions: ", versions, cells)
    if not inventory.known:
        yield from hang("GPUs: ", "unknown, the nodes could not be looked at", cells)
        return
    without = len(inventory.others) or max(0, inventory.nodes_seen - len(inventory.nodes))
    seen = f"{len(inventory.nodes):,} with accelerators, {without:,} without"
    yield from hang("Nodes: ", seen + _read(inventory.nodes_at or inventory.at, now), cells)
    if not inventory.nodes:
        yield from hang("GPUs: ", f"none on {several(inventory.nodes_seen, 'node')}", cells)
        return
    yield from hang("Free: ", _free(inventory, now), cells)
    told = card_totals(inventory)
    yield from hang("In all: ", f"{told.cards_told}; {told.free_told}", cells)


def _cluster(report: AcceleratorReport, now: float) -> str:
    access, inventory = report.access, report.inventory
    if access.rung is Rung.WHAT_IF:
        saved = f", saved {stamp(inventory.at)}, {age(inventory.at, now)} before" if inventory.at else ""
        runtime = f"; the runtime is {access.server}'s" if access.server and report.runtime else ""
        return f"none was asked, this is a what-if: {inventory.origin}{saved}{runtime}"
    namespace = report.limits.namespace if report.limits else access.namespace
    more = [
        f"context {access.context}" if access.context else "",
        f"namespace {namespace}" if namespace else "",
        f"through {access.via}" if access.via else "",
    ]
    told = ", ".join(part for part in more if part)
    where = (access.server or "unknown") + (f" ({told})" if told else "")
    return where if access.healthy else f"{where}, not looked at: {access.rung}"


def _versions(report: AcceleratorReport) -> str:
    versions, kubernetes = report.versions, report.access.version
    openshift = versions.openshift and f"OpenShift {versions.openshift}" + (
        " (derived from Kubernetes')" if versions.inferred else ""
    )
    known = (
        f"Kubernetes {kubernetes}" if kubernetes else "",
        openshift or "",
        versions.ai or "",
        f"KServe {versions.kserve}" if versions.kserve else "",
    )
    return ", ".join(part for part in known if part)


def _read(at: float, now: float) -> str:
    return f"; read {stamp(at)}, {age(at, now)} before" if at else ""


def _free(inventory: Inventory, now: float) -> str:
    """What free units were worked out from, and when."""
    pools = [pool for node in inventory.nodes for pool in node.pool]
    devices = {pool.resource.startswith("dra:") for pool in pools if pool.free is not None}
    sources = [
        "what pods request" if False in devices else "",
        "what ResourceClaims hold" if True in devices else "",
    ]
    if all(node.stated for node in inventory.nodes):
        return "as stated, all of them"
    told = " and ".join(source for source in sources if source)
    if not told:
        return "unknown: what pods hold could not be counted"
    part = ", not known of all nodes" if any(pool.free is None for pool in pools) else ""
    return f"what the nodes offer less {told}{part}{_read(inventory.at, now)}"


def _unknown(report: AcceleratorReport, cells: int) -> Iterator[str]:
    """What could not be looked at, each with what would mend it."""
    access, inventory = report.access, report.inventory
    told = [str(one) for one in (access.problem, *access.missing, *inventory.problems) if one is not None]
    if inventory.partial:
        told.append("the list of nodes or pods is not complete")
    pull, profiles, services = report.pull, report.profiles, report.llm_services
    told += [f"pull secrets of {pull.namespace}: {one}" for one in pull.unknown] if pull else []
    told += [f"hardware profiles: {one}" for one in profiles.unknown] if profiles else []
    told += [f"LLM services: {services.unknown}"] if services and services.unknown else []
    lines = list(dict.fromkeys(told))
    for line in lines[:_MOST_LINES]:
        yield from hang("Not known: ", line, cells)
    if len(lines) > _MOST_LINES:
        yield f"Not known: {len(lines) - _MOST_LINES:,} more"


def _table(found: Sequence[CardKind], cells: int) -> Iterator[str]:
    """One row a kind, then the first nodes of each."""
    if not found:
        return
    shown, columns = found[:_MOST_KINDS], len(_HEAD) - (cells < _NARROW)
    told = [_row(at, kind)[:columns] for at, kind in enumerate(shown, 1)]
    yield from table(_HEAD[:columns], told, cells, right=_RIGHT, firm=_FIRM)
    if len(found) > len(shown):
        yield f"and {several(len(found) - len(shown), 'more kind')} of GPU (in gpu_info.json)"
    yield ""
    for at, kind in enumerate(shown, 1):
        names = some([node.name for node, _ in kind.members], _FIRST)
        needs = "; ".join(_needs(kind)) if columns < len(_HEAD) else ""
        text = f"{kind.resource or 'nothing offered'} on {names}"
        yield from hang(f"#{at} ", f"{text}: {needs}" if needs else text, cells)


def _row(at: int, kind: CardKind) -> tuple[str, ...]:
    source = ", ".join(MEMORY_READ_FROM[one] for one in kind.mem_from if one in MEMORY_READ_FROM)
    return (
        str(at),
        kind.name,
        kind.cards_told,
        f"{len(kind.members):,}",
        kind.how,
        kind.free_told,
        gib(kind.mem_mib) + (f" ({source})" if source and kind.mem_mib is not None else ""),
        "; ".join(_needs(kind)) or "-",
    )


def _needs(kind: CardKind) -> Iterator[str]:
    if kind.why:
        yield why_text(kind.why)
    if kind.asked_for is False:
        yield "devices of DRA: a pod that asks for a resource by name gets none"
    elif kind.asked_for is None:
        yield "devices of DRA: whether a pod that asks for a resource by name gets them is not known"
    taints = Counter(taint for node, _ in kind.members for taint in node.taints)
    if taints:
        whole = len(kind.members)
        told = [
            name if count == whole else f"{name} ({count} of {whole} nodes)"
            for name, count in taints.most_common()
        ]
        yield f"tolerate {some(told, 3)}"
    schedulers = sorted({node.scheduler for node, _ in kind.members if node.scheduler})
    if schedulers:
        yield f"schedulerName {some(schedulers, 2)}"


def _serving(report: AcceleratorReport, cells: int) -> Iterator[str]:
    """The runtime, what waits for units, what could be added, whose images can be pulled."""
    inventory = report.inventory
    if image := _runtime(report):
        yield from hang("Runtime image: ", image, cells)
    for one in inventory.waiting:
        ask, who = ("asks", "it") if one.pods == 1 else ("ask", "they")
        asked = f"{several(one.pods, 'pod')} without a node {ask} for {one.units} {one.resource}"
        yield from hang("Waiting: ", f"{asked}: {who} may get them first", cells)
    for more in [more for more in inventory.scale_up if more.could_add_nodes][:_MOST_LINES]:
        yield from hang("Could be added: ", scale_text(more), cells)
    if unknown := _unrecognised(inventory):
        yield from hang("Not recognised: ", some(unknown, 6), cells)
    if report.pull is not None:
        covered = some(report.pull.registries, 20) or "no registry"
        missing = f"; missing: {some(report.pull.missing, 10)}" if report.pull.missing else ""
        yield from hang(f"Pull secrets of {report.pull.namespace}: ", f"cover {covered}{missing}", cells)
    yield from set_up_lines(report, cells)


def _runtime(report: AcceleratorReport) -> str:
    if (runtime := report.runtime) is not None:
        version = f", vLLM {runtime.version}" if runtime.version else ""
        return f"{runtime.image}{version} ({runtime.why})"
    return "" if report.runtime_problem is None else f"unknown: {report.runtime_problem}"


def _unrecognised(inventory: Inventory) -> list[str]:
    found = Counter(name for node in inventory.nodes for name in node.unrecognised)
    found.update(name for node in inventory.others for name in node.unrecognised)
    return [f"{name} on {several(count, 'node')}" for name, count in found.most_common()]


def _checks(report: AcceleratorReport, cells: int) -> Iterator[str]:
    """The checks before serving, the worst first."""
    ordered = sorted(report.checks, key=lambda check: _ORDER.index(check.state))
    for check in ordered[:_MOST_CHECKS]:
        fix = f"; {check.fix}" if check.fix and check.state is not State.OK else ""
        yield from hang(f"Check {check.code}: ", f"{check.state}: {check.what}{fix}", cells)
    if len(ordered) > _MOST_CHECKS:
        yield f"and {several(len(ordered) - _MOST_CHECKS, 'more check')} (in gpu_info.json)"
