"""The accelerators as text and as rows: `info/gpu_info.txt` and `agent accelerator --format json`."""

from __future__ import annotations

from collections.abc import Iterator

from modelcar_tui.cluster.serving_report import serving_rows
from modelcar_tui.cluster.types import AcceleratorReport, GpuNode, OtherNode, Pool, ScaleUp
from modelcar_tui.hardware.vendors import served, vendors

Row = dict[str, object]
_WHY = {
    "card-present-but-not-advertised": "a card is present but nothing offers it: driver or device plugin "
    "missing",
    "node-not-ready": "the node is not ready",
    "starting": "the node is still being set up",
    "cordoned": "the node is cordoned",
    "being-deleted": "the node is being deleted",
    "leaving": "the node is about to be taken away",
    "disk-pressure": "the node is short of disk space",
    "pid-pressure": "the node is short of process ids",
    "network-unavailable": "the node's network is not set up",
    "no-healthy-devices": "none of its devices is healthy",
    "other-names-only": "its cards are offered only in another scheduler's measure, which no pod of "
    "vLLM asks for",
    "resource-slices-incomplete": "its newest ResourceSlices are not all there yet",
}


def why_text(code: str) -> str:
    """A `why` code as a sentence."""
    return _WHY.get(code, code)


def vendor_text(vendor: str) -> str:
    """A vendor in the capitals of the predecessor's reports: `NVIDIA`."""
    known = vendors().get(vendor)
    return known.title if known else vendor


def gib(mib: int | None) -> str:
    """MiB as `79.65 GiB`, or `unknown`."""
    return "unknown" if mib is None else f"{mib / 1024:.2f}".rstrip("0").rstrip(".") + " GiB"


def scale_text(more: ScaleUp) -> str:
    """`12 x L40S (MachineSet gpu-a)`; how many a node has may be unknown."""
    product = more.product or "GPUs of an unknown kind"
    gpus = more.could_add_gpus
    amount = f"{more.could_add_nodes} nodes with an unknown number of" if gpus is None else f"{gpus} x"
    return f"{amount} {product} (MachineSet {more.machine_set})"


def gpu_info_text(report: AcceleratorReport) -> str:
    """The text of `gpu_info.txt`: one block a node, a bullet and `Key: value` a line, a blank line after
    each."""
    inventory = report.inventory
    lines: list[str] = []
    if report.access.problem is not None:
        lines.append(f"• Cluster: {report.access.problem}")
    lines.extend(f"• Note: {one}" for one in inventory.problems if one != report.access.problem)
    if inventory.partial:
        lines.append("• Note: the list is not complete")
    if not inventory.known:
        lines.append("• GPUs: unknown, the nodes could not be looked at")
    elif not inventory.nodes:
        lines.append(f"• GPUs: none on {inventory.nodes_seen} nodes")
    if lines:
        lines.append("")
    for node in inventory.nodes:
        lines.extend(f"• {key}: {value}" for key, value in _block(node))
        lines.append("")
    for more in inventory.scale_up:
        if more.could_add_nodes:
            lines.append(f"• Could be added: {scale_text(more)}")
    return "\n".join(lines).rstrip("\n") + "\n"


def _block(node: GpuNode) -> Iterator[tuple[str, str]]:
    yield "Cloud Provider", node.provider or "unknown"
    yield "Instance Type", node.instance_type or "unknown"
    yield "GPU Provider", vendor_text(node.vendor)
    yield "GPU Product", node.product or "unknown"
    several = len(node.pool) > 1
    for pool in node.pool or (Pool(resource="", units=0),):
        mark = f" ({pool.resource})" if several else ""
        worth = "" if pool.mem_mib is None else f" ({pool.mem_guarantee.value}, from {pool.mem_from})"
        yield f"Per-GPU Memory{mark}", gib(pool.mem_mib) + worth
        yield f"Allocatable GPUs{mark}", str(pool.units)
        yield f"Free GPUs{mark}", "unknown" if pool.free is None else str(pool.free)
    yield "Node RAM", gib(node.memory_mib)
    yield "Node Storage", gib(node.ephemeral_mib)
    yield "Node Name", node.name
    if not node.usable:
        yield "Not usable", why_text(node.why)
    if node.taints:
        yield "Needs toleration", ", ".join(node.taints)
    if node.scheduler:
        yield "Needs scheduler", node.scheduler
    for note in node.notes:
        yield "Note", note


def rows(report: AcceleratorReport) -> list[Row]:
    """One row a node, nodes without accelerators included (their `vendor` is null, their `pool` empty)."""
    inventory = report.inventory
    return [*map(_gpu_row, inventory.nodes), *map(_other_row, inventory.others)]


def _gpu_row(node: GpuNode) -> Row:
    return {
        "name": node.name,
        "vendor": node.vendor,
        "product": node.product,
        "product_from": node.product_from or None,
        "family": node.family,
        "cc": node.cc,
        "provider": node.provider or "unknown",
        "region": node.region,
        "instance_type": node.instance_type,
        "arch": node.arch,
        "physical": node.physical,
        "usable": node.usable,
        "why": node.why or None,
        "why_text": why_text(node.why) or None,
        "notes": list(node.notes),
        "needs_toleration": list(node.taints),
        "needs_scheduler": node.scheduler or None,
        "vllm_runtime": None if node.vllm_runtime else "none",
        "memory_mib": node.memory_mib,
        "ephemeral_mib": node.ephemeral_mib,
        "unrecognised": list(node.unrecognised),
        "pool": [_pool_row(pool, node) for pool in node.pool],
    }


def _pool_row(pool: Pool, node: GpuNode) -> Row:
    row: Row = {
        "resource": pool.resource,
        "units": pool.units,
        "usable_units": pool.units if node.usable else 0,
        "free": pool.free,
        "mem_mib": pool.mem_mib,
        "mem_guarantee": pool.mem_guarantee.value,
        "mem_from": pool.mem_from,
    }
    if pool.mig_profile:
        row["mig_profile"] = pool.mig_profile
    card = node.card(pool)
    return row | {
        "vendor": card.vendor,
        "product": card.product,
        "family": card.family,
        "cc": card.cc,
        "physical": card.physical,
        "vllm_runtime": None if served(card.vendor) else "none",
    }


def _other_row(node: OtherNode) -> Row:
    return {
        "name": node.name,
        "vendor": None,
        "product": None,
        "family": None,
        "cc": None,
        "provider": node.provider or "unknown",
        "instance_type": node.instance_type,
        "arch": node.arch,
        "physical": None,
        "usable": node.usable,
        "why": node.why or None,
        "unrecognised": list(node.unrecognised),
        "pool": [],
    }


def document(report: AcceleratorReport) -> Row:
    """The whole report as one JSON object: access, inventory, rows, runtime."""
    inventory = report.inventory
    access = report.access
    return {
        "access": {
            "state": access.rung.value,
            "server": access.server,
            "context": access.context,
            "user": access.user,
            "version": access.version,
            "problem": str(access.problem) if access.problem else None,
        },
        "inventory": {
            "origin": inventory.origin,
            "known": inventory.known,
            "partial": inventory.partial,
            "at": inventory.at,
            "nodes_seen": inventory.nodes_seen,
            "problems": [str(problem) for problem in inventory.problems],
            "could_be_added": [
                {
                    "machine_set": one.machine_set,
                    "product": one.product,
                    "gpus": one.could_add_gpus,
                    "nodes": one.could_add_nodes,
                    "instance_type": one.instance_type,
                    "confidence": one.confidence or None,
                }
                for one in inventory.scale_up
            ],
        },
        "nodes": rows(report),
        "metadata": {
            "gpu_available": report.gpu_available,
            "gpu_provider": report.gpu_provider,
            "vllm_runtime_image": report.runtime.image if report.runtime else None,
        },
        "runtime": None
        if report.runtime is None
        else {
            "image": report.runtime.image,
            "name": report.runtime.name,
            "version": report.runtime.version,
            "accelerator": report.runtime.accelerator,
            "args": list(report.runtime.args),
            "why": report.runtime.why,
        },
        "versions": {
            "openshift": report.versions.openshift,
            "openshift_inferred": report.versions.inferred,
            "ai": report.versions.ai,
            "kserve": report.versions.kserve,
        },
        "checks": [
            {"code": check.code, "state": check.state.value, "what": check.what, "fix": check.fix or None}
            for check in report.checks
        ],
        "pull_secrets": None
        if report.pull is None
        else {
            "namespace": report.pull.namespace,
            "registries": list(report.pull.registries),
            "missing": list(report.pull.missing),
            "unknown": list(report.pull.unknown),
        },
        "runtime_problem": str(report.runtime_problem) if report.runtime_problem else None,
        **serving_rows(report),
    }
