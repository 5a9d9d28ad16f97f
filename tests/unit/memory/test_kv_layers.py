"""Which cache each layer has, number by number (vllm `get_kv_cache_spec` of the layers).

A block holds 16 tokens unless told. `kv_kit.py` says what its models' pages are.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from kv_kit import CHUNKED, MAMBA, MIXED, PAGE, SLIDING, SMALL, TOKEN, counts, planned, spec, specs, started
from sizing_models import BERT, DEEPSEEK_LITE, GEMMA_4, WHISPER

from modelcar_tui.memory.kv.flight import in_flight
from modelcar_tui.memory.kv.layers import layers_of
from modelcar_tui.memory.kv.specs import Spec


def test_layers_that_are_alike_have_one_cache_each() -> None:
    ((found, count),) = layers_of(started(SMALL), (0, 8))
    assert (found, count) == (Spec(kind="full", block=16, page=PAGE), 8)


def test_a_block_has_as_many_tokens_as_the_arguments_say() -> None:
    found = spec(SMALL, "--block-size=32")
    assert (found.block, found.page) == (32, 32 * TOKEN)


def test_only_the_layers_with_a_latent_cache_one() -> None:
    words = ["sliding_attention"] * 20 + ["full_attention"] * 7
    found = specs({**DEEPSEEK_LITE, "sliding_window": 512, "layer_types": words})
    pages = {one.kind: one.page for one in found}
    assert pages["mla"] == 16 * (512 + 64) * 2
    assert pages["sliding"] == 16 * 16 * (128 + 128) * 2


@pytest.mark.parametrize(("tp", "heads"), [(1, 4), (2, 2), (4, 1), (8, 1)])
def test_kv_heads_are_shared_out_and_never_less_than_one(tp: int, heads: int) -> None:
    assert spec(SMALL, f"--tensor-parallel-size={tp}").page == PAGE // 4 * heads


def test_a_pipeline_rank_caches_its_own_layers() -> None:
    assert counts(MIXED, rank=(0, 3)) == {"sliding": 3}
    assert counts(MIXED, rank=(5, 8)) == {"sliding": 1, "full": 2}
    assert counts(MIXED) == {"sliding": 6, "full": 2}


BOTH_WAYS = {
    **SMALL,
    "architectures": ["Gemma3TextModel"],
    "model_type": "gemma3_text",
    "use_bidirectional_attention": True,
}


@pytest.mark.parametrize(
    "config",
    [
        BERT,
        {**SMALL, "layer_types": ["mlp"] * 8},
        {**SMALL, "architectures": ["SiglipModel"]},
        {**SMALL, "architectures": ["LlamaBidirectionalModel"]},
        BOTH_WAYS,
        {**SMALL, "architectures": ["Qwen2Model"], "is_causal": False},
        {**SMALL, "is_causal": False},
    ],
    ids=["encoder", "no attention", "by name", "by class", "as told", "not causal", "not causal, of text"],
)
def test_a_model_that_looks_both_ways_or_has_no_attention_caches_nothing(config: dict[str, Any]) -> None:
    assert specs(config) == []
    assert planned(config) is None


def test_a_causal_model_keeps_its_cache_though_it_is_pooled() -> None:
    assert counts({**SMALL, "architectures": ["Qwen2Model"]}) == {"full": 8}
    assert counts({**SMALL, "architectures": ["Qwen2Model"], "is_causal": True}) == {"full": 8}
    # Only Gemma 3 hears this of its config.json, and only where it makes no text.
    # Its class slides but for each sixth layer.
    assert counts({**BOTH_WAYS, "architectures": ["Gemma3ForCausalLM"]}) == {"full": 1, "sliding": 7}
    assert counts({**BOTH_WAYS, "architectures": ["Qwen2Model"], "model_type": "qwen2"}) == {"full": 8}


# Windows and chunks, and the batches that are in flight meanwhile.


@pytest.mark.parametrize(
    ("args", "vllm", "batches"),
    [
        ((), "0.19.0", 1),
        ((), "0.25.0", 1),
        ((), "0.26.0", 2),
        ((), "0.33.0", 2),
        (("--no-async-scheduling",), "0.26.0", 1),
        (("--async-scheduling",), "0.25.0", 1),
        (("--pipeline-parallel-size=2",), "0.25.0", 1),
        (("--pipeline-parallel-size=2",), "0.26.0", 3),
        (("--pipeline-parallel-size=4", "--no-async-scheduling"), "0.26.0", 4),
        # Whether the two go together is not known from 0.31 on: the more is taken.
        (("--pipeline-parallel-size=2",), "0.33.0", 3),
    ],
)
def test_from_0_26_on_windows_keep_the_tokens_of_all_batches_in_flight(
    args: tuple[str, ...], vllm: str, batches: int
) -> None:
    asked = ("--max-num-batched-tokens=777", *args)
    assert in_flight(started(SLIDING, *asked, vllm=vllm)) == 777 * batches
    assert spec(SLIDING, *asked, vllm=vllm).reach == 511 + 777 * batches
    assert spec(CHUNKED, *asked, vllm=vllm, kind="chunked").reach == 256 + 777 * batches
    assert spec(CHUNKED, *asked, vllm=vllm, kind="full").reach == 0


def test_a_window_begins_anywhere_in_a_block_and_a_chunk_at_its_beginning() -> None:
    sliding = spec(SLIDING)
    assert (sliding.kind, sliding.window, sliding.spare) == ("sliding", 512, 1)
    chunked = spec(CHUNKED, kind="chunked")
    assert (chunked.window, chunked.spare) == (256, 0)
    assert (sliding.page, chunked.page) == (PAGE, PAGE)


@pytest.mark.parametrize(
    ("vllm", "asked", "block"),
    [
        ("0.24.0", 64, 64),
        ("0.25.0", 64, 16),
        ("0.29.0", 64, 16),
        ("0.30.0", 64, 64),
        ("0.25.0", 16, 16),
        ("0.25.0", 24, 24),  # the backend can't cut it into its own
    ],
)
def test_between_0_25_and_0_29_windows_took_the_backends_smallest_block(
    vllm: str, asked: int, block: int
) -> None:
    found = spec(MIXED, f"--block-size={asked}", vllm=vllm, kind="sliding")
    assert (found.block, found.page) == (block, block * TOKEN)
    assert spec(MIXED, f"--block-size={asked}", vllm=vllm, kind="full").block == asked


@pytest.mark.parametrize(
    ("vllm", "kinds"),
    [
        ("0.9.0", {"full": 8}),
        ("0.9.2", {"sliding": 6, "full": 2}),
        ("0.10.0", {"sliding": 6, "full": 2}),
        ("0.19.0", {"sliding": 6, "full": 2}),
    ],
)
def test_before_there_was_a_hybrid_manager_windows_save_nothing(vllm: str, kinds: dict[str, int]) -> None:
    assert counts(MIXED, vllm=vllm) == kinds


def test_without_the_hybrid_manager_windows_and_chunks_are_full_and_states_stay() -> None:
    off = "--disable-hybrid-kv-cache-manager"
    assert counts(MIXED, off) == counts(CHUNKED, off) == {"full": 8}
    assert specs(MIXED, off) == [Spec(kind="full", block=16, page=PAGE)]
    assert counts(MAMBA, off) == counts(MAMBA) == {"state": 6, "full": 2}
    assert counts(SLIDING, off) == {"sliding": 8}  # a model without a full layer keeps its windows


def test_a_window_that_counts_as_full_keeps_its_own_page() -> None:
    """Gemma 4's sliding layers: 16 heads x 512 x 2 B a token, the full ones half of it."""
    found = specs(GEMMA_4, "--disable-hybrid-kv-cache-manager", vllm="0.33.0")
    assert {(one.kind, one.block, one.page) for one in found} == {
        ("full", 16, 16 * 16384),
        ("full", 16, 16 * 8192),
    }


def test_chunks_are_a_kind_of_their_own() -> None:
    assert counts(CHUNKED) == {"chunked": 6, "full": 2}


def test_layers_that_share_a_cache_have_none_of_their_own() -> None:
    """Gemma 3n: the last layers read the cache of an earlier one."""
    shared = {**MIXED, "num_kv_shared_layers": 3}
    assert counts(shared) == {"sliding": 5}
    assert counts(shared, rank=(2, 4)) == {"sliding": 2}
    assert counts(shared, rank=(4, 8)) == {"sliding": 1}
    # A rank of layers that all share needs one to read from.
    assert counts(shared, rank=(5, 8)) == {"sliding": 1}
    assert counts(shared, rank=(6, 8)) == {"full": 1}
    blocks = {**SMALL, "layer_types": ["full_attention"] * 4 + ["mlp", "full_attention"] * 2}
    assert counts({**blocks, "num_kv_shared_layers": 4}, rank=(4, 8)) == {"full": 1}
    assert counts({**blocks, "num_kv_shared_layers": 1}) == {"full": 5}


# Latent attention.


def test_deepseeks_latent_is_cached_once_and_not_split() -> None:
    """512 numbers of the latent and 64 of the rotary key, 2 B each."""
    for tp in (1, 4):
        found = spec(DEEPSEEK_LITE, f"--tensor-parallel-size={tp}")
        assert found == Spec(kind="mla", block=16, page=16 * 576 * 2)
    assert counts(DEEPSEEK_LITE) == {"mla": 27}


@pytest.mark.parametrize(("tp", "heads"), [(1, 16), (2, 8), (16, 1), (32, 1)])
def test_before_0_7_1_every_head_was_cached_padded_to_256(tp: int, heads: int) -> None:
    split = f"--tensor-parallel-size={tp}"
    assert spec(DEEPSEEK_LITE, split, vllm="0.7.0").page == 16 * heads * 2 * 256 * 2
    assert spec(DEEPSEEK_LITE, split, vllm="0.7.1").page == 16 * 576 * 2


def test_minicpm_3_caches_every_heads_keys_and_values() -> None:
    """Keys of 64 + 32 numbers, and values padded to them."""
    config = {**DEEPSEEK_LITE, "model_type": "minicpm3", "qk_nope_head_dim": 64, "qk_rope_head_dim": 32}
    assert spec(config).page == 16 * 16 * 2 * 96 * 2
    assert spec(config, "--tensor-parallel-size=4").page == 16 * 4 * 2 * 96 * 2
    assert spec(config, vllm="0.7.0").page == 16 * 16 * 2 * 256 * 2


SPARSE = {**DEEPSEEK_LITE, "index_n_heads": 64, "index_head_dim": 128, "index_topk": 2048}
"""DeepSeek V3.2: 128 8-bit keys and a 32-bit scale are 132 B a token of each layer that looks for itself."""


def test_sparse_attention_has_an_indexers_cache_beside_each_latent_in_blocks_of_64() -> None:
    found = layers_of(started(SPARSE), (0, 27))
    latent = Spec(kind="mla", block=64, page=64 * 1152)
    indexer = Spec(kind="mla", block=64, page=64 * 132, beside=True)
    assert dict(found) == {latent: 27, indexer: 27}
    assert [one.block for one in specs(SPARSE, "--block-size=128")] == [128, 128]


def test_deepseeks_8_bit_layout_for_sparse_attention_has_scales_and_keys_in_16_bits() -> None:
    """512 B, four 32-bit scales and 64 numbers in 16 bits: 656 B a token."""
    assert {one.page for one in specs(SPARSE, "--kv-cache-dtype=fp8")} == {64 * 656, 64 * 132}
    assert {one.page for one in specs(DEEPSEEK_LITE, "--kv-cache-dtype=fp8")} == {16 * 576}


@pytest.mark.parametrize(
    ("told", "layers", "own"),
    [
        ({}, 27, 27),
        ({"index_topk_freq": 2, "index_skip_topk_offset": 0}, 20, 10),
        ({"index_topk_freq": 2, "index_skip_topk_offset": 0}, 27, 13),
        # From the third layer on every fourth: 0, 1, 2, 6, 10, 14, 18.
        ({"index_topk_freq": 4}, 20, 6),
        ({"index_topk_pattern": "FSSF" * 5}, 20, 10),
        ({"indexer_types": ["full", "shared"] * 10}, 20, 10),
        ({"indexer_types": ["full"] * 3 + ["shared"] * 17}, 20, 3),
    ],
)
def test_only_layers_that_look_for_themselves_have_an_indexer(
    told: dict[str, Any], layers: int, own: int
) -> None:
    found = layers_of(started({**SPARSE, **told, "num_hidden_layers": layers}), (0, layers))
    assert {one.page // 64: count for one, count in found} == {1152: layers, 132: own}


def test_a_pipeline_rank_has_its_share_of_the_indexers() -> None:
    """Ten layers of 27, and ten indexers; where 13 of 27 own one, a rank of one layer has half: none."""
    pages = {one.page // 64: count for one, count in layers_of(started(SPARSE), (10, 20))}
    assert pages == {1152: 10, 132: 10}
    half = {**SPARSE, "index_topk_freq": 2, "index_skip_topk_offset": 0}
    assert {one.page // 64 for one, _ in layers_of(started(half), (0, 1))} == {1152}
    assert {one.page // 64: count for one, count in layers_of(started(half), (0, 3))} == {1152: 3, 132: 1}


MINIMAX_M3: dict[str, Any] = {
    **SMALL,
    "model_type": "minimax_m3",
    "sparse_attention_config": {
        "sparse_index_dim": 128,
        "sparse_num_index_heads": 4,
        "sparse_attention_freq": [0, 0, 1, 1, 1, 1, 1, 1],
    },
}


@pytest.mark.parametrize(("vllm", "block"), [("0.28.0", 16), ("0.30.0", 16), ("0.31.0", 128)])
def test_minimax_m3_indexes_in_16_bits_and_since_0_31_in_blocks_of_128(vllm: str, block: int) -> None:
    """Layers of full attention, six of which have keys of 128 numbers, 256 B a token, beside them."""
    layers = layers_of(started(MINIMAX_M3, vllm=vllm), (0, 8))
    found = {(one.kind, one.block, one.page): count for one, count in layers}
    assert found == {("full", block, block * TOKEN): 8, ("mla", block, block * 256): 6}


# Heads that differ.


def test_gemma_4s_full_layers_have_fewer_and_wider_heads() -> None:
    """Sliding: 16 heads x 512 x 2 B a token. Full: 4 heads x 1,024 x 2 B, half of it."""
    found = {one.kind: one.page for one in specs(GEMMA_4, vllm="0.33.0")}
    assert found == {"sliding": 16 * 16384, "full": 16 * 8192}
    assert counts(GEMMA_4, vllm="0.33.0") == {"sliding": 50, "full": 10}
    # Where keys are no values, too, the number of heads is the sliding layers'.
    apart = {**GEMMA_4, "text_config": {**GEMMA_4["text_config"], "attention_k_eq_v": False}}
    assert spec(apart, vllm="0.33.0", kind="full").page == 16 * 32768


@pytest.mark.parametrize(("tp", "sliding", "full"), [(2, 8, 2), (4, 4, 1), (8, 2, 1), (16, 1, 1)])
def test_one_head_of_either_kind_is_the_least(tp: int, sliding: int, full: int) -> None:
    found = {one.kind: one.page for one in specs(GEMMA_4, f"--tensor-parallel-size={tp}", vllm="0.33.0")}
    assert found == {"sliding": 16 * sliding * 1024, "full": 16 * full * 2048}


MIMO: dict[str, Any] = {
    **SMALL,
    "model_type": "mimo_v2_flash",
    "head_dim": 192,
    "v_head_dim": 128,
    "swa_num_key_value_heads": 8,
    "sliding_window": 128,
    "hybrid_layer_pattern": [1, 1, 1, 0] * 2,
}


@pytest.mark.parametrize(
    ("vllm", "width"), [("0.19.1", 192 + 192), ("0.20.0", 192 + 128), ("0.33.0", 192 + 128)]
)
def test_before_0_20_narrow_values_were_padded_to_the_keys(vllm: str, width: int) -> None:
    """MiMo V2: sliding layers of 8 heads, full ones of 4."""
    found = {one.kind: one.page for one in specs(MIMO, vllm=vllm)}
    assert found == {"sliding": 16 * 8 * width * 2, "full": 16 * 4 * width * 2}
    narrow = spec({**SMALL, "v_head_dim": 32}, vllm=vllm)
    assert narrow.page == 16 * 4 * (128 if vllm == "0.19.1" else 96) * 2
    assert spec({**SMALL, "v_head_dim": 128}, vllm=vllm).page == 16 * 4 * 192 * 2  # wide ones never were


NEMOTRON: dict[str, Any] = {
    **SMALL,
    "model_type": "nemotron-nas",
    "num_hidden_layers": 4,
    "block_configs": [
        {"attention": {"n_heads_in_group": 2}, "ffn": {"ffn_mult": 2.0}},
        {"attention": {"n_heads_in_group": 4}, "ffn": {"ffn_mult": 2.0}},
        {"attention": {"no_op": True}, "ffn": {"ffn_mult": 2.0}},
        {"attention": {"n_heads_in_group": 2}, "ffn": {"no_op": True}},
    ],
}
"""Layers of 4, 2, 0 and 4 KV heads."""


@pytest.mark.parametrize(
    ("tp", "rank", "pages"),
    [
        (1, (0, 4), {PAGE: 2, PAGE // 2: 1}),
        (1, (0, 2), {PAGE: 1, PAGE // 2: 1}),
        (1, (1, 3), {PAGE // 2: 1}),
        (2, (0, 4), {PAGE // 2: 2, PAGE // 4: 1}),
        (4, (0, 4), {PAGE // 4: 3}),  # one head each, the least there is
    ],
)
def test_each_layer_of_nemotron_nas_has_a_page_of_its_own_heads(
    tp: int, rank: tuple[int, int], pages: dict[int, int]
) -> None:
    found = layers_of(started(NEMOTRON, f"--tensor-parallel-size={tp}"), rank)
    assert {one.page: count for one, count in found} == pages


def test_one_head_is_the_least_of_each_layer_apart() -> None:
    lean = msgspec.json.decode(msgspec.json.encode(NEMOTRON))
    lean["block_configs"][0]["attention"]["n_heads_in_group"] = 1  # 8 heads beside 2 and 4
    found = layers_of(started(lean, "--tensor-parallel-size=4"), (0, 4))
    assert {one.page: count for one, count in found} == {PAGE // 2: 1, PAGE // 4: 2}  # 2, 1 and 1 heads


# Encoders and decoders, and convolutions.


@pytest.mark.parametrize(("vllm", "blocks"), [("0.7.3", 94), ("0.19.0", 128), ("0.33.0", 128)])
def test_whisper_keeps_cross_attention_for_each_decoder_layer(vllm: str, blocks: int) -> None:
    """20 heads x 128 x 2 B a token; of the encoder's as many as a step takes at most, 2,048 (the old engine:
    1,500)."""
    found = specs(WHISPER, "--max-num-batched-tokens=2048", vllm=vllm)
    assert found == [
        Spec(kind="full", block=16, page=16 * 20 * 128 * 2),
        Spec(kind="cross", block=16, page=16 * 20 * 128 * 2, always=blocks),
    ]
    assert counts(WHISPER, vllm=vllm) == {"full": 32, "cross": 32}


def test_decode_context_parallelism_is_taken_from_the_arguments() -> None:
    found = spec(DEEPSEEK_LITE, "--tensor-parallel-size=8", "--decode-context-parallel-size=8")
    assert found.split == 8
    assert found.blocks(8 * 160) == 10
    assert spec(DEEPSEEK_LITE, "--tensor-parallel-size=8").split == 1


INKLING: dict[str, Any] = {
    **MIXED,
    "architectures": ["InklingForConditionalGeneration"],
    "model_type": "inkling_mm_model",
    "num_key_value_heads": 4,
    "conv_kernel_size": 4,
}


@pytest.mark.parametrize(("tp", "heads"), [(1, 4), (2, 2), (8, 1)])
def test_inkling_keeps_the_last_tokens_of_its_convolutions_beside_each_layer(tp: int, heads: int) -> None:
    """Keys and values of 64 and two outputs of 1,024 / 4 numbers for each head, 640, on the next power of
    two: 1,024 x 2 B, in blocks of as many tokens as the kernel takes."""
    asked = ("--max-num-batched-tokens=777", f"--tensor-parallel-size={tp}")
    found = spec(INKLING, *asked, vllm="0.33.0", kind="window")
    assert (found.block, found.window, found.page) == (4, 4, 4 * heads * 1024 * 2)
    assert (found.reach, found.spare) == (3 + 2 * 777, 1)
    assert counts(INKLING, vllm="0.33.0") == {"sliding": 6, "full": 2, "window": 8}
    assert spec({**INKLING, "conv_kernel_size": 8}, vllm="0.33.0", kind="window").block == 8


@pytest.mark.parametrize(
    ("gpu", "vllm", "args", "token"),
    [
        ("H200", "0.18.0", (), 656),
        ("B200", "0.16.0", (), 656),
        ("B200", "0.17.1", (), 576),  # 16 heads on a GPU
        ("B200", "0.18.0", ("-tp=4",), 656),  # 32
        ("B200", "0.19.0", ("-tp=4",), 576),
        ("B200", "0.18.0", ("--attention-backend=FLASHMLA_SPARSE",), 656),
        ("H200", "0.18.0", ("--attention-backend=FLASHINFER_MLA_SPARSE",), 576),
    ],
)
def test_sparse_attention_in_8_bits_by_backend(
    gpu: str, vllm: str, args: tuple[str, ...], token: int
) -> None:
    """platforms/cuda.py _get_backend_priorities; 61 x (576 + 132) B is what B200s logged."""
    wide = {**SPARSE, "num_attention_heads": 128, "num_key_value_heads": 128}
    found = specs(wide, *(args or ("-tp=8",)), "--kv-cache-dtype=fp8", vllm=vllm, gpu=gpu)
    assert {each.page // each.block for each in found} == {token, 132}
