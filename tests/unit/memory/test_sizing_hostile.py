"""Configs that hold anything: never an exception, never a verdict that nothing supports."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sizing_models import DEEPSEEK_LITE, GEMMA_27B, QWEN_NEXT, WHISPER

from modelcar_tui.core.errors import UserError
from modelcar_tui.core.facts import Fact, Source
from modelcar_tui.core.text import has_hidden
from modelcar_tui.hardware.product import gpu_for
from modelcar_tui.memory.cases import answer, run_cases
from modelcar_tui.memory.estimator import estimate
from modelcar_tui.memory.types import Outcome
from modelcar_tui.models.facts import ModelFacts, TensorGroup
from modelcar_tui.models.known import known_model
from modelcar_tui.report.estimate import estimate_lines
from modelcar_tui.vllm.arguments.engine_args import read_engine_args
from support.configs import LLAMA_8B

GPU = gpu_for("H100")
ARGS = read_engine_args((), 1, None)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=-4, max_value=2**70)
    | st.floats(allow_nan=True, allow_infinity=True)
    | st.text(max_size=20)
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
NAMES = sorted({*LLAMA_8B, *GEMMA_27B, *GEMMA_27B["text_config"], *DEEPSEEK_LITE, *QWEN_NEXT, *WHISPER})
NAMES += [
    "quantization_config",
    "layer_types",
    "hybrid_override_pattern",
    "layer_pattern",
    "audio_config",
    "num_experts",
]
REAL = json.loads(Path(__file__).with_name("parameter_counts.json").read_text())["models"]
TOLD = sorted({name for model in REAL for name in model["config"]} | {"index_topk_freq", "compress_ratios"})
quick = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize(
    "part",
    [
        {"architectures": ["\x1b[31mFancyForCausalLM"]},
        {"quantization_config": {"quant_method": "\x1b]0;title\x07fancy"}},
        {"quantization_config": {"quant_method": "compressed-tensors", "format": "\u202efancy"}},
    ],
)
def test_names_out_of_an_image_reach_no_terminal_as_they_are(part):
    found = estimate(ModelFacts(config={**LLAMA_8B, **part}), GPU, ARGS, vllm="0.19.0")
    assert found.outcome is Outcome.UNKNOWN
    assert "fancy" in found.why.lower() and not has_hidden(found.why)


def check(model: ModelFacts, args=ARGS) -> None:
    found = estimate(model, GPU, args, vllm="0.19.0")
    assert isinstance(found.outcome, Outcome)
    assert found.why
    list(estimate_lines("x", GPU, args, found, smallest_tp=None, knobs=(), explain=True))
    msgspec.json.encode(found)


@quick
@given(
    st.sampled_from(REAL),
    st.dictionaries(st.sampled_from(TOLD), anything, min_size=1, max_size=4),
    st.sampled_from([(1, 1), (3, 1), (8, 1), (1, 40), (2, 2)]),
    st.sampled_from(["", "mtp", "eagle3"]),
)
def test_real_configs_of_every_family_with_a_few_fields_of_anything(model, changed, split, draft):
    told = (
        [f"--speculative-config={json.dumps({'method': draft, 'num_speculative_tokens': 2})}"]
        if draft
        else []
    )
    args = read_engine_args((f"--pipeline-parallel-size={split[1]}", *told), split[0], None)
    check(ModelFacts(config={**model["config"], **changed}), args)


@quick
@given(st.dictionaries(st.sampled_from(NAMES), anything, max_size=25))
def test_configs_of_anything(config):
    check(ModelFacts(config=config))


@quick
@given(
    st.sampled_from([LLAMA_8B, GEMMA_27B, DEEPSEEK_LITE, QWEN_NEXT, WHISPER]),
    st.dictionaries(st.sampled_from(NAMES), anything, min_size=1, max_size=4),
)
def test_real_configs_with_broken_fields(config, broken):
    check(ModelFacts(config={**config, **broken}))
    text = config.get("text_config")
    if text:
        check(ModelFacts(config={**config, "text_config": {**text, **broken}}))


@pytest.mark.parametrize("name", ["hidden_size", "num_hidden_layers", "num_attention_heads", "vocab_size"])
@pytest.mark.parametrize("value", [None, "many", -1, 0, 2**80, float("nan"), [], {}, True, 1e300])
def test_a_needed_number_that_is_absurd_means_unknown(name, value):
    found = estimate(ModelFacts(config={**LLAMA_8B, name: value}), GPU, ARGS, vllm="0.19.0")
    assert found.outcome is Outcome.UNKNOWN
    assert name in found.why


@pytest.mark.parametrize(
    "name", ["gemma-3-27b", "llama-4-scout-17b-16e", "mistral-small-3.1-24b", "qwen3-vl-8b"]
)
@pytest.mark.parametrize("value", [0, 1, 3, [1, 2], -1, 2**70, float("nan"), "x"])
def test_a_tower_too_small_or_too_large_to_be_real_is_no_error(name, value):
    known = known_model(name)
    assert known is not None
    for field in ("image_size", "patch_size", "hidden_size"):
        config = {**known.config, "vision_config": {**known.config["vision_config"], field: value}}
        check(ModelFacts(config=config))


@quick
@given(
    st.integers() | st.none(),
    st.lists(
        st.builds(
            TensorGroup,
            st.text(max_size=30),
            st.sampled_from(["BF16", "F8_E4M3", "I32", "?"]),
            st.lists(st.integers(min_value=0, max_value=2**40), max_size=3).map(tuple),
            st.integers(min_value=0, max_value=2**20),
        ),
        max_size=4,
    ),
)
def test_lying_headers_and_counts(parameters, groups):
    fact = Fact(value=parameters, source=Source.INDEX)
    check(ModelFacts(config=LLAMA_8B, parameters=fact, tensors=tuple(groups) or None, weight_bytes=fact))
    check(ModelFacts(parameters=fact, bits=fact, weight_bytes=fact))


@quick
@given(
    st.dictionaries(
        st.sampled_from(
            [
                "id",
                "model",
                "vllm",
                "gpu",
                "gpu_cap",
                "gpu_total_gib",
                "tp",
                "util",
                "config",
                "quant",
                "params",
            ]
        ),
        anything,
        max_size=9,
    )
)
def test_cases_of_anything(case):
    line = answer(case)
    assert line["verdict"] != "starts"
    msgspec.json.encode({name: value for name, value in line.items() if name != "id"})


@pytest.mark.parametrize("text", ["", "a: [", "1", "a: 1", "\x00", "- &a [*a]"])
def test_a_file_that_is_no_list_of_cases_gives_one_line(tmp_path, text):
    path = tmp_path / "cases.yaml"
    path.write_text(text)
    try:
        lines = list(run_cases(path))
    except UserError as error:
        assert str(path) in str(error)
        assert "\n" not in str(error)
    else:
        assert [line["verdict"] for line in lines] == ["unknown"]


def test_a_missing_file_gives_one_line(tmp_path):
    with pytest.raises(UserError, match="No such file"):
        list(run_cases(tmp_path / "none.yaml"))
