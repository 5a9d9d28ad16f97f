"""Failures that a model's name asks for (`granite-x-pull`): what pods, events and logs then show."""

from __future__ import annotations

from typing import Any, NamedTuple

_WAITING = "waiting"


class Failure(NamedTuple):
    """How one model goes wrong on the cluster, and what QA must say of it."""

    pod: dict[str, Any]
    """See `objects.pod`; with `none` there is no pod at all."""
    after_s: float = 0.0
    """The server runs for so long before that, and is not ready."""
    event: tuple[str, str] = ("", "")
    """Reason and message of a warning about the pod, or about the ReplicaSet where there is no pod."""
    log: str = ""
    """What the server's container wrote last, before it ended."""
    answer: tuple[int, str] = (200, "")
    """How the route answers a request of inference: the status, and a text in place of a right one."""
    refused: str = ""
    """The message with which the API server refuses the InferenceService, status 403."""
    cause: str = ""
    """The code that QA must name for the model; empty where the model passes."""


_START_S = 6.0
_START = """INFO 11-29 10:00:01 [api_server.py:1] vLLM API server version 0.11.2
INFO 11-29 10:00:05 [model.py:1] Using max model len 1024
"""
_PULL = (
    'Back-off pulling image "registry.redhat.io/rhelai1/modelcar:1.5": ErrImagePull: unable to retrieve auth '
    "token: invalid username/password: unauthorized: Please login to the Red Hat Registry"
)
_GPUS = (
    "0/3 nodes are available: 3 Insufficient nvidia.com/gpu. preemption: 0/3 nodes "
    "are available: 3 No preemption victims found for incoming pod."
)
_TORCH = (
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 "
    "has a total capacity of 44.42 GiB of which 1.10 GiB is free."
)
_ARGUMENT = "vllm serve: error: unrecognized arguments: --max-model-length=1024"
_BACK_OFF = "back-off 5m0s restarting failed container=kserve-container pod=predictor"


def _crash(exit_code: int, reason: str) -> dict[str, Any]:
    return {
        "state": {_WAITING: {"reason": "CrashLoopBackOff", "message": _BACK_OFF}},
        "last": {"terminated": {"exitCode": exit_code, "reason": reason}},
        "restarts": 4,
    }


MARK = "-x-"
"""Stands in a model's name before its failure; it outlives what the suite makes of a name."""

FAILURES: dict[str, Failure] = {
    "": Failure({}),
    "pull": Failure(
        {
            "init": {_WAITING: {"reason": "ImagePullBackOff", "message": _PULL}},
            "state": {_WAITING: {"reason": "PodInitializing", "message": ""}},
        },
        event=("Failed", f"Failed to pull image: {_PULL}"),
        cause="IMAGE_PULL_DENIED",
    ),
    "oomk": Failure(
        {"state": {"terminated": {"reason": "OOMKilled", "exitCode": 137}}, "restarts": 1},
        _START_S,
        log=_START,
        cause="HOST_OOM",
    ),
    "pending": Failure({"unplaced": _GPUS}, event=("FailedScheduling", _GPUS), cause="UNSCHEDULABLE"),
    "cuda": Failure(
        _crash(1, "Error"), _START_S, ("BackOff", _BACK_OFF), f"{_START}{_TORCH}\n", cause="CUDA_OOM"
    ),
    "arg": Failure(
        _crash(2, "Error"), _START_S, ("BackOff", _BACK_OFF), f"{_ARGUMENT}\n", cause="VLLM_ARGUMENT"
    ),
    "crash": Failure(_crash(1, "Error"), _START_S, ("BackOff", _BACK_OFF), cause="CRASH_LOOP"),
    "quota": Failure(
        {"none": True},
        refused='inferenceservices "{name}" is forbidden: exceeded quota: gpu-quota, requested: '
        "count/inferenceservices.serving.kserve.io=1, used: count/inferenceservices.serving.kserve.io=1, "
        "limited: count/inferenceservices.serving.kserve.io=1",
        cause="QUOTA",
    ),
    "podquota": Failure(
        {"none": True},
        event=(
            "FailedCreate",
            'Error creating: pods "predictor" is forbidden: exceeded quota: gpu-quota, requested: '
            "requests.nvidia.com/gpu=1, used: requests.nvidia.com/gpu=4, limited: requests.nvidia.com/gpu=4",
        ),
        cause="QUOTA",
    ),
    "wrong": Failure({}, answer=(200, "lorem ipsum dolor sit amet"), cause="WRONG_ANSWER"),
    "r503": Failure({}, answer=(503, ""), cause="ROUTE_503"),
}
"""By what stands behind `MARK` in a model's name."""


def of(name: str) -> Failure:
    """The failure that a model, or the object of one, asks for."""
    return FAILURES.get(name.partition(MARK)[2], FAILURES[""])
