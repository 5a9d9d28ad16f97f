"""What a family of models has in common, for configs that leave it out.

A case of the ground truth carries only the sizes of a config.json. The architecture's name, or the size of
its tokenizer's vocabulary, tells the family, and the family what every config.json of it says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_TYPES = {
    "Gemma2": "gemma2",
    "Gemma3ForCausalLM": "gemma3_text",
    "Gemma3": "gemma3",
    "Gemma4": "gemma4",
    "Qwen2_5_VL": "qwen2_5_vl",
    "Qwen2VL": "qwen2_vl",
    "Qwen2Moe": "qwen2_moe",
    "Qwen2": "qwen2",
    "Qwen3Next": "qwen3_next",
    "Qwen3_5": "qwen3_5",
    "Qwen3Moe": "qwen3_moe",
    "Qwen3VL": "qwen3_vl",
    "Qwen3": "qwen3",
    "GptOss": "gpt_oss",
    "Mixtral": "mixtral",
    "Llama4": "llama4_text",
    "Llama": "llama",
    "Phi3": "phi3",
    "PhiMoE": "phimoe",
    "Phi": "phi",
    "GraniteMoeHybrid": "granitemoehybrid",
    "GraniteMoe": "granitemoe",
    "Granite": "granite",
    "DeepseekV2": "deepseek_v2",
    "DeepseekV3": "deepseek_v3",
    "DeepseekV4": "deepseek_v4",
    "KimiVL": "kimi_vl",
    "NemotronH": "nemotron_h",
    "Nemotron": "nemotron",
    "Falcon": "falcon",
    "Whisper": "whisper",
    "Mistral": "mistral",
    "Pixtral": "pixtral",
    "Cohere2": "cohere2",
    "Cohere": "cohere",
    "Starcoder2": "starcoder2",
    "Jamba": "jamba",
    "Bamba": "bamba",
    "Glm4": "glm4",
    "Olmo2": "olmo2",
    "Olmo3": "olmo3",
    "Olmoe": "olmoe",
    "OPT": "opt",
    "GPT2": "gpt2",
    "GPTJ": "gptj",
    "GPTNeoX": "gpt_neox",
    "GPTBigCode": "gpt_bigcode",
    "Bloom": "bloom",
    "MPT": "mpt",
    "Dbrx": "dbrx",
    "Qwen3VLMoe": "qwen3_vl_moe",
    "Qwen3_5Moe": "qwen3_5_moe",
    "DeepseekV32": "deepseek_v32",
    "GlmMoeDsa": "glm_moe_dsa",
    "Glm4Moe": "glm4_moe",
    "Glm4MoeLite": "glm4_moe_lite",
    "KimiK25": "kimi_k2",
    "KimiLinear": "kimi_linear",
    "MiniMaxM2": "minimax_m2",
    "MiniMaxText01": "minimax_text_01",
    "MiMoV2": "mimo_v2_flash",
    "MiMo": "mimo",
    "Mistral3": "mistral",
    "Ministral3": "mistral",
    "MistralLarge3": "deepseek_v3",
    "Ernie4_5_Moe": "ernie4_5_moe",
    "Ernie4_5": "ernie4_5",
    "Exaone4": "exaone4",
    "SmolLM3": "smollm3",
    "FalconH1": "falcon_h1",
    "FalconMamba": "falcon_mamba",
    "Mamba2": "mamba2",
    "Mamba": "mamba",
    "DeciLM": "nemotron-nas",
    "Lfm2Moe": "lfm2_moe",
    "Lfm2": "lfm2",
    "SeedOss": "seed_oss",
    "HunYuanMoEV1": "hunyuan_v1_moe",
    "Gemma3n": "gemma3n_text",
    "Gemma": "gemma",
    "StableLm": "stablelm",
}
_VOCABULARIES = {
    262208: "gemma3",
    262144: "gemma3_text",
    201088: "gpt_oss",
    202048: "llama4_text",
    256000: "gemma2",
}
_COMMON: dict[str, dict[str, Any]] = {
    "llama4_text": {"attention_chunk_size": 8192, "no_rope_layers": [], "num_experts_per_tok": 1},
    "gpt_oss": {"num_experts_per_tok": 4},
    "mixtral": {"num_experts_per_tok": 2},
    "qwen3_moe": {"num_experts_per_tok": 8},
    "qwen3_vl_moe": {"num_experts_per_tok": 8},
    "qwen3_5_moe": {"num_experts_per_tok": 8},
    "qwen3_next": {"num_experts_per_tok": 10},
    "gemma4": {"num_experts_per_tok": 8},
    "granitemoe": {"num_experts_per_tok": 8},
    "olmoe": {"num_experts_per_tok": 8},
    "dbrx": {"num_experts_per_tok": 4},
    "phimoe": {"num_experts_per_tok": 2},
    "jamba": {"num_experts_per_tok": 2, "expert_layer_period": 2, "expert_layer_offset": 1},
    "minimax_m2": {"num_experts_per_tok": 8},
    "mimo_v2_flash": {"num_experts_per_tok": 8},
    "glm4_moe": {"first_k_dense_replace": 1, "num_experts_per_tok": 8, "n_shared_experts": 1},
    "kimi_k2": {
        "first_k_dense_replace": 1,
        "num_experts_per_tok": 8,
        "n_shared_experts": 1,
        "q_lora_rank": 1536,
    },
    "ernie4_5_moe": {"num_experts_per_tok": 6},
    "deepseek_v2": {"first_k_dense_replace": 1, "num_experts_per_tok": 6, "n_shared_experts": 2},
    "kimi_vl": {
        "first_k_dense_replace": 1,
        "num_experts_per_tok": 6,
        "n_shared_experts": 2,
        "vision_config": {"patch_size": 14, "spatial_merge_size": 2},
    },
    "deepseek_v3": {
        "first_k_dense_replace": 3,
        "num_experts_per_tok": 8,
        "n_shared_experts": 1,
        "q_lora_rank": 1536,
    },
    "pixtral": {
        "vision_config": {
            "hidden_size": 1024,
            "num_hidden_layers": 24,
            "num_attention_heads": 16,
            "intermediate_size": 4096,
            "patch_size": 14,
            "spatial_merge_size": 2,
            "image_size": 1540,
        }
    },
}
_SIGLIP = {
    "hidden_size": 1152,
    "num_hidden_layers": 27,
    "num_attention_heads": 16,
    "intermediate_size": 4304,
    "image_size": 896,
    "patch_size": 14,
}
"""The tower of every Gemma 3 that has one."""
_COMMON["deepseek_v32"] = _COMMON["deepseek_v3"] | {
    "index_topk": 2048,
    "index_n_heads": 64,
    "index_head_dim": 128,
}
_COMMON["glm_moe_dsa"] = _COMMON["deepseek_v32"] | {
    "index_n_heads": 32,
    "q_lora_rank": 2048,
    "qk_nope_head_dim": 192,
    "v_head_dim": 256,
}
_QWEN = frozenset({151936, 152064, 151643, 151646})


def complete(config: Mapping[str, Any], arch: str) -> dict[str, Any]:
    """`config` with what its family always says and the case leaves out; what is there stays."""
    found = dict(config)
    if arch and not found.get("architectures"):
        found["architectures"] = [arch]
    kind = str(found.get("model_type") or _kind(found, arch))
    if kind:
        found["model_type"] = kind
        for name, value in _common(found, kind).items():
            found.setdefault(name, value)
    return found


def _kind(config: Mapping[str, Any], arch: str) -> str:
    for prefix in sorted(_TYPES, key=len, reverse=True):
        if arch.startswith(prefix):
            return _TYPES[prefix]
    vocabulary = config.get("vocab_size")
    if vocabulary == 256000 and config.get("head_dim") != 256:
        return ""
    known = _VOCABULARIES.get(vocabulary, "") if isinstance(vocabulary, int) else ""
    return known or _experts(config)


def _experts(config: Mapping[str, Any]) -> str:
    """Families of mixtures whose architecture is not named."""
    if config.get("kv_lora_rank"):
        many = config.get("n_routed_experts")
        return "deepseek_v3" if isinstance(many, int) and many > 128 else "deepseek_v2"
    if config.get("vocab_size") in _QWEN and (config.get("num_experts") or config.get("n_routed_experts")):
        return "qwen3_moe"
    return "mixtral" if config.get("num_local_experts") == 8 else ""


def _common(config: Mapping[str, Any], kind: str) -> dict[str, Any]:
    if kind in ("gemma3", "gemma3_text"):
        large = config.get("max_position_embeddings") == 131072
        found: dict[str, Any] = {"sliding_window_pattern": 6}
        if large:
            found |= {"rope_scaling": {"rope_type": "linear", "factor": 8.0}}
            found |= {"vision_config": _SIGLIP, "mm_tokens_per_image": 256}
        return found
    if kind == "whisper":
        return {"encoder_layers": config.get("num_hidden_layers")}
    return _COMMON.get(kind, {})
