"""The demo's model-cars: the real models' configurations and tensor shapes, with no weights behind them."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from modelcar_tui.demo.architectures import (
    Tensors,
    dense_decoder,
    gemma_embedding,
    quantize_fp8,
    quantize_w4a16,
    whisper,
)
from modelcar_tui.demo.registry_blobs import (
    Blob,
    File,
    Image,
    make_image,
    olot_layer,
    safetensors_file,
    text_file,
)

_SHARD = 5_000_000_000
"""Hugging Face's usual limit of one shard."""
_BITS = {"BF16": 16, "F16": 16, "F32": 32, "F8_E4M3": 8, "I32": 32, "I64": 64}
_BASE_LAYER = 7_241_176
"""ubi-micro, gzipped, as in Red Hat's images."""

_GRANITE = {
    "architectures": ["GraniteForCausalLM"],
    "attention_bias": False,
    "attention_dropout": 0.1,
    "attention_multiplier": 0.0078125,
    "bos_token_id": 0,
    "embedding_multiplier": 12.0,
    "eos_token_id": 0,
    "hidden_act": "silu",
    "hidden_size": 4096,
    "intermediate_size": 12800,
    "logits_scaling": 16.0,
    "max_position_embeddings": 131072,
    "mlp_bias": False,
    "model_type": "granite",
    "num_attention_heads": 32,
    "num_hidden_layers": 40,
    "num_key_value_heads": 8,
    "residual_multiplier": 0.22,
    "rms_norm_eps": 1e-05,
    "rope_scaling": None,
    "rope_theta": 10000000.0,
    "tie_word_embeddings": True,
    "torch_dtype": "bfloat16",
    "vocab_size": 49155,
}
_LLAMA_ROPE = {
    "factor": 8.0,
    "high_freq_factor": 4.0,
    "low_freq_factor": 1.0,
    "original_max_position_embeddings": 8192,
    "rope_type": "llama3",
}
_LLAMA_8B = {
    "architectures": ["LlamaForCausalLM"],
    "attention_bias": False,
    "bos_token_id": 128000,
    "eos_token_id": [128001, 128008, 128009],
    "head_dim": 128,
    "hidden_act": "silu",
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "max_position_embeddings": 131072,
    "mlp_bias": False,
    "model_type": "llama",
    "num_attention_heads": 32,
    "num_hidden_layers": 32,
    "num_key_value_heads": 8,
    "rms_norm_eps": 1e-05,
    "rope_scaling": _LLAMA_ROPE,
    "rope_theta": 500000.0,
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
    "vocab_size": 128256,
}
_LLAMA_70B = _LLAMA_8B | {
    "hidden_size": 8192,
    "intermediate_size": 28672,
    "num_attention_heads": 64,
    "num_hidden_layers": 80,
}
_W4A16 = {
    "config_groups": {
        "group_0": {
            "input_activations": None,
            "output_activations": None,
            "targets": ["Linear"],
            "weights": {
                "actorder": "weight",
                "block_structure": None,
                "dynamic": False,
                "group_size": 128,
                "num_bits": 4,
                "observer": "mse",
                "strategy": "group",
                "symmetric": True,
                "type": "int",
            },
        }
    },
    "format": "pack-quantized",
    "global_compression_ratio": 1.0,
    "ignore": ["lm_head"],
    "kv_cache_scheme": None,
    "quant_method": "compressed-tensors",
    "quantization_status": "compressed",
}
_FLOAT8 = {"num_bits": 8, "symmetric": True, "type": "float"}
_FP8 = {
    "config_groups": {
        "group_0": {
            "input_activations": _FLOAT8 | {"dynamic": True, "strategy": "token"},
            "output_activations": None,
            "targets": ["Linear"],
            "weights": _FLOAT8 | {"dynamic": False, "strategy": "channel"},
        }
    },
    "format": "float-quantized",
    "ignore": ["lm_head"],
    "kv_cache_scheme": None,
    "quant_method": "compressed-tensors",
    "quantization_status": "compressed",
}
_WHISPER_TURBO = {
    "activation_function": "gelu",
    "architectures": ["WhisperForConditionalGeneration"],
    "d_model": 1280,
    "decoder_attention_heads": 20,
    "decoder_ffn_dim": 5120,
    "decoder_layers": 4,
    "encoder_attention_heads": 20,
    "encoder_ffn_dim": 5120,
    "encoder_layers": 32,
    "is_encoder_decoder": True,
    "max_source_positions": 1500,
    "max_target_positions": 448,
    "model_type": "whisper",
    "num_hidden_layers": 32,
    "num_mel_bins": 128,
    "torch_dtype": "bfloat16",
    "vocab_size": 51866,
    "tie_word_embeddings": True,
}
_EMBEDDING_GEMMA = {
    "architectures": ["Gemma3TextModel"],
    "attention_bias": False,
    "dtype": "float32",
    "head_dim": 256,
    "hidden_size": 768,
    "intermediate_size": 1152,
    "max_position_embeddings": 2048,
    "model_type": "gemma3_text",
    "num_attention_heads": 3,
    "num_hidden_layers": 24,
    "num_key_value_heads": 1,
    "query_pre_attn_scalar": 256,
    "rms_norm_eps": 1e-06,
    "rope_local_base_freq": 10000.0,
    "rope_theta": 1000000.0,
    "sliding_window": 512,
    "sliding_window_pattern": 6,
    "use_bidirectional_attention": True,
    "vocab_size": 262144,
}

_FOUR = ("amd64", "arm64", "ppc64le", "s390x")
_Car = tuple[str, dict[str, Any], Callable[[dict[str, Any]], Tensors], tuple[str, ...]]
_CARS: tuple[_Car, ...] = (
    ("rhelai1/modelcar-granite-3-1-8b-instruct:1.5", _GRANITE, dense_decoder, _FOUR[:3]),
    (
        "rhelai1/modelcar-granite-3-1-8b-instruct-fp8-dynamic:1.5",
        _GRANITE | {"quantization_config": _FP8},
        lambda config: quantize_fp8(dense_decoder(config)),
        ("amd64",),
    ),
    (
        "rhelai1/modelcar-llama-3-1-8b-instruct-quantized-w4a16:1.5",
        _LLAMA_8B | {"quantization_config": _W4A16},
        lambda config: quantize_w4a16(dense_decoder(config), group=128),
        ("amd64",),
    ),
    ("rhelai1/modelcar-llama-3-1-8b-instruct:1.5", _LLAMA_8B, dense_decoder, _FOUR[:3]),
    (
        "rhelai1/modelcar-whisper-large-v3-turbo-quantized-w4a16:1.5",
        _WHISPER_TURBO | {"quantization_config": _W4A16},
        lambda config: quantize_w4a16(whisper(config), group=128, keep=("embed", "conv", "proj_out")),
        ("amd64", "arm64"),
    ),
    ("rhelai1/modelcar-embeddinggemma-300m:1.5", _EMBEDDING_GEMMA, gemma_embedding, ("amd64", "arm64")),
    ("rhelai1/modelcar-llama-3-3-70b-instruct:1.5", _LLAMA_70B, dense_decoder, ("amd64",)),
)


def demo_images() -> dict[str, Image]:
    """By `repository:tag`, as the sample manifests name them."""
    return {
        name: modelcar(config, build(config), architectures) for name, config, build, architectures in _CARS
    }


def modelcar(config: dict[str, Any], tensors: Tensors, architectures: tuple[str, ...] = ("amd64",)) -> Image:
    """A model-car as olot builds them: a base layer, then one uncompressed layer per file."""
    files = [
        text_file("config.json", config),
        text_file("generation_config.json", {"do_sample": True, "temperature": 0.6, "top_p": 0.9}),
        *weight_files(tensors),
        text_file("tokenizer_config.json", {"model_max_length": config.get("max_position_embeddings", 0)}),
        File("tokenizer.json", (9_000_000,)),
    ]
    base = Blob((_BASE_LAYER,), "application/vnd.oci.image.layer.v1.tar+gzip")
    card = Blob(
        (b"\x1f\x8b" + bytes(200),),
        "application/vnd.oci.image.layer.v1.tar+gzip",
        {"io.opendatahub.modelcar.layer.type": "modelcard"},
    )
    return make_image([base, *(olot_layer(file) for file in files), card], architectures)


def weight_files(tensors: Tensors, shard: int = _SHARD) -> list[File]:
    """One file, or shards of at most `shard` bytes and their index, named as Hugging Face names them."""
    parts: list[Tensors] = [{}]
    held = total = 0
    for name, (dtype, shape) in tensors.items():
        size = prod(shape) * _BITS[dtype] // 8
        if held and held + size > shard:
            parts.append({})
            held = 0
        parts[-1][name] = (dtype, shape)
        held += size
        total += size
    if len(parts) == 1:
        return [safetensors_file("model.safetensors", parts[0], _BITS)]
    names = [f"model-{number:05d}-of-{len(parts):05d}.safetensors" for number in range(1, len(parts) + 1)]
    where = {name: file for file, part in zip(names, parts, strict=True) for name in part}
    files = [safetensors_file(name, part, _BITS) for name, part in zip(names, parts, strict=True)]
    index = {"metadata": {"total_size": total}, "weight_map": where}
    return [*files, text_file("model.safetensors.index.json", index)]
