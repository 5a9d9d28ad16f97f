"""Hardware profiles and accelerator profiles: which are offered, and what of them helps a pod onto a node.

What applies them: opendatahub-io/odh-model-controller, internal/webhook/serving/hardwareprofile (before it
opendatahub-operator, internal/webhook/hardwareprofile) for the profile that an InferenceService names in its
annotations: tolerations and node selector, or the queue instead of both; amounts that the InferenceService
does not give itself. minCount and maxCount bind the dashboard's form only. The dashboard's own older kinds
(odh-dashboard, manifests/common/crd of 2.x) nobody but the dashboard applies.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any

import msgspec

from modelcar_tui.cluster.home import likely_homes
from modelcar_tui.cluster.limit_types import amount
from modelcar_tui.cluster.serving_types import HardwareProfile, Offered, ProfileKind, Profiles
from modelcar_tui.cluster.tolerations import Written, tolerations_of
from modelcar_tui.core.contain import Contained
from modelcar_tui.core.text import clean
from modelcar_tui.hardware import resource_prefixes
from modelcar_tui.kube import Client, ClusterError
from modelcar_tui.kube.objects import Meta, Quantity, T

_HARDWARE = "/apis/infrastructure.opendatahub.io/{}/namespaces/{}/hardwareprofiles"
_DASHBOARD = "/apis/dashboard.opendatahub.io/{}/namespaces/{}/{}"
_MOST = 200
"""Profiles of one kind and namespace that are looked at; a dashboard has a handful."""


_Answer = tuple[list[HardwareProfile], str]
"""The profiles, and why some are not known."""
_Reader = Callable[[Client, str], Coroutine[Any, Any, _Answer]]


class _Identifier(msgspec.Struct, frozen=True, rename="camel"):
    identifier: str = ""
    min_count: Quantity = None
    default_count: Quantity = None
    max_count: Quantity = None


class _Node(msgspec.Struct, frozen=True, rename="camel"):
    node_selector: dict[str, str] | None = None
    tolerations: list[Written] | None = None


class _Queue(msgspec.Struct, frozen=True, rename="camel"):
    local_queue_name: str = ""
    priority_class: str = ""


class _Scheduling(msgspec.Struct, frozen=True):
    node: _Node | None = None
    kueue: _Queue | None = None


class _Label(msgspec.Struct, frozen=True):
    key: str = ""
    value: str = ""


class _Spec(msgspec.Struct, frozen=True, rename="camel"):
    identifiers: list[_Identifier] | None = None
    scheduling: _Scheduling | None = None
    enabled: bool = True
    node_selectors: list[_Label] | None = None
    node_selector: dict[str, str] | None = None
    tolerations: list[Written] | None = None


class Hardware(msgspec.Struct, frozen=True, rename="camel"):
    """infrastructure.opendatahub.io/v1 and v1alpha1 HardwareProfile, and the dashboard's own v1alpha1, which
    has its scheduling on the level of the identifiers."""

    api_version: str = ""
    metadata: Meta = Meta()
    spec: _Spec = _Spec()


class _AcceleratorSpec(msgspec.Struct, frozen=True):
    enabled: bool = True
    identifier: str = ""
    tolerations: list[Written] | None = None


class Accelerator(msgspec.Struct, frozen=True):
    """dashboard.opendatahub.io/v1 AcceleratorProfile."""

    metadata: Meta = Meta()
    spec: _AcceleratorSpec = _AcceleratorSpec()


async def read_profiles(client: Client, namespace: str) -> Profiles:
    """The enabled profiles of the applications namespace and of the one where models are served.

    The dashboard's own kinds are asked for only where no HardwareProfile offers an accelerator: a platform
    that has moved to those leaves the older ones behind, and applies none of them.
    """
    places = tuple(dict.fromkeys((*await likely_homes(client), namespace)))
    unknown: list[str] = []
    found = await _in_all(client, places, unknown, (_read_hardware,))
    if not promised(Profiles(found=found)):
        found = (*found, *await _in_all(client, places, unknown, (_read_old, _read_accelerators)))
    return Profiles(found=found, unknown=tuple(dict.fromkeys(unknown)))


def promised(profiles: Profiles | None) -> frozenset[str]:
    """The accelerators that profiles offer, by the resources that pods ask for."""
    found = profiles.found if profiles else ()
    return frozenset(
        one.resource
        for profile in found
        for one in profile.offers
        if one.resource.startswith(resource_prefixes())
    )


async def _in_all(
    client: Client, places: Sequence[str], unknown: list[str], readers: Sequence[_Reader]
) -> tuple[HardwareProfile, ...]:
    asked = [reader(client, place) for place in places for reader in readers]
    found: list[HardwareProfile] = []
    for answer in await asyncio.gather(*asked):
        found += answer[0]
        unknown += [answer[1]] if answer[1] else []
    return tuple(found)


async def _read_hardware(client: Client, namespace: str) -> _Answer:
    paths = [_HARDWARE.format(version, namespace) for version in ("v1", "v1alpha1")]
    return await _read(client, paths, Hardware, namespace, "hardware profiles", of_hardware)


async def _read_old(client: Client, namespace: str) -> _Answer:
    paths = [_DASHBOARD.format("v1alpha1", namespace, "hardwareprofiles")]
    what = "dashboard's hardware profiles"
    return await _read(client, paths, Hardware, namespace, what, of_dashboard)


async def _read_accelerators(client: Client, namespace: str) -> _Answer:
    paths = [_DASHBOARD.format(version, namespace, "acceleratorprofiles") for version in ("v1", "v1alpha")]
    return await _read(client, paths, Accelerator, namespace, "accelerator profiles", of_accelerator)


async def _read(
    client: Client,
    paths: Sequence[str],
    kind: type[T],
    namespace: str,
    what: str,
    understand: Callable[[T], HardwareProfile | None],
) -> _Answer:
    """The profiles of one kind in one namespace, by the first of its versions that is served."""
    found: list[HardwareProfile] = []
    for path in paths:
        try:
            items = await client.short_list(path, kind)
        except ClusterError as error:
            if error.missing:
                continue
            return [], f"the {what} of {clean(namespace, limit=63)}: {error.problem.what}"
        for item in items[:_MOST]:
            with Contained(what):
                profile = understand(item)
                found += [profile] if profile is not None else []
        more = len(items) - _MOST
        return found, f"{more} more {what} of {clean(namespace, limit=63)}" if more > 0 else ""
    return [], ""


def of_hardware(item: Hardware) -> HardwareProfile | None:
    """A HardwareProfile; None where it is disabled. A queue wins over tolerations and selector, as in the
    webhook."""
    if item.api_version.startswith("dashboard."):
        return of_dashboard(item)
    meta, spec = item.metadata, item.spec
    if (meta.annotations or {}).get("opendatahub.io/disabled") == "true":
        return None
    scheduling = spec.scheduling or _Scheduling()
    queue = scheduling.kueue or _Queue()
    node = scheduling.node if scheduling.node and not queue.local_queue_name else _Node()
    return HardwareProfile(
        name=clean(meta.name, limit=253),
        namespace=clean(meta.namespace, limit=63),
        offers=_offers(spec.identifiers),
        tolerations=tolerations_of(node.tolerations),
        selector=_labels((node.node_selector or {}).items()),
        queue=clean(queue.local_queue_name, limit=253),
        priority_class=clean(queue.priority_class, limit=253),
    )


def of_dashboard(item: Hardware) -> HardwareProfile | None:
    """A HardwareProfile of the dashboard's own; None where it is disabled."""
    meta, spec = item.metadata, item.spec
    if not spec.enabled:
        return None
    listed = [(one.key, one.value) for one in spec.node_selectors or ()]
    return HardwareProfile(
        name=clean(meta.name, limit=253),
        namespace=clean(meta.namespace, limit=63),
        kind=ProfileKind.DASHBOARD,
        offers=_offers(spec.identifiers),
        tolerations=tolerations_of(spec.tolerations),
        selector=_labels([*listed, *(spec.node_selector or {}).items()]),
    )


def of_accelerator(item: Accelerator) -> HardwareProfile | None:
    """An AcceleratorProfile; None where it is disabled."""
    meta, spec = item.metadata, item.spec
    if not spec.enabled:
        return None
    return HardwareProfile(
        name=clean(meta.name, limit=253),
        namespace=clean(meta.namespace, limit=63),
        kind=ProfileKind.ACCELERATOR,
        offers=(Offered(resource=clean(spec.identifier, limit=200)),) if spec.identifier else (),
        tolerations=tolerations_of(spec.tolerations),
    )


def _offers(identifiers: Iterable[_Identifier] | None) -> tuple[Offered, ...]:
    return tuple(
        Offered(
            resource=name,
            least=amount(name, one.min_count),
            default=amount(name, one.default_count),
            most=amount(name, one.max_count),
        )
        for one in identifiers or ()
        if (name := clean(one.identifier, limit=200))
    )


def _labels(found: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((clean(key, limit=320), clean(value, limit=63)) for key, value in found if key))
