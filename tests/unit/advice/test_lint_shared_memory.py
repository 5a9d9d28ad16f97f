"""/dev/shm where several GPU processes share a pod."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from modelcar_tui.advice.finding import Finding, Severity, Stops
from modelcar_tui.advice.lint import CODES, lint_model
from modelcar_tui.manifest.kinds.objects import below
from modelcar_tui.manifest.kinds.pods import containers_of, shm_of
from modelcar_tui.manifest.spans import compose_all
from modelcar_tui.manifest.types import ModelCar, Position, Server, ServingArguments

AT = Position(1, 1)


def found(
    *args: str, shm: int | None = None, pods: int = 1, kind: str = "Deployment", runtime: str = ""
) -> list[Finding]:
    car = ModelCar(
        name="m",
        image="oci://quay.io/x/m:1",
        at=AT,
        name_at=AT,
        image_at=AT,
        kind=kind,
        pods=pods,
        serving=ServingArguments(gpu_count=8, args=args, by_suite=False),
        server=Server(shm_mib=shm, runtime=runtime),
    )
    return [one for one in lint_model(car, vllm="0.19.1") if one.code == "shm-missing"]


TWO = "--tensor-parallel-size=2"


def test_several_processes_in_what_the_container_runtime_gives_are_warned_of() -> None:
    (one,) = found(TWO, "--data-parallel-size=2")
    assert (one.severity, one.stops, one.model) == (Severity.WARNING, Stops.NOTHING, "m")
    assert one.what == (
        "4 GPU processes of a pod share 64 MiB of /dev/shm (no volume is mounted there): NCCL, or vLLM's "
        "workers, may stop where it is full"
    )
    assert "medium: Memory" in one.fix
    assert one.code in CODES
    assert found(TWO, shm=32)[0].what.startswith(
        "2 GPU processes of a pod share 32 MiB of /dev/shm (as its volume says)"
    )


@pytest.mark.parametrize(
    "told",
    [
        {"shm": 0},
        {"shm": 1024},
        {"pods": 2},
        {"kind": "LLMInferenceService"},
        {"kind": "vllm serve"},
        {"runtime": "theirs"},
    ],
)
def test_memory_that_is_there_or_may_be_and_one_process_are_no_matter(told: dict[str, Any]) -> None:
    assert found(TWO, **told) == []


def test_one_gpu_and_a_size_that_is_not_known_are_no_matter() -> None:
    assert found() == []
    assert found("--tensor-parallel-size=$(SIZE)") == []


def test_a_model_car_is_served_by_the_cluster_s_runtime() -> None:
    car = ModelCar(name="m", image="i", at=AT, name_at=AT, image_at=AT)
    car = msgspec.structs.replace(car, serving=ServingArguments(gpu_count=2, args=(TWO,)))
    assert "shm-missing" not in {one.code for one in lint_model(car, vllm="0.19.1")}


@pytest.mark.parametrize(("host", "mib"), [("hostIPC: true", 0), ("hostIPC: false", None), ("a: b", None)])
def test_a_pod_that_shares_the_node_s_ipc_has_the_node_s_memory(host: str, mib: int | None) -> None:
    (root,) = compose_all(f"spec:\n  {host}\n  containers: [{{name: c}}]\n").roots
    pod = below(root, "spec")
    assert pod is not None
    ((container, _),) = containers_of(pod, ())
    assert shm_of(pod, container) == mib
