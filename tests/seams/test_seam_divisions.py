"""Can this model be split over N GPUs? The arithmetic's refusals and the advice's fault."""

from __future__ import annotations

from typing import Any

import pytest
from seam_support import params

from modelcar_tui.hardware.product import gpu_for
from modelcar_tui.memory.estimator import estimate
from modelcar_tui.memory.types import Outcome
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.models.known import known_models
from modelcar_tui.models.model import tensor_parallel_fault
from modelcar_tui.vllm.arguments.engine_args import EngineArgs

SIZES = (2, 3, 4, 5, 6, 7, 8, 12, 16)
REFUSALS = frozenset({Outcome.REFUSED_ARGS, Outcome.REFUSED_QUANT, Outcome.REFUSED_ARCH})
LLAMA: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 3072,
    "num_hidden_layers": 4,
    "num_attention_heads": 24,
    "num_key_value_heads": 8,
    "vocab_size": 32000,
    "intermediate_size": 8192,
    "max_position_embeddings": 8192,
    "torch_dtype": "bfloat16",
}
GPTQ = {"quant_method": "gptq", "bits": 4, "group_size": 128, "sym": True, "desc_act": False}
MIXTRAL = {
    "architectures": ["MixtralForCausalLM"],
    "model_type": "mixtral",
    "num_local_experts": 8,
    "num_experts_per_tok": 2,
}
QWEN3_MOE = {
    "architectures": ["Qwen3MoeForCausalLM"],
    "model_type": "qwen3_moe",
    "num_experts": 8,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 768,
    "decoder_sparse_step": 1,
    "mlp_only_layers": [],
}
CONFIGS: dict[str, tuple[dict[str, Any], tuple[int, ...]]] = {
    "24 heads, 8 KV heads": (LLAMA, (2, 4, 8)),
    "one KV head": ({**LLAMA, "num_key_value_heads": 1}, (2, 4, 8)),
    "as many KV heads": ({**LLAMA, "num_key_value_heads": 24}, (2, 4, 8)),
    "3 KV heads": (
        {**LLAMA, "num_key_value_heads": 3, "intermediate_size": 12288, "vocab_size": 38400},
        (3, 6, 12),
    ),
    "KV heads not told": ({k: v for k, v in LLAMA.items() if k != "num_key_value_heads"}, (2, 4, 8)),
    "an odd vocabulary": ({**LLAMA, "vocab_size": 32001}, (2, 4, 8)),
    "all divided by 12": (
        {**LLAMA, "vocab_size": 64 * 501, "intermediate_size": 24576, "num_key_value_heads": 24},
        (2, 3, 4, 6, 8, 12),
    ),
    "an MLP of an odd width": ({**LLAMA, "intermediate_size": 8190}, (2,)),
    "quantization in groups": (
        {**LLAMA, "intermediate_size": 8192 + 256, "quantization_config": {**GPTQ, "quant_method": "awq"}},
        (2,),
    ),
    "quantization without groups": (
        {**LLAMA, "quantization_config": {**GPTQ, "group_size": -1}},
        (2, 4, 8),
    ),
    "experts": ({**LLAMA, **MIXTRAL}, (2, 4, 8)),
    "experts of an odd width": ({**LLAMA, **MIXTRAL, "intermediate_size": 8190}, (2,)),
    "experts beside an MLP that no layer has": (
        {**LLAMA, **QWEN3_MOE, "intermediate_size": 8190},
        (2, 4, 8),
    ),
    "a text model within": (
        {"architectures": ["LlavaForConditionalGeneration"], "model_type": "llava", "text_config": LLAMA},
        (2, 4, 8),
    ),
    "a thinker's text model within": (
        {
            "architectures": ["Qwen2_5OmniForConditionalGeneration"],
            "model_type": "qwen2_5_omni",
            "thinker_config": {"text_config": LLAMA},
        },
        (2, 4),  # its class's tower is 3,420 wide
    ),
}
"""And the sizes that vLLM accepts, of `SIZES`."""


def facts_of(config: dict[str, Any]) -> ModelFacts:
    return ModelFacts(config=config, quantization=config.get("quantization_config"))


def by_sizing(config: dict[str, Any]) -> tuple[int, ...] | None:
    """The sizes that the arithmetic accepts; None where it refuses the model whatever the size."""
    facts, gpu = facts_of(config), gpu_for("B200", count=16)

    def outcome(size: int) -> Outcome:
        return estimate(facts, gpu, EngineArgs(tp=size, max_model_len=2048), vllm="0.33.0").outcome

    if outcome(1) in REFUSALS:
        return None
    return tuple(size for size in SIZES if outcome(size) not in REFUSALS)


def by_advice(config: dict[str, Any]) -> tuple[int, ...]:
    return tuple(size for size in SIZES if not tensor_parallel_fault(facts_of(config), size))


def test_both_split_every_known_model_alike() -> None:
    found = {name: by_sizing(config) for name, config in known_models().models.items()}
    judged = {name: sizes for name, sizes in found.items() if sizes is not None}
    assert {name: by_advice(known_models().models[name]) for name in judged} == judged
    assert len(judged) > 150


@pytest.mark.parametrize("case", params(CONFIGS))
def test_both_split_a_model_alike(case: tuple[dict[str, Any], tuple[int, ...]]) -> None:
    config, right = case
    assert (by_sizing(config), by_advice(config)) == (right, right)
