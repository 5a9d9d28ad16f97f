"""The accelerators of a real cluster, page by page: first rows after the first page, partial when cut
short."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import msgspec

from modelcar_tui.cluster.classify import NOT_OFFERED, classify, cleaned_labels
from modelcar_tui.cluster.device_classes import served
from modelcar_tui.cluster.devices import Devices, read_devices
from modelcar_tui.cluster.free import Queue, Usage, add_pods, with_free
from modelcar_tui.cluster.scale import MachineSet, scale_up
from modelcar_tui.cluster.types import GpuNode, Inventory, OtherNode, ScaleUp, Waiting
from modelcar_tui.cluster.words import some
from modelcar_tui.core.contain import SURPRISE, Contained
from modelcar_tui.core.errors import Problem
from modelcar_tui.core.text import clean
from modelcar_tui.kube import Client, ClusterError, objects

Progress = Callable[[Inventory], None]
_PODS = "/api/v1/pods"
_RUNNING = "status.phase!=Succeeded,status.phase!=Failed"
MOST_NODE_LISTS = 800
AT_ONCE = 8
POD_PAGE = 1000
MOST_FAILED = 5
"""After so many nodes whose pods could not be listed the server is not asked for the others'."""


class _Gathered:
    """What was read so far."""

    def __init__(self) -> None:
        self.gpus: dict[str, GpuNode] = {}
        self.labels: dict[str, dict[str, str]] = {}
        self.devices = Devices()
        self.served = False
        """Whether it is known of the nodes what their devices serve."""
        self.others: list[OtherNode] = []
        self.seen = 0
        self.problems: list[Problem] = []
        self.partial = False
        self.scale: tuple[ScaleUp, ...] = ()
        self.waiting: tuple[Waiting, ...] = ()
        self.nodes_at = time.time()
        self.odd: list[str] = []
        """Nodes that could not be understood: neither with GPUs nor without."""

    def add(self, node: objects.Node, platform: str) -> None:
        """One node; one that can't be understood is counted as not known."""
        self.seen += 1
        name = node.metadata.name
        with Contained(f"node {name}") as caught:
            found = classify(node, self.devices.by_node.get(name, ()), platform)
            if isinstance(found, GpuNode):
                self.gpus[found.name], self.labels[found.name] = found, cleaned_labels(node)
            else:
                self.others.append(found)
        if caught.problem is not None:
            self.gpus.pop(name, None)
            self._not_understood(clean(name, limit=253), caught.problem)

    def _not_understood(self, name: str, problem: Problem) -> None:
        self.odd.append(name)
        self.partial = True
        self.problems = [one for one in self.problems if one.code != SURPRISE]
        nodes = name if len(self.odd) == 1 else f"{len(self.odd)} nodes ({', '.join(self.odd[:3])}, ...)"
        self.problems.append(msgspec.structs.replace(problem, where=nodes))

    def lose_free(self, name: str) -> None:
        """What is free on a node is not known, and no older figure passes for it."""
        node = self.gpus[name]
        pool = tuple(msgspec.structs.replace(one, free=None) for one in node.pool)
        self.gpus[name] = msgspec.structs.replace(node, pool=pool, held=None)

    def reset(self) -> None:
        self.gpus.clear()
        self.labels.clear()
        self.others.clear()
        self.seen = 0

    def inventory(self, *, done: bool = False) -> Inventory:
        nodes = self.gpus.values()
        return Inventory(
            nodes=tuple(map(self._whole, nodes) if done else nodes),
            others=tuple(self.others) if done else (),
            known=True,
            partial=self.partial or not done,
            at=time.time(),
            problems=tuple(self.problems),
            nodes_seen=self.seen,
            scale_up=self.scale,
            waiting=self.waiting,
            nodes_at=self.nodes_at,
        )

    def _whole(self, node: GpuNode) -> GpuNode:
        node = node if self.served else served(node, self.devices.classes)
        labels = self.labels.get(node.name)
        return node if labels is None else msgspec.structs.replace(node, labels=labels)


async def read_inventory_of(client: Client, progress: Progress) -> Inventory:
    """The inventory behind a client.

    Faults are told in it: without the right to list nodes it is unknown, never empty; without pods, what is
    free is unknown; a list that was cut short is partial.
    """
    gathered = _Gathered()
    platform, devices = await asyncio.gather(_platform(client), read_devices(client))
    gathered.devices, gathered.partial = devices, devices.partial
    gathered.problems += devices.problems
    try:
        async for page in client.pages("/api/v1/nodes", objects.Node):
            if page.restart:
                gathered.reset()
            for node in page.items:
                gathered.add(node, platform)
            progress(gathered.inventory())
    except ClusterError as error:
        if not gathered.seen:
            return Inventory(known=False, at=time.time(), problems=(error.problem,))
        gathered.partial = True
        gathered.problems.append(error.problem)
    gathered.problems += _unseen(gathered)
    if gathered.gpus:
        await _free(client, gathered, progress)
    gathered.scale = await _scale(client)
    return gathered.inventory(done=True)


def _unseen(gathered: _Gathered) -> tuple[Problem, ...]:
    """Cards that nothing offers may be devices of DRA, where we may not look at those."""
    dark = [node.name for node in gathered.gpus.values() if node.why == NOT_OFFERED]
    refused = gathered.devices.refused
    if refused is None or not dark:
        return ()
    what = f"the ResourceSlices can't be listed: whether they offer the cards of {some(dark, 3)} is unknown"
    fix = "ask an administrator for the right (oc auth can-i list resourceslices.resource.k8s.io)"
    return (Problem(where=refused.where, what=what, fix=fix, code="no-slices"),)


async def refresh_free(client: Client, inventory: Inventory, progress: Progress) -> Inventory:
    """The inventory with the free units of its nodes read again; the nodes themselves are kept.

    Raises:
        ClusterError: the pods could not be read; what was known before still stands, with its time.
    """
    gathered = _Gathered()
    gathered.gpus = {node.name: node for node in inventory.nodes}
    gathered.served = True
    gathered.others, gathered.seen = list(inventory.others), inventory.nodes_seen
    gathered.scale, gathered.nodes_at = inventory.scale_up, inventory.nodes_at
    gathered.problems = [problem for problem in inventory.problems if problem.code != "no-pods"]
    gathered.partial = inventory.partial and bool(gathered.problems)
    if gathered.gpus:
        await _free(client, gathered, progress, again=True)
    return gathered.inventory(done=True)


async def _free(client: Client, gathered: _Gathered, progress: Progress, *, again: bool = False) -> None:
    """Fill in what is free: by node where the GPU nodes are few, else over all pods.

    With `again` there are older figures, which must not pass for new ones: a failure is raised.
    """
    few = len(gathered.gpus) <= MOST_NODE_LISTS or len(gathered.gpus) * 5 < gathered.seen
    try:
        if few:
            await _pods_by_node(client, gathered, progress, again=again)
        else:
            await _all_pods(client, gathered)
    except ClusterError as error:
        if error.forbidden:
            what = "the pods can't be listed: how many GPUs are free is unknown"
        elif again:
            raise
        else:
            what = f"not all pods could be read ({error.problem.what})"
            gathered.partial = True
            for name in [name for name, node in gathered.gpus.items() if node.held is None]:
                gathered.lose_free(name)
        gathered.problems.append(msgspec.structs.replace(error.problem, what=what, code="no-pods"))


def _uncounted(gathered: _Gathered, unread: dict[str, Problem]) -> None:
    """Tell of pods that could not be counted; where they stand, nothing is known to be free."""
    if not unread:
        return
    names = sorted(name for name in unread if name in gathered.gpus)
    first = next(iter(unread.values()))
    where = names[0] if len(names) == 1 else f"{len(names)} nodes" if names else first.where
    gathered.partial = True
    gathered.problems.append(
        msgspec.structs.replace(
            first, where=where, what=f"how many GPUs are free there is unknown: {first.what}", code="no-pods"
        )
    )
    for name in names:
        gathered.lose_free(name)


async def _pods_by_node(client: Client, gathered: _Gathered, progress: Progress, *, again: bool) -> None:
    """One short list a GPU node, a few at once; the server finds them by its index."""
    gate = asyncio.Semaphore(AT_ONCE)
    told = time.monotonic()

    nominated: Usage = {}
    queue = Queue()

    async def on(name: str) -> list[objects.Pod]:
        async with gate:
            return await client.short_list(
                _PODS, objects.Pod, {"fieldSelector": f"spec.nodeName={name},{_RUNNING}"}
            )

    unread: dict[str, Problem] = {}

    async def one(name: str) -> None:
        nonlocal told
        usage: Usage = {name: dict(nominated.get(name, {}))}
        try:
            unread.update(add_pods(usage, await on(name)))
        except ClusterError as error:
            unread[name] = error.problem
            if again or error.forbidden or len(unread) > MOST_FAILED:
                raise
            return
        gathered.gpus[name] = with_free(gathered.gpus[name], usage)
        if time.monotonic() - told > 0.25:
            told = time.monotonic()
            progress(gathered.inventory())

    without_node = await on("")  # when we may not, one refusal is enough
    unread.update(add_pods(nominated, without_node, gathered.gpus))
    unread.update(queue.add(without_node))
    gathered.waiting = queue.waiting(gathered.gpus.values())
    tasks = [asyncio.create_task(one(name)) for name in gathered.gpus]
    try:
        for task in tasks:
            await task
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        _uncounted(gathered, unread)


async def _all_pods(client: Client, gathered: _Gathered) -> None:
    usage: Usage = {}
    queue = Queue()
    unread: dict[str, Problem] = {}
    async for page in client.pages(_PODS, objects.Pod, {"fieldSelector": _RUNNING}, limit=POD_PAGE):
        if page.restart:
            usage.clear()
            unread.clear()
            queue = Queue()
        unread.update(add_pods(usage, page.items, gathered.gpus))
        unread.update(queue.add(page.items))
    gathered.waiting = queue.waiting(gathered.gpus.values())
    gathered.gpus = {name: with_free(node, usage) for name, node in gathered.gpus.items()}
    _uncounted(gathered, unread)


async def _scale(client: Client) -> tuple[ScaleUp, ...]:
    path = "/apis/machine.openshift.io/v1beta1/namespaces/openshift-machine-api/machinesets"
    with Contained("MachineSets"):
        return scale_up(await client.whole_list(path, MachineSet))
    return ()  # not OpenShift, or not for us to see; it only ever adds a remark


class _PlatformStatus(msgspec.Struct, frozen=True):
    type: str = ""


class _InfrastructureStatus(msgspec.Struct, frozen=True, rename="camel"):
    platform_status: _PlatformStatus = _PlatformStatus()


class _Infrastructure(msgspec.Struct, frozen=True):
    status: _InfrastructureStatus = _InfrastructureStatus()


async def _platform(client: Client) -> str:
    try:
        found = await client.get("/apis/config.openshift.io/v1/infrastructures/cluster", _Infrastructure)
    except ClusterError:
        return ""
    return found.status.platform_status.type
