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
from modelcar_tui.hardware.product import gpu_for
from modelcar_tui.memory.estimator import estimate
from modelcar_tui.memory.types import Outcome
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.vllm.arguments.engine_args import read_engine_args
from modelcar_tui.vllm.quantization.runs_on import check_support
from modelcar_tui.vllm.quantization.support import Support

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
        ("mxfp4", "fp8", False),
        ("mxfp4", "gpt_oss_mxfp4", False),
        ("mxfp4", "mxfp4", True),
        ("fp8", "FP8", True),
        ("fp8", "None", True),
        ("fp8", "", True),
        ("fp8", "none", False),
    ],
)
def test_the_flag_must_agree_with_the_checkpoint(method: str, value: str, agrees: bool) -> None:
    four = {"bits": 4, "group_size": 128, "zero_point": True, "sym": True, "desc_act": False}
    model = ModelFacts(config=LLAMA, quantization={"quant_method": method, **four})
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


GEMMA_3: dict[str, Any] = LLAMA | {
    "architectures": ["Gemma3ForConditionalGeneration"],
    "model_type": "gemma3",
    "torch_dtype": "bfloat16",
}
AWQ = {"quant_method": "awq", "bits": 4, "group_size": 128, "zero_point": True}


@pytest.mark.parametrize(
    ("config", "raw", "args", "card", "vllm", "cure"),
    [
        (GEMMA_3, None, ["--dtype=float16"], "NVIDIA-A100-SXM4-80GB", "0.19.1", ("--dtype", None)),
        (GEMMA_3, None, ["--dtype=half"], "", "0.33.0", ("--dtype", None)),
        (GEMMA_3, None, ["--dtype=bfloat16"], "Tesla-T4", "0.19.1", ("--dtype", None)),
        (LLAMA, None, ["--dtype=bfloat16"], "Tesla-T4", "0.19.1", ("--dtype", "--dtype=half")),
        (LLAMA, AWQ, ["--dtype=float32"], "NVIDIA-L4", "0.33.0", ("--dtype", None)),
        (LLAMA, AWQ, ["--quantization=awq", "--dtype=bfloat16"], "", "0.19.1", ("--quantization", None)),
        (GEMMA_3, AWQ, ["--quantization=awq"], "NVIDIA-L4", "0.19.1", ("--quantization", None)),
        (LLAMA, None, ["--quantization=awq"], "NVIDIA-L4", "0.33.0", ("--quantization", None)),
        (LLAMA, None, ["--quantization=int4"], "", "0.33.0", ("--quantization", None)),
    ],
)
def test_what_is_refused_gets_the_smallest_change_that_the_lint_is_content_with(
    config: dict[str, Any],
    raw: dict[str, Any] | None,
    args: list[str],
    card: str,
    vllm: str,
    cure: tuple[str, str | None],
) -> None:
    model = ModelFacts(config=config, quantization=raw)
    gpu = gpu_for(card) if card else None
    (change,) = propose(car(*args), model, gpu, vllm=vllm)
    assert (change.flag, change.new, change.severity) == (*cure, "required")
    after = [item for item in args if not item.startswith(cure[0])] + ([cure[1]] if cure[1] else [])
    assert codes(model, *after, vllm=vllm) == set()
    assert propose(car(*after), model, gpu, vllm=vllm) == ()


W4A16: dict[str, Any] = {"quant_method": "compressed-tensors", "kv_cache_scheme": None, "config_groups": {}}


@pytest.mark.parametrize(
    ("raw", "vllm", "refused"),
    [
        ({"quant_method": "fp8"}, "0.8.5", True),
        ({"quant_method": "fp8"}, "0.33.0", True),
        ({"quant_method": "modelopt", "quant_algo": "FP8"}, "0.19.1", True),
        (W4A16, "0.23.0", True),
        (W4A16, "0.24.0", False),
        (W4A16 | {"kv_cache_scheme": {"num_bits": 8}}, "0.33.0", True),
        (AWQ, "0.33.0", False),
        (None, "0.33.0", False),
    ],
)
def test_a_cache_without_scales_is_refused_beside_a_method_that_brings_some(
    raw: dict[str, Any] | None, vllm: str, refused: bool
) -> None:
    """attention/layer.py: every class that gives a KVCacheMethod."""
    model, gpu = ModelFacts(config=LLAMA, quantization=raw), gpu_for("NVIDIA-H100-80GB-HBM3")
    args = ("--kv-cache-dtype=fp8_e5m2", "--max-model-len=2048")
    found = estimate(model, gpu, read_engine_args(args, 1, vllm), vllm=vllm)
    assert (found.outcome is Outcome.REFUSED_QUANT) is refused
    assert ("quantization-mismatch" in codes(model, *args, vllm=vllm)) is refused
    changes = [change.flag for change in propose(car(*args), model, gpu, vllm=vllm)]
    assert ("--kv-cache-dtype" in changes) is refused


def test_a_dtype_that_no_gpu_heals_is_an_error_of_the_list() -> None:
    assert codes(ModelFacts(config=GEMMA_3), "--dtype=float16") == {"dtype-refused"}
    assert codes(ModelFacts(config=GEMMA_3), "--dtype=bfloat16") == set()
    assert codes(ModelFacts(config=LLAMA), "--dtype=float16") == set()
    assert codes(None, "--dtype=float16") == set()


def test_quantizing_while_loading_is_judged_by_the_flag() -> None:
    for release, wanted in (("0.13.0", Support.UNSUPPORTED), ("0.19.1", Support.AT_A_COST)):
        (first, *_) = check_support(
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
        answers = check_support(
            model,
            vendor=gpu.vendor,
            compute_capability=gpu.compute_capability,
            product=gpu.product,
            vllm="0.19.1",
        )
        assert answers and not any(has_hidden(answer.why) for answer in answers)
        propose(item, model, gpu, vllm="0.19.1")
    assert not any(has_hidden(finding.what) for finding in lint_model(item, vllm="0.19.1", facts=model))


def test_no_leave_is_asked_for_a_method_that_is_gone() -> None:
    """`--allow-deprecated-quantization` would not bring it back."""
    found = lint_model(car("--quantization=tpu_int8"), vllm="0.19.1")
    assert [one.code for one in found] == ["quantization-mismatch"]
