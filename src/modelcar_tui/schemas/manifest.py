"""The model-car manifest as operators write it: what an editor checks while they type.

`manifest/reader.py` is what judges a manifest; it knows more than a schema can say (names used twice,
characters that can't be seen, what YAML makes of a spelling).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from modelcar_tui.manifest import MAX_GPUS, MAX_MODELS, MAX_TEXT, OCI_TRANSPORTS

_TRANSPORTS = "|".join(name.replace("+", r"\+") for name in OCI_TRANSPORTS)
_IMAGE = rf"^ *(?:(?:{_TRANSPORTS})://\S*[^\s/]\S*|(?![A-Za-z][A-Za-z0-9+.-]*://)\S+) *$"
Text = Annotated[str, Field(max_length=MAX_TEXT, pattern=r"\S")]
OutputType = Literal["text", "audio", "embedding"]
ExecutionMode = Literal["sequential", "parallel"]


class _Block(BaseModel):
    """Keys that nobody knows are told by `agent lint` and ignored, so they are no fault of the shape."""

    model_config = ConfigDict(
        extra="allow", frozen=True, strict=True, regex_engine="python-re", use_attribute_docstrings=True
    )


class ServingArguments(_Block):
    """vLLM's arguments and the number of GPUs of one copy of a model."""

    gpu_count: Annotated[int, Field(ge=1, le=MAX_GPUS, examples=[1, 2])] = 1
    """GPUs of one copy, in plain decimal digits."""
    args: Annotated[
        list[Text] | None, Field(examples=[["--max-model-len=8192", "--tensor-parallel-size=2"]])
    ] = None
    """Arguments of `vllm serve`, one `--flag=value` an item; an item that is no text stands in quotes."""


class ModelCar(_Block):
    """One model."""

    name: Annotated[Text, Field(examples=["granite-3.1-8b-instruct"])]
    """Its name, used once in a manifest; the QA suite tells names apart by their first 20 characters."""
    image: Annotated[
        str,
        Field(
            max_length=MAX_TEXT,
            pattern=_IMAGE,
            examples=["oci://registry.redhat.io/rhelai1/modelcar-granite-3-1-8b-instruct:1.5"],
        ),
    ]
    """The OCI image that holds its files: `oci://REGISTRY/REPOSITORY:TAG`, or by digest."""
    serving_arguments: ServingArguments | None = None
    """Its own arguments. Where they are missing the whole default block is used; the two are never merged."""
    model_output_type: Annotated[OutputType | None, Field(examples=["text"])] = None
    """What it answers with, by which the QA suite asks it; text where nothing is said."""
    execution_mode: Annotated[ExecutionMode | None, Field(examples=["sequential"])] = None
    """Whether the QA suite serves it after or beside others; the default block's where nothing is said."""


class Defaults(_Block):
    """What counts for models that say nothing of their own."""

    serving_arguments: ServingArguments | None = None
    """Of every model that has none."""
    execution_mode: Annotated[ExecutionMode | None, Field(examples=["sequential"])] = None
    """Of every model that has none; sequential where nothing is said."""
    model_output_type: Annotated[Any, Field(examples=["text"])] = None
    """Not used: write it with each model."""


class ModelCarManifest(_Block):
    """A model-car manifest: the models that the QA suite serves one by one. Keys that begin with `x-` are
    free."""

    model_car: Annotated[
        Annotated[list[ModelCar], Field(min_length=1, max_length=MAX_MODELS)] | ModelCar,
        Field(
            alias="model-car",
            examples=[[{"name": "granite", "image": "oci://registry.example.com/modelcar-granite:1.0"}]],
        ),
    ]
    """The models. A single mapping is read, too, but the QA suite accepts only a list."""
    default: Defaults | None = None
    """What counts for models that say nothing of their own."""
