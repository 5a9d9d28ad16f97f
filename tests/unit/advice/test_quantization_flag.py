"""`--quantization` beside a checkpoint, and configurations from hostile images."""

from __future__ import annotations

from typing import Any

import pytest
from compatibility_support import H100, LLAMA, T4, car
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelcar_tui.advice.lint.lint import lint_model
from modelcar_tui.advice.repairs.proposals import propose
from modelcar_tui.core.text import has_hidden
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.vllm.runs_on import check
from modelcar_tui.vllm.support import Support

FP8_RED_HAT = {"quant_method": "compressed-tensors", "format": "float-quantized"}


def codes(model: ModelFacts | None, *args: str, vllm: str = "0.19.1") -> set[str]:
    return {finding.code for finding in lint_model(car(*args), vllm=vllm, facts=model)}


@pytest.mark.parametrize(
    ("method", "value", "agrees"),
    [
        ("compressed-tensors", "fp8", False),
        ("compressed-tensors", "compressed-tensors", True),
        ("awq", "awq_marlin", True),
        ("awq", "gptq", False),
        ("gptq", "gptq_marlin", True),
        ("fp8", "fp8", True),
        ("modelopt", "modelopt_fp4", True),
        ("mxfp4", "fp8", False),
        ("mxfp4", "gpt_oss_mxfp4", True),
        ("fp8", "FP8", True),
        ("fp8", "None", True),
        ("fp8", "", True),
        ("fp8", "none", False),
    ],
)
def test_the_flag_must_agree_with_the_checkpoint(method: str, value: str, agrees: bool) -> None:
    model = ModelFacts(config=LLAMA, quantization={"quant_method": method})
    assert ("quantization-mismatch" in codes(model, f"--quantization={value}")) is not agrees
    changes = propose(car(f"--quantization={value}"), model, None, vllm="0.19.1")
    assert [change.flag for change in changes] == ([] if agrees else ["--quantization"])


def test_what_the_checkpoint_says_is_read_wherever_it_says_so() -> None:
    """vLLM looks at `compression_config` and into the text part, too."""
    told = {"quant_method": "compressed-tensors"}
    for where in ({"compression_config": told}, {"text_config": {**LLAMA, "quantization_config": told}}):
        assert codes(ModelFacts(config={**LLAMA, **where}), "--quantization=fp8") == {"quantization-mismatch"}


def test_what_is_not_known_is_no_disagreement() -> None:
    assert codes(None, "--quantization=fp8") == set()
    assert codes(ModelFacts(config=LLAMA), "--quantization=fp8") == set()


def test_a_deprecated_method_wants_to_be_allowed() -> None:
    model = ModelFacts(config=LLAMA, quantization={"quant_method": "fbgemm_fp8"})
    assert codes(model) == {"quantization-deprecated"}
    assert codes(model, "--allow-deprecated-quantization") == set()
    assert codes(model, vllm="0.13.0") == set()
    (change,) = propose(car(), model, None, vllm="0.19.1")
    assert (change.new, change.severity) == ("--allow-deprecated-quantization", "required")


def test_quantizing_while_loading_is_judged_by_the_flag() -> None:
    for release, wanted in (("0.13.0", Support.UNSUPPORTED), ("0.19.1", Support.AT_A_COST)):
        (first, *_) = check(
            ModelFacts(config=LLAMA),
            vendor="nvidia",
            compute_capability="7.5",
            product="T4",
            vllm=release,
            quantization="fp8",
        )
        assert first.support is wanted and first.quantization.startswith("FP8")


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["--enable-auto-tool-choice"], "needs-other"),
        (["--enable-auto-tool-choice", "--tool-call-parser=granite"], None),
        (["--decode-context-parallel-size=3"], "context-parallel"),
        (["--data-parallel-size=2"], "suite-parallel"),
    ],
)
def test_arguments_that_need_each_other(args: list[str], code: str | None) -> None:
    assert codes(None, *args) == ({code} if code else set())


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**12) | st.floats(allow_nan=True) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
KEYS = (
    "architectures",
    "model_type",
    "num_attention_heads",
    "num_key_value_heads",
    "vocab_size",
    "intermediate_size",
    "torch_dtype",
    "max_position_embeddings",
    "rope_scaling",
    "quantization_config",
    "auto_map",
    "text_config",
    "num_experts",
)
QUANT = (
    "quant_method",
    "config_groups",
    "format",
    "sparsity_config",
    "quantization",
    "quant_algo",
    "group_size",
    "weight_block_size",
    "checkpoint_format",
    "kv_cache_scheme",
    "global_quant_config",
)
GROUP = st.fixed_dictionaries(
    {"weights": st.dictionaries(st.sampled_from(["num_bits", "type", "group_size"]), JSON)},
    optional={"input_activations": JSON, "format": JSON},
)
METHODS = st.sampled_from(["compressed-tensors", "quark", "modelopt", "fp8", "gptq"])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(st.sampled_from(KEYS), JSON, max_size=8),
    st.none() | st.dictionaries(st.sampled_from(QUANT), JSON | METHODS, max_size=6),
    st.dictionaries(st.text(max_size=3), GROUP | JSON, max_size=2),
)
def test_no_configuration_from_an_image_breaks_a_check(
    config: dict[str, Any], raw: dict[str, Any] | None, groups: dict[str, Any]
) -> None:
    if raw is not None and raw.get("quant_method") == "compressed-tensors":
        raw["config_groups"] = groups
    model = ModelFacts(config=config, quantization=raw)
    item = car("--max-model-len=4096", "--trust-remote-code", "--enable-expert-parallel", gpus=2)
    for gpu in (H100, T4):
        answers = check(
            model,
            vendor=gpu.vendor,
            compute_capability=gpu.compute_capability,
            product=gpu.product,
            vllm="0.19.1",
        )
        assert answers and not any(has_hidden(answer.why) for answer in answers)
        propose(item, model, gpu, vllm="0.19.1")
    assert not any(has_hidden(finding.what) for finding in lint_model(item, vllm="0.19.1", facts=model))
