"""Names, dtypes and shapes of every tensor of the demo's models, from their configurations."""

from __future__ import annotations

from typing import Any

Tensors = dict[str, tuple[str, tuple[int, ...]]]
"""Dtype and shape by name."""
_DTYPES = {"bfloat16": "BF16", "float16": "F16", "float32": "F32"}


def dense_decoder(config: dict[str, Any]) -> Tensors:
    """Llama, Granite and their like: grouped-query attention and a gated MLP."""
    dtype = _dtype(config)
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    head = config.get("head_dim") or hidden // config["num_attention_heads"]
    queries, keys = config["num_attention_heads"] * head, config["num_key_value_heads"] * head
    tensors: Tensors = {"model.embed_tokens.weight": (dtype, (config["vocab_size"], hidden))}
    for layer in range(config["num_hidden_layers"]):
        prefix = f"model.layers.{layer}"
        shapes = {
            "input_layernorm": (hidden,),
            "mlp.down_proj": (hidden, inner),
            "mlp.gate_proj": (inner, hidden),
            "mlp.up_proj": (inner, hidden),
            "post_attention_layernorm": (hidden,),
            "self_attn.k_proj": (keys, hidden),
            "self_attn.o_proj": (hidden, queries),
            "self_attn.q_proj": (queries, hidden),
            "self_attn.v_proj": (keys, hidden),
        }
        tensors |= {f"{prefix}.{name}.weight": (dtype, shape) for name, shape in shapes.items()}
    tensors["model.norm.weight"] = (dtype, (hidden,))
    if not config.get("tie_word_embeddings"):
        tensors["lm_head.weight"] = (dtype, (config["vocab_size"], hidden))
    return tensors


def gemma_embedding(config: dict[str, Any]) -> Tensors:
    """Gemma 3's text model without a head: query and key norms, four norms a layer."""
    dtype = _dtype(config)
    tensors = {
        name.removeprefix("model."): value
        for name, value in dense_decoder(config | {"tie_word_embeddings": True}).items()
    }
    hidden, head = config["hidden_size"], config["head_dim"]
    for layer in range(config["num_hidden_layers"]):
        prefix = f"layers.{layer}"
        for name in ("pre_feedforward_layernorm", "post_feedforward_layernorm"):
            tensors[f"{prefix}.{name}.weight"] = (dtype, (hidden,))
        for name in ("self_attn.q_norm", "self_attn.k_norm"):
            tensors[f"{prefix}.{name}.weight"] = (dtype, (head,))
    return tensors


def whisper(config: dict[str, Any]) -> Tensors:
    """Whisper: convolutions, an encoder, a decoder with cross attention, tied output."""
    dtype, width = _dtype(config), config["d_model"]
    tensors: Tensors = {
        "model.encoder.conv1.weight": (dtype, (width, config["num_mel_bins"], 3)),
        "model.encoder.conv1.bias": (dtype, (width,)),
        "model.encoder.conv2.weight": (dtype, (width, width, 3)),
        "model.encoder.conv2.bias": (dtype, (width,)),
        "model.encoder.embed_positions.weight": (dtype, (config["max_source_positions"], width)),
        "model.decoder.embed_tokens.weight": (dtype, (config["vocab_size"], width)),
        "model.decoder.embed_positions.weight": (dtype, (config["max_target_positions"], width)),
    }
    for side in ("encoder", "decoder"):
        inner = config[f"{side}_ffn_dim"]
        attentions = ("self_attn",) if side == "encoder" else ("self_attn", "encoder_attn")
        for layer in range(config[f"{side}_layers"]):
            prefix = f"model.{side}.layers.{layer}"
            for attention in attentions:
                for part in ("k_proj", "v_proj", "q_proj", "out_proj"):
                    tensors[f"{prefix}.{attention}.{part}.weight"] = (dtype, (width, width))
                    if part != "k_proj":
                        tensors[f"{prefix}.{attention}.{part}.bias"] = (dtype, (width,))
            shapes = {"fc1": (inner, width), "fc2": (width, inner)}
            for name, shape in shapes.items():
                tensors[f"{prefix}.{name}.weight"] = (dtype, shape)
                tensors[f"{prefix}.{name}.bias"] = (dtype, shape[:1])
            for norm in (*(f"{attention}_layer_norm" for attention in attentions), "final_layer_norm"):
                tensors |= _norm(f"{prefix}.{norm}", dtype, width)
        tensors |= _norm(f"model.{side}.layer_norm", dtype, width)
    return tensors


def quantize_w4a16(tensors: Tensors, *, group: int, keep: tuple[str, ...] = ("embed", "lm_head")) -> Tensors:
    """compressed-tensors' packed form of every linear weight that no part of `keep` is in."""
    packed: Tensors = {}
    for name, (dtype, shape) in tensors.items():
        if len(shape) != 2 or not name.endswith(".weight") or any(part in name for part in keep):
            packed[name] = (dtype, shape)
            continue
        rows, columns = shape
        packed[f"{name}_packed"] = ("I32", (rows, columns // 8))
        packed[f"{name}_scale"] = (dtype, (rows, columns // group))
        packed[f"{name}_shape"] = ("I64", (2,))
    return packed


def quantize_fp8(tensors: Tensors, *, keep: tuple[str, ...] = ("embed", "lm_head")) -> Tensors:
    """compressed-tensors' FP8 with one scale a row, of every linear weight that no part of `keep` is in."""
    packed: Tensors = {}
    for name, (dtype, shape) in tensors.items():
        if len(shape) != 2 or not name.endswith(".weight") or any(part in name for part in keep):
            packed[name] = (dtype, shape)
        else:
            packed[name] = ("F8_E4M3", shape)
            packed[f"{name}_scale"] = (dtype, (shape[0], 1))
    return packed


def _norm(name: str, dtype: str, width: int) -> Tensors:
    return {f"{name}.weight": (dtype, (width,)), f"{name}.bias": (dtype, (width,))}


def _dtype(config: dict[str, Any]) -> str:
    return _DTYPES[config.get("torch_dtype") or config["dtype"]]
