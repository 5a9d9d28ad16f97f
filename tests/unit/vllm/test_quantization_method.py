"""`--quantization`, the checkpoint and the dtype, release by release, as vLLM's own classes decide."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from quantized_models import LLAMA

from modelcar_tui.hardware.product import gpu_for
from modelcar_tui.hardware.vendor import hardware
from modelcar_tui.memory.estimator import estimate
from modelcar_tui.memory.types import Outcome
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.vllm.arguments.engine_args import read_engine_args
from modelcar_tui.vllm.quantization.declaration import AskedQuantization
from modelcar_tui.vllm.quantization.method import choose_method, quantizes_plain
from modelcar_tui.vllm.quantization.start_dtype import dtype_fault
from modelcar_tui.vllm.release import parse_version
from modelcar_tui.vllm.value_table import capability_table

AWQ = {"quant_method": "awq", "bits": 4, "group_size": 128, "zero_point": True}
GPTQ = {"quant_method": "gptq", "bits": 4, "group_size": 128, "sym": True, "desc_act": False}
W4A16 = {"quant_method": "compressed-tensors", "format": "pack-quantized", "config_groups": {}}
MODELOPT = {"quant_method": "modelopt", "quant_algo": "NVFP4"}
PRODUCED = {"producer": {"name": "modelopt"}, "quantization": {"quant_algo": "NVFP4"}}
T4, L4 = hardware("nvidia", "Tesla-T4", "7.5"), hardware("nvidia", "NVIDIA-L4", "8.9")


def asked(raw: dict[str, Any] | None, value: str | None, vllm: str, **more: Any) -> AskedQuantization:
    config = {**LLAMA, "torch_dtype": "bfloat16"} | ({"quantization_config": raw} if raw else {})
    facts = ModelFacts(config=config | more.pop("config", {}), quantization=raw)
    return AskedQuantization(facts=facts, value=value, version=parse_version(vllm), **more)


@pytest.mark.parametrize(
    ("raw", "value", "vllm", "method"),
    [
        (AWQ, None, "0.13.0", "awq_marlin"),
        (AWQ, "awq", "0.13.0", "awq"),
        (AWQ, "awq", "0.24.0", "auto_awq"),
        (AWQ, "marlin", "0.13.0", "awq_marlin"),
        (AWQ, "moe_wna16", "0.7.3", "moe_wna16"),
        (AWQ, "gptq", "0.13.0", None),
        (AWQ, "auto_awq", "0.22.1", None),
        (AWQ | {"bits": 3}, "awq_marlin", "0.13.0", None),
        (GPTQ, "gptq_marlin", "0.10.0", "gptq_marlin"),
        (GPTQ, "gptq_marlin", "0.33.0", "auto_gptq"),
        (GPTQ | {"sym": False}, "gptq_marlin", "0.19.1", None),
        (GPTQ | {"sym": False}, "gptq_marlin", "0.22.0", "auto_gptq"),
        (GPTQ | {"desc_act": True}, None, "0.29.0", "auto_gptq"),
        (GPTQ | {"desc_act": True}, None, "0.30.0", None),
        (GPTQ | {"desc_act": True, "group_size": -1}, None, "0.33.0", "auto_gptq"),
        (GPTQ | {"dynamic": {"+:.*mlp.*": {"desc_act": True}}}, None, "0.33.0", None),
        (GPTQ | {"dynamic": {"-:.*mlp.*": {"desc_act": True}}}, None, "0.33.0", "auto_gptq"),
        (W4A16, "fp8", "0.33.0", None),
        (W4A16, "compressed-tensors", "0.8.5", "compressed-tensors"),
        (MODELOPT, "modelopt", "0.10.0", "modelopt_fp4"),
        (MODELOPT, "awq", "0.33.0", "modelopt_fp4"),
        (MODELOPT, "awq", "0.9.2", None),
        (PRODUCED, "modelopt", "0.19.1", None),
        (PRODUCED, "modelopt", "0.22.0", "modelopt_fp4"),
        ({"quant_method": "auto-round"}, None, "0.16.0", "inc"),
        ({"quant_method": "fp8"}, "FP8", "0.33.0", "fp8"),
        ({"quant_method": "fp8"}, "None", "0.33.0", "fp8"),
        ({"quant_method": "fp8"}, "humming", "0.33.0", "humming"),
        ({"quant_method": "compressed_tensors"}, "compressed-tensors", "0.9.2", "compressed-tensors"),
        ({"bits": 4}, "gptq", "0.19.1", None),
    ],
)
def test_checkpoint_and_flag_agree_or_one_takes_the_others_place(
    raw: dict[str, Any], value: str | None, vllm: str, method: str | None
) -> None:
    found = choose_method(asked(raw, value, vllm))
    assert (found.method, bool(found.why)) == (method, False) if method else bool(found.why)


def test_gpt_oss_takes_any_method_since_its_own_class_answers_for_it() -> None:
    raw = {"quant_method": "mxfp4"}
    own = {"config": {"model_type": "gpt_oss"}}
    assert choose_method(asked(raw, "fp8", "0.20.0", **own)).method == "gpt_oss_mxfp4"
    assert choose_method(asked(raw, "fp8", "0.19.1", **own)).why
    assert choose_method(asked(raw, "fp8", "0.33.0")).why
    assert "--moe-backend=humming" in choose_method(asked(raw, "humming", "0.21.0", **own)).why
    assert choose_method(asked(raw, "humming", "0.20.2", **own)).method == "humming"


def test_a_shorthand_runs_in_the_dtypes_of_the_class_that_quantizes_while_it_loads() -> None:
    assert not dtype_fault(asked(None, "mxfp4", "0.32.0"), "half").why
    assert not dtype_fault(asked(None, "mxfp8", "0.32.0"), "half").why
    assert dtype_fault(asked(None, "mxfp4", "0.22.0"), "half").why
    assert dtype_fault(asked({"quant_method": "mxfp4"}, "mxfp4", "0.32.0"), "half").why


def test_online_alone_wants_its_own_object() -> None:
    assert choose_method(asked(None, "online", "0.33.0", configured=False)).why
    assert not choose_method(asked(None, "online", "0.33.0")).why


@pytest.mark.parametrize("vllm", ["0.8.5", "0.13.0", "0.33.0"])
@pytest.mark.parametrize("value", ["none", "int4", "foo", "awq ", "[1]"])
def test_a_name_that_no_release_has_is_refused_beside_every_checkpoint(value: str, vllm: str) -> None:
    for raw in (None, AWQ, W4A16):
        assert f"no quantization method {value.strip()}" in choose_method(asked(raw, value, vllm)).why
    assert (
        "no quantization method"
        in choose_method(AskedQuantization(facts=None, value=value, version=parse_version(vllm))).why
    )


def test_a_name_is_told_with_its_releases_or_the_nearest_one() -> None:
    def told(value: str, vllm: str) -> str:
        return choose_method(asked(None, value, vllm)).why

    assert told("fp8_per_channel", "0.20.0").endswith("yet (since 0.24.0)")
    assert told("aqlm", "0.19.1").endswith("any more")
    assert told("bitsandbytes", "0.28.0").endswith("the package vllm-bnb-plugin")
    assert told("compressed_tensor", "0.19.1").endswith("the nearest is compressed-tensors")


@pytest.mark.parametrize("vllm", ["0.6.6", "0.8.5", "0.13.0", "0.22.0", "0.33.0"])
@pytest.mark.parametrize(
    "value",
    [
        "awq",
        "gptq",
        "gptq_marlin",
        "awq_marlin",
        "modelopt",
        "moe_wna16",
        "compressed-tensors",
        "quark",
        "gguf",
    ],
)
def test_a_method_that_reads_what_a_checkpoint_declares_is_refused_beside_one_that_declares_nothing(
    value: str, vllm: str
) -> None:
    found = choose_method(asked(None, value, vllm))
    assert found.why
    if "declares none" in found.why and "json" in found.why.partition("config.json")[2]:
        assert found.error == f"Cannot find the config file for {value}"


@pytest.mark.parametrize(
    ("value", "vllm"),
    [
        ("fp8", "0.6.0"),
        ("fp8", "0.33.0"),
        ("experts_int8", "0.8.5"),
        ("bitsandbytes", "0.6.3"),
        ("bitsandbytes", "0.27.1"),
        ("mxfp8", "0.19.1"),
        ("mxfp8", "0.33.0"),
        ("fp8_per_block", "0.20.0"),
        ("int8_per_channel_weight_only", "0.33.0"),
        ("mxfp4", "0.33.0"),
        ("rtn", "0.10.0"),
    ],
)
def test_what_quantizes_while_it_loads_needs_no_declaration(value: str, vllm: str) -> None:
    assert choose_method(asked(None, value, vllm)) == choose_method(asked(None, value, vllm, gpu=L4))
    assert not choose_method(asked(None, value, vllm)).why
    assert quantizes_plain(value, vllm) is True


def test_a_file_beside_config_json_or_a_catalog_may_declare_what_it_does_not() -> None:
    plain = {**LLAMA}
    beside = ModelFacts(config=plain, quantization={"bits": 4, "group_size": 128})
    assert not choose_method(
        AskedQuantization(facts=beside, value="gptq", version=parse_version("0.19.1"))
    ).why
    assert not choose_method(
        AskedQuantization(facts=ModelFacts(), value="awq", version=parse_version("0.19.1"))
    ).why
    file = ModelFacts(config=plain, gguf={"general.architecture": "llama"})
    assert not choose_method(AskedQuantization(facts=file, value="gguf", version=parse_version("0.19.1"))).why


@pytest.mark.parametrize(
    ("raw", "value", "dtype", "vllm", "gpu", "able"),
    [
        (AWQ, None, "bfloat16", "0.19.1", L4, True),
        (AWQ, "awq", "bfloat16", "0.19.1", L4, False),
        (AWQ, "awq", "auto", "0.19.1", L4, False),
        (AWQ, "awq", "auto", "0.19.1", T4, True),
        (AWQ, "awq", "auto", "0.19.1", None, True),
        (AWQ, "awq", "auto", "0.24.0", L4, True),
        (AWQ, None, "float", "0.33.0", None, False),
        (GPTQ, None, "float32", "0.33.0", None, False),
        (GPTQ, "gptq", "bfloat16", "0.19.1", None, False),
        ({"quant_method": "fp8"}, None, "float32", "0.33.0", None, False),
        ({"quant_method": "mxfp4"}, None, "half", "0.33.0", None, False),
        ({"quant_method": "mxfp4"}, None, "auto", "0.33.0", L4, True),
        (W4A16, None, "float32", "0.10.0", None, False),
        (W4A16, None, "float32", "0.10.1", None, True),
        (None, "fp8", "float32", "0.13.0", None, False),
        (None, None, "float32", "0.13.0", None, True),
        (None, None, "bfloat16", "0.13.0", T4, False),
    ],
)
def test_a_method_runs_in_the_dtypes_of_its_class(
    raw: dict[str, Any] | None, value: str | None, dtype: str, vllm: str, gpu: Any, able: bool
) -> None:
    assert bool(dtype_fault(asked(raw, value, vllm, gpu=gpu), dtype).why) is not able


def test_float16_is_refused_for_the_models_type_by_release() -> None:
    text = {"config": {"model_type": "gemma3", "text_config": {"model_type": "gemma3_text"}}}
    alone = {"config": {"model_type": "gemma3_text"}}
    for vllm, whole, part in (("0.9.0", False, False), ("0.9.1", True, False), ("0.10.2", True, True)):
        assert bool(dtype_fault(asked(None, None, vllm, **text), "half").why) is whole
        assert bool(dtype_fault(asked(None, None, vllm, **alone), "half").why) is part


@pytest.mark.parametrize("vllm", ["0.8.5", "0.19.1", "0.33.0"])
def test_nothing_is_sized_that_vllm_refuses(vllm: str) -> None:
    facts = ModelFacts(config=LLAMA)
    for value in ("awq", "gptq", "int4", "compressed-tensors", "modelopt"):
        args = read_engine_args((f"--quantization={value}", "--max-model-len=2048"), 1, vllm)
        found = estimate(facts, gpu_for("NVIDIA-L4"), args, vllm=vllm)
        assert found.outcome in (Outcome.REFUSED_QUANT, Outcome.REFUSED_ARGS)
        assert not found.weights_gib.known


def test_every_method_of_every_release_has_a_class_and_what_it_needs() -> None:
    table = capability_table()
    for method, vllm in product(table.groups["methods"], table.read):
        kind = table.value("methods", method, vllm)
        if kind:
            assert table.value("config_files", kind, vllm) is not None, (method, vllm)
            assert table.value("constructors", kind, vllm) is not None or kind == "AWQConfig", (method, vllm)
