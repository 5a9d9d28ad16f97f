"""config.json files that state only what differs from their class's defaults."""

from __future__ import annotations

from typing import Any

import pytest

from modelcar_tui.hardware.product import gpu_for
from modelcar_tui.memory.estimator import estimate
from modelcar_tui.memory.types import Outcome
from modelcar_tui.models.class_defaults import class_defaults, made_whole
from modelcar_tui.models.config import text_config
from modelcar_tui.models.count import count_parameters
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.models.model import Model, describe_model
from modelcar_tui.models.weights.tensors import true_count
from modelcar_tui.vllm.arguments.engine_args import read_engine_args
from modelcar_tui.vllm.context import longest_context

GEMMA3: dict[str, Any] = {
    "architectures": ["Gemma3ForConditionalGeneration"],
    "model_type": "gemma3",
    "mm_tokens_per_image": 256,
    "vision_config": {
        "hidden_size": 1152,
        "image_size": 896,
        "intermediate_size": 4304,
        "model_type": "siglip_vision_model",
        "num_attention_heads": 16,
        "num_hidden_layers": 27,
        "patch_size": 14,
    },
}
GEMMA3_4B = GEMMA3 | {
    "text_config": {
        "hidden_size": 2560,
        "intermediate_size": 10240,
        "model_type": "gemma3_text",
        "num_hidden_layers": 34,
        "rope_scaling": {"factor": 8.0, "rope_type": "linear"},
        "sliding_window": 1024,
    }
}
GEMMA3_27B = GEMMA3 | {
    "text_config": {
        "head_dim": 128,
        "hidden_size": 5376,
        "intermediate_size": 21504,
        "model_type": "gemma3_text",
        "num_attention_heads": 32,
        "num_hidden_layers": 62,
        "num_key_value_heads": 16,
        "rope_scaling": {"factor": 8.0, "rope_type": "linear"},
        "sliding_window": 1024,
    }
}
LLAVA = {
    "architectures": ["LlavaForConditionalGeneration"],
    "model_type": "llava",
    "text_config": {"model_type": "llama", "max_position_embeddings": 4096, "vocab_size": 32064},
    "vision_config": {"hidden_size": 1024, "num_hidden_layers": 24, "intermediate_size": 4096},
}
PIXTRAL = {
    "architectures": ["LlavaForConditionalGeneration"],
    "model_type": "llava",
    "text_config": {
        "head_dim": 128,
        "hidden_size": 5120,
        "intermediate_size": 14336,
        "max_position_embeddings": 1024000,
        "model_type": "mistral",
        "num_hidden_layers": 40,
        "vocab_size": 131072,
    },
}


@pytest.mark.parametrize(
    ("config", "billions"),
    [(GEMMA3_4B, 3.88), (GEMMA3_27B, 27.01), (LLAVA, 6.74), (PIXTRAL, 12.25)],
    ids=["Gemma 3 4B", "Gemma 3 27B", "LLaVA 1.5 7B", "Pixtral 12B"],
)
def test_a_published_difference_has_the_weights_of_its_text_model(
    config: dict[str, Any], billions: float
) -> None:
    model = describe_model(ModelFacts(config=config), quantization=None, dtype="auto", overrides=None)
    assert isinstance(model, Model)
    assert true_count(model.shape) / 1e9 == pytest.approx(billions, rel=0.003)


def test_the_published_gemma_3_is_sized_and_has_its_classes_context() -> None:
    args = read_engine_args(("--max-model-len=8192",), 1, "0.19.1")
    found = estimate(ModelFacts(config=GEMMA3_27B), gpu_for("NVIDIA-H100-80GB-HBM3"), args, vllm="0.19.1")
    assert found.outcome is Outcome.STARTS
    assert longest_context(GEMMA3_27B, None, None) == 131072
    assert longest_context(GEMMA3_27B, {"text_config": {"max_position_embeddings": 1000}}, None) == 1000


def test_what_a_config_states_is_never_replaced() -> None:
    whole = text_config(made_whole(GEMMA3_4B))
    assert {key: whole[key] for key in GEMMA3_4B["text_config"]} == GEMMA3_4B["text_config"]
    assert (whole["vocab_size"], whole["num_attention_heads"], whole["head_dim"]) == (262208, 8, 256)


def test_a_config_that_states_its_sizes_is_left_as_it_is() -> None:
    config = {"model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2, "vocab_size": 128}
    config |= {"num_attention_heads": 4, "max_position_embeddings": 99}
    assert made_whole(config) is config
    assert made_whole({"model_type": "mamba2", **config, "state_size": 16}).get("num_heads") is None


def test_of_a_config_that_states_its_sizes_only_the_positions_are_filled_in() -> None:
    """As transformers does when it reads the file, and so vLLM, whose context is then the class's."""
    config = {"model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2, "vocab_size": 128}
    config |= {"num_attention_heads": 4}
    assert made_whole(config) == {**config, "max_position_embeddings": 2048}
    assert class_defaults().defaults["llama"]["max_position_embeddings"] == 2048
    named = {**config, "n_positions": 99}
    assert made_whole(named) == {**named, "max_position_embeddings": 2048}, "the least of them counts"
    told = {**named, "max_position_embeddings": 99}
    assert made_whole(told) is told
    unknown = {**config, "model_type": "nobody-knows"}
    assert made_whole(unknown) is unknown


@pytest.mark.parametrize(
    "config", [{}, {"model_type": "nobody-knows"}, {"hidden_size": 4}, {"model_type": 3}]
)
def test_without_a_class_nothing_is_made_up(config: dict[str, Any]) -> None:
    assert made_whole(config) is config


def test_what_states_no_size_is_left_alone() -> None:
    remark = {"architectures": ["Gemma4ForConditionalGeneration"], "model_type": "gemma4"}
    assert made_whole(remark) is remark


def test_a_text_part_without_a_type_has_its_composites() -> None:
    part = {key: value for key, value in GEMMA3_4B["text_config"].items() if key != "model_type"}
    whole = text_config(made_whole(GEMMA3_4B | {"text_config": part}))
    assert whole["vocab_size"] == class_defaults().defaults["gemma3_text"]["vocab_size"]


def test_a_gguf_header_is_no_difference() -> None:
    header = {"general.architecture": "llama", "llama.block_count": 32, "llama.embedding_length": 4096}
    found = describe_model(ModelFacts(gguf=header), quantization=None, dtype="auto", overrides=None)
    assert found == "config.json has no usable vocab_size"


def test_parameters_are_counted_of_a_difference() -> None:
    text = {**GEMMA3_4B["text_config"], "architectures": ["Gemma3ForCausalLM"]}
    assert (count_parameters(text) or 0) / 1e9 == pytest.approx(3.88, rel=0.003)


PALIGEMMA: dict[str, Any] = {
    "architectures": ["PaliGemmaForConditionalGeneration"],
    "model_type": "paligemma",
    "text_config": {
        "model_type": "gemma",
        "hidden_size": 2048,
        "intermediate_size": 16384,
        "num_attention_heads": 8,
        "num_hidden_layers": 18,
        "num_key_value_heads": 1,
        "vocab_size": 257216,
    },
}


def test_a_config_that_leaves_out_its_positions_has_its_class_s_be_it_a_part_or_whole() -> None:
    assert longest_context(PALIGEMMA, None, None) == 8192
    assert longest_context(PALIGEMMA["text_config"], None, None) == 8192
    assert longest_context({**PALIGEMMA["text_config"], "max_position_embeddings": 99}, None, None) == 99
