"""Small manifests and models for these tests."""

from __future__ import annotations

from modelcar_tui.core.facts import Fact, Source
from modelcar_tui.hardware.gpu import Gpu
from modelcar_tui.manifest.types import ArgumentsFrom, Manifest, ModelCar, Position, ServingArguments
from modelcar_tui.models.facts import ModelFacts

LLAMA = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 4096,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "intermediate_size": 14336,
    "vocab_size": 128256,
    "max_position_embeddings": 131072,
    "torch_dtype": "bfloat16",
    "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "original_max_position_embeddings": 8192},
}
H100 = Gpu(
    product="NVIDIA-H100-80GB-HBM3",
    compute_capability="9.0",
    count=8,
    memory_gib=Fact(value=79.65, source=Source.NODE_LABEL, unit="GiB"),
)
T4 = Gpu(
    product="Tesla-T4",
    compute_capability="7.5",
    count=4,
    memory_gib=Fact(value=15.0, source=Source.NODE_LABEL, unit="GiB"),
)


def car(
    *args: str,
    gpus: int = 1,
    name: str = "model",
    image: str = "oci://quay.io/x/y:1",
    explicit: bool = True,
    output: str = "text",
    origin: ArgumentsFrom = ArgumentsFrom.ITEM,
) -> ModelCar:
    """A manifest item whose arguments stand on lines 10, 11, ..."""
    serving = ServingArguments(
        gpu_count=gpus,
        args=args,
        origin=origin,
        gpu_count_at=Position(9, 5) if explicit else None,
        args_at=tuple(Position(10 + number, 9) for number in range(len(args))),
    )
    return ModelCar(
        name=name,
        image=image,
        serving=serving,
        model_output_type=output,
        at=Position(2, 3),
        name_at=Position(2, 9),
        image_at=Position(3, 10),
    )


def manifest(*cars: ModelCar) -> Manifest:
    """A manifest of these items."""
    return Manifest(path="m.yaml", sha256="0" * 64, shape="list", models=cars)


def facts(config: dict[str, object] | None = None, **quantization: object) -> ModelFacts:
    """What a config.json says."""
    return ModelFacts(config=config, quantization=quantization or None)
