"""What sets a family of models apart from a plain decoder: one record a family, asked by everyone.

A plain decoder has gated MLPs, rotary positions, no biases and two norms a layer, and is no row here.
Sources: the family's class in transformers 5.24 (models/*/configuration_*.py) and in vLLM
(model_executor/models).
"""

from __future__ import annotations

from functools import cache

import msgspec


class Family(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """One family; a field that is not stated is that of a plain decoder."""

    names: tuple[str, ...] = ()
    """`model_type` values; one with a `*` at its end stands for all that begin so and have no row of their
    own. The longest beginning counts."""
    gated: bool = True
    """The MLP has three matrices, not two."""
    gated_encoder: bool = False
    """The same, of an encoder."""
    tied: bool = False
    """The class ties the embeddings unless config.json says otherwise."""
    biased: bool = False
    """Every linear layer has a bias."""
    qkv_bias: bool = False
    """The attention's input has one, whatever config.json says."""
    qk_norm: bool = False
    norms: int = 2
    """Norm vectors per layer."""
    rope: bool = True
    two_ropes: bool = False
    """Sliding layers have a rope of their own, without scaling."""
    stretches: bool = True
    """A rope's factor lengthens the context (vllm config/model.py leaves Gemma 3's out)."""
    learned_positions: bool = False
    spare_positions: int = 0
    """Rows of that table beyond the positions (OPT)."""
    pooler: bool = False
    """Token types and a pooler stand beside the layers (BERT)."""
    period: int = 0
    """Each so many-th layer is full, the others slide, where config.json does not say."""
    windows_late: bool = False
    """Sliding begins at `max_window_layers`."""
    chunks: bool = False
    """Layers with a rope attend in chunks."""
    expert_width: str = ""
    """Where an expert's width stands if not in `moe_intermediate_size`."""
    one_shared_expert: bool = False
    mlp_beside_experts: bool = False
    """Layers with experts have a plain MLP, too."""
    gated_attention: bool = False
    """The attention's query comes with a gate as wide as it."""
    latent: bool = True
    """MLA caches its latent vector."""
    stateful: bool = False
    """Every layer is a state-space mixer."""
    mixed: bool = False
    """Layers are of more than one kind."""
    parallel: bool = False
    """Every layer has both attention and a state-space mixer."""
    one_part_layers: bool = False
    """A layer is a mixer or an MLP, never both, and experts have two matrices (Nemotron-H)."""
    blocks: bool = False
    """Each layer is described in `block_configs`."""
    altup: bool = False
    """Gemma 3n's mixed residuals and low-rank residual, of its usual sizes where config.json is silent."""
    speech: bool = False
    """An encoder for sound comes before the decoder."""
    sinks: bool = False
    """Attention with sinks, which FlashInfer's kernels do not have."""
    unmodelled: str = ""
    """Why it is not sized."""


INDEXER = "its sparse attention keeps an indexer cache of its own, which is not modelled"
_PLAIN = Family()
_ROWS = (
    Family(names=("gptj", "nemotron"), gated=False),
    Family(names=("falcon",), gated=False, tied=True),
    Family(names=("falcon_biased",), biased=True),
    Family(names=("mpt",), gated=False, tied=True, rope=False),
    Family(names=("gpt_neox", "phi"), gated=False, biased=True),
    Family(names=("starcoder2",), gated=False, tied=True, biased=True),
    Family(names=("bloom",), gated=False, tied=True, biased=True, rope=False),
    Family(
        names=("gpt2", "gpt_bigcode"),
        gated=False,
        tied=True,
        biased=True,
        rope=False,
        learned_positions=True,
    ),
    Family(
        names=("opt",),
        gated=False,
        tied=True,
        biased=True,
        rope=False,
        learned_positions=True,
        spare_positions=2,
    ),
    Family(
        names=("whisper",),
        gated=False,
        tied=True,
        biased=True,
        rope=False,
        learned_positions=True,
        speech=True,
    ),
    Family(
        names=("bert", "roberta", "xlm-roberta"),
        gated=False,
        biased=True,
        rope=False,
        learned_positions=True,
        pooler=True,
    ),
    Family(names=("gte", "modernbert", "new", "nomic_bert"), gated_encoder=True),
    Family(
        names=(
            "cohere*",
            "ernie4_5*",
            "gemma*",
            "granite_swa",
            "hunyuan_vl",
            "jetmoe",
            "modernbert-decoder",
            "paddleocr_vl",
            "paligemma",
            "recurrent_gemma",
            "smollm3",
            "vaultgemma",
            "zamba",
            "zamba2",
        ),
        tied=True,
    ),
    Family(names=("cohere2",), tied=True, qk_norm=True, period=4),
    Family(names=("cohere2*",), tied=True, qk_norm=True),
    Family(names=("gemma2",), tied=True, norms=4, period=2),
    Family(names=("gemma2*",), tied=True, norms=4),
    Family(
        names=("gemma3", "gemma3_text"),
        tied=True,
        norms=4,
        qk_norm=True,
        two_ropes=True,
        stretches=False,
        period=6,
    ),
    Family(
        names=("gemma3*",),
        tied=True,
        norms=4,
        qk_norm=True,
        two_ropes=True,
        stretches=False,
    ),
    Family(
        names=("gemma3n*",),
        tied=True,
        norms=4,
        qk_norm=True,
        two_ropes=True,
        stretches=False,
        altup=True,
    ),
    Family(
        names=("gemma4*",),
        tied=True,
        norms=4,
        qk_norm=True,
        two_ropes=True,
        mlp_beside_experts=True,
    ),
    Family(names=("olmo2*", "qwen3*"), qk_norm=True),
    Family(names=("qwen3_5*", "qwen3_next*"), qk_norm=True, gated_attention=True, mixed=True),
    Family(names=("qwen2", "qwen2_5_vl", "qwen2_moe", "qwen2_vl"), qkv_bias=True, windows_late=True),
    Family(names=("qwen2*",), windows_late=True),
    Family(names=("gpt_oss",), qkv_bias=True, period=2, expert_width="intermediate_size", sinks=True),
    Family(
        names=("dbrx", "granitemoe", "minimax*", "mixtral", "olmoe", "phimoe"),
        expert_width="intermediate_size",
    ),
    Family(
        names=("llama4", "llama4_text"),
        chunks=True,
        expert_width="intermediate_size",
        one_shared_expert=True,
    ),
    Family(names=("llama4*",), chunks=True, one_shared_expert=True),
    Family(names=("minicpm3",), tied=True, latent=False),
    Family(names=("minicpm3*",), latent=False),
    Family(
        names=("bamba*", "granitemoehybrid*", "jamba*", "kimi_linear*", "lfm2*", "nemotron_h*"), mixed=True
    ),
    Family(names=("granitemoehybrid", "jamba"), mixed=True, expert_width="intermediate_size"),
    Family(names=("lfm2", "lfm2_moe"), tied=True, mixed=True),
    Family(names=("nemotron_h",), gated=False, mixed=True, one_part_layers=True),
    Family(names=("falcon_h1",), parallel=True),
    Family(names=("mamba",), tied=True, rope=False, stateful=True),
    Family(names=("mamba2",), rope=False, stateful=True),
    Family(names=("falcon_mamba",), tied=True, stateful=True),
    Family(names=("nemotron-nas",), blocks=True),
    Family(names=("kimi_k3",), unmodelled="how its layers differ from Kimi Linear's was not read"),
    Family(names=("deepseek_v4",), unmodelled=INDEXER),
)


@cache
def family_of(model_type: str) -> Family:
    """The record of a `model_type` in small letters; a plain decoder's where there is none."""
    rows = _by_name()
    if model_type in rows:
        return rows[model_type]
    beginnings = [name for name in rows if name.endswith("*") and model_type.startswith(name[:-1])]
    return rows[max(beginnings, key=len)] if beginnings else _PLAIN


@cache
def _by_name() -> dict[str, Family]:
    return {name: row for row in _ROWS for name in row.names}
