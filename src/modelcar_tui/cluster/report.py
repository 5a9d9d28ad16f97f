"""The accelerators as rows (`agent accelerator --format json`) and as one object (`info/gpu_info.json`)."""

from __future__ import annotations

import msgspec

from modelcar_tui.cluster.cards import CardKind, Totals, card_kinds, card_totals
from modelcar_tui.cluster.serving_report import serving_rows
from modelcar_tui.cluster.types import AcceleratorReport, GpuNode, OtherNode, Pool
from modelcar_tui.cluster.words import why_text
from modelcar_tui.hardware import served

Row = dict[str, object]


def accelerator_rows(report: AcceleratorReport) -> list[Row]:
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


def _kind_row(kind: CardKind) -> Row:
    """Units that are alike; `cards` is null where not all are known, and never the number of units."""
    return {
        "vendor": kind.vendor,
        "product": kind.product,
        "resource": kind.resource or None,
        "how": kind.how,
        "cards": None if kind.unsure else kind.cards,
        "cards_at_least": kind.cards,
        "cards_among": kind.among,
        "nodes": len(kind.members),
        "units": kind.units,
        "free": kind.free,
        "mem_mib": kind.mem_mib,
        "mem_guarantee": kind.guarantee.value,
        "mem_from": list(kind.mem_from),
        "usable": kind.usable,
        "why": kind.why or None,
    }


def _sums(told: Totals) -> Row:
    return {
        "nodes": told.nodes,
        "usable_nodes": told.usable_nodes,
        "cards": None if told.unsure else told.cards,
        "usable_cards": None if told.usable_unsure else told.usable_cards,
        "usable_units": told.units,
        "free": None if told.free_unsure else told.free,
    }


def document(report: AcceleratorReport) -> Row:
    """The whole report as one JSON object: access, inventory, kinds and their sums, rows, runtime, checks."""
    inventory = report.inventory
    access = report.access
    return {
        "access": {
            "state": access.rung.value,
            "server": access.server,
            "context": access.context,
            "user": access.user,
            "version": access.version,
            "via": access.via or None,
            "problem": str(access.problem) if access.problem else None,
            "missing": [str(problem) for problem in access.missing],
        },
        "inventory": {
            "origin": inventory.origin,
            "known": inventory.known,
            "partial": inventory.partial,
            "at": inventory.at,
            "nodes_at": inventory.nodes_at,
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
        "totals": _sums(card_totals(inventory)),
        "kinds": [_kind_row(kind) for kind in card_kinds(inventory)],
        "waiting": [
            {"resource": one.resource, "pods": one.pods, "units": one.units} for one in inventory.waiting
        ],
        "nodes": accelerator_rows(report),
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


def accelerator_json(report: AcceleratorReport) -> bytes:
    """`document` as indented JSON with a final line end."""
    return msgspec.json.format(msgspec.json.encode(document(report)), indent=2) + b"\n"
