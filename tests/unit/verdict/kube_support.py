"""What a Kubernetes manifest asks to serve, by hand."""

from __future__ import annotations

from typing import Any

import msgspec
from deciding_support import SHORT, model

from modelcar_tui.manifest.types import Server
from modelcar_tui.verdict.reports import ModelRequirements

CUDA = "vllm/vllm-openai:v0.19.0"


def asks(
    *args: str,
    gpus: int = 1,
    kind: str = "Deployment",
    name: str = "m",
    namespace: str = "",
    copies: int = 1,
    pods: int = 1,
    image: str = "oci://quay.io/x/m:1",
    by: str = CUDA,
    **server: Any,
) -> ModelRequirements:
    """One Llama 8B with a short context; each pod asks for `gpus` of `nvidia.com/gpu`.

    Args:
        by: the image that serves.
        server: what else the manifest says of it.
    """
    told = {
        "told_by": "container vllm",
        "image": by,
        "resource": "nvidia.com/gpu" if gpus else "",
        **server,
    }
    base = model(*(args or (SHORT,)), gpus=gpus)
    car = msgspec.structs.replace(
        base.car,
        name=name,
        image=image,
        kind=kind,
        namespace=namespace,
        copies=copies,
        pods=pods,
        server=Server(**told),
        serving=msgspec.structs.replace(base.car.serving, by_suite=False),
    )
    return msgspec.structs.replace(base, car=car)
