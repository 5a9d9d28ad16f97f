"""Who serves, as `use_v2_model_runner` of config/vllm.py answers in each release."""

from __future__ import annotations

import pytest

from modelcar_tui.hardware.product import gpu_for
from modelcar_tui.memory.start import start_of
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.models.model import Model, describe_model
from modelcar_tui.vllm.arguments.engine_args import read_engine_args
from modelcar_tui.vllm.images import with_build
from modelcar_tui.vllm.profile import profile_for
from modelcar_tui.vllm.release import was_read
from support.configs import LLAMA_8B

H100, MI300X = "NVIDIA-H100-80GB-HBM3", "AMD-Instinct-MI300X"
MIXTRAL = {
    **LLAMA_8B,
    "architectures": ["MixtralForCausalLM"],
    "model_type": "mixtral",
    "num_local_experts": 8,
    "num_experts_per_tok": 2,
}
NGRAM = '--speculative-config={"method": "ngram", "num_speculative_tokens": 2}'
EAGLE = '--speculative-config={"method": "eagle3", "model": "a/b", "num_speculative_tokens": 2}'
FP8 = {**LLAMA_8B, "quantization_config": {"quant_method": "fp8", "activation_scheme": "dynamic"}}


def v2(config: dict[str, object], vllm: str, *args: str, gpu: str = H100) -> bool:
    model = describe_model(ModelFacts(config=config), quantization=None, dtype="auto", overrides=None)
    assert isinstance(model, Model)
    return start_of(model, gpu_for(gpu), read_engine_args(args, None, vllm), profile_for(vllm)).runner_v2


@pytest.mark.parametrize(
    ("vllm", "dense", "in_8_bits", "experts"),
    [
        ("0.22.0", False, False, False),  # Qwen3 alone
        ("0.23.0", True, False, False),
        ("0.24.0", True, True, False),
        ("0.25.0", True, True, False),
        ("0.28.0", True, True, False),
        ("0.29.0", True, True, True),
        ("0.33.0", True, True, True),
    ],
)
def test_by_release_and_model(vllm: str, dense: bool, in_8_bits: bool, experts: bool) -> None:
    assert (v2(LLAMA_8B, vllm), v2(FP8, vllm), v2(MIXTRAL, vllm)) == (dense, in_8_bits, experts)


@pytest.mark.parametrize(
    ("arch", "since"),
    [("Qwen3ForCausalLM", "0.22.0"), ("MistralForCausalLM", "0.23.0"), ("GemmaForCausalLM", "0.25.0")],
)
def test_an_architecture_comes_with_a_release(arch: str, since: str) -> None:
    config = {**LLAMA_8B, "architectures": [arch]}
    releases = ["0.21.0", "0.22.0", "0.23.0", "0.24.0", "0.25.0", "0.27.0"]
    first = releases.index(since)
    assert [v2(config, release) for release in releases] == [at >= first for at in range(len(releases))]


@pytest.mark.parametrize(
    ("args", "vllm", "expected"),
    [
        (("--runner=pooling",), "0.28.0", False),
        (("--runner=pooling",), "0.29.0", True),
        (("--logprobs-mode=raw_logits",), "0.25.0", False),
        (("--logprobs-mode=raw_logits",), "0.26.0", True),
        (("--logprobs-mode=processed_logprobs",), "0.25.0", True),
        (('--speculative-config={"method": "ngram", "num_speculative_tokens": 2}',), "0.31.0", False),
        (('--speculative-config={"method": "ngram", "num_speculative_tokens": 2}',), "0.32.0", True),
        (
            ('--speculative-config={"method": "eagle3", "model": "a/b", "num_speculative_tokens": 2}',),
            "0.25.0",
            True,
        ),
    ],
)
def test_what_it_lacks_keeps_the_other(args: tuple[str, ...], vllm: str, expected: bool) -> None:
    assert v2(LLAMA_8B, vllm, *args) is expected


def test_some_wait_on_rocm() -> None:
    config = {**LLAMA_8B, "architectures": ["GlmMoeDsaForCausalLM"]}
    found = {vllm: v2(config, vllm, gpu=MI300X) for vllm in ("0.29.0", "0.30.0", "0.31.0", "0.32.0")}
    assert found == {"0.29.0": True, "0.30.0": False, "0.31.0": False, "0.32.0": True}
    assert v2(config, "0.31.0")


def test_the_environment_decides() -> None:
    image = "vllm/vllm-openai:v0.26.0"
    off, on = (with_build("0.26.0", image, {"VLLM_USE_V2_MODEL_RUNNER": value}) for value in "01")
    assert off == "0.26.0+upstream without Model Runner V2"
    assert (v2(LLAMA_8B, off), v2(MIXTRAL, on)) == (False, True)
    assert with_build("0.26.0", image, {"VLLM_USE_V2_MODEL_RUNNER": "yes"}) == "0.26.0+upstream"
    assert was_read(off, ["0.26.0"])
    assert was_read(f"{off} with the FlashInfer sampler", ["0.26.0"])
    assert not v2(LLAMA_8B, "0.21.0 with Model Runner V2")
