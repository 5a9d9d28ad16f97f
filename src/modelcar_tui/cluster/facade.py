"""One call that finds out all about accelerators: of a cluster, of a file, or as the operator states them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from modelcar_tui.cluster.access import climb, failed
from modelcar_tui.cluster.client import Client
from modelcar_tui.cluster.connect import connect
from modelcar_tui.cluster.credentials import Credentials, find
from modelcar_tui.cluster.errors import ClusterError
from modelcar_tui.cluster.inventory import Progress, read_inventory_of
from modelcar_tui.cluster.runtimes import find_runtime, override
from modelcar_tui.cluster.snapshot import read_inventory
from modelcar_tui.cluster.types import AcceleratorReport, Access, ClusterOptions, Inventory, Rung, Runtime
from modelcar_tui.cluster.whatif import parse_gpu_flags
from modelcar_tui.core.errors import Problem
from modelcar_tui.core.text import clean

_NO_CLUSTER = Problem(
    what="no cluster was asked for a runtime image",
    fix="log in, or name the image: export VLLM_RUNTIME_IMAGE=IMAGE",
    code="no-runtime",
)


async def look(
    options: ClusterOptions,
    progress: Progress = lambda _: None,
    on_access: Callable[[Access], None] = lambda _: None,
) -> AcceleratorReport:
    """Everything about accelerators that the options allow to know.

    With `--gpu` or `--inventory` no cluster is asked for nodes; one that the kubeconfig names is only asked for
    its runtime templates, and its absence is no fault.

    Args:
        options: where to look.
        progress: called with each larger inventory; from the same thread.
        on_access: called once the way to the cluster is known.

    Raises:
        UserError: `--gpu` or `--inventory` can't be read. Everything else is told in the report.
    """
    if options.gpus or options.inventory:
        inventory = parse_gpu_flags(options.gpus) if options.gpus else None
        if options.inventory:
            stated = await asyncio.to_thread(read_inventory, options.inventory)
            inventory = _together(inventory, stated)
        assert inventory is not None  # noqa: S101
        progress(inventory)
        return await _what_if(options, inventory, on_access)
    try:
        credentials = find(options)
    except ClusterError as error:
        access = Access(rung=error.rung, context=clean(options.context or ""), problem=error.problem)
        on_access(access)
        return _blind(access, error.problem)
    try:
        async with asyncio.timeout(options.total_timeout_s), connect(credentials, options) as client:
            return await _look(client, credentials, options, progress, on_access)
    except ClusterError as error:
        access = failed(error, credentials)
        on_access(access)
        return _blind(access, access.problem or error.problem)
    except TimeoutError:
        what = f"the cluster took longer than {options.total_timeout_s:.0f} s in all"
        problem = Problem(where=clean(credentials.server), what=what, fix="try again", code="timeout")
        access = Access(rung=Rung.UNREACHABLE, server=problem.where, context=credentials.context, problem=problem)
        return _blind(access, problem)


async def _look(
    client: Client,
    credentials: Credentials,
    options: ClusterOptions,
    progress: Progress,
    on_access: Callable[[Access], None],
) -> AcceleratorReport:
    access = await climb(client, credentials)
    on_access(access)
    if access.rung is not Rung.OK:
        return _blind(access, access.problem)
    refused = next((problem for problem in access.missing if problem.code == "no-nodes"), None)
    if refused is not None:
        inventory = Inventory(known=False, problems=(refused,))
    else:
        inventory = await read_inventory_of(client, progress)
    runtime, problem = await find_runtime(client, inventory, options.namespace or credentials.namespace)
    return AcceleratorReport(access=access, inventory=inventory, runtime=runtime, runtime_problem=problem)


async def _what_if(
    options: ClusterOptions, inventory: Inventory, on_access: Callable[[Access], None]
) -> AcceleratorReport:
    access = Access(rung=Rung.WHAT_IF)
    runtime, problem = override(), None
    if runtime is None:
        runtime, problem, access = await _runtime_only(options, inventory, access)
    on_access(access)
    return AcceleratorReport(access=access, inventory=inventory, runtime=runtime, runtime_problem=problem)


async def _runtime_only(
    options: ClusterOptions, inventory: Inventory, access: Access
) -> tuple[Runtime | None, Problem | None, Access]:
    """The templates of a cluster, if there happens to be one within reach."""
    brief = msgspec.structs.replace(options, connect_timeout_s=min(3.0, options.connect_timeout_s))
    try:
        credentials = find(options)
        async with asyncio.timeout(min(20.0, options.total_timeout_s)), connect(credentials, brief) as client:
            runtime, problem = await find_runtime(client, inventory, options.namespace or credentials.namespace)
            seen = msgspec.structs.replace(access, server=clean(client.server), context=credentials.context)
            return runtime, problem, seen
    except (ClusterError, TimeoutError):
        return None, _NO_CLUSTER, access


def _together(flags: Inventory | None, stated: Inventory) -> Inventory:
    if flags is None:
        return stated
    return msgspec.structs.replace(
        stated, nodes=(*flags.nodes, *stated.nodes), nodes_seen=flags.nodes_seen + stated.nodes_seen,
        origin=f"{flags.origin} and {stated.origin}",
    )  # fmt: skip


def _blind(access: Access, problem: Problem | None) -> AcceleratorReport:
    """The report of somebody who could not look."""
    return AcceleratorReport(
        access=access,
        inventory=Inventory(known=False, problems=(problem,) if problem else ()),
        runtime=override(),
        runtime_problem=None if override() else problem,
    )
