"""The parts of Kubernetes objects that an inventory reads, and a decoder that never fails a whole list.

Everything has a default. A page is decoded straight into these types; where that fails (a condition that is
a number, `taints: null`, ...) the page is decoded once more, object by object, and what is odd is left at its
default. Texts are still as the server sent them; they are cleaned where they enter our own types.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

Quantity = str | int | float | None


class Meta(msgspec.Struct, frozen=True, rename="camel"):
    """`metadata`."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    deletion_timestamp: str | None = None


class Taint(msgspec.Struct, frozen=True):
    key: str = ""
    value: str | None = None
    effect: str = ""


class Condition(msgspec.Struct, frozen=True):
    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""


class NodeSpec(msgspec.Struct, frozen=True, rename="camel"):
    provider_id: str | None = msgspec.field(default=None, name="providerID")
    unschedulable: bool | None = None
    taints: list[Taint] | None = None


class NodeInfo(msgspec.Struct, frozen=True, rename="camel"):
    kubelet_version: str = ""


class NodeStatus(msgspec.Struct, frozen=True, rename="camel"):
    node_info: NodeInfo = NodeInfo()
    capacity: dict[str, Quantity] | None = None
    allocatable: dict[str, Quantity] | None = None
    conditions: list[Condition] | None = None


class Node(msgspec.Struct, frozen=True):
    """core/v1 Node."""

    metadata: Meta = Meta()
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()


class SmallMeta(msgspec.Struct, frozen=True):
    """`metadata` of what there are tens of thousands of."""

    name: str = ""
    namespace: str = ""


class PodLabels(
    msgspec.Struct,
    frozen=True,
    rename={
        "inference_service": "serving.kserve.io/inferenceservice",
        "name": "app.kubernetes.io/name",
        "part_of": "app.kubernetes.io/part-of",
        "component": "app.kubernetes.io/component",
        "template": "pod-template-hash",
        "group": "leaderworkerset.sigs.k8s.io/name",
    },
):
    """Of a pod, those by which its controller knows it; no others are kept."""

    inference_service: str = ""
    name: str = ""
    part_of: str = ""
    component: str = ""
    template: str = ""
    group: str = ""


class Owner(msgspec.Struct, frozen=True):
    """meta/v1 OwnerReference."""

    kind: str = ""
    name: str = ""
    controller: bool = False


class PodMeta(SmallMeta, frozen=True, rename="camel"):
    """`metadata` of a pod."""

    labels: PodLabels | None = None
    owner_references: list[Owner] | None = None


class Requirements(msgspec.Struct, frozen=True):
    requests: dict[str, Quantity] | None = None
    limits: dict[str, Quantity] | None = None


class Container(msgspec.Struct, frozen=True, rename="camel"):
    resources: Requirements | None = None
    restart_policy: str | None = None


class PodSpec(msgspec.Struct, frozen=True, rename="camel"):
    node_name: str | None = None
    containers: list[Container] | None = None
    init_containers: list[Container] | None = None
    overhead: dict[str, Quantity] | None = None


class PodStatus(msgspec.Struct, frozen=True, rename="camel"):
    phase: str = ""
    nominated_node_name: str | None = None


class Pod(msgspec.Struct, frozen=True):
    """core/v1 Pod, as far as the scheduler's sum needs it, and whose it is."""

    metadata: PodMeta = PodMeta()
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()


class Attribute(msgspec.Struct, frozen=True):
    string: str | None = None
    version: str | None = None
    int: Quantity = None
    bool: Any = None


class CapacityValue(msgspec.Struct, frozen=True):
    value: Quantity = None


class CounterUse(msgspec.Struct, frozen=True, rename="camel"):
    counter_set: str = ""
    counters: dict[str, CapacityValue] | None = None


class CounterSet(msgspec.Struct, frozen=True):
    name: str = ""
    counters: dict[str, CapacityValue] | None = None


class Basic(msgspec.Struct, frozen=True):
    """v1beta1 has a device's attributes one level deeper."""

    attributes: dict[str, Attribute] | None = None
    capacity: dict[str, CapacityValue] | None = None


class Expression(msgspec.Struct, frozen=True):
    key: str = ""
    operator: str = ""
    values: list[str] | None = None


class SelectorTerm(msgspec.Struct, frozen=True, rename="camel"):
    match_expressions: list[Expression] | None = None
    match_fields: list[Expression] | None = None


class NodeSelector(msgspec.Struct, frozen=True, rename="camel"):
    """core/v1 NodeSelector."""

    node_selector_terms: list[SelectorTerm] | None = None


class Device(msgspec.Struct, frozen=True, rename="camel"):
    name: str = ""
    basic: Basic | None = None
    node_name: str | None = None
    node_selector: NodeSelector | None = None
    attributes: dict[str, Attribute] | None = None
    capacity: dict[str, CapacityValue] | None = None
    taints: list[Taint] | None = None
    consumes_counters: list[CounterUse] | None = None
    allow_multiple_allocations: bool | None = None


class SlicePool(msgspec.Struct, frozen=True, rename="camel"):
    name: str = ""
    generation: int = 0
    resource_slice_count: int = 1


class SliceSpec(msgspec.Struct, frozen=True, rename="camel"):
    driver: str = ""
    node_name: str | None = None
    node_selector: NodeSelector | None = None
    pool: SlicePool = SlicePool()
    devices: list[Device] | None = None
    shared_counters: list[CounterSet] | None = None


class ResourceSlice(msgspec.Struct, frozen=True):
    """resource.k8s.io/v1 ResourceSlice."""

    metadata: SmallMeta = SmallMeta()
    spec: SliceSpec = SliceSpec()


class Allocated(msgspec.Struct, frozen=True):
    driver: str = ""
    pool: str = ""
    device: str = ""


class AllocatedDevices(msgspec.Struct, frozen=True):
    results: list[Allocated] | None = None


class Allocation(msgspec.Struct, frozen=True):
    devices: AllocatedDevices = AllocatedDevices()


class ClaimStatus(msgspec.Struct, frozen=True):
    allocation: Allocation | None = None


class ResourceClaim(msgspec.Struct, frozen=True):
    """resource.k8s.io/v1 ResourceClaim: which devices are taken."""

    metadata: SmallMeta = SmallMeta()
    status: ClaimStatus = ClaimStatus()


class ClassSelector(msgspec.Struct, frozen=True):
    cel: dict[str, str] | None = None


class ClassSpec(msgspec.Struct, frozen=True, rename="camel"):
    selectors: list[ClassSelector] | None = None
    extended_resource_name: str = ""


class ClassMeta(msgspec.Struct, frozen=True, rename="camel"):
    """`metadata` where the age decides; times of the API sort as text."""

    name: str = ""
    creation_timestamp: str = ""


class DeviceClass(msgspec.Struct, frozen=True):
    """resource.k8s.io/v1 DeviceClass: which devices a claim, or an extended resource, may get."""

    metadata: ClassMeta = ClassMeta()
    spec: ClassSpec = ClassSpec()


class ListMeta(msgspec.Struct, frozen=True, rename="camel"):
    resource_version: str | None = None
    continue_: str | None = msgspec.field(default=None, name="continue")


T = TypeVar("T", bound=msgspec.Struct)
K = TypeVar("K")


def salvage(kind: type[T], value: object) -> T:
    """`value` (decoded JSON) as `kind`, with the parts that have the wrong type left at their defaults."""
    made = _salvage(inspect.type_info(kind), value)
    return kind() if made is _ODD else made


_ODD: Any = object()


_SCALARS: dict[type[inspect.Type], type] = {
    inspect.StrType: str,
    inspect.IntType: int,
    inspect.FloatType: float,
    inspect.NoneType: type(None),
    inspect.BoolType: bool,
}


def _salvage(info: inspect.Type, value: object) -> Any:
    """The value with what is odd left out, or `_ODD` when nothing can be saved."""
    match info, value:
        case inspect.StructType(), dict():
            told = (field for field in info.fields if field.encode_name in value)
            return info.cls(**_sound((field.name, field.type, value[field.encode_name]) for field in told))
        case inspect.DictType(), dict():
            return _sound((str(key), info.value_type, item) for key, item in value.items())
        case inspect.ListType(), list():
            return list(_sound((at, info.item_type, item) for at, item in enumerate(value)).values())
        case inspect.UnionType(), _:
            return next((made for one in info.types if (made := _salvage(one, value)) is not _ODD), _ODD)
        case inspect.AnyType(), _:
            return value
        case inspect.StrType(), bool() | int() | float():
            return str(value).lower()  # written by hand in YAML: `nvidia.com/gpu.count: 8`, `status: True`
    return value if type(value) is _SCALARS.get(type(info)) else _ODD


def _sound(parts: Iterable[tuple[K, inspect.Type, object]]) -> dict[K, Any]:
    """Of names, types and values those whose values can be saved."""
    return {name: made for name, info, value in parts if (made := _salvage(info, value)) is not _ODD}
