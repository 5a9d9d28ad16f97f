"""What our reader says of a manifest, beside what a careful person wrote down."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.kube import mebibytes, thousandths
from modelcar_tui.manifest import Manifest, ModelCar, Server, expanded, inspect_text

Row = dict[str, Any]
"""One thing to serve in `sources.yaml`."""
BY_KSERVE = {
    "LLMInferenceService": {"HOME": "/home", "VLLM_LOGGING_LEVEL": "INFO", "HF_HUB_CACHE": "/models"},
}
"""Variables that KServe's own configurations set, where the file says nothing else."""
BY_WORKER = (
    "PIPELINE_PARALLEL_SIZE",
    "TENSOR_PARALLEL_SIZE",
    "RAY_NODE_COUNT",
    "REQUEST_GPU_COUNT",
    "MODEL_NAME",
)
"""Variables that KServe sets where an InferenceService has a workerSpec."""
TEXTS = ("kind", "namespace", "source", "runtime", "image", "resource", "args")
FIELDS = (*TEXTS, "gpus", "pods", "copies", "cpu", "memory")
_FILLED = re.compile(r"\$\{?\w")
"""A text that something fills in before the manifest is applied: no reader can say what it will be."""


class Reading(msgspec.Struct, frozen=True):
    """A manifest as our reader has it; `problems` are errors and what a run would stop at."""

    models: dict[str, ModelCar]
    problems: tuple[Problem, ...]
    manifest: Manifest | None = None


def reading_of(data: bytes, label: str) -> Reading:
    """What the reader says; a file that can't be read at all is a reading, too."""
    try:
        manifest, errors = inspect_text(data, label)
    except UserError as error:
        return Reading({}, error.problems)
    return Reading({one.name: one for one in manifest.models}, errors, manifest)


def said(car: ModelCar) -> Row:
    """What the reader says of one thing to serve, in the words of a row."""
    server = car.server or Server()
    kserve = dict(BY_KSERVE.get(car.kind, {}))
    environment = {key: value for key, value in server.environment if kserve.get(key) != value}
    if car.pods > 1 and car.kind == "InferenceService":
        environment = {key: value for key, value in environment.items() if key not in BY_WORKER}
    return {
        "name": car.name,
        "kind": car.kind,
        "namespace": car.namespace,
        "source": car.image,
        "runtime": server.runtime or ("" if car.kind != "InferenceService" else _last_word(server.told_by)),
        "image": server.image,
        "gpus": car.serving.gpu_count,
        "resource": server.resource or _device(car),
        "pods": car.pods,
        "copies": car.copies,
        "args": arguments(car),
        "environment": environment,
        "cpu": server.cpu_milli,
        "memory": server.memory_mib,
        "open": sorted({one.code for one in car.open}),
    }


def _last_word(told_by: str) -> str:
    """The name in `ServingRuntime NAME`."""
    return told_by.partition(" ")[2] if "ServingRuntime " in told_by else ""


def differences(reading: Reading, record: dict[str, Any]) -> Iterator[str]:
    """A line for each point in which reader and rows differ; none where they agree."""
    if record["models"]:
        yield from (f"error {one.code}: {one.what}" for one in reading.problems)
    yield from compared([said(car) for car in reading.models.values()], record)


def compared(read: list[Row], record: dict[str, Any]) -> Iterator[str]:
    """The same of what `said` gave."""
    rows = {row["name"]: row for row in record["models"]}
    found = {one["name"]: one for one in read}
    unclear = set(record.get("unclear", ()))
    for name, one in found.items():
        if name not in rows and not (name in unclear and one["open"]):
            yield f"{name}: read, and no row says so"
    for name, row in rows.items():
        if name not in found:
            yield f"{name}: not read"
        else:
            yield from (f"{name}: {line}" for line in _of_row(found[name], row))


def _of_row(read: Row, row: Row) -> Iterator[str]:
    told = dict(row)
    told["cpu"] = thousandths(row["cpu"]) if row["cpu"] else None
    told["memory"] = mebibytes(row["memory"]) if row["memory"] else None
    for key in FIELDS:
        if read[key] != told[key]:
            yield f"{key}: row {told[key]!r}, read {read[key]!r}"
    ours, theirs = read["environment"], row["environment"]
    for name in sorted(ours.keys() | theirs.keys()):
        left_open = name not in ours and _FILLED.search(theirs[name]) is not None
        kserve = name not in ours and theirs[name] == BY_KSERVE.get(row["kind"], {}).get(name)
        if ours.get(name) != theirs.get(name) and not left_open and not kserve:
            yield f"environment {name}: row {theirs.get(name)!r}, read {ours.get(name)!r}"


def arguments(car: ModelCar) -> list[str]:
    """The arguments that the file tells, with variables written out that it tells, too; of an
    LLMInferenceService without those that KServe's configurations put before its own."""
    known = dict(car.server.environment) if car.server is not None else {}
    own = car.serving.args if car.kind == "LLMInferenceService" else car.serving.whole
    return [expanded(one, known) for one in own]


def _device(car: ModelCar) -> str:
    """The class of devices that a claim is for, as an annotation asks KServe for it: no node's resource has
    its name, so the reader leaves it open."""
    return "gpu.nvidia.com" if any("ResourceClaim" in one.what for one in car.open) else ""
