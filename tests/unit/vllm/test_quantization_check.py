"""From a checkpoint's own words to an answer: what it declares, what the name says, what is not known."""

from __future__ import annotations

from typing import Any

import pytest
from quantized_models import LLAMA

from modelcar_tui.core.facts import Fact, Source
from modelcar_tui.models.catalog import catalog, family_key, images_of_same_model
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.models.quantization.declared import declared_scheme, scheme_of_name
from modelcar_tui.vllm.quantization.runs_on import check_support
from modelcar_tui.vllm.quantization.support import Compatibility, Support

FP8 = {"num_bits": 8, "type": "float"}
INT8 = {"num_bits": 8, "type": "int"}
INT4 = {"num_bits": 4, "type": "int", "group_size": 128}
FP4 = {"num_bits": 4, "type": "float", "group_size": 16}
GRANITE = "oci://registry.redhat.io/rhelai1/modelcar-granite-3-1-8b-instruct"


def compressed(weights: dict[str, Any], inputs: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    group = {"weights": weights, "input_activations": inputs}
    return {"quant_method": "compressed-tensors", "config_groups": {"group_0": group}, **more}


def ask(model: ModelFacts, capability: str | None = "9.0", vllm: str | None = "0.19.1", **more: Any):
    options = {"vendor": "nvidia", "product": "card", "catalog_reference": ""} | more
    return check_support(model, compute_capability=capability, vllm=vllm, **options)


@pytest.mark.parametrize(
    ("config", "schemes"),
    [
        (compressed(FP8, FP8), ("fp8-ct",)),
        (compressed(FP8), ("fp8-w8a16",)),
        (compressed(FP8 | {"group_size": 32}, FP8), ("mxfp8",)),
        (compressed(INT8, INT8), ("w8a8-int8",)),
        (compressed(INT8), ("w8a16",)),
        (compressed(INT4), ("w4a16",)),
        (compressed(INT4, FP8), ("w4a8-fp8",)),
        (compressed(INT4, INT8), ("w4a8-int",)),
        (compressed(FP4, FP4), ("nvfp4-ct",)),
        (compressed(FP4), ("nvfp4-w4a16",)),
        (compressed(FP4 | {"group_size": 32}, FP4), ("mxfp4-ct",)),
        (compressed(FP8, FP8, sparsity_config={"sparsity_structure": "2:4"}), ("sparse-24", "fp8-ct")),
        (compressed(INT4, format="marlin-24"), ("sparse-24",)),
        (compressed({"num_bits": 3, "type": "int"}), ()),
        (compressed({"num_bits": [8], "type": {}}, {"num_bits": {}}), ()),
        ({"quant_method": "fp8", "weight_block_size": [128, 128]}, ("fp8-block",)),
        ({"quant_method": "fp8"}, ("fp8",)),
        ({"quant_method": "awq", "bits": 4}, ("awq",)),
        ({"quant_method": "gptq", "checkpoint_format": "marlin"}, ("marlin",)),
        ({"quant_method": "mxfp4"}, ("mxfp4",)),
        ({"quant_method": "bitsandbytes"}, ("bitsandbytes",)),
        ({"quant_method": "torchao"}, ("torchao",)),
        ({"quant_method": "modelopt", "quant_algo": "NVFP4"}, ("nvfp4",)),
        ({"producer": {}, "quantization": {"quant_algo": "FP8"}}, ("modelopt-fp8",)),
        ({"quant_method": "quark", "global_quant_config": {"weight": {"dtype": "fp8_e4m3"}}}, ("quark-fp8",)),
        ({"quant_method": "quark", "global_quant_config": {"weight": [{"dtype": "fp4"}]}}, ("quark-mx",)),
        ({"quant_method": "new-method"}, ()),
        ({}, ()),
        ({"quant_method": "compressed-tensors", "config_groups": "x"}, ()),
    ],
)
def test_what_a_checkpoint_declares(config: dict[str, Any], schemes: tuple[str, ...]) -> None:
    assert declared_scheme(ModelFacts(config=LLAMA, quantization=config)).schemes == schemes
    assert declared_scheme(ModelFacts(config=LLAMA | {"quantization_config": config})).schemes == schemes


def test_a_mixed_checkpoint_has_an_answer_for_each_of_its_schemes() -> None:
    mixed = compressed(FP8, FP8)
    mixed["config_groups"]["group_1"] = {"weights": INT4, "input_activations": None}
    answers = ask(ModelFacts(config=LLAMA, quantization=mixed), "7.5", "0.14.1")
    assert [answer.support for answer in answers] == [Support.UNSUPPORTED, Support.NATIVE]


@pytest.mark.parametrize(
    ("name", "scheme"),
    [
        ("modelcar-llama-3-1-8b-instruct-quantized-w4a16", "w4a16"),
        ("x-quantized.w8a8", "w8a8-int8"),
        ("granite-FP8-dynamic", "fp8-ct"),
        ("gemma-4-31b-it-fp8-block", "fp8-ct"),
        ("Laguna-NVFP4", "nvfp4-ct"),
        ("modelcar-gpt-oss-20b", "mxfp4"),
        ("mistral-awq", "awq"),
        ("qwen-gptq-int4", "gptq"),
        ("granite-3.1-8b", ""),
        ("fp80-thing", ""),
        ("whisper-large-v2-w4a16-g128", "w4a16"),
    ],
)
def test_what_a_name_hints_at(name: str, scheme: str) -> None:
    assert scheme_of_name(name) == scheme


def test_the_checkpoint_beats_the_name_and_both_are_shown() -> None:
    model = ModelFacts(config=LLAMA, quantization=compressed(INT4))
    (answer,) = ask(model, "8.0", catalog_reference="oci://quay.io/x/granite-fp8-dynamic:1")
    assert answer.support is Support.NATIVE and answer.quantization.startswith("W4A16")
    assert "name hints at FP8" in answer.why


def test_a_name_is_used_where_nothing_else_is_known_and_badged() -> None:
    named = ModelFacts(quantization_name=Fact(value="w8a8", source=Source.NAME))
    (answer,) = ask(named, "10.0")
    assert answer.support is Support.UNSUPPORTED and "as the name hints" in answer.why


def test_fp8_on_ampere_costs_speed_and_is_no_refusal() -> None:
    (answer,) = ask(ModelFacts(config=LLAMA, quantization=compressed(FP8, FP8)), "8.0")
    assert answer.support is Support.AT_A_COST and "Marlin" in answer.why


def test_what_is_not_known_is_unknown_and_never_fits() -> None:
    model = ModelFacts(config=LLAMA, quantization=compressed(FP8, FP8))
    assert ask(model, None)[0].support is Support.UNKNOWN
    assert ask(model, "gfx1100", vendor="amd")[0].support is Support.UNKNOWN
    assert ask(model, "x", vendor="neuron")[0].support is Support.UNKNOWN
    assert ask(ModelFacts())[0].support is Support.UNKNOWN
    assert (
        ask(ModelFacts(config=LLAMA, quantization={"quant_method": "x\x1b[2J"}))[0].support is Support.UNKNOWN
    )
    assert "\x1b" not in ask(ModelFacts(config=LLAMA, quantization={"quant_method": "x\x1b[2J"}))[0].why


def test_without_a_version_only_agreement_between_releases_counts() -> None:
    w4a16 = ModelFacts(config=LLAMA, quantization=compressed(INT4))
    assert ask(w4a16, "7.5", None)[0].support is Support.UNKNOWN
    assert ask(w4a16, "8.0", None)[0].support is Support.NATIVE


def test_int8_on_blackwell_names_the_variant_that_runs() -> None:
    model = ModelFacts(config=LLAMA, quantization=compressed(INT8, INT8))
    (answer,) = ask(model, "10.0", catalog_reference=f"{GRANITE}-quantized-w8a8:1.5")
    assert answer.nearest == "registry.redhat.io/rhelai1/modelcar-granite-3-1-8b-instruct-fp8-dynamic"


def test_a_variant_that_does_not_run_either_is_not_named() -> None:
    model = ModelFacts(config=LLAMA, quantization=compressed(INT8, INT8))
    (answer,) = ask(
        model, None, vendor="gaudi", catalog_reference="oci://quay.io/nobody/no-such-model-w8a8:1"
    )
    assert answer.support is Support.UNSUPPORTED and answer.nearest == ""


def test_variants_of_one_model_share_their_family() -> None:
    found = {entry.repository for entry in images_of_same_model(f"{GRANITE}-quantized-w8a8:1.5")}
    assert {
        "rhelai1/modelcar-granite-3-1-8b-instruct",
        "rhelai1/modelcar-granite-3-1-8b-instruct-fp8-dynamic",
    } <= found
    assert all(family_key(entry.repository) for entry in catalog())
    assert len([entry for entry in catalog() if entry.listed]) == 110


@pytest.mark.parametrize(
    ("dtype", "kind", "capability", "refused"),
    [
        ("bfloat16", "llama", "7.5", True),
        ("auto", "llama", "7.5", False),
        ("half", "llama", "7.5", False),
        ("half", "gemma2", "9.0", True),
        ("auto", "gemma3", "7.5", False),
        ("auto", "gemma3", "9.0", False),
        ("float32", "gemma2", "7.5", False),
    ],
)
def test_dtypes_that_vllm_refuses(dtype: str, kind: str, capability: str, refused: bool) -> None:
    answers = ask(ModelFacts(config=LLAMA | {"model_type": kind}), capability, "0.33.0", dtype=dtype)
    assert any(answer.support is Support.UNSUPPORTED for answer in answers) is refused


@pytest.mark.parametrize(
    ("kv", "vendor", "capability", "support"),
    [
        ("fp8", "nvidia", "8.6", Support.UNKNOWN),
        ("fp8", "nvidia", "7.5", Support.UNSUPPORTED),
        ("fp8", "nvidia", "8.9", Support.NATIVE),
        ("fp8_e5m2", "nvidia", "8.6", Support.AT_A_COST),
        ("fp8_e5m2", "nvidia", "7.5", Support.UNSUPPORTED),
        ("nvfp4", "nvidia", "10.0", Support.UNSUPPORTED),
        ("fp8", "amd", "gfx942", Support.NATIVE),
        ("fp8", "amd", "gfx90a", Support.UNSUPPORTED),
        ("fp8_inc", "gaudi", None, Support.NATIVE),
        ("fp8_inc", "nvidia", "9.0", Support.UNSUPPORTED),
        ("int3", "nvidia", "9.0", Support.UNSUPPORTED),
        ("fp8", "nvidia", None, Support.UNKNOWN),
        ("int8_per_token_head", "nvidia", "9.0", Support.UNKNOWN),
        ("fp8", "tpu", None, Support.UNKNOWN),
        ("bfloat16", "nvidia", "9.0", None),
        ("auto", "nvidia", "7.5", None),
    ],
)
def test_kv_cache_dtypes(kv: str, vendor: str, capability: str | None, support: Support | None) -> None:
    answers: tuple[Compatibility, ...] = ask(
        ModelFacts(config=LLAMA), capability, vendor=vendor, kv_cache_dtype=kv
    )
    assert [answer.support for answer in answers[1:]] == ([support] if support else [])


@pytest.mark.parametrize(("vllm", "support"), [("0.11.2", Support.UNSUPPORTED), ("0.12.0", Support.UNKNOWN)])
def test_calibrated_kv_scales_turn_auto_into_fp8(vllm: str, support: Support) -> None:
    model = ModelFacts(config=LLAMA, quantization=compressed(FP8, FP8, kv_cache_scheme={"num_bits": 8}))
    answers = ask(model, "8.0", vllm)
    assert [answer.support for answer in answers] == [Support.AT_A_COST, support]
    assert "KV scales" in answers[1].why


@pytest.mark.parametrize(
    ("kv", "capability", "vllm", "support"),
    [
        # platforms/cuda.py _get_backend_priorities: FlashInfer before Triton from 0.12 on.
        ("fp8", "8.0", "0.11.2", Support.UNSUPPORTED),
        ("fp8", "8.0", "0.12.0", Support.UNKNOWN),
        ("fp8_e5m2", "8.0", "0.19.1", Support.AT_A_COST),
        # flashinfer.py supports_kv_cache_dtype: the family 100 alone, from 0.32 on also 80, 90 and 120.
        ("nvfp4", "10.0", "0.19.1", Support.UNSUPPORTED),
        ("nvfp4", "10.0", "0.20.2", Support.NATIVE),
        ("nvfp4", "9.0", "0.31.0", Support.UNSUPPORTED),
        ("nvfp4", "12.0", "0.31.0", Support.UNSUPPORTED),
        ("nvfp4", "9.0", "0.32.0", Support.NATIVE),
        ("nvfp4", "12.0", "0.33.0", Support.NATIVE),
        ("nvfp4", "7.5", "0.33.0", Support.UNSUPPORTED),
    ],
)
def test_a_cache_is_judged_by_the_backends_of_its_release(
    kv: str, capability: str, vllm: str, support: Support
) -> None:
    answers = ask(ModelFacts(config=LLAMA), capability, vllm, kv_cache_dtype=kv)
    assert answers[1].support is support


def test_attention_that_flashinfer_lacks_has_no_short_cache_on_ampere() -> None:
    for config in (LLAMA | {"kv_lora_rank": 512}, LLAMA | {"model_type": "gpt_oss"}):
        answers = ask(ModelFacts(config=config), "8.0", "0.19.1", kv_cache_dtype="fp8")
        assert answers[1].support is Support.UNSUPPORTED


def test_sparse_attention_starts_at_hopper() -> None:
    config = LLAMA | {"architectures": ["DeepseekV32ForCausalLM"]}
    assert ask(ModelFacts(config=config), "8.0")[-1].support is Support.UNSUPPORTED
    assert len(ask(ModelFacts(config=config), "9.0")) == 1
