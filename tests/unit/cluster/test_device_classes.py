"""Which DeviceClass serves an extended resource: expressions as the drivers' charts write them, and more."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from modelcar_tui.cluster.device_classes import served
from modelcar_tui.cluster.types import GpuNode, Pool
from modelcar_tui.kube.objects import DeviceClass

DRIVER = "device.driver == 'gpu.nvidia.com'"
GPU = "device.attributes['gpu.nvidia.com'].type == 'gpu'"
MIG = "device.attributes['gpu.nvidia.com'].type == 'mig'"
OLD, NEW = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"


def class_(*expressions: str, name: str = "c", serves: str = "nvidia.com/gpu", at: str = OLD) -> DeviceClass:
    found: dict[str, Any] = {
        "metadata": {"name": name, "creationTimestamp": at},
        "spec": {
            "extendedResourceName": serves,
            "selectors": [{"cel": {"expression": expression}} for expression in expressions],
        },
    }
    return msgspec.convert(found, DeviceClass)


def asked_for(*classes: DeviceClass, kubelet: str = "v1.36.0", **pool: Any) -> bool | None:
    made = Pool(**{"resource": "dra:gpu.nvidia.com", "units": 1, "asked_for": None, **pool})
    node = GpuNode(name="n", vendor="nvidia", kubelet=kubelet, pool=(made,))
    return served(node, classes).pool[0].asked_for


@pytest.mark.parametrize(
    ("expressions", "whole", "slices"),
    [
        ((), True, True),
        ((DRIVER,), True, True),
        # dra-driver-nvidia-gpu, deployments/helm/dra-driver-nvidia-gpu/templates/deviceclass-gpu.yaml
        ((f"{DRIVER} && {GPU}",), True, False),
        # ... and deviceclass-mig.yaml, with a name that an administrator gave it
        ((f"{DRIVER} && {MIG}",), False, True),
        ((DRIVER, GPU), True, False),
        ((f"({DRIVER}) && ({GPU})",), True, False),
        (
            ('device.driver == "gpu.nvidia.com" && device.attributes["gpu.nvidia.com"].type == "gpu"',),
            True,
            False,
        ),
        (("device.driver=='gpu.nvidia.com'",), True, True),
        (("device.driver == 'gpu.example.com'",), False, False),
        ((f"device.driver == 'gpu.example.com' || {DRIVER}",), None, None),
        ((f"{DRIVER} && device.attributes['gpu.nvidia.com'].productName.contains('A100')",), None, None),
        ((f"{DRIVER} && device.attributes['gpu.nvidia.com'].type == 'vfio'",), False, False),
        (("!(" + DRIVER + ")",), None, None),
    ],
)
def test_a_class_takes_what_its_expressions_say(
    expressions: tuple[str, ...], whole: bool | None, slices: bool | None
) -> None:
    one = class_(*expressions)
    assert asked_for(one) is whole
    assert asked_for(one, resource="dra:gpu.nvidia.com/1g.10gb", mig_profile="1g.10gb") is slices


@pytest.mark.parametrize(
    ("kubelet", "answer"),
    [
        ("v1.33.9", False),
        ("v1.34.2", None),
        ("v1.35.0", None),
        ("v1.36.0", True),
        ("v1.37.1", True),
        ("", None),
    ],
)
def test_the_release_decides_whether_the_gate_is_open(kubelet: str, answer: bool | None) -> None:
    assert asked_for(class_(DRIVER), kubelet=kubelet) is answer


def test_of_two_classes_with_one_name_the_newer_counts_and_of_equals_the_first_by_name() -> None:
    ours, others = class_(DRIVER, name="b"), class_("device.driver == 'x'", name="a")
    newer = msgspec.structs.replace
    assert asked_for(ours, newer(others, metadata=newer(others.metadata, creation_timestamp=NEW))) is False
    assert asked_for(newer(ours, metadata=newer(ours.metadata, creation_timestamp=NEW)), others) is True
    assert asked_for(ours, others) is False
    assert asked_for(others, ours) is False


@pytest.mark.parametrize(
    ("driver", "serves", "answer"),
    [
        ("gpu.amd.com", "amd.com/gpu", True),
        ("gpu.amd.com", "", False),
        ("gaudi.intel.com", "habana.ai/gaudi", True),
        # intel-resource-drivers-for-kubernetes, charts/intel-gaudi-resource-driver/values.yaml: no pod of the
        # suite asks for that name
        ("gaudi.intel.com", "intel.com/gaudi", False),
    ],
)
def test_the_name_must_be_the_one_that_pods_ask_for(driver: str, serves: str, answer: bool) -> None:
    one = class_(f"device.driver == '{driver}'", serves=serves)
    assert asked_for(one, resource=f"dra:{driver}") is answer


def test_the_name_that_every_class_has_by_itself_is_none_that_a_pod_asks_for() -> None:
    assert asked_for(class_(DRIVER, name="gpu.nvidia.com", serves="")) is False


def test_classes_that_could_not_be_listed_leave_it_open() -> None:
    node = GpuNode(
        name="n", vendor="nvidia", kubelet="v1.36.0", pool=(Pool(resource="dra:gpu.nvidia.com", units=1),)
    )
    assert served(node, None).pool[0].asked_for is None


def test_units_of_a_plug_in_are_left_as_they_are() -> None:
    plain = Pool(resource="nvidia.com/gpu", units=1)
    node = GpuNode(name="n", vendor="nvidia", kubelet="v1.36.0", pool=(plain,))
    assert served(node, ()) is node
    both = msgspec.structs.replace(node, pool=(plain, Pool(resource="dra:gpu.nvidia.com", units=1)))
    assert [pool.asked_for for pool in served(both, (class_(serves=""),)).pool] == [True, False]
