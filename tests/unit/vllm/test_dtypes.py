"""Which activation dtype a start gets, by release, GPU and model; estimate and judge say the same."""

from __future__ import annotations

import pytest

from modelcar_tui.hardware.product import gpu_for
from modelcar_tui.hardware.vendor import Hardware, hardware
from modelcar_tui.memory.estimator import estimate
from modelcar_tui.memory.types import Outcome
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.vllm.arguments.engine_args import read_engine_args
from modelcar_tui.vllm.quantization.dtypes import dtype_refused, resolved_dtype
from modelcar_tui.vllm.quantization.runs_on import check_support
from modelcar_tui.vllm.quantization.support import Support

T4, L4 = hardware("nvidia", "Tesla-T4", "7.5"), hardware("nvidia", "NVIDIA-L4", "8.9")
SMALL = {
    "architectures": ["Gemma2ForCausalLM"],
    "hidden_size": 1024,
    "num_hidden_layers": 8,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "intermediate_size": 4096,
    "vocab_size": 32000,
    "max_position_embeddings": 4096,
}


@pytest.mark.parametrize(
    ("dtype", "gpu", "model_type", "stored", "release", "refused"),
    [
        ("bfloat16", T4, "llama", True, (0, 19), True),
        ("bfloat16", L4, "llama", True, (0, 19), False),
        ("auto", T4, "llama", True, (0, 8), True),
        ("auto", T4, "llama", False, (0, 8), False),
        ("auto", T4, "llama", True, (0, 9), False),
        ("half", L4, "gemma2", True, (0, 9, 1, 0, 0), True),
        ("half", L4, "gemma2", True, (0, 9, 0, 0, 0), False),
        ("half", L4, "gemma2", True, (0, 8), False),
        ("half", L4, "gemma3n_text", True, (0, 19), False),
        ("half", L4, "glm4_moe", True, (0, 19), False),
        ("auto", T4, "gemma2", True, (0, 19), False),
        ("float32", T4, "gemma2", True, (0, 19), False),
    ],
)
def test_a_dtype_is_refused_by_the_gpu_or_by_the_model(
    dtype: str, gpu: Hardware, model_type: str, stored: bool, release: tuple[int, int], refused: bool
) -> None:
    why, error = dtype_refused(dtype, gpu, model_type, stored_in_bf16=stored, release=release)
    assert (bool(why), bool(error)) == (refused, refused)


@pytest.mark.parametrize("kind", ["gemma2", "llama"])
@pytest.mark.parametrize("dtype", ["auto", "half", "bfloat16", "float32"])
@pytest.mark.parametrize("vllm", ["0.8.5", "0.9.2", "0.19.1", "0.33.0"])
@pytest.mark.parametrize("card", ["Tesla-T4", "NVIDIA-L4"])
def test_the_estimate_and_the_judge_refuse_the_same(kind: str, dtype: str, vllm: str, card: str) -> None:
    facts = ModelFacts(config={**SMALL, "model_type": kind, "torch_dtype": "bfloat16"})
    gpu, args = gpu_for(card), read_engine_args((f"--dtype={dtype}",), 1, vllm)
    found = estimate(facts, gpu, args, vllm=vllm)
    answers = check_support(
        facts,
        vendor="nvidia",
        compute_capability=gpu.compute_capability,
        product=card,
        vllm=vllm,
        dtype=dtype,
    )
    unsupported = [answer for answer in answers if answer.support is Support.UNSUPPORTED]
    refused = any("dtype" in answer.quantization for answer in unsupported)
    assert (found.outcome is Outcome.REFUSED_DTYPE) is refused


def test_where_no_sixteen_bits_are_usable_weights_and_cache_take_thirty_two() -> None:
    """A T4 has no bfloat16 and vLLM refuses float16 for Gemma 2: `auto` upcasts (config/model.py)."""
    assert resolved_dtype("auto", T4, "gemma2", (0, 19)) == "float32"
    assert (
        resolved_dtype("auto", T4, "gemma2", (0, 8))
        == resolved_dtype("auto", L4, "gemma2", (0, 19))
        == "auto"
    )
    facts = ModelFacts(config={**SMALL, "model_type": "gemma2"})
    args = read_engine_args(("--max-model-len=1024",), 1, "0.19.1")
    wide, plain = (estimate(facts, gpu_for(card), args, vllm="0.19.1") for card in ("Tesla-T4", "NVIDIA-L4"))
    assert (wide.kv_bytes_per_token.value or 0) == 2 * (plain.kv_bytes_per_token.value or 0)
    assert (wide.weights_gib.value or 0) == pytest.approx(2 * (plain.weights_gib.value or 0), rel=0.02)
