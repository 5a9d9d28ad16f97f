"""What sets a family of models apart from a plain decoder: one record a family, asked by everyone.

A plain decoder has gated MLPs, rotary positions, no biases and two norms a layer, and is no row here.
Sources: the family's class in transformers 5.24 (models/*/configuration_*.py) and in vLLM
(model_executor/models).
"""

from __future__ import annotations

from functools import cache

import msgspec

from modelcar_tui.models.weights.weight import FLOAT32


class Family(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """One family; a field that is not stated is that of a plain decoder."""

    names: tuple[str, ...] = ()
    """`model_type` values; one with a `*` at its end stands for all that begin so and have no row of their
    own. The longest beginning counts."""
    gated: bool = True
    """The MLP has three matrices, not two."""
    bare_before: tuple[int, int] = (0, 0)
    """Before this release its layers got no quantization, and its MLP's first matrix was whole."""
    gated_encoder: bool = False
    """The same, of an encoder."""
    tied: bool = False
    """The class ties the embeddings unless config.json says otherwise."""
    biased: bool = False
    """Every linear layer has a bias."""
    qkv_bias: bool = False
    """The attention's input has one, whatever config.json says."""
    mlp_biased: bool = False
    """The MLP's layers alone have biases."""
    qk_norm: bool = False
    wide_qk_norm: bool = False
    """Q and K are normed over all heads at once."""
    norms: int = 2
    """Norm vectors per layer."""
    rope: bool = True
    optional_rope: str = ""
    """Where config.json says whether there is one, if it may be absent."""
    float_rope: bool = False
    """The rotary cache is in 32 bits."""
    few_positions: bool = False
    """A picture takes as many positions as tokens, of late."""
    two_ropes: bool = False
    """Sliding layers have a rope of their own, without scaling."""
    stretches: bool = True
    """A rope's factor lengthens the context (vllm config/model.py leaves Gemma 3's out)."""
    learned_positions: bool = False
    spare_positions: int = 0
    """Rows of that table beyond the positions (OPT)."""
    period: int = 0
    """Each so many-th layer is full, the others slide, where config.json does not say."""
    windows_late: bool = False
    """Sliding begins at `max_window_layers`."""
    chunks: bool = False
    """Layers with a rope attend in chunks."""
    expert_width: str = ""
    """Where an expert's width stands if not in `moe_intermediate_size`."""
    shared_blocks: bool = False
    """Mixers share transformer blocks."""
    thin_streams: bool = False
    """Hidden states that run side by side are not mixed with one another."""
    one_shared_expert: bool = False
    shared_gate: bool = False
    """The shared expert has a gate."""
    expert_bias: bool = False
    short_convolutions: bool = False
    """Keys, values, and what attention and MLP give pass a short convolution."""
    routed_shared: bool = False
    """The router weighs the shared experts, too."""
    halved: bool = False
    """config.json's width of the MLP is of its two first matrices together."""
    half_layers: bool = False
    """Each layer is two of attention and MLP, the first with experts besides (LongCat)."""
    whole_embedding: bool = False
    """Every GPU holds all of the token embedding."""
    early_ropes: bool = False
    """Sliding layers had a rope of their own as long as vLLM had a class for the family."""
    most_positions: int = 2**31
    """Positions of a rope that is cut to the context vLLM takes by itself."""
    rotary_share: float = 1.0
    """Of a head that is turned, where config.json does not say."""
    rope_each: bool = False
    """Each layer has a rotary cache of its own."""
    least_expert: int = 0
    """Least width of an expert's part on one GPU."""
    router_bytes: int = 0
    """Of one number of the router where it is not in the model's dtype."""
    mlp_beside_experts: bool = False
    """Layers with experts have a plain MLP, too."""
    experts_apart: bool = False
    """Experts lie beside that MLP, not inside of it: what is said of the MLP's names is not said of them."""
    gate: str = ""
    """The attention's output is gated: from its query's matrix (`query`), or by a matrix of its own, with a
    gate a `channel` or a `head`."""
    latent: bool = True
    """MLA caches its latent vector."""
    stateful: bool = False
    """Every layer is a state-space mixer."""
    mixed: bool = False
    """Layers are of more than one kind."""
    parallel: bool = False
    """Every layer has a state-space mixer, and those with attention have both."""
    one_part_layers: bool = False
    """A layer is a mixer or an MLP, never both, and experts have two matrices (Nemotron-H)."""
    blocks: bool = False
    """Each layer is described in `block_configs`."""
    layer_tables: bool = True
    """Embeddings for each layer are looked up; else they are made of the token's alone."""
    altup: bool = False
    """Gemma 3n's mixed residuals and low-rank residual, of its usual sizes where config.json is silent."""
    speech: bool = False
    """An encoder for sound comes before the decoder."""
    sinks: bool = False
    """Attention with sinks, which FlashInfer's kernels do not have."""
    wide_head_dim: int = 0
    """Of full layers, where config.json is silent."""
    unmodelled: str = ""
    """Why it is not sized."""


INDEXER = "its sparse attention keeps an indexer cache of its own, which is not modelled"
_PLAIN = Family()
_ROWS = (
    Family(names=("arcee", "cosmos3_edge*", "jais2"), gated=False),
    Family(names=("persimmon",), gated=False, biased=True),
    Family(names=("molmo",), halved=True),
    Family(names=("qwen",), halved=True, qkv_bias=True),
    Family(names=("aria", "aria_text"), expert_width="intermediate_size"),
    Family(names=("apertus",), gated=False, qk_norm=True),
    Family(names=("nemotron",), gated=False, norms=4),
    Family(names=("gptj",), gated=False, mlp_biased=True),
    Family(names=("glm4", "glm4v", "glm4v_text", "glm_ocr*"), norms=4, rotary_share=0.5),
    Family(names=("hyperclovax", "orion", "pangu*", "plamo3", "stablelm", "telechat*"), norms=4),
    Family(names=("param2moe",), qk_norm=True, router_bytes=FLOAT32),
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
        names=("bert", "roberta", "xlm-roberta", "clip_text_model", "siglip_text_model"),
        gated=False,
        tied=True,
        biased=True,
        norms=4,
        rope=False,
    ),
    Family(names=("gte", "new"), gated_encoder=True, qkv_bias=True, norms=4),
    Family(names=("nomic_bert",), gated_encoder=True, norms=4),
    Family(names=("modernbert",), gated_encoder=True, bare_before=(0, 29), two_ropes=True),
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
        experts_apart=True,
        wide_head_dim=512,
    ),
    Family(names=("qwen3*",), qk_norm=True),
    Family(names=("olmo2*",), wide_qk_norm=True),
    Family(names=("olmo3*",), wide_qk_norm=True, early_ropes=True),
    Family(names=("qwen3_vl*",), qk_norm=True, few_positions=True),
    Family(
        names=("qwen3_5*", "qwen3_next*"),
        qk_norm=True,
        shared_gate=True,
        few_positions=True,
        gate="query",
        mixed=True,
    ),
    Family(names=("qwen2*",), qkv_bias=True, windows_late=True),
    Family(
        names=("gpt_oss", "openai_privacy_filter"),
        qkv_bias=True,
        period=2,
        expert_width="intermediate_size",
        expert_bias=True,
        sinks=True,
        float_rope=True,
    ),
    Family(
        names=("cohere2_moe*", "dbrx", "flex_olmo", "granitemoe*", "minimax*", "mixtral", "olmoe"),
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
    Family(names=("bamba*", "granitemoehybrid*", "jamba*", "kimi_linear*", "lfm2*"), mixed=True),
    Family(
        names=("granitemoehybrid",),
        mixed=True,
        expert_width="intermediate_size",
        optional_rope="position_embedding_type",
    ),
    Family(names=("jamba",), mixed=True, expert_width="intermediate_size", rope=False),
    Family(names=("lfm2", "lfm2_moe"), tied=True, mixed=True, qk_norm=True),
    Family(names=("nemotron_h*",), gated=False, mixed=True, one_part_layers=True, rope=False),
    Family(names=("kimi_linear",), mixed=True, rope=False, least_expert=256),
    Family(
        names=("afmoe",),
        qk_norm=True,
        norms=4,
        gate="channel",
        router_bytes=FLOAT32,
    ),
    Family(names=("laguna",), qk_norm=True),
    Family(names=("muse_glimmer*",), norms=4, gate="channel"),
    Family(names=("hy_v4*",), gate="channel", router_bytes=FLOAT32, thin_streams=True),
    Family(
        names=("ernie4_5_moe*",),
        tied=True,
        router_bytes=FLOAT32,
    ),
    Family(names=("glm4_moe*", "glm4v_moe*"), router_bytes=FLOAT32, rotary_share=0.5),
    Family(names=("hy_v3*", "step3p5*"), router_bytes=FLOAT32),
    Family(names=("mimo_v2*",), router_bytes=FLOAT32),
    Family(
        names=("longcat_flash*",),
        router_bytes=FLOAT32,
        half_layers=True,
        mlp_beside_experts=True,
    ),
    Family(names=("ernie4_5_moe_vl*", "ernie4_5_vl_moe*"), tied=True, router_bytes=FLOAT32, rope_each=True),
    Family(
        names=("inkling*",),
        qk_norm=True,
        rope=False,
        whole_embedding=True,
        routed_shared=True,
        short_convolutions=True,
    ),
    Family(
        names=("qwen4_exp*",),
        qk_norm=True,
        shared_gate=True,
        gate="query",
        few_positions=True,
        mixed=True,
    ),
    Family(names=("minimax_m3*",), qk_norm=True, router_bytes=FLOAT32, expert_width="intermediate_size"),
    Family(names=("minimax_m2*",), wide_qk_norm=True, router_bytes=FLOAT32, expert_width="intermediate_size"),
    Family(names=("falcon_h1",), parallel=True),
    Family(
        names=("zamba2",),
        tied=True,
        mixed=True,
        parallel=True,
        optional_rope="use_mem_rope",
        shared_blocks=True,
    ),
    Family(
        names=("embedding_gemma2*",),
        tied=True,
        norms=4,
        qk_norm=True,
        two_ropes=True,
        layer_tables=False,
        most_positions=8192,
    ),
    Family(names=("phimoe",), norms=4, qkv_bias=True, expert_width="intermediate_size"),
    Family(names=("hrm_text",), gate="query"),
    Family(names=("mamba",), tied=True, rope=False, stateful=True),
    Family(names=("mamba2",), rope=False, stateful=True),
    Family(names=("falcon_mamba",), tied=True, rope=False, stateful=True),
    Family(names=("nemotron-nas",), blocks=True),
    Family(names=("kimi_k3",), unmodelled="how its layers differ from Kimi Linear's was not read"),
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
