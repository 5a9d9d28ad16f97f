"""Pages of state-space layers and the attention beside them (vllm platforms/interface.py
`_align_hybrid_block_size`, model_executor/layers/mamba/mamba_utils.py).

A page of attention holds a state, which is padded to it; `kv_kit.py` says how large the states are.
"""

from __future__ import annotations

from typing import Any

import pytest
from kv_kit import KIMI, MAMBA, MAMBA_1, PAGE, SMALL, TOKEN, counts, spec, specs, started
from sizing_models import QWEN_NEXT

from modelcar_tui.hardware.gpu import Gpu
from modelcar_tui.memory.kv.specs import Spec
from modelcar_tui.memory.kv.states import state_bytes, state_mode

CACHED, NOT_CACHED = "--enable-prefix-caching", "--no-enable-prefix-caching"
GUESSES = '--speculative-config={"method":"ngram","num_speculative_tokens":3}'
ALONE = {**MAMBA, "attn_layer_indices": None, "layer_types": ["mamba"] * 8}


def pages(config: dict[str, Any], *args: str, **how: Any) -> tuple[int, int]:
    """Tokens of an attention block, and bytes of its page, which is the state's, too."""
    attention, state = (spec(config, *args, kind=kind, **how) for kind in (_attention(config), "state"))
    assert attention.page == state.page
    return attention.block, attention.page


def _attention(config: dict[str, Any]) -> str:
    return "mla" if "kv_lora_rank" in config else "full"


# How large a state is.


def test_mamba_2_raises_the_block_until_its_page_holds_a_state() -> None:
    """539,648 B of state need 33 pages of 16,384 B (540,672 B): blocks of 528 tokens."""
    assert state_bytes(started(MAMBA)) == 539_648
    assert pages(MAMBA) == (528, 528 * TOKEN)


def test_tensor_parallelism_splits_states_and_keys_alike() -> None:
    """Two GPUs: 269,824 B of state, pages of 8,192 B: 33."""
    assert pages(MAMBA, "--tensor-parallel-size=2") == (528, 528 * TOKEN // 2)


@pytest.mark.parametrize(
    ("groups", "tp", "channels"),
    [
        (2, 1, 2048 + 2 * 2 * 128),
        (2, 2, 2048 + 2 * 2 * 128),
        # Two groups on four and eight GPUs are repeated until each has one.
        (2, 4, 2048 + 2 * 4 * 128),
        (2, 8, 2048 + 2 * 8 * 128),
        (1, 4, 2048 + 2 * 4 * 128),
        (4, 4, 2048 + 2 * 4 * 128),
        (8, 4, 2048 + 2 * 8 * 128),
    ],
)
def test_groups_that_the_gpus_cannot_share_out_are_repeated(groups: int, tp: int, channels: int) -> None:
    """The convolution keeps three tokens of 2 B a channel; a GPU's share of the state is of its heads."""
    start = started({**MAMBA, "mamba_n_groups": groups}, f"--tensor-parallel-size={tp}")
    assert state_bytes(start) == channels // tp * 3 * 2 + 32 // tp * 64 * 128 * 2


def test_repeated_groups_may_take_one_page_more() -> None:
    """Four GPUs: 768 channels x 3 x 2 B and 131,072 B are 135,680 B: 34 pages of 4,096 B. Eight: 68,608 B,
    and one KV head is the least that a GPU holds: 4,096 B a page, 17 of them."""
    assert pages(MAMBA, "--tensor-parallel-size=4") == (544, 544 * TOKEN // 4)
    assert pages(MAMBA, "--tensor-parallel-size=8") == (272, 272 * TOKEN // 4)


def test_one_head_of_a_state_is_the_least_that_a_gpu_holds() -> None:
    """Two heads on four GPUs: 64 x 128 x 2 B of one, and a quarter of the convolution's 128 + 2 x 4 x 128
    channels x 3 x 2 B."""
    few = {**ALONE, "mamba_n_heads": 2}
    assert state_bytes(started(few, "--tensor-parallel-size=4")) == 288 * 3 * 2 + 64 * 128 * 2


def test_a_model_of_states_alone_pages_just_its_state() -> None:
    assert specs(ALONE) == [Spec(kind="state", block=4096, page=539_648, always=1)]
    assert counts(ALONE) == {"state": 8}
    assert counts(MAMBA, rank=(0, 3)) == {"state": 3}
    assert spec(MAMBA, rank=(0, 3)).page == 539_648


def test_layers_with_attention_and_state_side_by_side_count_twice() -> None:
    """Falcon H1: each of the eight layers has both."""
    both = {**MAMBA, "model_type": "falcon_h1", "attn_layer_indices": None}
    assert counts(both) == {"full": 8, "state": 8}
    assert pages(both)[0] == 528
    assert counts(both, rank=(0, 3)) == {"full": 3, "state": 3}


def test_gated_delta_nets_keep_keys_and_values() -> None:
    """Qwen3.5: 48 x 128 x 128 x 4 B and (2 x 16 x 128 + 48 x 128) x 3 x 2 B are 3,207,168 B.

    A token is 4 heads x 512 x 2 B, a page 65,536 B; 49 of them hold it: 784 tokens.
    """
    assert state_bytes(started(QWEN_NEXT)) == 3_207_168
    assert pages(QWEN_NEXT) == (784, 784 * 4096)


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
    assert pages(lightning) == (512, 64 * 128 * 128 * 2)


def test_a_short_convolution_is_all_the_state_there_is() -> None:
    """LFM2: 1,024 channels x 2 x 2 B."""
    short = {**SMALL, "model_type": "lfm2", "conv_L_cache": 3, "layer_types": ["conv"] * 8}
    assert spec(short).page == 4096
    # More GPUs than channels leave nothing: a page is never empty.
    assert spec({**short, "conv_dim": 1}, "--tensor-parallel-size=2").page == 1


def test_mamba_1_keeps_a_state_for_each_channel() -> None:
    """77,824 B; Jamba's attention has pages of 16,384 B beside it: five of them."""
    alone = {**SMALL, "model_type": "mamba", "architectures": ["MambaForCausalLM"], "state_size": 16}
    assert spec(alone).page == 2048 * 3 * 2 + 2048 * 16 * 2 == 77_824
    assert pages(MAMBA_1) == (80, 80 * TOKEN)


def test_a_state_that_is_not_described_leaves_pages_as_they_are() -> None:
    config = {**SMALL, "layer_types": ["linear_attention", "full_attention"] * 4}
    assert pages(config) == (16, PAGE)
    assert counts(config) == {"state": 4, "full": 4}


# Its dtype.

NEMOTRON_H = {
    **MAMBA,
    "architectures": ["NemotronHForCausalLM"],
    "model_type": "nemotron_h",
    "hybrid_override_pattern": "MMM*MMM*",
}
QWEN_TEXT = {**QWEN_NEXT, "architectures": ["Qwen3_5ForCausalLM"], "model_type": "qwen3_5_text"}
NARROW, WIDE = 528, 65 * 16
"""Tokens of a block for states of 16 and of 32 bits: 15,360 + 1,048,576 B are 65 pages."""


def test_a_state_of_32_bits_is_twice_as_large() -> None:
    assert pages(MAMBA, "--mamba-ssm-cache-dtype=float32")[0] == WIDE
    assert pages(MAMBA, "--mamba-ssm-cache-dtype=float16")[0] == NARROW
    assert pages(MAMBA, "--mamba-ssm-cache-dtype=auto")[0] == NARROW


@pytest.mark.parametrize(
    ("vllm", "silent", "told"),
    [
        ("0.12.0", NARROW, NARROW),  # the model's
        ("0.13.0", NARROW, WIDE),  # float16 where config.json is silent
        ("0.19.1", NARROW, WIDE),
        ("0.20.0", WIDE, WIDE),
        ("0.33.0", WIDE, WIDE),
    ],
)
def test_nemotron_hs_state_follows_its_config_from_0_13_on_and_is_wide_by_default_from_0_20_on(
    vllm: str, silent: int, told: int
) -> None:
    assert pages(NEMOTRON_H, vllm=vllm)[0] == silent
    assert pages({**NEMOTRON_H, "mamba_ssm_cache_dtype": "float32"}, vllm=vllm)[0] == told


def test_what_is_asked_for_is_the_states_dtype_whatever_config_json_says() -> None:
    asked = "--mamba-ssm-cache-dtype=float16"
    assert pages({**NEMOTRON_H, "mamba_ssm_cache_dtype": "float32"}, asked, vllm="0.33.0")[0] == NARROW
    assert pages(QWEN_NEXT, asked, NOT_CACHED, vllm="0.33.0")[0] == 400


@pytest.mark.parametrize(
    ("config", "vllm", "block"),
    [
        (QWEN_NEXT, "0.16.0", 400),
        (QWEN_NEXT, "0.17.0", 784),
        (QWEN_NEXT, "0.33.0", 784),
        (QWEN_TEXT, "0.26.0", 400),
        (QWEN_TEXT, "0.27.0", 784),
    ],
)
def test_qwen_3_5s_state_follows_its_config_from_0_17_on_and_its_text_part_s_from_0_27_on(
    config: dict[str, Any], vllm: str, block: int
) -> None:
    """Of 16 bits it is 1,634,304 B: 25 pages of 65,536 B."""
    assert pages(config, NOT_CACHED, vllm=vllm)[0] == block
    silent = {key: value for key, value in config.items() if key != "mamba_ssm_dtype"}
    assert pages(silent, NOT_CACHED, vllm=vllm)[0] == 400


def test_other_families_states_are_as_wide_as_the_model_whatever_config_json_says() -> None:
    for vllm in ("0.12.0", "0.19.1", "0.33.0"):
        assert pages({**MAMBA, "mamba_ssm_cache_dtype": "float32"}, vllm=vllm)[0] == NARROW
    before = {**QWEN_NEXT, "architectures": ["Qwen3NextForCausalLM"], "model_type": "qwen3_next"}
    assert pages(before)[0] == pages(before, NOT_CACHED, vllm="0.33.0")[0] == 400
    assert state_bytes(started(MAMBA, "--dtype=float32")) == 2 * 539_648


def test_kimi_delta_attentions_state_is_of_32_bits_always() -> None:
    assert state_bytes(started(KIMI)) == 73_728 + 2_097_152


# The blocks beside it.


@pytest.mark.parametrize(
    ("vllm", "step", "block"),
    [("0.19.1", 64, 1920), ("0.21.0", 16, 1888), ("0.26.0", 16, 1888), ("0.27.0", 128, 1920)],
)
def test_a_latents_block_beside_states_is_a_multiple_of_64_16_or_128_tokens(
    vllm: str, step: int, block: int
) -> None:
    """2,170,880 B of state are 1,884.4 latents of 1,152 B."""
    assert block == -(-2_170_880 // (1152 * step)) * step
    assert pages(KIMI, NOT_CACHED, vllm=vllm) == (block, block * 1152)


def test_a_block_that_is_asked_for_is_the_step_of_the_raised_one() -> None:
    """Blocks of 64 tokens, 65,536 B: nine of them hold the state. Blocks of 8 are raised by 16."""
    assert pages(MAMBA, "--block-size=64", vllm="0.24.0")[0] == 9 * 64
    assert pages(MAMBA, "--block-size=8", vllm="0.24.0")[0] == 528
    assert pages(MAMBA, "--block-size=1024", vllm="0.24.0") == (1024, 1024 * TOKEN)


# Which states of a request are kept.


@pytest.mark.parametrize(
    ("config", "args", "vllm", "mode"),
    [
        (MAMBA, (), "0.25.1", "none"),
        (MAMBA, (NOT_CACHED,), "0.26.0", "none"),
        (MAMBA, (CACHED, "--mamba-cache-mode=all"), "0.19.0", "all"),
        (MAMBA, (CACHED, "--mamba-cache-mode=align"), "0.19.0", "align"),
        # `none` with prefix caching is no wish: the release chooses.
        (MAMBA, (CACHED, "--mamba-cache-mode=none"), "0.19.0", "all"),
        (MAMBA, (), "0.26.0", "all"),
        (MAMBA, (), "0.27.1", "all"),
        (MAMBA, (), "0.28.0", "align"),
        (MAMBA, (CACHED,), "0.19.0", "all"),
        (MAMBA_1, (CACHED,), "0.19.0", "all"),
        (MAMBA_1, (CACHED,), "0.28.0", "align"),
        (QWEN_NEXT, (), "0.25.1", "none"),
        (QWEN_NEXT, (), "0.26.0", "align"),
        (QWEN_NEXT, (CACHED,), "0.19.0", "align"),
        (KIMI, (CACHED,), "0.19.0", "align"),
    ],
)
def test_prefix_caching_keeps_all_states_of_mamba_before_0_28_and_the_last_two_else(
    config: dict[str, Any], args: tuple[str, ...], vllm: str, mode: str
) -> None:
    assert state_mode(started(config, *args, vllm=vllm)) == mode


@pytest.mark.parametrize(
    ("config", "args", "vllm", "kept"),
    [
        (MAMBA, (NOT_CACHED,), "0.28.0", 1),
        (MAMBA, (NOT_CACHED, GUESSES), "0.28.0", 4),  # one for each token that is guessed ahead
        (MAMBA, (), "0.28.0", 2),
        (MAMBA, (GUESSES,), "0.28.0", 5),
        (MAMBA, (), "0.32.0", 3),  # a prefill leaves the state of a block's end in a page of its own
        (MAMBA, (GUESSES,), "0.33.0", 6),
        (MAMBA, (NOT_CACHED,), "0.33.0", 1),
        (MAMBA_1, (CACHED,), "0.33.0", 2),
        (KIMI, (), "0.33.0", 2),
    ],
)
def test_states_that_one_request_keeps(
    config: dict[str, Any], args: tuple[str, ...], vllm: str, kept: int
) -> None:
    found = spec(config, *args, vllm=vllm, kind="state")
    assert (found.always, found.blocks(1), found.blocks(100_000)) == (kept, kept, kept)


def test_all_states_are_one_at_the_end_of_each_block_of_the_kernels_chunks() -> None:
    """539,648 B are 527 tokens: on the next multiple of 16 and of the 256 tokens that the kernel takes at
    once, 768."""
    chunked = {**MAMBA, "mamba_chunk_size": 256}
    found = spec(chunked, CACHED, kind="state")
    assert (found.block, found.page, found.always) == (768, 768 * TOKEN, 0)
    assert [found.blocks(length) for length in (1, 768, 769, 4096)] == [1, 1, 2, 6]
    assert pages(chunked, CACHED) == (768, 768 * TOKEN)
    assert pages(chunked) == (528, 528 * TOKEN)
    assert pages({**chunked, "mamba_chunk_size": 24}, CACHED)[0] == 528  # 11 x 48


# What a prefill leaves on its way.

BOUNDED = {**KIMI, "linear_attn_config": {**KIMI["linear_attn_config"], "gate_lower_bound": -5.0}}


@pytest.mark.parametrize(
    ("config", "vllm", "gpu", "kept"),
    [
        (BOUNDED, "0.28.0", "H100", 2),
        (BOUNDED, "0.29.0", "H100", 3),
        (BOUNDED, "0.29.0", "B200", 3),
        (BOUNDED, "0.29.0", "A100", 2),  # FlashKDA runs from Hopper on
        (KIMI, "0.29.0", "H100", 2),
    ],
)
def test_kimi_delta_attention_leaves_one_where_flashkda_runs_its_bounded_gate(
    config: dict[str, Any], vllm: str, gpu: str, kept: int
) -> None:
    assert spec(config, vllm=vllm, gpu=gpu, kind="state").always == kept


@pytest.mark.parametrize(
    ("vllm", "gpu", "keys", "block", "kept"),
    [
        ("0.32.0", "H100", 128, 784, 2),
        ("0.33.0", "H100", 128, 832, 3),
        ("0.33.0", "H200", 64, 448, 3),
        ("0.33.0", "B200", 128, 832, 3),
        # FlashInfer's kernel takes keys of 128 alone on Blackwell, and no card before Hopper.
        ("0.33.0", "B200", 64, 400, 2),
        ("0.33.0", "A100", 128, 784, 2),
        ("0.33.0", "L40S", 128, 784, 2),
    ],
)
def test_gated_delta_nets_leave_one_from_0_33_on_in_blocks_of_whole_64s(
    vllm: str, gpu: str, keys: int, block: int, kept: int
) -> None:
    """783 tokens hold a state, 396 hold one of keys half as wide: (2 x 16 x 64 + 48 x 128) x 3 x 2 B and 48 x
    128 x 64 x 4 B are 1,622,016 B."""
    config = {**QWEN_NEXT, "linear_key_head_dim": keys}
    assert pages(config, vllm=vllm, gpu=gpu)[0] == block
    assert spec(config, vllm=vllm, gpu=gpu, kind="state").always == kept


def test_without_prefix_caching_a_delta_nets_blocks_are_as_small_as_before() -> None:
    assert pages(QWEN_NEXT, NOT_CACHED, vllm="0.33.0")[0] == 784
    assert spec(QWEN_NEXT, NOT_CACHED, vllm="0.33.0", kind="state").always == 1


def test_a_card_of_unknown_capability_leaves_none() -> None:
    assert pages(QWEN_NEXT, vllm="0.33.0", gpu=Gpu(product="x"))[0] == 784


@pytest.mark.parametrize(
    ("config", "channels"),
    [(MAMBA, 2560), (QWEN_NEXT, 10240), (MAMBA_1, 0)],
    ids=["mamba 2", "gdn", "mamba 1"],
)
def test_convolutions_keep_the_tokens_that_are_guessed_ahead(config: dict[str, Any], channels: int) -> None:
    """Three more of 2 B a channel; Mamba 1 takes none."""
    for vllm in ("0.19.0", "0.33.0"):
        plain, guessing = (state_bytes(started(config, *args, vllm=vllm)) for args in ((), (GUESSES,)))
        assert guessing - plain == channels * 3 * 2
