"""Which layers a checkpoint keeps in 16 bits where only its scheme is known: what is promised, the least."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from modelcar_tui.core.facts import Fact, Source
from modelcar_tui.hardware.product import gpu_for
from modelcar_tui.memory.budget import budget_for
from modelcar_tui.memory.estimator import estimate
from modelcar_tui.memory.open_questions import open_questions
from modelcar_tui.memory.start import Start, start_of
from modelcar_tui.memory.types import Estimate, Outcome
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.models.known import known_models
from modelcar_tui.models.model import Model, describe_model
from modelcar_tui.vllm.arguments.engine_args import read_engine_args
from modelcar_tui.vllm.profile import profile_for

QUESTION = "which layers its checkpoint leaves in 16 bits (its own config.json or weight files tell)"
GROUP = {"weights": {"num_bits": 8, "type": "float", "strategy": "channel"}, "targets": ["Linear"]}


def told(name: str, words: str) -> ModelFacts:
    """A known model that is only said to be quantized so."""
    config = {
        key: value for key, value in known_models().models[name].items() if key != "quantization_config"
    }
    return ModelFacts(config=config, quantization_name=Fact(value=words, source=Source.CATALOG))


def start(facts: ModelFacts, *args: str, vllm: str = "0.16.0") -> Start:
    model = describe_model(facts, quantization=None, dtype="auto", overrides=None)
    assert isinstance(model, Model)
    return start_of(
        model, gpu_for("NVIDIA-H200", count=8), read_engine_args(args, None, vllm), profile_for(vllm)
    )


def parts(facts: ModelFacts, most: float = 1.0) -> dict[str, float]:
    terms = budget_for(start(facts).at(most)).weights.terms
    return {term.label: term.value or 0.0 for term in terms}


def listed(name: str, *ignored: str) -> ModelFacts:
    """The same model with a config that lists what is ignored."""
    config: dict[str, Any] = dict(known_models().models[name])
    quantization = {
        "quant_method": "compressed-tensors",
        "format": "float-quantized",
        "config_groups": {"group_0": GROUP},
        "ignore": ["lm_head", *ignored],
    }
    return ModelFacts(config={**config, "quantization_config": quantization})


@pytest.mark.parametrize(
    ("name", "ignored"),
    [
        ("qwen3-next-80b-a3b", "re:.*linear_attn.*"),
        ("llama-4-scout-17b-16e", "re:.*(self_attn|shared_expert|router|vision_model|projector).*"),
    ],
)
def test_what_is_promised_is_what_publishers_leave_and_the_least_is_everything_quantized(
    name: str, ignored: str
) -> None:
    most, least = parts(told(name, "fp8")), parts(told(name, "fp8"), most=0.0)
    assert most == pytest.approx(parts(listed(name, ignored)))
    assert least == pytest.approx(parts(listed(name, "re:.*(vision_model|projector).*")))
    assert sum(most.values()) > sum(least.values())
    half = parts(told(name, "fp8"), most=0.5)
    assert sum(half.values()) == pytest.approx((sum(most.values()) + sum(least.values())) / 2)


def test_nemotrons_attention_and_the_mixer_before_it_stay_whole() -> None:
    """Six of 23 mixers of (8,192 + 2,048 + 64 + 4,096) x 2,688 bytes more; all its attention."""
    most = parts(told("nemotron-3-nano-30b-a3b", "fp8 (modelopt)"))
    least = parts(told("nemotron-3-nano-30b-a3b", "fp8 (modelopt)"), most=0.0)
    mixer = (2 * 64 * 64 + 2 * 8 * 128 + 64 + 64 * 64) * 2688
    gib = 2.0**30
    assert most["state-space mixers"] - least["state-space mixers"] == pytest.approx(6 * mixer / gib)
    assert most["attention"] == pytest.approx(2 * least["attention"])


def test_nemotrons_latent_projections_stay_whole_in_place_of_mixers() -> None:
    """Super's 40 pairs of 4,096 x 1,024."""
    most = parts(told("nemotron-3-super-120b-a12b", "fp8 (modelopt)"))
    least = parts(told("nemotron-3-super-120b-a12b", "fp8 (modelopt)"), most=0.0)
    assert most["state-space mixers"] == least["state-space mixers"]
    latents = most["norms, routers, biases"] - least["norms, routers, biases"]
    assert latents == pytest.approx(40 * 2 * 4096 * 1024 / 2**30)


@pytest.mark.parametrize(
    ("name", "words", "plain"),
    [
        ("deepseek-r1", "nvfp4 (modelopt)", {"attention"}),
        ("glm-4.5-air", "nvfp4", {"attention", "MLP"}),
        ("gemma-4-31b", "nvfp4", {"attention"}),
        ("qwen3-30b-a3b", "nvfp4", set()),
        ("llama-3.3-70b", "nvfp4", set()),
        ("qwen3-30b-a3b", "fp8", set()),
        ("qwen3-next-80b-a3b", "fp8 block 128x128", set()),
        ("llama-3.3-70b", "bitsandbytes", set()),
    ],
)
def test_four_bits_are_kept_from_what_publishers_keep_them_from(
    name: str, words: str, plain: set[str]
) -> None:
    most, least = parts(told(name, words)), parts(told(name, words), most=0.0)
    assert {label for label in most if label in ("attention", "MLP") and most[label] > least[label]} == plain
    assert open_questions(start(told(name, words))) == ((QUESTION,) if plain else ())


def test_a_list_a_flag_or_no_quantization_leaves_nothing_open() -> None:
    name = "qwen3-next-80b-a3b"
    assert open_questions(start(listed(name))) == ()
    assert open_questions(start(ModelFacts(config=known_models().models[name]))) == ()
    online = describe_model(
        ModelFacts(config=known_models().models[name]), quantization="fp8", dtype="auto", overrides=None
    )
    assert isinstance(online, Model)
    assert online.usual is None


def test_a_verdict_that_hangs_on_it_is_unknown_with_both_figures() -> None:
    """Gemma 4's attention is 12.3 GiB more in 16 bits than in four: cards between start only the smaller."""
    facts, args = told("gemma-4-31b", "nvfp4"), read_engine_args(("--max-model-len=4096",), None, "0.24.0")

    def on(gib: float) -> Estimate:
        fact = Fact(value=gib, source=Source.OPERATOR, unit="GiB")
        card = replace(gpu_for("NVIDIA-B200"), memory_gib=fact, visible_gib=fact, free_gib=fact)
        return estimate(facts, card, args, vllm="0.24.0", derive=False)

    found = [on(float(gib)) for gib in range(20, 60, 4)]
    unsure = [one for one in found if one.outcome is Outcome.UNKNOWN]
    assert unsure and all(QUESTION in one.why for one in unsure)
    assert found[-1].outcome is Outcome.STARTS
    assert found[0].outcome is not Outcome.STARTS
    weights = unsure[0].weights_gib
    assert weights.low is not None and weights.value == weights.high
    assert weights.value is not None
    assert weights.value - weights.low == pytest.approx(15.996 * (1 - 4.5 / 16), abs=0.2)
