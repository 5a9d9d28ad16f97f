"""Whether pods that ask for an extended resource (`nvidia.com/gpu`) get a node's devices of DRA.

KEP-5004, `spec.extendedResourceName` of a DeviceClass: kubernetes, pkg/features/kube_features.go
(DRAExtendedResource: alpha and off in 1.34, beta and on in 1.36, always on from 1.37) and
pkg/scheduler/framework/plugins/dynamicresources/extended/cache.go (of several classes with one name the
newest counts, of equally old ones the first by name). The name that every class has by itself
(`deviceclass.resource.kubernetes.io/CLASS`) is none that a model's pod asks for.
"""

from __future__ import annotations

import re
from collections.abc import Collection

import msgspec

from modelcar_tui.cluster.types import GpuNode, Pool
from modelcar_tui.hardware import asked_resource
from modelcar_tui.kube import minor_version
from modelcar_tui.kube.objects import DeviceClass

_ALPHA, _BETA = 34, 36
"""Minor releases of Kubernetes in which extended resources served by DRA came, off and on by default."""
_QUOTED = r"(?:'(?P<{0}>[^'\"\\]*)'|\"(?P<{0}2>[^'\"\\]*)\")"
_DRIVER = re.compile(r"device\.driver\s*==\s*" + _QUOTED.format("value"))
_TYPE = re.compile(
    r"device\.attributes\[" + _QUOTED.format("domain") + r"\]\.type\s*==\s*" + _QUOTED.format("value")
)
_MIG = "mig"


def served(node: GpuNode, classes: Collection[DeviceClass] | None) -> GpuNode:
    """The node with what is known of whether pods get its devices by an extended resource.

    Args:
        node: of which devices of DRA are pools named `dra:DRIVER...`.
        classes: every DeviceClass; None when they could not be listed.
    """
    if not any(pool.resource.startswith("dra:") for pool in node.pool):
        return node
    pools = tuple(
        msgspec.structs.replace(pool, asked_for=_asked_for(pool, node.kubelet, classes))
        if pool.resource.startswith("dra:")
        else pool
        for pool in node.pool
    )
    return msgspec.structs.replace(node, pool=pools)


def _asked_for(pool: Pool, kubelet: str, classes: Collection[DeviceClass] | None) -> bool | None:
    release = minor_version(kubelet)
    if release is not None and release < _ALPHA:
        return False
    if classes is None:
        return None
    name = asked_resource(pool.resource)
    named = sorted(
        (one for one in classes if one.spec.extended_resource_name == name),
        key=lambda one: one.metadata.name,
    )
    if not named:
        return False
    takes = _takes(max(named, key=lambda one: one.metadata.creation_timestamp), pool)
    if takes is False:
        return False
    return True if takes and release is not None and release >= _BETA else None


def _takes(one: DeviceClass, pool: Pool) -> bool | None:
    """Whether a class takes the devices of a pool; None where its expressions say more than driver and
    type."""
    driver = pool.resource.removeprefix("dra:").partition("/")[0]
    answers = [
        _clause(clause.strip().strip("()").strip(), driver, mig=pool.mig_profile is not None)
        for selector in one.spec.selectors or ()
        for clause in _clauses((selector.cel or {}).get("expression", ""))
    ]
    if False in answers:
        return False
    return None if None in answers else True


def _clauses(expression: str) -> list[str]:
    """What all must hold; an expression with alternatives is one clause."""
    return [expression] if "||" in expression or "?" in expression else expression.split("&&")


def _clause(text: str, driver: str, *, mig: bool) -> bool | None:
    if found := _DRIVER.fullmatch(text):
        return (found["value"] or found["value2"]) == driver
    if found := _TYPE.fullmatch(text):
        ours = (found["domain"] or found["domain2"]) == driver
        kind = found["value"] or found["value2"]
        return ours and (kind == _MIG) == mig and kind != "vfio"
    return None
