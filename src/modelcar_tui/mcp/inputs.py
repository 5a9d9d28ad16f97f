"""What each tool is asked, as typed models: unknown keys and long texts are refused."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

MOST_TEXT = 1024 * 1024
"""Characters of a manifest that is given as text."""
Word = Annotated[str, Field(min_length=1, max_length=300)]
Argument = Annotated[str, Field(min_length=1, max_length=4000)]
Path_ = Annotated[str, Field(min_length=1, max_length=1000)]
Release = Annotated[
    str | None, Field(max_length=40, description="vLLM release, such as 0.11.0; default: newest known")
]


class Input(BaseModel):
    """Nothing beside its fields."""

    model_config = ConfigDict(extra="forbid", strict=True)


class EstimateInput(Input):
    """One model on one kind of GPU."""

    source: Annotated[
        str,
        Field(
            min_length=1,
            max_length=1000,
            description="config.json, .gguf or model folder below an allowed folder; a public model's name; "
            "or an OCI image",
        ),
    ]
    gpu: Annotated[Word, Field(description="PRODUCT[:COUNT], such as L40S or H200:2")]
    vllm: Release = None
    arguments: Annotated[
        list[Argument],
        Field(max_length=200, description="vLLM's own, such as --tensor-parallel-size=2; no secrets"),
    ] = []
    terms: Annotated[bool, Field(description="also the terms that each figure is made of")] = False


class LintInput(Input):
    """One manifest: its text or its path."""

    path: Annotated[Path_ | None, Field(description="a .yaml file below an allowed folder; or give text")] = (
        None
    )
    text: Annotated[
        str | None, Field(max_length=MOST_TEXT, description="the manifest's YAML; or give path")
    ] = None
    vllm: Release = None
    style: Annotated[bool, Field(description="matters of style one by one")] = False


class InventoryInput(Input):
    """Stated GPUs, a file, or else the cluster of the operator's kubeconfig."""

    gpus: Annotated[
        list[Word], Field(max_length=50, description="PRODUCT:COUNT[@NODES] each, such as L40S:4@3")
    ] = []
    path: Annotated[
        Path_ | None, Field(description="output of `oc get nodes -o json` below an allowed folder")
    ] = None
    timeout_seconds: Annotated[float, Field(ge=1, le=180, description="for the cluster's answer")] = 60.0


class RunInput(Input):
    """One earlier run."""

    run: Annotated[str, Field(min_length=1, max_length=80, description="id, the start of one, or last")] = (
        "last"
    )


class RunsInput(Input):
    """The earlier runs."""

    most: Annotated[int, Field(ge=1, le=50, description="the newest so many")] = 20
