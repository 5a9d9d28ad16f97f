"""Accelerator: who we are to the cluster, which GPUs there are, which runtime image serves them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import time
from pathlib import Path

from modelcar_tui.cluster import card_kinds, card_totals, kind_line
from modelcar_tui.cluster.types import AcceleratorReport, Inventory
from modelcar_tui.core.contain import Contained
from modelcar_tui.core.counting import several
from modelcar_tui.core.errors import UserError
from modelcar_tui.core.files import open_regular
from modelcar_tui.kube import Access, ClusterOptions, Rung
from modelcar_tui.manifest import Manifest
from modelcar_tui.supervisor.events import ClusterRead, Noticed, Status, StepPlan
from modelcar_tui.supervisor.info import keep_info
from modelcar_tui.supervisor.inputs import MOST_BYTES
from modelcar_tui.supervisor.limits import CLUSTER_S, MANIFEST_S
from modelcar_tui.supervisor.settings import Settings
from modelcar_tui.supervisor.specialist import Context

_MOST_KINDS = 30
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
PROGRESS_S = 0.2
"""No more than one partial inventory is shown in this time."""


class Accelerator:
    """Looks at the cluster, or at the inventory that the operator states."""

    name = "accelerator"
    title = "Accelerator"
    steps = (
        StepPlan("access", "Check cluster authentication"),
        StepPlan("gpus", "Query GPU nodes"),
        StepPlan("runtime", "Find the vLLM runtime image"),
        StepPlan("info", "Write info/gpu_info.txt"),
    )
    needs = ()

    async def run(self, context: Context) -> AcceleratorReport:
        """See `Specialist.run`. What can't be looked up is told and stays unknown."""
        from modelcar_tui.cluster import read_cluster

        context.step("access", Status.RUNNING)
        manifest = await _stating(context)
        options = cluster_options(context.settings, manifest)
        access = Access(rung=Rung.NO_KUBECONFIG)
        shown = 0.0

        def on_access(found: Access) -> None:
            nonlocal access
            access = found
            self._tell_access(context, found)
            context.step("gpus", Status.RUNNING)

        def progress(inventory: Inventory) -> None:
            nonlocal shown
            if time.monotonic() - shown > PROGRESS_S:
                shown = time.monotonic()
                context.emit(ClusterRead(report=AcceleratorReport(access=access, inventory=inventory)))
                context.step("gpus", Status.RUNNING, f"{several(inventory.nodes_seen, 'node')} seen")

        report = await read_cluster(options, progress, on_access)
        context.emit(ClusterRead(report=report))
        if report.access != access:
            self._tell_access(context, report.access)
        self._tell_gpus(context, report)
        self._tell_runtime(context, report)
        self._write(context, report)
        for problem in (report.access.problem, report.runtime_problem, *report.inventory.problems):
            if problem is not None:
                context.emit(Noticed(text=str(problem)))
        doubtful = report.access.problem or report.runtime_problem or report.inventory.problems
        context.finish(
            inventory_line(report.inventory),
            pane_lines(report),
            status=Status.WARNING if doubtful else Status.DONE,
            metadata={
                "gpu_available": report.gpu_available,
                "gpu_provider": report.gpu_provider,
                "vllm_runtime_image": report.runtime.image if report.runtime else None,
                "vllm_version": report.runtime.version if report.runtime else None,
            },
        )
        return report

    def _tell_access(self, context: Context, access: Access) -> None:
        if access.rung is Rung.OK:
            context.step("access", Status.DONE, f"{access.user or 'authenticated'} at {access.server}")
        elif access.rung is Rung.WHAT_IF:
            context.step("access", Status.SKIPPED, "what-if inventory: no cluster was asked for GPUs")
        else:
            context.step("access", Status.FAILED, str(access.problem) if access.problem else access.rung)

    def _tell_gpus(self, context: Context, report: AcceleratorReport) -> None:
        inventory = report.inventory
        if not inventory.known:
            why = str(inventory.problems[0]) if inventory.problems else "could not look"
            context.step("gpus", Status.FAILED, why)
            return
        status = Status.WARNING if inventory.partial or inventory.problems else Status.DONE
        context.step("gpus", status, inventory_line(inventory))

    def _tell_runtime(self, context: Context, report: AcceleratorReport) -> None:
        if report.runtime is not None:
            context.step("runtime", Status.DONE, f"{report.runtime.image} ({report.runtime.why})")
        else:
            why = str(report.runtime_problem) if report.runtime_problem else "no cluster was asked"
            context.step("runtime", Status.WARNING if report.runtime_problem else Status.SKIPPED, why)

    def _write(self, context: Context, report: AcceleratorReport) -> None:
        from modelcar_tui.cluster import accelerator_json, gpu_info_text

        context.step("info", Status.RUNNING)
        text = keep_info(context, "gpu_info.txt", lambda: gpu_info_text(report).encode())
        twin = keep_info(context, "gpu_info.json", lambda: accelerator_json(report))
        bad = next((one for one in (text, twin) if one.why_not), None)
        context.step("info", Status.WARNING if bad else Status.DONE, (bad or text).told)


async def _stating(context: Context) -> Manifest | None:
    """The manifest, where its objects say a namespace, or what they ask of nodes. One that can't be read is
    told by who reads it."""
    settings = context.settings
    if not settings.manifest:
        return None
    with Contained("what the manifest asks of the cluster"), contextlib.suppress(UserError, TimeoutError):
        async with asyncio.timeout(MANIFEST_S):
            manifest = await asyncio.to_thread(stating, Path(settings.manifest))
        if not (settings.namespace or settings.gpus or settings.inventory) and manifest is not None:
            first, *others = namespaces_of(manifest) or ("",)
            if others:
                context.emit(Noticed(text=_elsewhere(first, others)))
        return manifest
    return None


def _elsewhere(first: str, others: list[str]) -> str:
    named = f"{', '.join(others[:5])}{' and others' * (len(others) > 5)}"
    head = f"limits, quotas and ServingRuntimes are read in namespace {first} alone, that of the first model"
    return f"{head}; not in {named}: --namespace chooses another"


def stating(path: Path) -> Manifest | None:
    """The manifest, where it has Kubernetes objects: a model-car list says nothing of these, and is not read
    twice.

    Raises:
        UserError: it can't be read.
    """
    from modelcar_tui.manifest import read_manifest

    with contextlib.suppress(OSError), os.fdopen(open_regular(path), "rb") as file:
        if b"apiVersion" not in file.read(MOST_BYTES):
            return None
    return read_manifest(path)


def namespaces_of(manifest: Manifest) -> tuple[str, ...]:
    """The namespaces of a manifest's models, that of the first model first; what is no name, such as a
    placeholder, is left out."""
    return tuple(dict.fromkeys(car.namespace for car in manifest.models if _NAME.fullmatch(car.namespace)))


def cluster_options(settings: Settings, manifest: Manifest | None = None) -> ClusterOptions:
    """Where the run's settings say to look, else the manifest's own namespace, and what of the nodes its pods
    ask about."""
    servers = [car.server for car in manifest.models if car.server is not None] if manifest else []
    namespace = next(iter(namespaces_of(manifest)), "") if manifest is not None else ""
    return ClusterOptions(
        labels=frozenset[str]().union(*(one.scheduling.labels for one in servers)),
        profiles=frozenset(one.profile for one in servers if one.profile),
        kubeconfig=settings.kubeconfig,
        context=settings.kube_context,
        namespace=settings.namespace or namespace or None,
        gpus=settings.gpus,
        inventory=settings.inventory,
        total_timeout_s=CLUSTER_S,
    )


def inventory_line(inventory: Inventory) -> str:
    """`5 cards on 3 nodes, 4 cards usable; 9 of 17 units free`, or why it is not known."""
    if not inventory.known:
        return "GPUs unknown: the cluster could not be looked at"
    told = card_totals(inventory)
    text = f"{told.cards_told}; {told.free_told}" if told.nodes else "no GPU nodes"
    return text + (" (partial)" if inventory.partial else "")


def pane_lines(report: AcceleratorReport) -> tuple[str, ...]:
    """The pane's body: provider, runtime, and the kinds of GPU."""
    runtime = report.runtime.image if report.runtime else "unknown"
    if report.runtime and report.runtime.version:
        runtime += f" (vLLM {report.runtime.version})"
    available = {True: "yes", False: "no", None: "unknown"}[report.gpu_available]
    found = card_kinds(report.inventory)
    lines = [
        f"GPU available: {available}; provider: {report.gpu_provider or 'unknown'}",
        f"runtime: {runtime}",
        *(kind_line(kind) for kind in found[:_MOST_KINDS]),
    ]
    if len(found) > _MOST_KINDS:
        lines.append(f"and {several(len(found) - _MOST_KINDS, 'more kind')}")
    return tuple(lines)
