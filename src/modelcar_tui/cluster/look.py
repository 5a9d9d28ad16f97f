"""One call that finds out all about accelerators: of a cluster, of a file, or as the operator states them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import msgspec

from modelcar_tui.cluster.access import climb, failed
from modelcar_tui.cluster.inventory import Progress, read_inventory_of, refresh_free
from modelcar_tui.cluster.limit_checks import limit_checks
from modelcar_tui.cluster.limit_types import NamespaceLimits
from modelcar_tui.cluster.llm_services import LLM_CODE, llm_checks, read_llm_services
from modelcar_tui.cluster.preflight import Serving, api_groups, check_serving
from modelcar_tui.cluster.profile_checks import QUEUE_CODE, queue_checks
from modelcar_tui.cluster.profiles import read_profiles
from modelcar_tui.cluster.quotas import EVERYTHING, read_limits
from modelcar_tui.cluster.rights import right_checks
from modelcar_tui.cluster.runtimes import find_runtime, override, serving_runtimes
from modelcar_tui.cluster.serving_types import Profiles
from modelcar_tui.cluster.stated import stated, what_if
from modelcar_tui.cluster.trim import resources, trimmed
from modelcar_tui.cluster.types import LIMIT_CODES, AcceleratorReport, Check, Inventory, Runtime, State
from modelcar_tui.core.contain import Contained, hit, not_known, stopped
from modelcar_tui.core.errors import Problem
from modelcar_tui.core.text import clean
from modelcar_tui.kube import (
    Access,
    Client,
    ClusterError,
    ClusterOptions,
    Credentials,
    Rung,
    connect,
    find_credentials,
)

_NOT_REACHED = Problem(
    what="the cluster could not be asked for a runtime image",
    fix="name the image: export VLLM_RUNTIME_IMAGE=IMAGE",
    code="no-runtime",
)
R = TypeVar("R")
SEARCH_S = 60.0
"""For the runtime image, and for the hardware profiles."""
NODES_KEEP_S = 600.0
"""After this time `refresh_cluster` reads the nodes again too."""
_AGAIN = (*LIMIT_CODES, LLM_CODE, QUEUE_CODE)
"""Codes of the checks that a refresh makes anew."""


async def read_cluster(
    options: ClusterOptions,
    progress: Progress = lambda _: None,
    on_access: Callable[[Access], None] = lambda _: None,
) -> AcceleratorReport:
    """Everything about accelerators that the options allow to know.

    With `--gpu` or `--inventory` no cluster is asked for nodes; one that the kubeconfig names is only asked
    for its runtime templates, and its absence is no fault.

    Args:
        options: where to look.
        progress: called with each larger inventory; from the same thread.
        on_access: called once the way to the cluster is known.

    Raises:
        UserError: `--gpu` or `--inventory` can't be read. Everything else is told in the report.
    """
    if options.gpus or options.inventory:
        told = await stated(options)
        progress(told.inventory)
        return await what_if(options, told, on_access)
    try:
        credentials = find_credentials(options)
    except BaseException as error:  # noqa: BLE001 - the end of the run is raised again
        rung = error.rung if isinstance(error, ClusterError) else Rung.NO_KUBECONFIG
        problem = not_known(error, "kubeconfig")
        access = Access(rung=rung, context=clean(options.context or ""), problem=problem)
        on_access(access)
        return _blind(access, problem)
    learned = _Learned(options, progress, on_access)
    limit = asyncio.timeout(options.total_timeout_s)
    try:
        async with limit, connect(credentials, options) as client:
            return await _look(client, credentials, options, learned)
    except ClusterError as error:
        return learned.report(failed(error, credentials))
    except BaseException as error:  # noqa: BLE001 - the end of the run is raised again
        where = clean(credentials.server)
        problem = (
            stopped("looking at the cluster", options.total_timeout_s, where)
            if hit(limit, error)
            else not_known(error, where)
        )
    return learned.report(
        Access(rung=Rung.UNREACHABLE, server=problem.where, context=credentials.context, problem=problem)
    )


async def refresh_cluster(
    options: ClusterOptions, report: AcceleratorReport, progress: Progress = lambda _: None
) -> AcceleratorReport:
    """The report with what changes from minute to minute read again: the pods on GPU nodes, quotas, queues
    and LLMInferenceServices. Hardware profiles and KServe's settings are kept.

    Of a what-if inventory the file is read again; a report that could not look, or whose nodes were read long
    ago, is made anew. Where that fails the older report stands, with its time and with a problem of code
    `not-again`.

    Raises:
        UserError: the inventory's file can't be read.
    """
    if report.access.rung is Rung.WHAT_IF:
        return await _stated_again(options, report)
    stale = time.time() - report.inventory.nodes_at > NODES_KEEP_S
    if stale or not report.access.healthy or not report.inventory.known or report.inventory.partial:
        return _newer(report, await read_cluster(options, progress))
    try:
        credentials = find_credentials(options)
        namespace = options.namespace or credentials.namespace
        groups = report.limits.groups if report.limits else None
        async with asyncio.timeout(options.total_timeout_s), connect(credentials, options) as client:
            inventory, services, limits = await asyncio.gather(
                refresh_free(client, report.inventory, progress),
                read_llm_services(client, namespace),
                read_limits(client, namespace, groups),
            )
    except BaseException as error:  # noqa: BLE001 - the end of the run is raised again
        not_known(error)
        return _newer(report, await read_cluster(options, progress))
    kept = tuple(check for check in report.checks if check.code not in _AGAIN)
    wanted = resources(report.inventory)
    again = (
        *limit_checks(limits, wanted),
        *llm_checks(services, wanted),
        *queue_checks(report.profiles, limits),
    )
    return msgspec.structs.replace(
        report,
        inventory=inventory,
        checks=(*kept, *again) if report.checks else (),
        limits=limits,
        llm_services=services,
    )


def _newer(old: AcceleratorReport, new: AcceleratorReport) -> AcceleratorReport:
    """The new report, or the old one where the new one could not look."""
    if new.inventory.known or not old.inventory.known:
        return new
    cause = new.access.problem or next(iter(new.inventory.problems), None)
    problem = Problem(
        where=cause.where if cause else "",
        fix=cause.fix if cause else "try again",
        code="not-again",
        what=f"could not look again: {cause.what if cause else new.access.rung.value}",
    )
    kept = (one for one in old.inventory.problems if one.code != "not-again")
    return msgspec.structs.replace(
        old, inventory=msgspec.structs.replace(old.inventory, problems=(*kept, problem))
    )


async def _stated_again(options: ClusterOptions, report: AcceleratorReport) -> AcceleratorReport:
    if not options.inventory:
        return report
    told = await stated(options)
    inventory = trimmed(told.inventory, report.runtime, told.profiles, options=options)
    return msgspec.structs.replace(report, inventory=inventory, profiles=told.profiles)


class _Learned:
    """What is known so far, so that a server that goes away in the middle takes nothing of it along."""

    def __init__(
        self, options: ClusterOptions, progress: Progress, on_access: Callable[[Access], None]
    ) -> None:
        self._options = options
        self._progress = progress
        self._on_access = on_access
        self.access: Access | None = None
        self.inventory: Inventory | None = None
        self.runtime: Runtime | None = override()
        self.runtime_problem: Problem | None = None
        self.profiles: Profiles | None = None

    def reached(self, access: Access) -> None:
        self.access = access
        self._on_access(access)

    def progress(self, inventory: Inventory) -> None:
        self.inventory = inventory
        self._progress(inventory)

    def report(self, access: Access) -> AcceleratorReport:
        """The report after a failure."""
        if self.access is None or self.access.rung is not Rung.OK or self.inventory is None:
            self._on_access(access)
            return _blind(access, access.problem)
        problem = access.problem
        more = (problem,) if problem else ()
        runtime = self.runtime
        inventory = msgspec.structs.replace(
            trimmed(self.inventory, runtime, self.profiles, options=self._options),
            partial=True,
            problems=tuple(dict.fromkeys((*self.inventory.problems, *more))),
        )
        return AcceleratorReport(
            access=self.access,
            inventory=inventory,
            runtime=runtime,
            runtime_problem=None if runtime else self.runtime_problem or problem,
            profiles=self.profiles,
        )


async def _look(
    client: Client, credentials: Credentials, options: ClusterOptions, learned: _Learned
) -> AcceleratorReport:
    access = await climb(client, credentials)
    learned.reached(access)
    if access.rung is not Rung.OK:
        return _blind(access, access.problem)
    refused = next((problem for problem in access.missing if problem.code == "no-nodes"), None)
    if refused is not None:
        inventory = Inventory(known=False, problems=(refused,))
    else:
        inventory = await read_inventory_of(client, learned.progress)
    namespace = options.namespace or credentials.namespace
    profiles = await _profiles(client, namespace)
    runtime, problem = await _runtime(client, inventory, namespace, profiles)
    learned.inventory, learned.runtime, learned.runtime_problem = inventory, runtime, problem
    learned.profiles = profiles
    serving = await _serving(client, namespace, access.version, inventory, runtime)
    there = await _searched(
        "the ServingRuntimes", serving_runtimes(client, namespace), clean(client.server), _NOT_REACHED.fix
    )
    named = None if isinstance(there, Problem) else there
    return AcceleratorReport(
        access=access,
        inventory=trimmed(inventory, runtime, profiles, options=options, runtimes=named or ()),
        runtime=runtime,
        runtime_problem=None if runtime else problem,
        runtimes=named,
        checks=(
            *serving.checks,
            *queue_checks(profiles, serving.limits),
            *await _rights(client, access.user),
        ),
        versions=serving.versions,
        pull=serving.pull,
        limits=serving.limits,
        profiles=profiles,
        kserve=serving.kserve,
        llm_services=serving.llm_services,
    )


async def _rights(client: Client, user: str) -> tuple[Check, ...]:
    """What was refused on the way, each with what grants it."""
    if not client.forbidden:
        return ()
    with Contained("the rights that are missing"):
        return right_checks(client.forbidden, user, await api_groups(client))
    return ()


async def _runtime(
    client: Client, inventory: Inventory, namespace: str, profiles: Profiles | None
) -> tuple[Runtime | None, Problem | None]:
    """The runtime image; what goes wrong costs it alone."""
    search = find_runtime(client, inventory, namespace, profiles)
    found = await _searched("the runtime image", search, clean(client.server), _NOT_REACHED.fix)
    return (override(), found) if isinstance(found, Problem) else found


async def _profiles(client: Client, namespace: str) -> Profiles:
    """The hardware profiles; what goes wrong costs them alone."""
    found = await _searched("hardware profiles", read_profiles(client, namespace))
    return Profiles(unknown=(found.what,)) if isinstance(found, Problem) else found


async def _searched(
    what: str, search: Coroutine[Any, Any, R], where: str = "", fix: str = "try again"
) -> R | Problem:
    """What a search finds within its time, or why it found nothing."""
    limit = asyncio.timeout(SEARCH_S)
    try:
        async with limit:
            return await search
    except BaseException as error:  # noqa: BLE001 - the end of the run is raised again
        if hit(limit, error):
            return stopped(f"the search for {what}", SEARCH_S, where, fix)
        return not_known(error, what)


async def _serving(
    client: Client, namespace: str, kubernetes: str, inventory: Inventory, runtime: Runtime | None
) -> Serving:
    """What `check_serving` finds out; where that fails, the limits of the namespace are not known."""
    with Contained("the checks of serving") as caught:
        scheduling = runtime.scheduling if runtime else None
        return await check_serving(client, namespace, kubernetes, resources(inventory), scheduling)
    assert caught.problem is not None  # noqa: S101 - else it has returned
    unread = NamespaceLimits(namespace=clean(namespace), unknown=EVERYTHING)
    told = Check(code="unanswered", state=State.UNKNOWN, what=str(caught.problem))
    return Serving(checks=(told,), limits=unread)


def _blind(access: Access, problem: Problem | None) -> AcceleratorReport:
    """The report of somebody who could not look; the cause is told once."""
    more = (problem,) if problem and problem != access.problem else ()
    runtime = override()
    return AcceleratorReport(
        access=access,
        inventory=Inventory(known=False, problems=more),
        runtime=runtime,
        runtime_problem=None if runtime else _NOT_REACHED,
    )
