"""A small model under each way of declaring a quantization."""

from __future__ import annotations

from typing import Any

from modelcar_tui.models.facts import ModelFacts

LLAMA: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 2048,
    "num_hidden_layers": 16,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 64,
    "intermediate_size": 8192,
    "vocab_size": 128256,
    "max_position_embeddings": 8192,
    "torch_dtype": "float16",
}
MIXTRAL: dict[str, Any] = LLAMA | {
    "architectures": ["MixtralForCausalLM"],
    "model_type": "mixtral",
    "num_local_experts": 8,
    "num_experts_per_tok": 2,
}


def compressed(bits: int, kind: str, acts: int | None = None, **more: Any) -> dict[str, Any]:
    """A compressed-tensors config of one group; its activations have the weights' type."""
    inputs = {"num_bits": acts, "type": kind, "dynamic": True, "strategy": "token"} if acts else None
    weights = {"num_bits": bits, "type": kind, "strategy": "channel", "symmetric": True} | more
    group = {"targets": ["Linear"], "weights": weights, "input_activations": inputs}
    return {"quant_method": "compressed-tensors", "config_groups": {"group_0": group}}


CONFIGS: dict[str, dict[str, Any]] = {
    "fp8": {"quant_method": "fp8"},
    "fp8 block": {"quant_method": "fp8", "weight_block_size": [128, 128]},
    "ct fp8": compressed(8, "float", 8),
    "ct fp8 w8a16": compressed(8, "float"),
    "ct w8a8 int8": compressed(8, "int", 8),
    "ct w4a16": compressed(4, "int"),
    "ct w8a16": compressed(8, "int"),
    "ct w4a8 int": compressed(4, "int", 8),
    "ct nvfp4": compressed(4, "float", 4, group_size=16),
    "ct nvfp4 w4a16": compressed(4, "float", group_size=16),
    "ct mxfp4": compressed(4, "float", 4, group_size=32),
    "ct mxfp8": compressed(8, "float", 8, group_size=32),
    "ct 2:4": compressed(8, "float", 8) | {"sparsity_config": {"sparsity_structure": "2:4"}},
    "gptq4": {"quant_method": "gptq", "bits": 4, "group_size": 128, "sym": True, "desc_act": False},
    "gptq marlin": {"quant_method": "gptq", "bits": 4, "checkpoint_format": "marlin"},
    "awq": {"quant_method": "awq", "bits": 4, "group_size": 128},
    "mxfp4": {"quant_method": "mxfp4"},
    "bitsandbytes": {"quant_method": "bitsandbytes", "load_in_4bit": True},
    "modelopt nvfp4": {"quant_method": "modelopt", "quant_algo": "NVFP4"},
    "modelopt fp8": {"quant_method": "modelopt", "quant_algo": "FP8"},
    "modelopt mxfp8": {"quantization": {"quant_algo": "MXFP8"}},
    "modelopt mixed": {"quant_method": "modelopt", "quant_algo": "MIXED_PRECISION"},
    "quark fp8": {"quant_method": "quark", "global_quant_config": {"weight": {"dtype": "fp8_e4m3"}}},
    "quark int8": {"quant_method": "quark", "global_quant_config": {"weight": {"dtype": "int8"}}},
    "quark mx": {"quant_method": "quark", "global_quant_config": {"weight": {"dtype": "fp4"}}},
    "experts_int8": {"quant_method": "experts_int8"},
} | {
    method: {"quant_method": method}
    for method in [
        "fbgemm_fp8",
        "hqq",
        "torchao",
        "moe_wna16",
        "auto-round",
        "qqq",
        "aqlm",
        "deepspeedfp",
        "bitblas",
        "squeezellm",
        "rtn",
        "fp_quant",
        "petit_nvfp4",
        "ipex",
        "gptq_marlin_24",
        "mxfp8",
    ]
}


def quantized(config: dict[str, Any], base: dict[str, Any] = LLAMA) -> ModelFacts:
    """The model with this `quantization_config`."""
    return ModelFacts(config=base | {"quantization_config": config}, quantization=config)
