"""One model as it is to be served: what is rendered, whatever the kind, from what was found out about it."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from modelcar_tui.cluster import OciMode
from modelcar_tui.cluster.types import AcceleratorReport, Runtime
from modelcar_tui.kserve.render_place import Place, place_of
from modelcar_tui.manifest import OCI_TRANSPORTS, Change, Operation
from modelcar_tui.verdict import DecisionReport, ModelRequirements
from modelcar_tui.vllm.arguments import parse_arguments

_LONGEST = 63 - len("-predictor")
"""Characters of an InferenceService's name: what KServe makes of it is a DNS label."""
_SIZES = ("--tensor-parallel-size", "--pipeline-parallel-size", "--data-parallel-size")


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One model as it is to be served."""

    name: str
    """A DNS label, unlike that of every other of the file."""
    title: str
    """As the file calls it."""
    source: str
    """As the file has it: `oci://REGISTRY/REPOSITORY:TAG`."""
    namespace: str = ""
    args: tuple[str, ...] = ()
    """vLLM's, as they are approved, without those that the runtime passes by itself."""
    gpus: int = 1
    sharded: bool = True
    """Whether the arguments say how the model is shared by its GPUs."""
    copies: int = 1
    environment: tuple[tuple[str, str], ...] = ()
    cpu_milli: int | None = None
    """As the file or the runtime says; None where neither does."""
    memory_mib: int | None = None
    weight_bytes: int | None = None
    weights_from: str = ""
    """`read from the safetensors headers`."""
    image_bytes: int | None = None
    """As the registry stores it; None where it is not known."""
    image_from: str = ""
    place: Place | None = None
    """None where no accelerator is known."""
    runtime: Runtime | None = None
    native: bool = False
    """Whether KServe's settings bring images as volumes of Kubernetes."""
    pull_secrets: tuple[str, ...] = ()
    reasons: tuple[tuple[str, str], ...] = ()
    """Arguments that were accepted, each with its reason."""
    gpus_why: str = ""
    """Why the number of GPUs is not the file's; empty where it is."""
    output_type: str = "text"
    execution_mode: str = "sequential"

    @property
    def uri(self) -> str:
        """Where the model is, with a scheme of KServe: `oci://...`."""
        scheme, found, rest = self.source.partition("://")
        if not found:
            return f"oci://{self.source}"
        return f"oci://{rest}" if scheme == "docker" else self.source

    @property
    def is_image(self) -> bool:
        """Whether it is an OCI image, which a model-car is."""
        return self.uri.partition("://")[0] in OCI_TRANSPORTS

    @property
    def shared_args(self) -> tuple[str, ...]:
        """The arguments with the tensor parallel size that the QA suite gives such a model."""
        return self.args if self.sharded else (*self.args, f"{_SIZES[0]}={self.gpus}")


def requests_of(
    models: Iterable[ModelRequirements],
    cluster: AcceleratorReport,
    decision: DecisionReport,
    *,
    vllm: str | None = None,
    pull_secrets: tuple[str, ...] = (),
    namespace: str = "",
    accepted: Iterable[Change] = (),
) -> tuple[Request, ...]:
    """The models with what was found out about them.

    Args:
        models: with the arguments that are approved.
        cluster: what was looked at.
        decision: on these models.
        vllm: the release that serves them, where it is known.
        pull_secrets: names of Secrets with which the image is pulled.
        namespace: where they are to be served; empty leaves it to whoever applies them.
        accepted: the changes that `models` have in them, for their reasons.
    """
    changes = list(accepted)
    taken: set[str] = set()
    found = []
    for model in models:
        name = _unlike(dns_label(model.car.name), taken)
        one = _request(model, cluster, name, namespace)
        place = place_of(model, cluster, decision, vllm)
        mine = [change for change in changes if change.model == one.title]
        found.append(
            msgspec.structs.replace(
                one,
                place=place,
                pull_secrets=pull_secrets,
                reasons=tuple((change.new or "", change.reason) for change in mine if _is_argument(change)),
                gpus_why=next((c.reason for c in mine if c.operation is Operation.GPU_COUNT), ""),
            )
        )
    return tuple(found)


def _request(model: ModelRequirements, cluster: AcceleratorReport, name: str, namespace: str) -> Request:
    car, image, runtime = model.car, model.image, cluster.runtime
    told = {one.name for one in parse_arguments(car.serving.args, None) if one.flag is not None}
    weights = image.model.weight_bytes
    asked = runtime.scheduling if runtime else None
    return Request(
        name=name,
        title=car.name,
        source=car.image,
        namespace=namespace,
        args=car.serving.args,
        gpus=car.serving.gpu_count,
        sharded=car.serving.gpu_count == 1 or bool(told & set(_SIZES)),
        cpu_milli=asked.cpu_milli if asked else None,
        memory_mib=asked.memory_mib if asked else None,
        weight_bytes=weights.value,
        weights_from=weights.source.told,
        image_bytes=image.size_bytes.value,
        image_from=image.size_bytes.source.told,
        runtime=runtime,
        native=cluster.kserve is not None and cluster.kserve.oci_mode is OciMode.NATIVE,
        output_type=car.model_output_type,
        execution_mode=car.execution_mode,
    )


def _is_argument(change: Change) -> bool:
    return change.new is not None and change.operation is not Operation.GPU_COUNT


def dns_label(title: str) -> str:
    """A name that KServe takes (`[a-z]([-a-z0-9]*[a-z0-9])?`), as near to the title as may be."""
    plain = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
    if not plain or not plain[0].isalpha():
        plain = f"model-{plain}".strip("-")
    return plain[:_LONGEST].rstrip("-")


def _unlike(name: str, taken: set[str]) -> str:
    found, number = name, 1
    while found in taken:
        number += 1
        end = f"-{number}"
        found = name[: _LONGEST - len(end)].rstrip("-") + end
    taken.add(found)
    return found
