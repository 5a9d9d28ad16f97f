"""Does vLLM release V run scheme S on a card of capability C? The arithmetic and the advice.

Where they differ the right answer is vLLM's: the platform's list of methods, the minimum capability of the
method's class, the scheme's own, the kernel. `MEANT` holds those that were looked up in its source.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from seam_support import LLAMA, params

from modelcar_tui.core.facts import Fact, Source
from modelcar_tui.hardware.gpu import Gpu
from modelcar_tui.memory.estimator import estimate
from modelcar_tui.memory.types import Outcome
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.vllm.arguments.engine_args import EngineArgs
from modelcar_tui.vllm.quantization.runs_on import check_support
from modelcar_tui.vllm.quantization.support import Support

REFUSALS = frozenset({Outcome.REFUSED_QUANT, Outcome.REFUSED_KERNEL, Outcome.REFUSED_DTYPE})
_OLD = ("0.6.3", "0.7.3", "0.8.5", "0.9.2", "0.10.2", "0.11.2", "0.12.0")
RELEASES = (*_OLD, "0.14.1", "0.16.0", "0.19.1", "0.23.0", "0.24.0", "0.28.0", "0.33.0")
GENERATIONS = {
    "Volta": ("6.1", "7.0"),
    "Turing": ("7.5",),
    "Ampere": ("8.0", "8.6", "8.7"),
    "Ada": ("8.9",),
    "Hopper": ("9.0",),
    "Blackwell": ("10.0", "10.3", "11.0", "12.0", "12.1"),
}


def weights(bits: int, kind: str, **more: Any) -> dict[str, Any]:
    return {"num_bits": bits, "type": kind, "strategy": "channel", "symmetric": True, **more}


def inputs(bits: int, kind: str, **more: Any) -> dict[str, Any]:
    return {"num_bits": bits, "type": kind, "strategy": "token", "dynamic": True, **more}


def ct(weight: dict[str, Any], activation: dict[str, Any] | None = None, form: str = "") -> dict[str, Any]:
    """A config of compressed-tensors with one group."""
    group = {"targets": ["Linear"], "weights": weight, "input_activations": activation}
    return {
        "quant_method": "compressed-tensors",
        "config_groups": {"group_0": group},
        **({"format": form} if form else {}),
    }


def quark(weight: dict[str, Any], activation: dict[str, Any]) -> dict[str, Any]:
    return {"quant_method": "quark", "global_quant_config": {"weight": weight, "input_tensors": activation}}


_G128, _BLOCKS = (
    {"strategy": "group", "group_size": 128},
    {"strategy": "block", "block_structure": [128, 128]},
)
_FP4 = weights(4, "float", strategy="tensor_group", group_size=16)
_FP4_INPUTS = inputs(4, "float", strategy="tensor_group", group_size=16)
_FP4_FORM = "nvfp4-pack-quantized"
SCHEMES: dict[str, dict[str, Any] | None] = {
    "none": None,
    "fp8": {"quant_method": "fp8"},
    "fp8 block": {"quant_method": "fp8", "weight_block_size": [128, 128]},
    "fp8 static": {"quant_method": "fp8", "activation_scheme": "static"},
    "ct fp8": ct(weights(8, "float"), inputs(8, "float")),
    "ct fp8 block": ct(weights(8, "float", **_BLOCKS), inputs(8, "float", **_G128)),
    "ct fp8 w8a16": ct(weights(8, "float")),
    "ct w8a8 int8": ct(weights(8, "int"), inputs(8, "int")),
    "ct w8a8 int8 static": ct(weights(8, "int"), inputs(8, "int", strategy="tensor", dynamic=False)),
    "ct w8a16": ct(weights(8, "int")),
    "ct w8a16 packed": ct(weights(8, "int"), None, "pack-quantized"),
    "ct w4a16": ct(weights(4, "int", **_G128)),
    "ct w4a16 asymmetric": ct(weights(4, "int", **{**_G128, "symmetric": False})),
    "ct w4a8 fp8": ct(weights(4, "int", **_G128), inputs(8, "float")),
    "ct w4a8 int": ct(weights(4, "int"), inputs(8, "int")),
    "ct nvfp4": ct(_FP4, _FP4_INPUTS, _FP4_FORM),
    "ct nvfp4 w4a16": ct(_FP4, None, _FP4_FORM),
    "ct mxfp4": ct(weights(4, "float", strategy="group", group_size=32), None, "mxfp4-pack-quantized"),
    "gptq 4": {"quant_method": "gptq", "bits": 4, "group_size": 128, "sym": True, "desc_act": False},
    "gptq 8": {"quant_method": "gptq", "bits": 8, "group_size": 128, "sym": True, "desc_act": False},
    "gptq_marlin": {"quant_method": "gptq_marlin", "bits": 4, "group_size": 128, "sym": True},
    "awq": {"quant_method": "awq", "bits": 4, "group_size": 128},
    "awq_marlin": {"quant_method": "awq_marlin", "bits": 4, "group_size": 128},
    "mxfp4": {"quant_method": "mxfp4"},
    "mxfp8": {"quant_method": "mxfp8"},
    "bitsandbytes 4": {"quant_method": "bitsandbytes", "load_in_4bit": True},
    "bitsandbytes 8": {"quant_method": "bitsandbytes", "load_in_8bit": True},
    "modelopt nvfp4": {"quant_method": "modelopt", "quant_algo": "NVFP4"},
    "modelopt fp8": {"quant_method": "modelopt", "quant_algo": "FP8"},
    "modelopt mxfp8": {"quant_method": "modelopt", "quant_algo": "MXFP8"},
    "modelopt mixed": {"quant_method": "modelopt", "quant_algo": "MIXED_PRECISION"},
    "fbgemm_fp8": {"quant_method": "fbgemm_fp8"},
    "ptpc_fp8": {"quant_method": "ptpc_fp8"},
    "hqq": {"quant_method": "hqq", "weight_config": {}},
    "torchao": {"quant_method": "torchao"},
    "experts_int8": {"quant_method": "experts_int8"},
    "moe_wna16": {"quant_method": "moe_wna16", "bits": 4},
    "quark": {"quant_method": "quark"},
    "quark fp8": quark({"dtype": "fp8_e4m3", "qscheme": "per_tensor"}, {"dtype": "fp8_e4m3"}),
    "quark int8": quark({"dtype": "int8"}, {"dtype": "int8"}),
    "quark mx": quark({"dtype": "fp4", "qscheme": "per_group", "group_size": 32}, {"dtype": "fp4"}),
    "gguf": {"quant_method": "gguf"},
    "auto-round": {"quant_method": "auto-round", "bits": 4},
    "aqlm": {"quant_method": "aqlm"},
    "marlin": {"quant_method": "marlin"},
    "qqq": {"quant_method": "qqq"},
    "rtn": {"quant_method": "rtn"},
    "bitblas": {"quant_method": "bitblas", "bits": 4},
    "deepspeedfp": {"quant_method": "deepspeedfp", "bits": 8},
    "ipex": {"quant_method": "ipex", "bits": 4, "method": "awq"},
    "petit_nvfp4": {"quant_method": "petit_nvfp4"},
    "fp_quant": {"quant_method": "fp_quant"},
    "squeezellm": {"quant_method": "squeezellm", "bits": 4},
}
ONLINE = {name: name for name in ("fp8", "bitsandbytes", "experts_int8", "torchao", "awq", "mxfp8")}
"""Values of `--quantization` for a checkpoint without one."""
OTHERS = {
    "amd": ("amd", "gfx942", "Instinct-MI300X"),
    "amd, older": ("amd", "gfx90a", "Instinct-MI250X"),
    "gaudi": ("gaudi", None, "Gaudi3"),
    "tpu": ("tpu", None, "TPU-v6e"),
    "xpu": ("xpu", None, "Max-1550"),
}
CELLS = {
    f"{scheme} on {generation}": (scheme, generation) for scheme in SCHEMES for generation in GENERATIONS
}


def card(vendor: str, capability: str | None, product: str = "GPU") -> Gpu:
    def gib(value: float) -> Fact[float]:
        return Fact(value=value, source=Source.GPU_TABLE, unit="GiB")

    return Gpu(
        product=product,
        vendor=vendor,
        memory_gib=gib(80),
        visible_gib=gib(79),
        compute_capability=capability,
    )


def model(scheme: dict[str, Any] | None, **config: Any) -> ModelFacts:
    quantized = {"quantization_config": scheme} if scheme else {}
    return ModelFacts(config={**LLAMA, **config, **quantized}, quantization=scheme)


def by_sizing(facts: ModelFacts, gpu: Gpu, release: str, **args: Any) -> str:
    """Why the arithmetic refuses; empty where it does not."""
    found = estimate(facts, gpu, EngineArgs(max_model_len=2048, **args), vllm=release, derive=False)
    return found.why if found.outcome in REFUSALS else ""


def by_advice(facts: ModelFacts, gpu: Gpu, release: str, **args: Any) -> str | None:
    """Why the advice calls it unsupported; empty where it runs, None where that is not known."""
    answers = check_support(
        facts,
        vendor=gpu.vendor,
        compute_capability=gpu.compute_capability,
        product=gpu.product,
        vllm=release,
        **args,
    )
    refused = next((answer.why for answer in answers if answer.support is Support.UNSUPPORTED), "")
    doubt = any(answer.support is Support.UNKNOWN for answer in answers)
    return refused or (None if doubt else "")


def contradictions(
    facts: ModelFacts, gpus: dict[str, Gpu], releases: tuple[str, ...] = RELEASES, **args: Any
) -> Iterator[str]:
    """Cells in which one refuses and the other does not; what the advice does not know is none."""
    for name, gpu in gpus.items():
        for release in releases:
            sizing, advice = (judge(facts, gpu, release, **args) for judge in (by_sizing, by_advice))
            if advice is not None and bool(sizing) != bool(advice):
                yield f"{name} with {release}: arithmetic {sizing or 'runs'}; advice {advice or 'runs'}"


def nvidia(*capabilities: str) -> dict[str, Gpu]:
    return {each: card("nvidia", each) for each in capabilities}


@pytest.mark.parametrize("cell", params(CELLS))
def test_both_judges_say_the_same_of_a_scheme_on_a_generation(cell: tuple[str, str]) -> None:
    scheme, generation = cell
    assert not list(contradictions(model(SCHEMES[scheme]), nvidia(*GENERATIONS[generation])))


@pytest.mark.parametrize("method", params(ONLINE))
def test_both_judges_say_the_same_of_weights_that_are_quantized_while_they_load(method: str) -> None:
    cards = nvidia(*(each for group in GENERATIONS.values() for each in group))
    assert not list(contradictions(model(None), cards, quantization=method))


@pytest.mark.parametrize("scheme", params({name: name for name in SCHEMES}))
def test_both_judges_say_the_same_of_a_scheme_on_other_vendors_cards(scheme: str) -> None:
    gpus = {name: card(*OTHERS[name]) for name in OTHERS}
    assert not list(contradictions(model(SCHEMES[scheme]), gpus, ("0.11.2", "0.19.1", "0.33.0")))


CACHES = {name: name for name in ("fp8", "fp8_e4m3", "fp8_e5m2", "bfloat16", "nvfp4", "fp8_inc")}
DTYPES = {
    "bfloat16": ("bfloat16", {}),
    "half": ("half", {}),
    "auto": ("auto", {}),
    "float16 of Gemma 2": ("float16", {"model_type": "gemma2", "architectures": ["Gemma2ForCausalLM"]}),
    "auto of Gemma 3": ("auto", {"model_type": "gemma3_text", "architectures": ["Gemma3ForCausalLM"]}),
    "float32": ("float32", {}),
}


@pytest.mark.parametrize("dtype", params(CACHES))
def test_both_judges_say_the_same_of_the_numbers_of_the_cache(dtype: str) -> None:
    cards = nvidia("7.5", "8.0", "8.6", "8.9", "9.0", "10.0", "12.0")
    assert not list(contradictions(model(None), cards, kv_cache_dtype=dtype))


@pytest.mark.parametrize("case", params(DTYPES))
def test_both_judges_say_the_same_of_a_data_type(case: tuple[str, dict[str, Any]]) -> None:
    dtype, config = case
    cards = nvidia("7.5", "8.0", "8.9", "9.0", "10.0")
    releases = tuple(release for release in RELEASES if release >= "0.8" or release.startswith("0.1"))
    assert not list(contradictions(model(None, **config), cards, releases, dtype=dtype))


MEANT: dict[str, tuple[str, str, str, bool]] = {
    f"{scheme} on {capability} with {release}": (scheme, capability, release, runs)
    for scheme, capability, release, runs in (
        # CompressedTensorsWNA16: 8.0, from 0.12 on 7.5, and no upper end; W8A8 int8 ends below 10.0.
        ("ct w8a16", "10.0", "0.19.1", True),
        ("ct w8a16", "12.0", "0.33.0", True),
        ("ct w8a16", "7.5", "0.11.2", False),
        ("ct w8a16", "7.5", "0.12.0", True),
        ("ct w8a8 int8", "10.0", "0.19.1", False),
        ("ct w8a8 int8", "9.0", "0.19.1", True),
        ("ct w8a8 int8", "7.5", "0.10.2", True),
        # Below 8.9 fp8 weights of compressed-tensors run as CompressedTensorsW8A16Fp8: 8.0, from 0.16 on 7.5.
        ("ct fp8", "7.5", "0.14.1", False),
        ("ct fp8", "7.5", "0.16.0", True),
        ("ct fp8", "8.0", "0.14.1", True),
        # Fp8Config: 8.0, from 0.14 on 7.5.
        ("fp8", "7.5", "0.12.0", False),
        ("fp8", "7.5", "0.14.1", True),
        # ModelOptFp8Config: 8.9, from 0.27 on 8.0.
        ("modelopt fp8", "8.0", "0.24.0", False),
        ("modelopt fp8", "8.0", "0.28.0", True),
        ("modelopt fp8", "7.5", "0.33.0", False),
        ("modelopt fp8", "9.0", "0.19.1", True),
        # FBGEMMFp8Config: 8.0. ExpertsInt8Config: 8.0. TorchAOConfig: 7.5, from 0.8.5 on.
        ("fbgemm_fp8", "7.5", "0.19.1", False),
        ("experts_int8", "7.5", "0.19.1", False),
        ("torchao", "8.0", "0.8.0", False),
        ("torchao", "8.0", "0.8.5", True),
        # HQQMarlinConfig: from 0.6.6 to before 0.16.
        ("hqq", "8.0", "0.6.3", False),
        ("hqq", "8.0", "0.11.2", True),
        ("hqq", "8.0", "0.19.1", False),
        # No release has ever run below 7.0; from 0.20 on no released image carries code for Volta.
        ("none", "6.1", "0.8.5", False),
        ("none", "7.0", "0.20.2", False),
        ("gptq 4", "6.1", "0.8.5", False),
    )
}


@pytest.mark.parametrize("case", params(MEANT))
def test_both_judges_say_what_vllm_does(case: tuple[str, str, str, bool]) -> None:
    scheme, capability, release, runs = case
    facts, gpu = model(SCHEMES[scheme]), card("nvidia", capability)
    sizing, advice = by_sizing(facts, gpu, release), by_advice(facts, gpu, release)
    assert (not sizing, advice == "") == (runs, runs), (sizing, advice)


@pytest.mark.parametrize("capability", ["10.0", "10.3", "12.0"])
def test_no_refusal_of_eight_bit_weights_speaks_of_eight_bit_activations(capability: str) -> None:
    """W8A16 is no W8A8: the one has no kernel on Blackwell, the other has."""
    facts, gpu = model(SCHEMES["ct w8a16"]), card("nvidia", capability)
    assert "W8A8" not in by_sizing(facts, gpu, "0.19.1") + (by_advice(facts, gpu, "0.19.1") or "")
