"""What each release makes of states: modes, steps, guessed tokens, dtypes."""

from __future__ import annotations

import pytest
from kv_kit import KIMI, MAMBA, MAMBA_1, SMALL, spec, started
from sizing_models import QWEN_NEXT

from modelcar_tui.memory.kv.states import state_bytes, state_mode

CACHED = "--enable-prefix-caching"
GUESSES = '--speculative-config={"method":"ngram","num_speculative_tokens":3}'
LIGHTNING = {
    **SMALL,
    "model_type": "minimax",
    "num_attention_heads": 64,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "attn_type_list": [0, 0, 0, 1] * 2,
}
SHORT = {**SMALL, "model_type": "lfm2", "conv_L_cache": 3, "layer_types": ["conv"] * 8}


@pytest.mark.parametrize(("vllm", "kept"), [("0.29.0", 2), ("0.30.0", 2), ("0.31.0", 2), ("0.32.0", 3)])
def test_mamba_2_leaves_checkpoints_from_0_32_on(vllm, kept):
    """vllm layers/mamba/mamba_mixer2.py get_kv_cache_spec, none before"""
    assert spec(MAMBA, vllm=vllm, kind="state").always == kept


@pytest.mark.parametrize(
    ("args", "vllm", "mode"),
    [
        (("--mamba-cache-mode=all",), "0.19.0", "none"),
        (("--mamba-cache-mode=align",), "0.19.0", "none"),
        (("--no-enable-prefix-caching", "--mamba-cache-mode=all"), "0.26.0", "none"),
    ],
)
def test_a_mode_without_prefix_caching_is_none(args, vllm, mode):
    """vllm models/config.py MambaModelConfig"""
    assert state_mode(started(MAMBA, *args, vllm=vllm)) == mode


def test_all_falls_back_to_align_for_kinds_that_do_not_support_it():
    """vllm as above"""
    assert state_mode(started(QWEN_NEXT, CACHED, "--mamba-cache-mode=all", vllm="0.19.0")) == "align"


def test_before_0_15_there_was_no_align():
    """vllm 0.14: kinds without support have prefix caching switched off"""
    assert state_mode(started(QWEN_NEXT, CACHED, vllm="0.14.0")) == "none"
    assert state_mode(started(MAMBA, CACHED, vllm="0.14.0")) == "all"


@pytest.mark.parametrize("config", [MAMBA, MAMBA_1])
def test_all_without_a_told_chunk_takes_2048(config):
    """vllm config/model.py get_mamba_chunk_size"""
    assert spec(config, CACHED, vllm="0.19.0", kind="full").block == 2048


@pytest.mark.parametrize(("vllm", "block"), [("0.19.1", 528), ("0.20.0", 576)])
def test_a_block_that_is_asked_for_is_the_step_from_0_20_on(vllm, block):
    """vllm 0.19 models/config.py: 16 (64 for MLA) alone"""
    assert spec(MAMBA, "--block-size=64", vllm=vllm, kind="full").block == block


def test_latents_step_is_16_from_0_20_on():
    """vllm 0.20 platforms/interface.py _align_hybrid_block_size"""
    assert spec(KIMI, vllm="0.20.0", kind="mla").block == 1888


@pytest.mark.parametrize(
    ("config", "vllm", "more"),
    [
        (MAMBA, "0.16.0", 0),
        (MAMBA, "0.17.0", 2560 * 6),
        (SHORT, "0.28.0", 0),
        (SHORT, "0.29.0", 1024 * 6),
        (KIMI, "0.26.0", 0),
        (KIMI, "0.27.0", 12288 * 6),
    ],
)
def test_convolutions_keep_guessed_tokens_by_kind_and_release(config, vllm, more):
    """vllm mamba_utils.py *_state_shape num_spec"""
    a, b = (state_bytes(started(config, *x, vllm=vllm)) for x in ((), (GUESSES,)))
    assert b - a == more


@pytest.mark.parametrize(
    ("config", "vllm", "dtype", "same"),
    [
        (LIGHTNING, "0.33.0", "float32", True),
        (QWEN_NEXT, "0.16.0", "float32", True),
        (KIMI, "0.29.0", "bfloat16", True),
        (KIMI, "0.30.0", "bfloat16", False),
    ],
)
def test_who_hears_mamba_ssm_cache_dtype(config, vllm, dtype, same):
    """vllm mamba_utils.py *_state_dtype: lightning never, gdn from 0.17, kda from 0.30"""
    asked, silent = (
        state_bytes(started(config, *x, vllm=vllm)) for x in ((f"--mamba-ssm-cache-dtype={dtype}",), ())
    )
    assert (asked == silent) is same


def test_mamba_cache_dtype_is_the_convolutions_and_the_states():
    """vllm float32: both twice as large; not read by engine_args"""
    assert state_bytes(started(MAMBA, "--mamba-cache-dtype=float32")) == 2 * 539_648
