"""Bytes of what is cached by `--kv-cache-dtype` (vllm v1/attention/backends/triton_attn.py `customize_spec`,
utils/torch_utils.py `nvfp4_kv_cache_full_dim`)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from kv_kit import SMALL, spec, started
from sizing_models import DEEPSEEK_LITE, QWEN_NEXT

from modelcar_tui.memory.kv.layers import layers_of
from modelcar_tui.memory.kv.widths import head_bytes, number_bytes
from support.configs import LLAMA_8B

SCALED = {"quantization_config": {"quant_method": "fp8", "kv_cache_scheme": {"num_bits": 8}}}


@pytest.mark.parametrize(
    ("dtype", "config", "width"),
    [
        ("auto", {}, 2.0),
        ("bfloat16", {}, 2.0),
        ("float16", {}, 2.0),
        ("fp8", {}, 1.0),
        ("fp8_e5m2", {}, 1.0),
        ("fp8_per_token_head", {}, 1.0),
        ("int8_per_token_head", {}, 1.0),
        ("int4_per_token_head", {}, 0.5),
        ("mxfp8", {}, 1.0),
        ("nvfp4", {}, 0.5625),  # a scale of 8 bits for each 16
        ("float32", {}, 4.0),
        ("auto", SCALED, 1.0),
        ("bfloat16", SCALED, 2.0),
    ],
)
def test_bytes_of_a_cached_number(dtype: str, config: dict[str, Any], width: float) -> None:
    assert number_bytes(dtype, started({**LLAMA_8B, **config}).model) == width


def test_a_cache_follows_a_model_of_32_bits() -> None:
    assert number_bytes("auto", started(LLAMA_8B, "--dtype=float32").model) == 4.0


@pytest.mark.parametrize(
    ("dtype", "size"),
    [
        ("auto", (64 + 32) * 2),
        ("fp8", 64 + 32),
        # Keys and values have one 32-bit scale each.
        ("int8_per_token_head", 64 + 32 + 2 * 4),
        ("fp8_per_token_head", 64 + 32 + 2 * 4),
        ("int4_per_token_head", 32 + 16 + 2 * 4),
        # Two numbers a byte, and a byte of scale for each 16.
        ("nvfp4", 32 + 4 + 16 + 2),
    ],
)
def test_bytes_of_one_token_in_one_head(dtype: str, size: int) -> None:
    found = head_bytes(dtype, started(SMALL).model, 64, 32)
    assert (found, type(found)) == (size, int)


def test_an_odd_head_of_four_bits_is_cut_to_whole_bytes() -> None:
    """Keys and values are halved apart: 10 numbers are 5 B, 24 with a scale 12 + 1 B."""
    assert head_bytes("nvfp4", started(SMALL).model, 10, 24) == 5 + 0 + 12 + 1


def test_an_eight_bit_cache_is_half_a_cache() -> None:
    assert spec(LLAMA_8B, "--kv-cache-dtype=fp8").page * 2 == spec(LLAMA_8B).page == 16 * 8 * 256 * 2
    assert spec({**LLAMA_8B, **SCALED}).page == 16 * 8 * 256


def test_scales_of_each_token_and_head_are_in_the_page() -> None:
    """4 heads x (64 + 64 + 8) B."""
    assert spec(SMALL, "--kv-cache-dtype=int8_per_token_head", vllm="0.33.0").page == 16 * 4 * 136


def test_an_nvfp4_cache_has_its_scales_in_the_page() -> None:
    """4 heads x 2 x (32 + 4) B."""
    start = started(SMALL, vllm="0.33.0")
    asked = msgspec.structs.replace(start.args, kv_cache_dtype="nvfp4")
    ((found, count),) = layers_of(msgspec.structs.replace(start, args=asked), (0, 8))
    assert (found.page, count) == (16 * 4 * 2 * 36, 8)


@pytest.mark.parametrize(("vllm", "width"), [("0.31.0", 2), ("0.32.0", 1), ("0.33.0", 1)])
def test_before_0_32_keys_and_values_of_unequal_width_stayed_in_16_bits(vllm: str, width: int) -> None:
    """Keys of 64 and values of 32 numbers; equal ones are in 8 bits in every release."""
    unequal = {**SMALL, "v_head_dim": 32}
    assert spec(unequal, "--kv-cache-dtype=fp8", vllm=vllm).page == 16 * 4 * 96 * width
    assert spec(SMALL, "--kv-cache-dtype=fp8", vllm=vllm).page == 16 * 4 * 128


def test_a_latent_in_eight_bits_is_a_byte_a_number() -> None:
    assert spec(DEEPSEEK_LITE, "--kv-cache-dtype=fp8").page == 16 * 576


def test_states_do_not_shrink_with_the_cache() -> None:
    """Qwen3.5's state of 3,207,168 B needs 49 pages of 65,536 B, or 98 of half the size."""
    whole, half = (spec(QWEN_NEXT, *args, kind="full") for args in ((), ("--kv-cache-dtype=fp8",)))
    assert (whole.block, whole.page) == (784, 784 * 4096)
    assert (half.block, half.page) == (1568, 1568 * 2048)
