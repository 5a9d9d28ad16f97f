"""How long a context does config.json allow? The arithmetic's shape and the advice's limit.

As vLLM's `_get_and_verify_max_len`: the smallest of the position limits of the text part, times the rope's
factor where the kind of rope stretches it.
"""

from __future__ import annotations

from typing import Any

import pytest
from seam_support import params

from modelcar_tui.models.class_defaults import made_whole
from modelcar_tui.models.known import known_models
from modelcar_tui.models.shape import shape_of
from modelcar_tui.vllm import context
from modelcar_tui.vllm.context import longest_positions
from modelcar_tui.vllm.profile import profile_for

RELEASE = "0.20.0"
"""One that stretches by YaRN."""
BASE: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 1024,
    "num_hidden_layers": 4,
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "vocab_size": 32000,
    "intermediate_size": 4096,
    "max_position_embeddings": 8192,
}
POSITIONLESS = {key: value for key, value in BASE.items() if key != "max_position_embeddings"}
POSITIONLESS |= {"model_type": "of-no-known-class"}


def roped(**rope: Any) -> dict[str, Any]:
    return {**BASE, "rope_scaling": rope}


def within(part: str, **more: Any) -> dict[str, Any]:
    """A model of several kinds of input, with the text model's part under this name."""
    return {"architectures": ["SomeForConditionalGeneration"], "model_type": "some", part: BASE, **more}


CONFIGS: dict[str, tuple[dict[str, Any], int | None]] = {
    "plain": (BASE, 8192),
    "no positions": (POSITIONLESS, None),
    "n_positions": ({**POSITIONLESS, "n_positions": 1024}, 1024),
    "max_seq_len": ({**POSITIONLESS, "max_seq_len": 2048}, 2048),
    "seq_length": ({**POSITIONLESS, "seq_length": 2048}, 2048),
    "model_max_length": ({**POSITIONLESS, "model_max_length": 4096}, 4096),
    "max_sequence_length": ({**POSITIONLESS, "max_sequence_length": 4096}, 4096),
    "max_target_positions": ({**POSITIONLESS, "max_target_positions": 448}, 448),
    "a length of its own above the limit": ({**BASE, "model_max_length": 131072}, 131072),
    "two limits": ({**BASE, "seq_length": 2048}, 2048),
    "linear": (roped(rope_type="linear", factor=4.0), 32768),
    "linear by its old name": (roped(type="linear", factor=4.0), 32768),
    "dynamic": (roped(rope_type="dynamic", factor=2.0), 16384),
    "yarn": (roped(rope_type="yarn", factor=4.0, original_max_position_embeddings=4096), 16384),
    "yarn without an original": (roped(rope_type="yarn", factor=4.0), 32768),
    "deepseek yarn": (roped(type="yarn", factor=40, original_max_position_embeddings=4096), 163840),
    "longrope": (roped(type="longrope", long_factor=[1.0], short_factor=[1.0]), 8192),
    "longrope with a factor": (
        roped(type="longrope", factor=32.0, original_max_position_embeddings=4096),
        8192,
    ),
    "su": (roped(type="su", factor=32.0), 8192),
    "llama3": (roped(rope_type="llama3", factor=8.0, original_max_position_embeddings=8192), 8192),
    "mrope": (roped(type="mrope", mrope_section=[16, 24, 24]), 8192),
    "default": (roped(rope_type="default"), 8192),
    "mrope with a factor": (roped(type="mrope", factor=4.0), 8192),
    "rope_parameters": ({**BASE, "rope_parameters": {"rope_type": "linear", "factor": 4.0}}, 32768),
    "rope_parameters by kind of layer": (
        {
            **BASE,
            "rope_parameters": {
                "full_attention": {"rope_type": "linear", "factor": 8.0},
                "sliding_attention": {"rope_type": "default"},
            },
        },
        65536,
    ),
    "gemma3": (
        {**roped(rope_type="linear", factor=8.0), "model_type": "gemma3_text"},
        8192,
    ),
    "text_config": (within("text_config"), 8192),
    "text_config with another limit outside": (within("text_config", max_position_embeddings=2048), 8192),
    "text_config without a limit": (
        {**within("text_config"), "text_config": POSITIONLESS, "max_position_embeddings": 4096},
        4096,
    ),
    "llm_config": (within("llm_config"), 8192),
    "language_config": (within("language_config"), 8192),
    "text_model_config": (within("text_model_config"), 8192),
    "thinker_config": (within("thinker_config"), 8192),
    "thinker_config with a text_config": (
        {**within("thinker_config"), "thinker_config": {"text_config": BASE}},
        8192,
    ),
    "a limit as a text": ({**BASE, "max_position_embeddings": "8192"}, None),
    "a limit of zero": ({**BASE, "max_position_embeddings": 0}, None),
    "a limit as a float": ({**BASE, "max_position_embeddings": 8192.0}, 8192),
}


def longest_context(config: dict[str, Any], overrides: dict[str, Any] | None = None) -> int | None:
    return context.longest_context(config, overrides, RELEASE)


def by_sizing(config: dict[str, Any], overrides: dict[str, Any] | None = None) -> int | str | None:
    shape = shape_of(made_whole(config), overrides)  # as the arithmetic prepares a model
    return shape if isinstance(shape, str) else longest_positions(shape.positions, profile_for(RELEASE))


def test_both_read_the_same_context_of_every_known_model() -> None:
    configs = known_models().models
    read = {name: by_sizing(config) for name, config in configs.items()}
    assert {name: longest_context(configs[name]) for name in configs if not isinstance(read[name], str)} == {
        name: length for name, length in read.items() if not isinstance(length, str)
    }
    assert sum(isinstance(length, int) for length in read.values()) > 150


@pytest.mark.parametrize("case", params(CONFIGS))
def test_both_read_the_same_context_of_a_config(case: tuple[dict[str, Any], int | None]) -> None:
    config, right = case
    assert (by_sizing(config), longest_context(config)) == (right, right)


OVERRIDES: dict[str, tuple[dict[str, Any], int]] = {
    "the limit": ({"max_position_embeddings": 1000}, 1000),
    "the rope": ({"rope_scaling": {"rope_type": "linear", "factor": 2.0}}, 16384),
    "the rope by its new name": ({"rope_parameters": {"rope_type": "linear", "factor": 2.0}}, 16384),
    "something else": ({"hidden_act": "gelu"}, 8192),
}


@pytest.mark.parametrize("case", params(OVERRIDES))
def test_both_put_what_the_arguments_override_in_its_place(case: tuple[dict[str, Any], int]) -> None:
    overrides, right = case
    assert (by_sizing(BASE, overrides), longest_context(BASE, overrides)) == (right, right)


def test_both_take_a_rope_by_its_new_name_for_the_one_that_was_there() -> None:
    config = roped(rope_type="linear", factor=4.0)
    overrides = {"rope_parameters": {"rope_type": "linear", "factor": 2.0}}
    assert (by_sizing(config, overrides), longest_context(config, overrides)) == (16384, 16384)


def test_both_override_a_part_of_the_text_model_alone() -> None:
    config, overrides = within("text_config"), {"text_config": {"max_position_embeddings": 1000}}
    assert (by_sizing(config, overrides), longest_context(config, overrides)) == (1000, 1000)
