"""What a ServingRuntime says of its vLLM, be it out of a file or a cluster."""

from __future__ import annotations

from typing import Any

import pytest

from modelcar_tui.manifest import runtime_from
from modelcar_tui.manifest.kinds.runtimes import ReadRuntime


def runtime(container: dict[str, Any] | None = None, **spec: Any) -> ReadRuntime:
    """One of a cluster, with one container."""
    containers = [{"name": "kserve-container", "image": "quay.io/x/y:1", **(container or {})}]
    found = runtime_from("mine", {}, {"containers": containers, **spec})
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("container", "args"),
    [
        ({"args": ["--port=8080", "--model=/mnt/models"]}, ("--port=8080", "--model=/mnt/models")),
        ({"args": ["/mnt/models", "--port=8080"]}, ("--port=8080",)),
        ({"command": ["vllm", "serve", "/mnt/models"], "args": ["--seed=1"]}, ("--seed=1",)),
        ({"command": ["bash", "-c", "exec vllm serve /mnt/models --seed 1"]}, ("--seed", "1")),
        (
            {"command": ["bash", "-c", 'vllm serve /mnt/models --seed 1 "$@"', "--"], "args": ["--port=1"]},
            ("--seed", "1", "--port=1"),
        ),
        ({"command": ["/start.sh"], "args": ["--port=8080"]}, ("--port=8080",)),
        ({"args": None}, ()),
        ({"args": "--seed=1"}, ()),
    ],
)
def test_what_it_passes_to_vllm(container: dict[str, Any], args: tuple[str, ...]) -> None:
    assert runtime(container).args == args


def test_a_secret_in_its_arguments_is_masked() -> None:
    assert "hunter2hunter2" not in repr(runtime({"args": ["--api-key=hunter2hunter2"]}).args)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (runtime(annotations={"opendatahub.io/kserve-runtime": "vllm"}), True),
        (runtime(supportedModelFormats=[{"name": "vLLM"}]), True),
        (runtime({"image": "quay.io/modh/vllm:1"}), True),
        (runtime(), False),
        (
            runtime({"image": "kserve/huggingfaceserver:v1-gpu"}, supportedModelFormats=[{"name": "vLLM"}]),
            False,
        ),
    ],
)
def test_whether_it_runs_vllm(found: ReadRuntime, expected: bool) -> None:
    assert found.runs_vllm is expected


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"containers": None},
        {"containers": [None, 3, "x"]},
        {"containers": [{"name": 3, "image": ["x"], "args": [1, None, {}], "env": [1, {"name": 2}]}]},
        {
            "supportedModelFormats": 3,
            "annotations": [],
            "tolerations": [1],
            "affinity": "x",
            "workerSpec": [],
        },
        {"supportedModelFormats": [None, {"name": {}, "priority": [1]}], "disabled": "x"},
    ],
)
def test_odd_objects_of_a_cluster_are_read_as_far_as_they_go(spec: dict[str, Any]) -> None:
    found = runtime_from("odd", {}, spec)
    assert found is not None
    assert (found.runs_vllm, found.disabled, found.worker, found.environment) == (False, False, None, ())
    assert found.scheduling.cpu_milli is None


def test_what_is_too_deep_is_not_followed() -> None:
    deep: Any = "x"
    for _ in range(500):
        deep = {"a": deep}
    assert runtime(affinity=deep).scheduling.terms == ()


def test_numbers_and_truths_are_read_as_json_has_them() -> None:
    formats = [{"name": "vLLM", "autoSelect": True, "priority": 2}]
    found = runtime({"resources": {"limits": {"cpu": 4}}}, supportedModelFormats=formats, disabled=True)
    assert (found.priority("vLLM"), found.disabled, found.scheduling.cpu_milli) == (2, True, 4000)
    assert found.supports("vLLM", "", named=False)
