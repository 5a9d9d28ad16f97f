"""Devices of Dynamic Resource Allocation: a cluster's ResourceSlices, ResourceClaims and DeviceClasses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from modelcar_tui.cluster import dra
from modelcar_tui.cluster.dra import DraPool
from modelcar_tui.core.contain import Contained
from modelcar_tui.core.errors import Problem
from modelcar_tui.kube import Client, ClusterError, objects

_API = "/apis/resource.k8s.io"
_BETAS = ("v1beta2", "v1beta1")


class Devices(msgspec.Struct, frozen=True, kw_only=True):
    """What was read of them."""

    by_node: Mapping[str, tuple[DraPool, ...]] = {}
    """None where the server has no Dynamic Resource Allocation."""
    classes: Sequence[objects.DeviceClass] | None = ()
    """None where they could not be listed."""
    problems: tuple[Problem, ...] = ()
    partial: bool = False
    refused: Problem | None = None
    """Why the ResourceSlices may not be listed."""


async def read_devices(client: Client) -> Devices:
    """The devices of all nodes; what goes wrong is told in the answer."""
    version = "v1"
    try:
        try:
            slices = await client.whole_list(f"{_API}/{version}/resourceslices", objects.ResourceSlice)
        except ClusterError as error:
            version = await _beta(client) if error.missing else ""
            if not version:
                raise
            slices = await client.whole_list(f"{_API}/{version}/resourceslices", objects.ResourceSlice)
    except ClusterError as error:
        if error.forbidden:
            return Devices(refused=error.problem)
        return Devices() if error.missing else Devices(problems=(error.problem,), partial=True)
    if not slices:
        return Devices()
    with Contained("ResourceSlices") as caught:
        return await _understood(client, version, slices)
    assert caught.problem is not None  # noqa: S101 - else it has returned
    return Devices(problems=(caught.problem,), partial=True)


async def _understood(client: Client, version: str, slices: list[objects.ResourceSlice]) -> Devices:
    problems = dra.elsewhere(slices)
    classes: list[objects.DeviceClass] | None
    try:
        classes = await client.whole_list(f"{_API}/{version}/deviceclasses", objects.DeviceClass)
    except ClusterError as error:
        classes = [] if error.missing else None
    held = None
    try:
        claims = await client.whole_list(f"{_API}/{version}/resourceclaims", objects.ResourceClaim)
        held = dra.allocated(claims)
    except ClusterError as error:
        what = "the ResourceClaims can't be listed: which devices are free is unknown"
        problems += (msgspec.structs.replace(error.problem, what=what),)
    return Devices(by_node=dra.by_node(slices, held), classes=classes, problems=problems)


class _Group(msgspec.Struct, frozen=True):
    versions: list[dict[str, str]] | None = None


async def _beta(client: Client) -> str:
    """The newest beta that a server before 1.34 has; empty where it has none."""
    try:
        group = await client.get(_API, _Group)
    except ClusterError:
        return ""
    known = {one.get("version") for one in group.versions or ()}
    return next((version for version in _BETAS if version in known), "")
