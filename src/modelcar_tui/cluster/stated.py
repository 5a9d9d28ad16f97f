"""Accelerators as a file or the operator states them: no cluster is asked for nodes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from modelcar_tui.cluster.runtimes import find_runtime, override
from modelcar_tui.cluster.snapshot import Snapshot, read_snapshot
from modelcar_tui.cluster.trim import trimmed
from modelcar_tui.cluster.types import AcceleratorReport, Inventory, Runtime
from modelcar_tui.cluster.whatif import parse_gpu_flags
from modelcar_tui.core.contain import not_known
from modelcar_tui.core.errors import Problem
from modelcar_tui.core.text import clean
from modelcar_tui.kube import Access, ClusterOptions, Rung, connect, find_credentials

_NO_CLUSTER = Problem(
    what="no cluster was asked for a runtime image",
    fix="log in, or name the image: export VLLM_RUNTIME_IMAGE=IMAGE",
    code="no-runtime",
)


async def stated(options: ClusterOptions) -> Snapshot:
    """What the operator states, by a file, by `--gpu`, or by both."""
    flags = parse_gpu_flags(options.gpus) if options.gpus else None
    if not options.inventory:
        return Snapshot(inventory=flags or Inventory())
    told = await asyncio.to_thread(read_snapshot, options.inventory)
    return msgspec.structs.replace(told, inventory=_together(flags, told.inventory))


async def what_if(
    options: ClusterOptions, told: Snapshot, on_access: Callable[[Access], None]
) -> AcceleratorReport:
    """The report of what is stated; a cluster that is within reach is asked for its runtimes only."""
    access = Access(rung=Rung.WHAT_IF)
    runtime, problem = override(), None
    if runtime is None:
        runtime, problem, access = await _runtime_only(options, told.inventory, access)
    on_access(access)
    return AcceleratorReport(
        access=access,
        inventory=trimmed(told.inventory, runtime, told.profiles, options=options),
        runtime=runtime,
        runtime_problem=problem,
        profiles=told.profiles,
    )


async def _runtime_only(
    options: ClusterOptions, inventory: Inventory, access: Access
) -> tuple[Runtime | None, Problem | None, Access]:
    """The templates of a cluster, if there happens to be one within reach."""
    brief = msgspec.structs.replace(options, connect_timeout_s=min(3.0, options.connect_timeout_s))
    try:
        credentials = find_credentials(options)
        async with asyncio.timeout(min(20.0, options.total_timeout_s)), connect(credentials, brief) as client:
            runtime, problem = await find_runtime(
                client, inventory, options.namespace or credentials.namespace
            )
            seen = msgspec.structs.replace(access, server=clean(client.server), context=credentials.context)
            return runtime, problem, seen
    except BaseException as error:  # noqa: BLE001 - the end of the run is raised again
        not_known(error)
        return None, _NO_CLUSTER, access


def _together(flags: Inventory | None, stated: Inventory) -> Inventory:
    if flags is None:
        return stated
    return msgspec.structs.replace(
        stated,
        nodes=(*flags.nodes, *stated.nodes),
        nodes_seen=flags.nodes_seen + stated.nodes_seen,
        origin=f"{flags.origin} and {stated.origin}",
    )
