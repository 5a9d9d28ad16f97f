"""Every cell of quantized experts that differs from the other layers, against vLLM's source.

Rows of a scheme hold from a release up to the next row's. N native, C at a cost, - refused, ? not known.
"""

from __future__ import annotations

import pytest
from quantized_models import CONFIGS, LLAMA, MIXTRAL, compressed, quantized

from modelcar_tui.hardware.product import gpu_for
from modelcar_tui.hardware.vendor import Hardware, hardware
from modelcar_tui.memory.estimator import estimate
from modelcar_tui.memory.types import Outcome
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.vllm.arguments.engine_args import read_engine_args
from modelcar_tui.vllm.quantization.experts import ExpertLayers
from modelcar_tui.vllm.quantization.runs_on import check_support
from modelcar_tui.vllm.quantization.schemes import judge
from modelcar_tui.vllm.quantization.support import Support
from modelcar_tui.vllm.quantization_table import quantization_table
from modelcar_tui.vllm.release import parse_version

LETTERS = {
    "N": Support.NATIVE,
    "C": Support.AT_A_COST,
    "-": Support.UNSUPPORTED,
    "?": Support.UNKNOWN,
}
COLUMNS = ("7.0", "7.5", "8.0", "8.6", "8.9", "9.0", "10.0", "12.0", "gfx942")
EVEN, ODD = ExpertLayers(fused=True), ExpertLayers(fused=True, odd=True)
NO_METHOD = "get_quant_method gives None for FusedMoE, whose __init__ asserts that it is not"
MOE = "CompressedTensorsMoEMethod.get_moe_method"

CELLS = [
    ("awq", "0.6.3", "- - N N N N - - -", "AWQMarlinConfig.get_quant_method; AWQConfig: None up to 0.9.1"),
    (
        "awq",
        "0.9.2",
        "- - N N N N N N -",
        "AWQConfig gives AWQMoEMethod; MARLIN_MOE_ARCHS 8.0+PTX; none on ROCm",
    ),
    ("awq", "0.10.0", "- - N N N N N N -", "the same"),
    ("awq", "0.13.0", "- - N N N N N N C", "check_moe_marlin_supports_layer: False on ROCm, then MoeWNA16"),
    ("awq", "0.14.1", "- N N N N N N N C", "MARLIN_MOE_OTHER_ARCHS 7.5"),
    ("gptq", "0.6.3", "- - N N N N - - -", f"GPTQMarlinConfig from 8.0; GPTQConfig: {NO_METHOD}"),
    ("gptq", "0.10.0", "- - N N N N N N -", "the same"),
    ("gptq", "0.10.2", "C C N N N N N N C", "GPTQConfig gives MoeWNA16Method since 0.10.1"),
    ("gptq", "0.14.1", "? N N N N N N N C", "GPTQMarlinConfig from 7.5; images may lack 7.0 since 0.11"),
    ("w4a16", "0.11.0", "- - N N N N N N -", "CompressedTensorsWNA16 80; Marlin chosen on ROCm, too"),
    ("w4a16", "0.11.2", "- - N N N N N N C", f"{MOE}: is_rocm() takes the Triton method"),
    ("w4a16", "0.12.0", "- - N N N N N N C", "CompressedTensorsWNA16 75, but MARLIN_MOE_ARCHS 8.0+PTX"),
    ("w4a16", "0.13.0", "- - N N N N N N C", "the same"),
    ("w4a16", "0.14.1", "- N N N N N N N C", "MARLIN_MOE_OTHER_ARCHS 7.5"),
    ("w8a16", "0.13.0", "- - N N N N N N C", "as w4a16: WNA16_SUPPORTED_BITS 4 and 8"),
    ("w8a16", "0.14.1", "- N N N N N N N C", "as w4a16"),
    ("fp8", "0.8.5", "- - - - N N ? ? N", "Fp8MoEMethod has no Marlin: Triton's fp8e4nv from 8.9 on"),
    ("fp8", "0.9.2", "- - C C N N N N N", "Fp8MoEMethod.use_marlin below 8.9"),
    ("fp8", "0.14.1", "- C C C N N N N N", "Fp8Config 75"),
    ("fp8-block", "0.9.2", "- - C C N N N N N", "the same class"),
    ("fp8-ct", "0.8.5", "- - - - N N ? ? N", "CompressedTensorsW8A8Fp8MoEMethod has no Marlin"),
    ("fp8-ct", "0.9.2", "- - C C N N N N N", "CompressedTensorsW8A8Fp8MoEMethod.use_marlin"),
    ("fp8-ct", "0.16.0", "- C C C N N N N N", "CompressedTensorsW8A16Fp8 75"),
    ("fp8-w8a16", "0.19.1", "- - - - - - - - -", f"{MOE}: weights alone are no W8A8"),
    ("modelopt-fp8", "0.9.2", "- - - - - - - - -", f"ModelOptFp8Config: {NO_METHOD}"),
    ("modelopt-fp8", "0.10.0", "- - - - N N N N -", "ModelOptFp8MoEMethod; ModelOptFp8Config 89"),
    ("modelopt-fp8", "0.28.0", "- - C C N N N N ?", "ModelOptFp8Config 80; the kernels' oracle has Marlin"),
    ("nvfp4", "0.8.5", "- - - - - - - - -", f"ModelOptNvFp4Config: {NO_METHOD}"),
    (
        "nvfp4",
        "0.9.2",
        "- - C C C C N - -",
        "ModelOptNvFp4FusedMoE.use_marlin; no cutlass_fp4 experts for 12.0",
    ),
    ("nvfp4", "0.14.1", "- C C C C C N - -", "ModelOptNvFp4Config 75"),
    ("nvfp4", "0.15.1", "- C C C C C N N -", "12.0 since 0.15.1"),
    ("nvfp4-ct", "0.9.1", "- - - - - - - - ?", f"{MOE}: Unsupported FusedMoe scheme"),
    ("nvfp4-ct", "0.9.2", "- - C C C C N - ?", f"{MOE}: CompressedTensorsW4A4MoeMethod"),
    ("nvfp4-ct", "0.16.0", "- C C C C C N N ?", "CompressedTensorsW4A4Fp4 75"),
    ("nvfp4-w4a16", "0.14.1", "- - - - - - - - ?", f"{MOE}: activations must be NVFP4"),
    ("nvfp4-w4a16", "0.16.0", "- C C C C C C C ?", f"{MOE}: use_a16"),
    ("mxfp4", "0.10.2", "- - C C C C N ? C", "get_mxfp4_backend: Triton from 9.0 on, Marlin below"),
    ("mxfp4", "0.12.0", "- - C C C C N C C", "get_mxfp4_backend: Triton below 11.0 only"),
    ("mxfp4-ct", "0.14.1", "- - - - - - - - ?", f"{MOE}: no MXFP4"),
    ("mxfp4-ct", "0.16.0", "- - C C C C N N ?", f"{MOE}: CompressedTensorsW4A4Mxfp4MoEMethod"),
    ("mxfp8", "0.20.2", "- C C C C C N N -", f"{MOE}: CompressedTensorsW8A8Mxfp8MoEMethod"),
    ("modelopt-mxfp8", "0.17.1", "- - - - - - - - -", "no ModelOptMxFp8Config.FusedMoEMethodCls"),
    ("modelopt-mxfp8", "0.19.1", "- - - - - - N N -", "ModelOptMxFp8FusedMoE; ModelOptMxFp8Config 100"),
    ("w8a8-int8", "0.8.5", "- - - - - - - - C", f"{MOE}: Unsupported FusedMoe scheme"),
    ("w8a8-int8", "0.9.2", "- N N N N N - - C", f"{MOE}: CompressedTensorsW8A8Int8MoEMethod"),
    ("w4a8-fp8", "0.12.0", "- - - - - - - - -", f"{MOE}: Unsupported FusedMoe scheme"),
    ("w4a8-fp8", "0.13.0", "- - - - - N - - -", f"{MOE}: CompressedTensorsW4A8Fp8MoEMethod"),
    ("w4a8-int", "0.28.0", "- ? ? ? ? ? ? ? ?", "CompressedTensorsW4A8Int8MoEMethod: made for Arm"),
    ("bitsandbytes", "0.9.2", "- - - - - - - - -", f"BitsAndBytesConfig: {NO_METHOD}"),
    ("bitsandbytes", "0.10.0", "N N N N N N N N -", "BitsAndBytesMoEMethod"),
    ("bitsandbytes", "0.28.0", "- - - - - - - - -", "gone to a package"),
    ("gguf", "0.7.3", "- - - - - - - - N", f"GGUFConfig: {NO_METHOD}"),
    ("gguf", "0.8.5", "N N N N N N ? ? N", "GGUFMoEMethod"),
    ("gguf", "0.24.0", "- - - - - - - - -", "gone to a package"),
    ("torchao", "0.10.2", "- - - - - - - - N", f"TorchAOConfig: {NO_METHOD}"),
    ("torchao", "0.11.2", "- N N N N N N N N", "FusedMoE takes UnquantizedFusedMoEMethod for None"),
    (
        "quark-int8",
        "0.19.1",
        "- - - - - - - - -",
        "QuarkMoEMethod.get_moe_method: Unsupported FusedMoe scheme",
    ),
    ("quark-int8", "0.20.2", "- N N N N N - - C", "QuarkW8A8Int8MoEMethod"),
    ("quark-mx", "0.9.2", "- - - - - - - - -", "QuarkMoEMethod.get_moe_method: FP8 alone"),
    ("quark-mx", "0.11.2", "? C C C C C C C C", "QuarkOCP_MX_MoEMethod"),
    ("quark-nvfp4", "0.22.1", "- C C C C C N N ?", "QuarkNvfp4MoEMethod"),
    ("experts-int8", "0.19.1", "- - N N N N N N -", "ExpertsInt8MoEMethod: Triton, ExpertsInt8Config 80"),
    ("moe-wna16", "0.13.0", "? N N N N N N N -", "MoeWNA16Method: Triton"),
    ("quark-fp8", "0.19.1", "- - - - N N N N N", "QuarkW8A8Fp8MoEMethod; QuarkW8A8Fp8 89"),
]


def on(column: str) -> Hardware:
    return hardware("amd", "card", column) if column.startswith("gfx") else hardware("nvidia", "card", column)


@pytest.mark.parametrize(("scheme", "vllm", "cells", "source"), CELLS)
def test_a_cell_of_experts_is_what_vllms_source_says(scheme: str, vllm: str, cells: str, source: str) -> None:
    found = {column: judge(scheme, on(column), parse_version(vllm), experts=EVEN)[0] for column in COLUMNS}
    assert found == dict(zip(COLUMNS, map(LETTERS.__getitem__, cells.split()), strict=True)), source


def test_every_scheme_whose_experts_differ_has_its_cells_and_a_source() -> None:
    told = {scheme for scheme, *_ in CELLS}
    without = {"hqq", "qqq", "aqlm", "deepspeedfp", "bitblas", "squeezellm", "fp-quant", "fbgemm-fp8", "rtn"}
    for rule in quantization_table().schemes:
        for row in rule.experts:
            assert row.source and (row.columns or row.on[1])
        assert not rule.experts or rule.id in told | without | {"gptq-marlin-24", "marlin"}, rule.id


def test_a_scheme_without_a_method_for_experts_is_refused_as_long_as_that_stops_the_server() -> None:
    for scheme in ("hqq", "fbgemm-fp8", "gptq-marlin-24", "bitblas"):
        for vllm, wanted in (("0.10.2", Support.UNSUPPORTED), ("0.11.2", Support.UNKNOWN)):
            assert judge(scheme, on("9.0"), parse_version(vllm), experts=EVEN)[0] is wanted
            assert (
                judge(scheme, on("9.0"), parse_version(vllm))[0] is Support.NATIVE or scheme == "fbgemm-fp8"
            )


@pytest.mark.parametrize("scheme", ["awq", "w4a16", "w8a16"])
def test_experts_that_marlin_does_not_multiply_take_the_triton_kernel(scheme: str) -> None:
    """check_moe_marlin_supports_layer: hidden size by 128, width by the group and by 64."""
    for vllm in ("0.12.0", "0.13.0"):
        for card in ("7.5", "9.0"):
            other = judge(scheme, on(card), parse_version(vllm))
            assert judge(scheme, on(card), parse_version(vllm), experts=ODD) == other
        assert judge(scheme, on("7.5"), parse_version(vllm), experts=EVEN)[0] is Support.UNSUPPORTED


QWEN = LLAMA | {
    "architectures": ["Qwen3MoeForCausalLM"],
    "model_type": "qwen3_moe",
    "num_experts": 16,
    "num_experts_per_tok": 4,
    "moe_intermediate_size": 768,
}
W4A16 = compressed(4, "int") | {"format": "pack-quantized"}
W4A16["config_groups"]["group_0"]["weights"] |= {"strategy": "group", "group_size": 128}


@pytest.mark.parametrize(
    ("vllm", "tp", "refused"),
    [
        ("0.11.2", 4, True),
        ("0.12.0", 2, True),
        ("0.13.0", 2, True),
        ("0.13.0", 4, False),
        ("0.14.1", 2, False),
        ("0.33.0", 2, False),
    ],
)
def test_w4a16_experts_on_a_t4_hang_on_the_release_and_on_the_width_of_a_shard(
    vllm: str, tp: int, refused: bool
) -> None:
    facts, gpu = ModelFacts(config=QWEN | {"quantization_config": W4A16}), gpu_for("Tesla-T4", count=4)
    args = read_engine_args(
        (f"--tensor-parallel-size={tp}", "--dtype=half", "--max-model-len=1024"), None, vllm
    )
    found = estimate(facts, gpu, args, vllm=vllm)
    assert (found.outcome is Outcome.REFUSED_QUANT) is refused
    answers = check_support(
        facts,
        vendor="nvidia",
        compute_capability="7.5",
        product="Tesla-T4",
        vllm=vllm,
        dtype="half",
        shards=args.expert_shards,
    )
    assert (answers[0].support is Support.UNSUPPORTED) is refused


def test_experts_of_mixtral_were_linear_layers_under_most_methods() -> None:
    """model_loader/utils.py: QuantMixtralForCausalLM, up to 0.10.1.1."""
    gpu, args = gpu_for("Tesla-T4", count=4), read_engine_args(("--tensor-parallel-size=4",), None, "0.9.1")
    awq = CONFIGS["awq"] | {"zero_point": True}
    for base, refused in ((MIXTRAL, False), (QWEN, True)):
        found = estimate(quantized(awq, base), gpu, args, vllm="0.9.1")
        assert (found.outcome is Outcome.REFUSED_QUANT) is refused
