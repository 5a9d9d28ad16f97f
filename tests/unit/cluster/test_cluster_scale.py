"""MachineSets that could scale from zero: what is known of their GPUs, and what is not."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from modelcar_tui.cluster.scale import MachineSet, scale_up
from modelcar_tui.cluster.types import ScaleUp
from modelcar_tui.cluster.words import scale_text

MAX = "machine.openshift.io/cluster-api-autoscaler-node-group-max-size"
GPU = "machine.openshift.io/GPU"
NEW = {"instanceType": "zz.new"}
LABELS = "capacity.cluster-autoscaler.kubernetes.io/labels"


def found(
    notes: dict[str, str], value: dict[str, Any], *, labels: dict[str, str] | None = None, replicas: int = 0
) -> ScaleUp | None:
    made = {
        "metadata": {"name": "gpu-a", "annotations": notes},
        "spec": {
            "replicas": replicas,
            "template": {"spec": {"metadata": {"labels": labels or {}}, "providerSpec": {"value": value}}},
        },
    }
    one = scale_up([msgspec.convert(made, MachineSet)])
    return one[0] if one else None


@pytest.mark.parametrize(
    ("notes", "value", "labels", "expected"),
    [
        ({GPU: "4", MAX: "3"}, {"instanceType": "g6e.12xlarge"}, {}, (12, "L40S", "instance-type")),
        ({MAX: "2"}, {"instanceType": "p5.48xlarge"}, {}, (16, "H100-80GB-HBM3", "instance-type")),
        (
            {GPU: "2", MAX: "1"},
            {"vmSize": "Standard_NC48ads_A100_v4"},
            {},
            (2, "A100-80GB-PCIe", "instance-type"),
        ),
        ({MAX: "1"}, {"vmSize": "Standard_ND96isr_MI300X_v5"}, {}, (8, "Instinct-MI300X", "instance-type")),
        ({MAX: "4"}, {"machineType": "a3-highgpu-8g"}, {}, (32, "H100-80GB-HBM3", "instance-type")),
        (
            {MAX: "2"},
            {"machineType": "n1-standard-8", "gpus": [{"type": "nvidia-tesla-t4", "count": 2}]},
            {},
            (4, "Tesla-T4", "label"),
        ),
        ({MAX: "2"}, {"profile": "gx3-48x240x2l40s"}, {}, (4, "L40S", "instance-type")),
        ({GPU: "2", MAX: "3"}, NEW, {"cluster-api/accelerator": "nvidia-l40s"}, (6, "L40S", "label")),
        ({GPU: "2", MAX: "3"}, NEW, {}, (6, None, "")),
        ({MAX: "3"}, NEW, {"cluster-api/accelerator": "nvidia-l40s"}, (None, "L40S", "label")),
        (
            {MAX: "1", LABELS: "kubernetes.io/arch=amd64,cluster-api/accelerator=zorp"},
            NEW,
            {},
            (None, "zorp", "label"),
        ),
        ({GPU: "1"}, {"instanceType": "g6.xlarge"}, {}, (0, "L4", "instance-type")),
        ({GPU: "x", MAX: "y"}, {"instanceType": "g6.xlarge"}, {}, (0, "L4", "instance-type")),
    ],
    ids=[
        "aws",
        "aws-no-annotation",
        "azure",
        "azure-amd",
        "gcp",
        "gcp-attached",
        "ibm",
        "label",
        "unknown-product",
        "unknown-number",
        "autoscaler-labels",
        "no-autoscaler",
        "nonsense",
    ],
)
def test_what_could_be_added(
    notes: dict[str, str], value: dict[str, Any], labels: dict[str, str], expected: tuple[Any, ...]
) -> None:
    one = found(notes, value, labels=labels)
    assert one is not None
    assert (one.could_add_gpus, one.product, one.confidence) == expected


@pytest.mark.parametrize(
    "value",
    [{"instanceType": "m6i.4xlarge"}, {"machineType": "n2-standard-8"}, {}, {"vmSize": "Standard_D8s_v5"}],
)
def test_sets_without_gpus_are_none(value: dict[str, Any]) -> None:
    assert found({MAX: "9", GPU: "0"}, value) is None
    assert found({MAX: "9"}, value) is None


def test_replicas_that_are_there_are_not_counted_again() -> None:
    one = found({GPU: "4", MAX: "3"}, {"instanceType": "g6e.12xlarge"}, replicas=2)
    assert one is not None
    assert (one.could_add_nodes, one.could_add_gpus) == (1, 4)


def test_an_unknown_number_is_never_said_as_one() -> None:
    one = found({MAX: "3"}, NEW, labels={"cluster-api/accelerator": "nvidia-l40s"})
    assert one is not None
    assert scale_text(one) == "3 nodes with an unknown number of L40S (MachineSet gpu-a)"
