"""Accelerator: who we are to the cluster, which GPUs there are, which runtime image serves them."""

from __future__ import annotations

import time

from modelcar_tui.cluster.types import AcceleratorReport, Inventory
from modelcar_tui.core.contain import Contained
from modelcar_tui.core.files import write_private
from modelcar_tui.kube.types import Access, ClusterOptions, Rung
from modelcar_tui.supervisor.events import ClusterRead, Noticed, Status, StepPlan
from modelcar_tui.supervisor.limits import CLUSTER_S
from modelcar_tui.supervisor.settings import Settings
from modelcar_tui.supervisor.specialist import Context

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
        from modelcar_tui.cluster.look import look

        options = cluster_options(context.settings)
        context.step("access", Status.RUNNING)
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
                context.step("gpus", Status.RUNNING, f"{inventory.nodes_seen} nodes seen")

        report = await look(options, progress, on_access)
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
        from modelcar_tui.cluster.report import gpu_info_text

        context.step("info", Status.RUNNING)
        path = context.folder / "info" / "gpu_info.txt"
        with Contained(str(path)) as caught:
            write_private(path, gpu_info_text(report).encode())
        if caught.problem is None:
            context.step("info", Status.DONE, str(path))
        else:
            context.step("info", Status.WARNING, f"not written: {caught.problem.what}")


def cluster_options(settings: Settings) -> ClusterOptions:
    """Where the run's settings say to look."""
    return ClusterOptions(
        kubeconfig=settings.kubeconfig,
        context=settings.kube_context,
        namespace=settings.namespace,
        gpus=settings.gpus,
        inventory=settings.inventory,
        total_timeout_s=CLUSTER_S,
    )


def inventory_line(inventory: Inventory) -> str:
    """`3 GPU nodes, 17 units, 9 free` or why it is not known."""
    if not inventory.known:
        return "GPUs unknown: the cluster could not be looked at"
    nodes = [node for node in inventory.nodes if any(pool.units for pool in node.pool)]
    units = sum(pool.units for node in nodes if node.usable for pool in node.pool)
    free = [pool.free for node in nodes if node.usable for pool in node.pool]
    text = f"{len(nodes)} GPU node{'s' * (len(nodes) != 1)}, {units} usable units"
    if free and None not in free:
        text += f", {sum(count for count in free if count)} free"
    elif free:
        text += ", free ones unknown"
    return text + (" (partial)" if inventory.partial else "")


def pane_lines(report: AcceleratorReport) -> tuple[str, ...]:
    """The pane's body: provider, runtime, and the kinds of GPU."""
    runtime = report.runtime.image if report.runtime else "unknown"
    if report.runtime and report.runtime.version:
        runtime += f" (vLLM {report.runtime.version})"
    available = {True: "yes", False: "no", None: "unknown"}[report.gpu_available]
    lines = [
        f"GPU available: {available}; provider: {report.gpu_provider or 'unknown'}",
        f"runtime: {runtime}",
    ]
    kinds: dict[str, int] = {}
    for node in report.inventory.nodes:
        for pool in node.pool:
            memory = f"{pool.mem_mib / 1024:.0f} GiB" if pool.mem_mib else "memory unknown"
            card = node.card(pool)
            name = f"{card.product or card.vendor} {memory}" + (
                "" if node.usable else f" (not usable: {node.why})"
            )
            kinds[name] = kinds.get(name, 0) + pool.units
    lines += [f"{units} x {name}" for name, units in sorted(kinds.items())]
    return tuple(lines)
