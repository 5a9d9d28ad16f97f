"""The KV cache's layout, number by number, against values worked out by hand from vLLM's rules.

The rules (vllm v1/core/kv_cache_utils.py, v1/kv_cache_interface.py): a block holds 16 tokens unless told;
a page is one block of one layer: tokens x KV heads on this GPU x (key + value width) x bytes. Layers of one
kind form groups of one size, the last one padded; a block id costs one page in each layer of a group.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from sizing_models import DEEPSEEK_LITE, GEMMA_4, GEMMA_27B, LLAMA_8B, QWEN_NEXT, WHISPER

from modelcar_tui.hardware.products import gpu_for
from modelcar_tui.memory.kv import Group, Plan, plan_for
from modelcar_tui.memory.start import Start, start_of
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.models.model import Model, describe
from modelcar_tui.vllm.engine_args import engine_args
from modelcar_tui.vllm.profile import profile_for

SMALL: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 1024,
    "num_hidden_layers": 8,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "head_dim": 64,
    "vocab_size": 32000,
    "intermediate_size": 2048,
    "max_position_embeddings": 4096,
}
"""A token of a layer is 4 heads x (64 + 64) x 2 B = 1,024 B, a page of 16 tokens 16,384 B."""
TOKEN, PAGE = 1024, 16384
MAMBA: dict[str, Any] = {
    **SMALL,
    "architectures": ["BambaForCausalLM"],
    "model_type": "bamba",
    "attn_layer_indices": [3, 7],
    "mamba_n_heads": 32,
    "mamba_d_head": 64,
    "mamba_n_groups": 2,
    "mamba_d_state": 128,
    "mamba_d_conv": 4,
}
"""Mamba 2: convolution of (32 x 64 + 2 x 2 x 128) x 3 x 2 B = 15,360 B, state of 32 x 64 x 128 x 2 B =
524,288 B."""
SLIDING = {**SMALL, "sliding_window": 512}
CHUNKED = {**SMALL, "attention_chunk_size": 256}
MIXED = {**SLIDING, "layer_types": ["sliding_attention"] * 6 + ["full_attention"] * 2}


def started(config: dict[str, Any], *args: str, vllm: str = "0.19.0") -> Start:
    wanted = engine_args(args, None, vllm)
    assert not wanted.problems
    facts = ModelFacts(config=config)
    model = describe(facts, quantization=wanted.quantization, dtype=wanted.dtype, overrides=wanted.overrides)
    assert isinstance(model, Model), model
    return start_of(model, gpu_for("H100", count=8), wanted, profile_for(vllm))


def plan(
    config: dict[str, Any],
    *args: str,
    vllm: str = "0.19.0",
    width: float = 2.0,
    rank: tuple[int, int] | None = None,
) -> Plan:
    start = started(config, *args, vllm=vllm)
    found = plan_for(start, width=width, rank=rank or (0, start.model.shape.layers))
    assert found is not None
    counted = (found.page, found.block, found.wide_block, found.size, found.beside, found.block_bytes)
    assert {type(number) for number in counted} == {int}
    return found


def layers(found: Plan) -> list[tuple[str, int]]:
    return [(group.kind, group.layers) for group in found.groups]


def test_layers_that_are_alike_are_one_group_and_a_block_id_is_a_page_of_each() -> None:
    found = plan(SMALL)
    assert (found.page, found.block, found.wide_block) == (PAGE, 16, 16)
    assert (found.size, layers(found), found.beside) == (8, [("full", 8)], 0)
    assert found.block_bytes == 8 * PAGE
    assert found.bytes_per_token == 8 * TOKEN


def test_the_limits_that_vllm_runs_with_are_kept() -> None:
    draft = '--speculative-config={"method":"ngram","num_speculative_tokens":3}'
    found = plan(SMALL, "--max-num-batched-tokens=777", draft)
    assert (found.batch, found.speculative, found.context_split) == (777, 3, 1)
    assert (found.window, found.chunk, found.encoder_tokens) == (0, 0, 0)


def test_a_block_has_as_many_tokens_as_the_arguments_say() -> None:
    found = plan(SMALL, "--block-size=32")
    assert (found.block, found.wide_block, found.page) == (32, 32, 32 * TOKEN)


@pytest.mark.parametrize(("tp", "heads"), [(1, 4), (2, 2), (4, 1), (8, 1)])
def test_kv_heads_are_shared_out_and_never_less_than_one(tp: int, heads: int) -> None:
    assert plan(SMALL, f"--tensor-parallel-size={tp}").page == PAGE // 4 * heads


def test_a_pipeline_rank_caches_its_own_layers() -> None:
    assert layers(plan(MIXED, rank=(0, 3))) == [("sliding", 3)]
    assert layers(plan(MIXED, rank=(5, 8))) == [("full", 1), ("full", 1), ("sliding", 1)]


def test_a_page_of_odd_numbers_is_cut_to_whole_bytes() -> None:
    narrow = {**SMALL, "head_dim": 3, "num_key_value_heads": 1}
    assert plan(narrow, "--block-size=1", width=0.5625).page == 3  # 1 x 6 x 0.5625 = 3.375


def test_a_model_without_a_cache_has_no_plan() -> None:
    bert = {**SMALL, "architectures": ["BertModel"], "model_type": "bert"}
    for config, rank in ((bert, (0, 8)), ({**SMALL, "layer_types": ["mlp"] * 8}, (0, 8))):
        assert plan_for(started(config), width=2.0, rank=rank) is None


# Requests and blocks.


def by_hand(**fields: Any) -> Plan:
    told: dict[str, Any] = {
        "page": 100,
        "block": 16,
        "size": 2,
        "beside": 7,
        "wide_block": 32,
        "groups": (Group("full", 2), Group("sliding", 2), Group("sliding", 1)),
        "window": 64,
        "chunk": 40,
        "encoder_tokens": 1500,
        "batch": 32,
        "speculative": 3,
        "state_mode": "none",
        "context_split": 1,
    }
    return Plan(**{**told, **fields})


@pytest.mark.parametrize(
    ("kind", "length", "blocks"),
    [
        ("full", 1, 1),
        ("full", 32, 1),
        ("full", 33, 2),
        ("mla", 32, 2),
        ("mla", 33, 3),
        # A window of 64 keeps 63 tokens before the 32 of a step, 95, and one block more: where it begins is
        # no
        # block's beginning.
        ("sliding", 95, 7),
        ("sliding", 1000, 7),
        ("sliding", 16, 2),
        ("sliding", 17, 3),
        # A chunk of 40 and a step of 32.
        ("chunked", 1000, 5),
        ("chunked", 48, 3),
        ("chunked", 49, 4),
        ("cross", 1, 94),  # 1,500 tokens of the encoder, whatever the decoder's length
        ("state", 1000, 4),  # one state, and one for each token that is guessed ahead
    ],
)
def test_blocks_of_one_request(kind: str, length: int, blocks: int) -> None:
    assert by_hand().blocks(kind, length) == blocks


def test_a_window_that_ends_with_a_block_needs_no_token_more() -> None:
    """63 and 33 tokens are six whole blocks; with one token more they are seven."""
    assert by_hand(batch=33).blocks("sliding", 1000) == 7
    assert by_hand(batch=34).blocks("sliding", 1000) == 8


@pytest.mark.parametrize(("mode", "length", "blocks"), [("none", 99, 4), ("align", 99, 5), ("all", 99, 7)])
def test_a_state_is_kept_once_or_twice_or_at_each_block(mode: str, length: int, blocks: int) -> None:
    assert by_hand(state_mode=mode).blocks("state", length) == blocks


def test_decode_context_parallelism_cuts_each_request() -> None:
    found = by_hand(context_split=4)
    assert [found.blocks("full", length) for length in (128, 129)] == [1, 2]
    assert [found.blocks("mla", length) for length in (64, 65)] == [1, 2]
    assert found.tokens(9, 1, as_concurrency=False) == 9 // 3 * 16 * 4


def test_what_one_request_needs_with_padding_and_without() -> None:
    """40 tokens: full 2 blocks, sliding 40 / 16 + 1 = 4 in each of its groups; 10 ids of 2 x 100 + 7 B
    each."""
    found = by_hand()
    assert found.block_bytes == 207
    assert found.request_blocks(40) == 10
    assert found.needed(40, padded=True) == 10 * 207
    assert found.needed(40, padded=False) == (2 * 2 + 2 * 4 + 1 * 4) * 100 + 10 * 7


def test_the_longest_context_is_the_last_whose_check_passes() -> None:
    """One group of pages of 10 B for 16 tokens; 30 B are three blocks, 48 tokens."""
    found = by_hand(page=10, size=1, beside=0, wide_block=16, groups=(Group("full", 1),))
    for padded in (False, True):
        assert found.longest(30, 1000, padded=padded) == 48
        assert found.longest(29.9, 1000, padded=padded) == 32
        assert found.longest(30, 40, padded=padded) == 40
        assert found.longest(10, 1, padded=padded) == 1
        assert found.longest(10, 1000, padded=padded) == 16
        assert found.longest(9.9, 1000, padded=padded) == 0
        assert found.longest(-5.0, 1000, padded=padded) == 0


def test_the_longest_context_hears_whether_padding_counts() -> None:
    """64 tokens need 2 + 2 x 5 ids: 12 x 207 B with padding, (2 x 2 + 3 x 5) x 100 + 12 x 7 B without."""
    found = by_hand()
    assert found.longest(12 * 207, 64, padded=True) == 64
    assert found.longest(12 * 207 - 1, 64, padded=True) == 48
    assert found.longest(1984, 64, padded=False) == 64
    assert found.longest(1983, 64, padded=False) == 48


def test_blocks_that_fit_are_whole_and_never_less_than_none() -> None:
    found = by_hand()
    assert [found.block_count(space) for space in (-1000.0, 0.0, 206.9, 207.0, 414.5)] == [0, 0, 0, 1, 2]
    assert isinstance(found.block_count(414.5), int)


def test_tokens_are_blocks_of_a_group_or_concurrency_times_length() -> None:
    """40 tokens need 10 ids, so that 25 ids serve 2.5 requests of 40 tokens, or of 41: 102.5 tokens."""
    found = by_hand()
    assert found.concurrency(25, 40) == 2.5
    assert found.tokens(25, 41, as_concurrency=True) == 102
    assert isinstance(found.tokens(25, 41, as_concurrency=True), int)
    assert found.tokens(25, 41, as_concurrency=False) == 8 * 16
    assert by_hand(wide_block=8).tokens(25, 41, as_concurrency=False) == 8 * 8


def test_a_token_of_context_costs_the_layers_that_keep_every_token() -> None:
    """Two full layers of three groups, 100 B for 32 tokens each, and what lies beside each block id."""
    assert by_hand().bytes_per_token == (2 * 100 + 7) / 32
    latent = by_hand(groups=(Group("mla", 5), Group("state", 2)), beside=0)
    assert latent.bytes_per_token == 5 * 100 / 32
    assert by_hand(groups=(Group("sliding", 5),), beside=0).bytes_per_token == 0


# Windows, chunks, groups.


def test_windows_and_full_layers_are_groups_of_the_smaller_number() -> None:
    """Six sliding layers and two full ones: groups of two."""
    found = plan(MIXED)
    assert (found.size, found.window) == (2, 512)
    assert layers(found) == [("full", 2), ("sliding", 2), ("sliding", 2), ("sliding", 2)]


def test_nearly_equal_numbers_of_layers_are_one_padded_group_each() -> None:
    """Less than half more: 5 and 4 are groups of five. Half more, 3 and 2, are groups of two, one of them
    padded."""
    five = {
        **SLIDING,
        "num_hidden_layers": 9,
        "layer_types": ["sliding_attention"] * 5 + ["full_attention"] * 4,
    }
    assert (plan(five).size, layers(plan(five))) == (5, [("full", 4), ("sliding", 5)])
    three = {
        **SLIDING,
        "num_hidden_layers": 5,
        "layer_types": ["sliding_attention"] * 3 + ["full_attention"] * 2,
    }
    assert plan(three).size == 2
    assert layers(plan(three)) == [("full", 2), ("sliding", 2), ("sliding", 1)]


def test_gemma_3_has_six_groups_of_sliding_layers_of_which_some_are_padded() -> None:
    """52 sliding and 10 full layers: 52 in groups of ten are six, of nine layers or of eight."""
    found = plan(GEMMA_27B)
    assert found.size == 10
    assert layers(found) == [("full", 10), *[("sliding", 9)] * 4, *[("sliding", 8)] * 2]
    assert found.page == 16 * 16 * 256 * 2


@pytest.mark.parametrize(
    ("vllm", "kinds"),
    [
        ("0.9.0", {"full": 8}),
        ("0.9.2", {"full": 2, "sliding": 6}),
        ("0.10.0", {"full": 2, "sliding": 6}),
        ("0.19.0", {"full": 2, "sliding": 6}),
    ],
)
def test_before_there_was_a_hybrid_manager_windows_save_nothing(vllm: str, kinds: dict[str, int]) -> None:
    found = plan(MIXED, vllm=vllm)
    told: dict[str, int] = {}
    for kind, count in layers(found):
        told[kind] = told.get(kind, 0) + count
    assert told == kinds


def test_without_the_hybrid_manager_windows_and_chunks_are_full_and_states_stay() -> None:
    off = "--disable-hybrid-kv-cache-manager"
    assert layers(plan(MIXED, off)) == [("full", 8)]
    chunked = {**CHUNKED, "no_rope_layers": [1, 1, 1, 0] * 2}
    assert layers(plan(chunked, off)) == [("full", 8)]
    assert layers(plan(MAMBA, off)) == layers(plan(MAMBA))
    assert layers(plan(SLIDING, off)) == [("sliding", 8)]  # a model without a full layer keeps its windows


def test_chunks_are_a_kind_of_their_own() -> None:
    found = plan({**CHUNKED, "no_rope_layers": [1, 1, 1, 0] * 2})
    assert found.chunk == 256
    assert layers(found) == [("full", 2), ("chunked", 2), ("chunked", 2), ("chunked", 2)]


def test_layers_that_share_a_cache_have_none_of_their_own() -> None:
    """Gemma 3n: the last layers read the cache of an earlier one."""
    shared = {**MIXED, "num_kv_shared_layers": 3}
    assert layers(plan(shared)) == [("sliding", 5)]
    assert layers(plan(shared, rank=(2, 4))) == [("sliding", 2)]
    assert layers(plan(shared, rank=(4, 8))) == [("sliding", 1)]
    # A rank of layers that all share needs one to read from.
    assert layers(plan(shared, rank=(5, 8))) == [("sliding", 1)]
    assert layers(plan(shared, rank=(6, 8))) == [("full", 1)]
    blocks = {**SMALL, "layer_types": ["full_attention"] * 4 + ["mlp", "full_attention"] * 2}
    assert layers(plan({**blocks, "num_kv_shared_layers": 4}, rank=(4, 8))) == [("full", 1)]
    assert layers(plan({**blocks, "num_kv_shared_layers": 1})) == [("full", 5)]


# Latent attention.


def test_deepseeks_latent_is_cached_once_and_not_split() -> None:
    """512 numbers of the latent and 64 of the rotary key, 2 B each."""
    for tp in (1, 4):
        found = plan(DEEPSEEK_LITE, f"--tensor-parallel-size={tp}")
        assert (found.page, layers(found)) == (16 * 576 * 2, [("mla", 27)])
        assert found.bytes_per_token == 27 * 576 * 2
    assert plan(DEEPSEEK_LITE, width=1.0).page == 16 * 576


@pytest.mark.parametrize(("tp", "heads"), [(1, 16), (2, 8), (16, 1), (32, 1)])
def test_before_0_7_1_every_head_was_cached_padded_to_256(tp: int, heads: int) -> None:
    found = plan(DEEPSEEK_LITE, f"--tensor-parallel-size={tp}", vllm="0.7.0")
    assert found.page == 16 * heads * 2 * 256 * 2
    assert plan(DEEPSEEK_LITE, f"--tensor-parallel-size={tp}", vllm="0.7.1").page == 16 * 576 * 2


def test_minicpm_3_caches_every_heads_keys_and_values() -> None:
    """Keys of 64 + 32 numbers, and values padded to them."""
    config = {**DEEPSEEK_LITE, "model_type": "minicpm3", "qk_nope_head_dim": 64, "qk_rope_head_dim": 32}
    assert plan(config).page == 16 * 16 * 2 * 96 * 2
    assert plan(config, vllm="0.7.0").page == 16 * 16 * 2 * 256 * 2


def test_sparse_attention_keeps_an_indexer_beside_each_page() -> None:
    """128 8-bit keys and a 32-bit scale: 132 B a token and layer; every layer from the third on has its
    own."""
    sparse = {**DEEPSEEK_LITE, "index_n_heads": 64, "index_head_dim": 128, "index_topk": 2048}
    found = plan(sparse)
    assert (found.page, found.beside) == (16 * 576 * 2, 16 * 132 * 27)
    assert plan(sparse, width=1.0).page == 16 * 656  # DeepSeek's 8-bit layout
    assert plan(DEEPSEEK_LITE, width=1.0).page == 16 * 576
    assert plan(sparse, rank=(10, 20)).beside == 16 * 132 * 10
    half = {**sparse, "index_topk_freq": 2, "index_skip_topk_offset": 0, "num_hidden_layers": 20}
    assert plan(half).beside == 16 * 132 * 10
    uneven = {**half, "num_hidden_layers": 27}  # 13 of 27 own one: rounded, not cut
    assert plan(uneven, rank=(0, 1)).beside == 1017  # 16 x 132 x 13 / 27 = 1016.9


# States.


def test_mamba_2_raises_the_block_until_its_page_holds_a_state() -> None:
    """539,648 B of state need 33 pages of 16,384 B (540,672 B): blocks of 528 tokens."""
    found = plan(MAMBA)
    assert (found.block, found.wide_block, found.page) == (528, 528, 528 * TOKEN)
    assert layers(found) == [("full", 2), ("state", 2), ("state", 2), ("state", 2)]


def test_a_state_of_32_bits_is_twice_as_large() -> None:
    """15,360 + 1,048,576 B are 65 pages."""
    assert plan(MAMBA, "--mamba-ssm-cache-dtype=float32").block == 65 * 16
    assert plan({**MAMBA, "mamba_ssm_cache_dtype": "float32"}).block == 65 * 16


def test_tensor_parallelism_splits_states_and_keys_alike() -> None:
    """Two GPUs: 269,824 B of state, pages of 8,192 B: 33. Four: 134,912 B, pages of 4,096 B."""
    two = plan(MAMBA, "--tensor-parallel-size=2")
    assert (two.block, two.page) == (528, 528 * TOKEN // 2)
    assert plan(MAMBA, "--tensor-parallel-size=4").page == 528 * TOKEN // 4
    # Eight: 67,456 B, and one KV head is the least: 4,096 B a page, 16.5 of them.
    eight = plan(MAMBA, "--tensor-parallel-size=8")
    assert (eight.block, eight.page) == (17 * 16, 17 * 16 * TOKEN // 4)


def test_one_head_of_a_state_is_the_least_that_a_gpu_holds() -> None:
    """Two heads on four GPUs: 64 x 128 x 2 B of one, and a quarter of the convolution's 640 channels x 3 x 2
    B."""
    few = {**MAMBA, "mamba_n_heads": 2, "attn_layer_indices": []}
    few = {**few, "layer_types": ["mamba"] * 8}
    assert plan(few, "--tensor-parallel-size=4").page == 160 * 3 * 2 + 64 * 128 * 2


def test_a_block_that_is_asked_for_is_the_step_of_the_raised_one() -> None:
    """Blocks of 64 tokens, 65,536 B: nine of them hold the state. Blocks of 8 are raised by 16."""
    assert plan(MAMBA, "--block-size=64").block == 9 * 64
    assert plan(MAMBA, "--block-size=8").block == 528


def test_a_model_of_states_alone_pages_just_its_state() -> None:
    alone = {**MAMBA, "attn_layer_indices": None, "layer_types": ["mamba"] * 8}
    found = plan(alone)
    assert (found.page, found.block, layers(found)) == (15_360 + 524_288, 16, [("state", 8)])
    assert layers(plan(MAMBA, rank=(0, 3))) == [("state", 3)]
    assert plan(MAMBA, rank=(0, 3)).page == 15_360 + 524_288


def test_layers_with_attention_and_state_side_by_side_count_twice() -> None:
    """Falcon H1: each of the eight layers has both."""
    found = plan({**MAMBA, "model_type": "falcon_h1", "attn_layer_indices": None})
    assert layers(found) == [("full", 8), ("state", 8)]
    assert found.block == 528


def test_gated_delta_nets_have_states_of_32_bits() -> None:
    """Qwen3.5: 48 x 128 x 128 x 4 B and (2 x 16 x 128 + 48 x 128) x 3 x 2 B are 3,207,168 B.

    A token is 4 heads x 512 x 2 B, a page 65,536 B; 49 of them hold it: 784 tokens.
    """
    found = plan(QWEN_NEXT)
    assert (found.block, found.page) == (784, 784 * 4096)
    assert (found.size, len(found.groups)) == (16, 4)
    eight = plan(QWEN_NEXT, width=1.0)  # 98 pages of half the size
    assert (eight.block, eight.page) == (1568, 1568 * 2048)


KIMI: dict[str, Any] = {
    **DEEPSEEK_LITE,
    "model_type": "kimi_linear",
    "num_hidden_layers": 8,
    "linear_attn_config": {
        "kda_layers": [1, 2, 3, 5, 6, 7],
        "num_heads": 32,
        "head_dim": 128,
        "short_conv_kernel_size": 4,
    },
}


def test_kimi_delta_attention_raises_the_latents_block_by_64() -> None:
    """3 x 4,096 channels x 3 x 2 B and 32 x 128 x 128 x 4 B are 2,170,880 B; 64 latents are 73,728 B: 30 of
    them."""
    found = plan(KIMI)
    assert (found.block, found.page) == (30 * 64, 30 * 64 * 1152)
    assert layers(found) == [("mla", 2), ("state", 2), ("state", 2), ("state", 2)]
    assert layers(plan(KIMI, rank=(0, 3))) == [("state", 3)]


def test_lightning_attention_has_no_convolution() -> None:
    """MiniMax: 64 x 128 x 128 x 2 B are exactly 32 pages of 16 tokens x 8 heads x 256 x 2 B."""
    lightning = {
        **SMALL,
        "model_type": "minimax",
        "num_attention_heads": 64,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "attn_type_list": [0, 0, 0, 1] * 2,
    }
    assert plan(lightning).block == 512


def test_a_short_convolution_is_all_the_state_there_is() -> None:
    """LFM2: 1,024 channels x 2 x 2 B."""
    short = {**SMALL, "model_type": "lfm2", "conv_L_cache": 3, "layer_types": ["conv"] * 8}
    assert plan(short).page == 4096
    # More GPUs than channels leave nothing: a page is never empty.
    assert plan({**short, "conv_dim": 1}, "--tensor-parallel-size=2").page == 1


def test_mamba_1_keeps_a_state_for_each_channel() -> None:
    """2,048 channels x 3 x 2 B and 2,048 x 16 x 2 B."""
    jamba = {**SMALL, "model_type": "mamba", "architectures": ["MambaForCausalLM"], "state_size": 16}
    assert plan(jamba).page == 2048 * 3 * 2 + 2048 * 16 * 2


def test_a_state_that_is_not_described_leaves_pages_as_they_are() -> None:
    found = plan({**SMALL, "layer_types": ["linear_attention", "full_attention"] * 4})
    assert (found.block, found.page) == (16, PAGE)
    assert layers(found) == [("full", 4), ("state", 4)]


@pytest.mark.parametrize(
    ("args", "vllm", "mode"),
    [
        ((), "0.25.1", "none"),
        ((), "0.26.0", "align"),
        (("--enable-prefix-caching",), "0.19.0", "align"),
        (("--no-enable-prefix-caching",), "0.26.0", "none"),
        (("--mamba-cache-mode=all",), "0.19.0", "all"),
        (("--mamba-cache-mode=align",), "0.19.0", "align"),
        (("--mamba-cache-mode=none",), "0.26.0", "align"),
    ],
)
def test_from_0_26_on_states_are_kept_for_prefixes_by_default(
    args: tuple[str, ...], vllm: str, mode: str
) -> None:
    assert plan(MAMBA, *args, vllm=vllm).state_mode == mode


# Heads that differ.


def test_gemma_4_cuts_both_kinds_of_layers_into_pages_of_one_size() -> None:
    """Sliding: 16 heads x 512 x 2 B a token. Full: 4 heads x 1,024 x 2 B, half of it: blocks of twice the
    tokens."""
    found = plan(GEMMA_4, vllm="0.33.0")
    assert (found.page, found.block, found.wide_block) == (16 * 16384, 16, 32)
    assert (found.size, len(found.groups), found.groups[0].kind) == (10, 6, "full")
    assert found.bytes_per_token == 10 * 4 * 1024 * 2


def test_where_the_full_layers_tokens_are_larger_the_sliding_ones_get_longer_blocks() -> None:
    """With 16 heads in both a full token is twice a sliding one."""
    equal = {**GEMMA_4, "text_config": {**GEMMA_4["text_config"], "attention_k_eq_v": False}}
    found = plan(equal, vllm="0.33.0")
    assert (found.page, found.block, found.wide_block) == (16 * 32768, 32, 16)


@pytest.mark.parametrize(
    ("tp", "page", "wide"), [(2, 131072, 32), (4, 65536, 32), (8, 32768, 16), (16, 32768, 16)]
)
def test_one_head_of_a_full_layer_is_the_least(tp: int, page: int, wide: int) -> None:
    """Eight GPUs hold one of four full heads each, 2,048 B a token, and two sliding ones, 2,048 B as well;
    sixteen hold
    one sliding head, 1,024 B, whose blocks are the longer ones."""
    found = plan(GEMMA_4, f"--tensor-parallel-size={tp}", vllm="0.33.0")
    assert (found.page, found.wide_block) == (page, wide)
    assert found.block == (32 if tp == 16 else 16)


def test_a_rank_of_full_layers_alone_has_their_pages() -> None:
    found = plan(GEMMA_4, vllm="0.33.0", rank=(5, 6))
    assert (found.page, found.block, found.wide_block) == (16 * 8192, 16, 16)
    sliding = plan(GEMMA_4, vllm="0.33.0", rank=(0, 5))
    assert (sliding.page, sliding.block, sliding.wide_block) == (16 * 16384, 16, 16)
    odd = {**GEMMA_4["text_config"], "global_head_dim": 3, "num_global_key_value_heads": 1}
    narrow = plan({**GEMMA_4, "text_config": odd}, "--block-size=1", vllm="0.33.0", width=0.5625, rank=(5, 6))
    assert narrow.page == 3


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
    """MiMo V2: sliding layers of 8 heads, full ones of 4, whose blocks hold twice as many tokens."""
    found = plan(MIMO, vllm=vllm)
    assert (found.page, found.block, found.wide_block) == (16 * 8 * width * 2, 16, 32)
    narrow = {**SMALL, "v_head_dim": 32}
    assert plan(narrow, vllm=vllm).page == 16 * 4 * (128 if vllm == "0.19.1" else 96) * 2
    assert plan({**SMALL, "v_head_dim": 128}, vllm=vllm).page == 16 * 4 * 192 * 2


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


def test_pages_are_the_narrowest_layers_and_what_others_have_more_lies_beside() -> None:
    """Layers of 4, 2, 0 and 4 KV heads: pages of two heads, and twice two heads beside each block id."""
    found = plan(NEMOTRON)
    assert (found.page, found.beside, layers(found)) == (PAGE // 2, 2 * PAGE // 2, [("full", 3)])
    assert plan(NEMOTRON, rank=(0, 2)).beside == PAGE // 2
    assert plan(NEMOTRON, rank=(1, 3)).beside == 0
    halves = plan(NEMOTRON, "--tensor-parallel-size=2")
    assert (halves.page, halves.beside) == (PAGE // 4, 2 * PAGE // 4)
    four = plan(NEMOTRON, "--tensor-parallel-size=4")  # one head each, the least there is
    assert (four.page, four.beside) == (PAGE // 4, 0)
    odd = {**NEMOTRON, "head_dim": 3, "v_head_dim": 3}
    assert plan(odd, "--block-size=1", width=0.5625).beside == 13  # 4 x 6 x 0.5625 = 13.5


def test_one_head_more_is_one_head_beside_whatever_the_arguments_share() -> None:
    lean = msgspec.json.decode(msgspec.json.encode(NEMOTRON))
    lean["block_configs"][0]["attention"]["n_heads_in_group"] = 1  # 8 heads beside 2 and 4
    found = plan(lean, "--tensor-parallel-size=4")
    assert (found.page, found.beside) == (PAGE // 4, PAGE // 4)  # 2, 1 and 1 heads


# Encoders and decoders.


def test_whisper_keeps_cross_attention_for_each_decoder_layer() -> None:
    """20 heads x 128 x 2 B a token; 1,500 tokens of the encoder are 94 blocks."""
    found = plan(WHISPER)
    assert layers(found) == [("full", 32), ("cross", 32)]
    assert (found.page, found.encoder_tokens) == (16 * 20 * 128 * 2, 1500)
    assert found.request_blocks(448) == 28 + 94


def test_decode_context_parallelism_is_taken_from_the_arguments() -> None:
    found = plan(DEEPSEEK_LITE, "--tensor-parallel-size=8", "--decode-context-parallel-size=8")
    assert found.context_split == 8
    assert found.request_blocks(8 * 160) == 10


def test_an_eight_bit_cache_is_half_a_cache() -> None:
    assert plan(LLAMA_8B, width=1.0).page * 2 == plan(LLAMA_8B).page == 16 * 8 * 256 * 2
