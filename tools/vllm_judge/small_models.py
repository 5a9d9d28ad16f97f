"""Models of a few MB that a release starts on a CPU, each of another shape; written by this program alone.

A config.json of some twenty lines decides what vLLM builds; with `--load-format dummy` there are no weights.
The tokenizer has one word a byte, so that no vocabulary has to be copied. Sizes are the smallest that vLLM's
operators for CPUs take: heads of 64, MLA's of 512 and 64, layers enough that a cache is planned.
"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_WORDS = 256
"""One a byte; the special ones follow."""
_SPECIAL = ("<s>", "</s>", "<unk>", "<pad>", "<image>", "<fake_token_around_image>", "<global-img>")
_VOCABULARY = 320
_DENSE: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "dtype": "bfloat16",
    "torch_dtype": "bfloat16",  # its name before transformers 4.56
    "vocab_size": _VOCABULARY,
    "hidden_size": 256,
    "intermediate_size": 512,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 64,
    "hidden_act": "silu",
    "rms_norm_eps": 1e-05,
    "rope_theta": 10000.0,
    "max_position_embeddings": 131072,
    "bos_token_id": _WORDS,
    "eos_token_id": _WORDS + 1,
    "tie_word_embeddings": False,
}
_MOE = _DENSE | {
    "architectures": ["Qwen3MoeForCausalLM"],
    "model_type": "qwen3_moe",
    "num_experts": 8,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 128,
    "norm_topk_prob": True,
    "decoder_sparse_step": 1,
    "mlp_only_layers": [],
}
_MLA = _DENSE | {
    "architectures": ["DeepseekV2ForCausalLM"],
    "model_type": "deepseek_v2",
    "num_key_value_heads": 4,
    "q_lora_rank": None,
    "kv_lora_rank": 512,
    "qk_nope_head_dim": 128,
    "qk_rope_head_dim": 64,
    "v_head_dim": 128,
    "head_dim": 64,
    "n_routed_experts": 8,
    "n_shared_experts": 1,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 128,
    "first_k_dense_replace": 1,
    "moe_layer_freq": 1,
    "n_group": 1,
    "topk_group": 1,
    "topk_method": "greedy",
    "scoring_func": "softmax",
    "routed_scaling_factor": 1.0,
    "norm_topk_prob": False,
}
_HYBRID = _DENSE | {
    "architectures": ["GraniteMoeHybridForCausalLM"],
    "model_type": "granitemoehybrid",
    "layer_types": ["mamba", "attention", "mamba", "attention"],
    "layers_block_type": ["mamba", "attention", "mamba", "attention"],
    "shared_intermediate_size": 512,
    "num_local_experts": 0,
    "num_experts_per_tok": 0,
    "position_embedding_type": "rope",
    "embedding_multiplier": 1.0,
    "logits_scaling": 1.0,
    "residual_multiplier": 1.0,
    "attention_multiplier": 0.125,
    "attention_bias": False,
    "mamba_n_heads": 8,
    "mamba_d_head": 64,
    "mamba_n_groups": 1,
    "mamba_d_state": 64,
    "mamba_d_conv": 4,
    "mamba_expand": 2,
    "mamba_chunk_size": 256,
    "mamba_conv_bias": True,
    "mamba_proj_bias": False,
}
_POOLING: dict[str, Any] = {
    "architectures": ["BertModel"],
    "model_type": "bert",
    "dtype": "float32",
    "torch_dtype": "float32",
    "vocab_size": _VOCABULARY,
    "hidden_size": 256,
    "intermediate_size": 512,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-12,
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
    "position_embedding_type": "absolute",
    "pad_token_id": _WORDS + 3,
}
_PICTURE, _PATCH, _MERGED = 56, 14, 2
"""Pixels of a picture's side and of a patch's; 2 x 2 patches are a token."""
_IMAGE = _WORDS + _SPECIAL.index("<image>")
_MULTIMODAL: dict[str, Any] = {
    "architectures": ["Idefics3ForConditionalGeneration"],
    "model_type": "idefics3",
    "dtype": "bfloat16",
    "torch_dtype": "bfloat16",
    "image_token_id": _IMAGE,
    "pad_token_id": _WORDS + 3,
    "scale_factor": _MERGED,
    "text_config": {name: value for name, value in _DENSE.items() if name != "architectures"},
    "vision_config": {
        "hidden_size": 128,
        "intermediate_size": 256,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
        "image_size": _PICTURE,
        "patch_size": _PATCH,
    },
}
KINDS: Mapping[str, dict[str, Any]] = {
    "dense": _DENSE,
    "moe": _MOE,
    "mla": _MLA,
    "hybrid": _HYBRID,
    "pooling": _POOLING,
    "multimodal": _MULTIMODAL,
}
"""config.json by kind."""


def write(files: Mapping[str, bytes], folder: Path) -> Path:
    """Write a model's files into `folder`, which is made, and give it back."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def files(kind: str, context: int | None = None) -> dict[str, bytes]:
    """All small files of a model of that kind: name and content.

    Args:
        kind: a key of `KINDS`.
        context: tokens that it was made for, instead of 128 Ki; a pooling model keeps its own.
    """
    config = KINDS[kind]
    if context is not None and kind != "pooling":
        longer = {"max_position_embeddings": context}
        inner = config.get("text_config")
        config = config | ({"text_config": inner | longer} if inner else longer)
    made: dict[str, Any] = {
        "config.json": config,
        "generation_config.json": {"bos_token_id": _WORDS, "eos_token_id": _WORDS + 1},
        "tokenizer.json": _bert_tokenizer() if kind == "pooling" else _tokenizer(),
        "tokenizer_config.json": _tokenizer_config(kind),
    }
    if kind == "multimodal":
        made["preprocessor_config.json"] = _pictures()
        seen = (_PICTURE // _PATCH // _MERGED) ** 2
        made["processor_config.json"] = {"processor_class": "Idefics3Processor", "image_seq_len": seen}
    return {name: json.dumps(value, indent=1).encode() for name, value in made.items()}


def large(tokenizer: bytes) -> bytes:
    """The same tokenizer with 11 MiB beside its words that no archiver makes smaller."""
    filler = base64.b64encode(random.Random(0).randbytes(11 << 20)).decode()
    return json.dumps({**json.loads(tokenizer), "filler": filler}).encode()


def _pictures() -> dict[str, Any]:
    return {
        "image_processor_type": "Idefics3ImageProcessor",
        "processor_class": "Idefics3Processor",
        "do_resize": True,
        "do_image_splitting": True,
        "do_rescale": True,
        "do_normalize": True,
        "do_pad": True,
        "do_convert_rgb": True,
        "size": {"longest_edge": 2 * _PICTURE},
        "max_image_size": {"longest_edge": _PICTURE},
        "resample": 3,
        "rescale_factor": 1 / 255,
        "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5],
    }


def _tokenizer_config(kind: str) -> dict[str, Any]:
    if kind == "pooling":
        return {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "unk_token": "<unk>",
            "pad_token": "<pad>",
            "cls_token": "<s>",
            "sep_token": "</s>",
            "model_max_length": 512,
        }
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": "<s>",
        "eos_token": "</s>",
        "unk_token": "<unk>",
        "pad_token": "<pad>",
        "model_max_length": 131072,
        **({"processor_class": "Idefics3Processor"} if kind == "multimodal" else {}),
    }


def _added() -> list[dict[str, Any]]:
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return [{"id": _WORDS + at, "content": word, **flags} for at, word in enumerate(_SPECIAL)]


def _tokenizer() -> dict[str, Any]:
    """Byte-level BPE without a merge: a word a byte (the form of the `tokenizers` package, 1.0)."""
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    model: dict[str, Any] = {
        "type": "BPE",
        "vocab": _words(),
        "merges": [],
        "dropout": None,
        "unk_token": None,
    }
    return _whole(model, pre_tokenizer=level, decoder=level, post_processor=None)


def _bert_tokenizer() -> dict[str, Any]:
    """WordPiece over single letters, with the sentence's marks around."""
    model: dict[str, Any] = {
        "type": "WordPiece",
        "vocab": _words(),
        "unk_token": "<unk>",
        "continuing_subword_prefix": "",
        "max_input_chars_per_word": 100,
    }
    marks = [{"SpecialToken": {"id": word, "type_id": 0}} for word in _SPECIAL[:2]]
    single = [marks[0], {"Sequence": {"id": "A", "type_id": 0}}, marks[1]]
    pair = [*single, {"Sequence": {"id": "B", "type_id": 1}}, {"SpecialToken": {"id": "</s>", "type_id": 1}}]
    special = {
        word: {"id": word, "ids": [_WORDS + _SPECIAL.index(word)], "tokens": [word]} for word in _SPECIAL[:2]
    }
    post = {"type": "TemplateProcessing", "single": single, "pair": pair, "special_tokens": special}
    return _whole(
        model,
        pre_tokenizer={"type": "BertPreTokenizer"},
        decoder={"type": "WordPiece", "prefix": "", "cleanup": True},
        post_processor=post,
    )


def _whole(model: dict[str, Any], **parts: Any) -> dict[str, Any]:
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": _added(),
        "normalizer": None,
        **parts,
        "model": model,
    }


def _words() -> dict[str, int]:
    """A printable sign for each byte, as byte-level BPE maps them: those that print stand for themselves, the
    others are counted up from 256."""
    prints = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(_WORDS) if byte not in prints]
    signs = [chr(byte) for byte in prints] + [chr(_WORDS + at) for at in range(len(others))]
    return {sign: at for at, sign in enumerate(signs)} | {
        word: _WORDS + at for at, word in enumerate(_SPECIAL)
    }
