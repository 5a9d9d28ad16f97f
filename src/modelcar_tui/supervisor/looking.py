"""Reading again what changes from minute to minute, while a run goes on or after it: the screen's `r`."""

from __future__ import annotations

from collections.abc import Callable

from modelcar_tui.cluster import card_totals
from modelcar_tui.cluster.types import AcceleratorReport
from modelcar_tui.core.errors import UserError
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.settings import Settings
from modelcar_tui.supervisor.specialists.accelerator import cluster_options
from modelcar_tui.supervisor.state import RunState


async def look_again(settings: Settings, state: RunState, say: Callable[[e.AnyEvent], object]) -> str:
    """Read the free GPUs, quotas and queues again; one line that says what came out.

    The verdict is not made anew: the plan that was approved rests on what was read before.

    Args:
        settings: of the run.
        state: as it is now; its cluster report is the one that is brought up to date.
        say: told the new report, as `ClusterRead`.
    """
    from modelcar_tui.cluster import read_cluster, refresh_cluster

    options, before = cluster_options(settings, state.manifest), state.cluster
    try:
        report = await (read_cluster(options) if before is None else refresh_cluster(options, before))
    except UserError as error:
        return str(error)
    if before is not None and report is before:
        return "GPUs stated by --gpu: nothing to read again"
    say(e.ClusterRead(report=report))
    line = _difference(before, report)
    say(e.Noticed(text=line))
    return line


def _difference(before: AcceleratorReport | None, after: AcceleratorReport) -> str:
    failed = next((problem for problem in after.inventory.problems if problem.code == "not-again"), None)
    if failed is not None:
        return f"{failed}; the figures are the older ones"
    if not after.inventory.known:
        why = after.access.problem or (after.inventory.problems[0] if after.inventory.problems else None)
        return f"could not look again: {why}" if why else "could not look again"
    now, then = card_totals(after.inventory), None if before is None else card_totals(before.inventory)
    line = f"read again: {now.free_told}"
    if then is None or then.free_unsure or now.free_unsure:
        return line
    return line + (", as before" if now.free == then.free else f"; before: {then.free_told}")
