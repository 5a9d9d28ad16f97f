"""Reads what a namespace leaves to a new pod: ResourceQuotas, OpenShift's cluster quotas, LimitRanges, and
Kueue's queues (kueue.py)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal, TypeVar

import msgspec

from modelcar_tui.cluster.kueue import read_queues
from modelcar_tui.cluster.limit_types import NamespaceLimits, Queue, Quota, Range, Scope, amount
from modelcar_tui.cluster.queues import GROUP as KUEUE
from modelcar_tui.core.contain import Contained
from modelcar_tui.core.text import clean
from modelcar_tui.kube import Client, ClusterError, thousandths
from modelcar_tui.kube.objects import Quantity, SmallMeta, T

OPENSHIFT = "quota.openshift.io"
R = TypeVar("R")

EVERYTHING = ("quotas", "limit ranges", "cluster quotas", "queues")
"""What a namespace may hold a pod back by, as `NamespaceLimits.unknown` names it."""
_Raw = dict[str, Quantity] | None


class _Amounts(msgspec.Struct, frozen=True):
    hard: _Raw = None
    used: _Raw = None


class _Match(msgspec.Struct, frozen=True, rename="camel"):
    scope_name: str = ""
    operator: str = "Exists"
    values: list[str] | None = None


class _ScopeSelector(msgspec.Struct, frozen=True, rename="camel"):
    match_expressions: list[_Match] | None = None


class _QuotaSpec(msgspec.Struct, frozen=True, rename="camel"):
    hard: _Raw = None
    scopes: list[str] | None = None
    scope_selector: _ScopeSelector | None = None


class ResourceQuota(msgspec.Struct, frozen=True):
    """core/v1 ResourceQuota."""

    metadata: SmallMeta = SmallMeta()
    spec: _QuotaSpec = _QuotaSpec()
    status: _Amounts = _Amounts()


class _ClusterSpec(msgspec.Struct, frozen=True):
    quota: _QuotaSpec = _QuotaSpec()


class _ClusterStatus(msgspec.Struct, frozen=True):
    total: _Amounts = _Amounts()


class AppliedClusterResourceQuota(msgspec.Struct, frozen=True):
    """quota.openshift.io/v1: a ClusterResourceQuota as a namespace that it counts may see it. `status.total`
    is of all namespaces, and is what is enforced."""

    metadata: SmallMeta = SmallMeta()
    spec: _ClusterSpec = _ClusterSpec()
    status: _ClusterStatus = _ClusterStatus()


class _Limit(msgspec.Struct, frozen=True, rename="camel"):
    type: str = ""
    max: _Raw = None
    min: _Raw = None
    default: _Raw = None
    default_request: _Raw = None
    max_limit_request_ratio: _Raw = None


class _LimitSpec(msgspec.Struct, frozen=True):
    limits: list[_Limit] | None = None


class LimitRange(msgspec.Struct, frozen=True):
    """core/v1 LimitRange."""

    metadata: SmallMeta = SmallMeta()
    spec: _LimitSpec = _LimitSpec()


async def read_limits(client: Client, namespace: str, groups: Iterable[str] | None = None) -> NamespaceLimits:
    """The limits of a namespace; what may not be read is named in `unknown`, what is not there is none.

    Args:
        client: of the cluster.
        namespace: where models are to be served.
        groups: API groups of the server; None when it does not tell.
    """
    here = None if groups is None else tuple(sorted({KUEUE, OPENSHIFT} & set(groups)))
    base = f"/api/v1/namespaces/{namespace}"
    applied = f"/apis/{OPENSHIFT}/v1/namespaces/{namespace}/appliedclusterresourcequotas"
    quotas, ranges, shared, (queues, managed, readable) = await asyncio.gather(
        _maybe(client, f"{base}/resourcequotas", ResourceQuota),
        _maybe(client, f"{base}/limitranges", LimitRange),
        _maybe(client, applied, AppliedClusterResourceQuota, there=here is None or OPENSHIFT in here),
        _queues(client, namespace, there=here is None or KUEUE in here),
    )
    own = _understood(quotas, lambda one: [_quota("ResourceQuota", one.metadata, one.spec, one.status)])
    of_all = _understood(
        shared, lambda one: [_quota("ClusterResourceQuota", one.metadata, one.spec.quota, one.status.total)]
    )
    bounds = _understood(ranges, _ranges)
    read = (own is not None, bounds is not None, of_all is not None, readable)
    return NamespaceLimits(
        namespace=clean(namespace),
        quotas=(*(own or ()), *(of_all or ())),
        ranges=bounds or (),
        queues=queues,
        managed=managed,
        unknown=tuple(what for what, known in zip(EVERYTHING, read, strict=True) if not known),
        groups=here,
    )


def _understood(found: list[T] | None, read: Callable[[T], Iterable[R]]) -> tuple[R, ...] | None:
    """What the objects say; None where they were not read, or one of them is not understood."""
    if found is None:
        return None
    with Contained():
        return tuple(one for item in found for one in read(item))
    return None


async def _queues(
    client: Client, namespace: str, *, there: bool
) -> tuple[tuple[Queue, ...], bool | None, bool]:
    """See `read_queues`; what nobody foresaw makes the queues unreadable."""
    if not there:
        return (), False, True
    with Contained():
        return await read_queues(client, namespace)
    return (), None, False


def _quota(
    kind: Literal["ResourceQuota", "ClusterResourceQuota"],
    meta: SmallMeta,
    spec: _QuotaSpec,
    status: _Amounts,
) -> Quota:
    """What is enforced is the status's hard amount; a quota made just now has only its spec's."""
    selector = spec.scope_selector or _ScopeSelector()
    return Quota(
        kind=kind,
        name=clean(meta.name, limit=200),
        hard=_amounts(status.hard or spec.hard),
        used=_amounts(status.used),
        scopes=(
            *(Scope(clean(name, limit=100)) for name in spec.scopes or ()),
            *(
                Scope(
                    clean(one.scope_name, limit=100),
                    clean(one.operator, limit=100),
                    tuple(clean(value, limit=200) for value in one.values or ()),
                )
                for one in selector.match_expressions or ()
            ),
        ),
    )


def _ranges(item: LimitRange) -> Iterator[Range]:
    """Its entries, with the defaults that the API server adds to a container's (SetDefaults_LimitRangeItem in
    kubernetes, pkg/apis/core/v1/defaults.go)."""
    for limit in item.spec.limits or ():
        kind = clean(limit.type, limit=60) or "Container"
        most, least = _amounts(limit.max), _amounts(limit.min)
        default, request = _amounts(limit.default), _amounts(limit.default_request)
        if kind == "Container":
            default = {**most, **default}
            request = {**least, **default, **request}
        yield Range(
            name=clean(item.metadata.name, limit=200),
            type=kind,
            most=most,
            least=least,
            default=default,
            default_request=request,
            ratio={
                clean(name, limit=200): thousandths(value)
                for name, value in (limit.max_limit_request_ratio or {}).items()
            },
        )


def _amounts(raw: Mapping[str, Quantity] | None) -> dict[str, int | None]:
    return {clean(name, limit=200): amount(name, value) for name, value in (raw or {}).items()}


async def _maybe(client: Client, path: str, kind: type[T], *, there: bool = True) -> list[T] | None:
    try:
        return await client.short_list(path, kind) if there else []
    except ClusterError as error:
        return [] if error.missing else None
