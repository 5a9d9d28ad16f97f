"""What a namespace leaves of the accelerators: ResourceQuotas, LimitRanges, Kueue's queues (kueue.py).

They make "free" GPUs unreachable; none of them is subtracted from the inventory, all are told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping

import msgspec

from modelcar_tui.cluster.kueue import GROUP, check_queues
from modelcar_tui.cluster.types import Check, State
from modelcar_tui.core.text import clean
from modelcar_tui.hardware.vendors import prefixes
from modelcar_tui.kube.client import Client
from modelcar_tui.kube.errors import ClusterError
from modelcar_tui.kube.objects import Quantity, SmallMeta, T
from modelcar_tui.kube.quantity import whole


class _Amounts(msgspec.Struct, frozen=True):
    hard: dict[str, Quantity] | None = None
    used: dict[str, Quantity] | None = None


class ResourceQuota(msgspec.Struct, frozen=True):
    metadata: SmallMeta = SmallMeta()
    status: _Amounts = _Amounts()


class _Limit(msgspec.Struct, frozen=True):
    type: str = ""
    max: dict[str, Quantity] | None = None


class _LimitSpec(msgspec.Struct, frozen=True):
    limits: list[_Limit] | None = None


class LimitRange(msgspec.Struct, frozen=True):
    metadata: SmallMeta = SmallMeta()
    spec: _LimitSpec = _LimitSpec()


async def check_limits(
    client: Client, namespace: str, groups: frozenset[str] | None, wanted: Collection[str] = ()
) -> tuple[Check, ...]:
    """What limits accelerators in the namespace; nothing is said of what we may not read.

    Args:
        client: of the cluster.
        namespace: where models are to be served.
        groups: API groups of the server; None when it does not tell.
        wanted: accelerator resources that the cluster's nodes offer.
    """
    base = f"/api/v1/namespaces/{namespace}"
    quotas, ranges = await asyncio.gather(
        _maybe(client, f"{base}/resourcequotas", ResourceQuota),
        _maybe(client, f"{base}/limitranges", LimitRange),
    )
    checks = [*_quotas(quotas or (), namespace), *_ranges(ranges or (), namespace)]
    if quotas is None:
        what = f"the quotas of {clean(namespace)} can't be read"
        checks.append(Check(code="quota", state=State.UNKNOWN, what=what, fix=f"oc get quota -n {namespace}"))
    if groups is None or GROUP in groups:
        checks += await check_queues(client, namespace, wanted)
    return tuple(checks)


def _quotas(quotas: Iterable[ResourceQuota], namespace: str) -> Iterable[Check]:
    for quota in quotas:
        used = quota.status.used or {}
        for name, hard in _accelerators(quota.status.hard):
            most, taken = whole(hard), whole(used.get(name)) or 0
            if most is None:
                continue
            left = max(0, most - taken)
            what = (
                f"quota {clean(quota.metadata.name)} leaves {left} of {most} {name.removeprefix('requests.')}"
            )
            fix = "" if left else f"ask for a larger quota in {clean(namespace)}"
            yield Check(code="quota", state=State.OK if left else State.WARNING, what=what, fix=fix)


def _ranges(ranges: Iterable[LimitRange], namespace: str) -> Iterable[Check]:
    for item in ranges:
        for limit in item.spec.limits or ():
            for name, most in _accelerators(limit.max):
                what = f"a {limit.type or 'Container'} in {clean(namespace)} may have at most {most} {name}"
                yield Check(code="limit-range", state=State.WARNING, what=clean(what, limit=300))


def _accelerators(amounts: Mapping[str, Quantity] | None) -> list[tuple[str, Quantity]]:
    return [
        (clean(name, limit=200), amount)
        for name, amount in (amounts or {}).items()
        if name.removeprefix("requests.").startswith(prefixes())
    ]


async def _maybe(client: Client, path: str, kind: type[T]) -> list[T] | None:
    try:
        return await client.short_list(path, kind)
    except ClusterError as error:
        return [] if error.missing else None
