"""A removed flag's value goes to its successor, and means the same there.

That each result is accepted was asked of vLLM's own parsers of 0.13.0, 0.19.1 and 0.33.0.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from modelcar_tui.advice.repairs.proposals import propose
from modelcar_tui.manifest.arguments import effective
from modelcar_tui.manifest.types import ModelCar, Position, ServingArguments
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.vllm.arguments.engine_args import read_engine_args
from modelcar_tui.vllm.context import longest_context

AT = Position(1, 1)
QWEN3: dict[str, Any] = {
    "architectures": ["Qwen3ForCausalLM"],
    "model_type": "qwen3",
    "hidden_size": 4096,
    "num_hidden_layers": 36,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "intermediate_size": 12288,
    "vocab_size": 151936,
    "max_position_embeddings": 40960,
    "rope_theta": 1000000,
}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768}
LONG = "--max-model-len=131072"


def after(*args: str, vllm: str) -> tuple[str, ...]:
    serving = ServingArguments(args=args, args_at=(AT,) * len(args))
    car = ModelCar(name="a", image="oci://x/y:1", serving=serving, at=AT, name_at=AT, image_at=AT)
    changes = propose(car, ModelFacts(config=QWEN3), None, vllm=vllm)
    return effective(serving, list(changes)).args


def written(flag: str, **keys: Any) -> tuple[str, ...]:
    return (f"{flag}={json.dumps(keys)}",)


CASES: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (
        ("--guided-decoding-backend=xgrammar:disable-any-whitespace",),
        written("--structured-outputs-config", backend="xgrammar", disable_any_whitespace=True),
    ),
    (
        ("--guided-decoding-backend", "guidance", "--guided-decoding-disable-additional-properties"),
        written("--structured-outputs-config", backend="guidance", disable_additional_properties=True),
    ),
    (
        ("--guided-decoding-backend=xgrammar", '--structured-outputs-config={"reasoning_parser":"qwen3"}'),
        written("--structured-outputs-config", backend="xgrammar", reasoning_parser="qwen3"),
    ),
    (
        ("--no-guided-decoding-disable-any-whitespace",),
        written("--structured-outputs-config", disable_any_whitespace=False),
    ),
    (
        ("--cuda-graph-sizes", "1,2,4"),
        written("--compilation-config", cudagraph_capture_sizes=[1, 2, 4]),
    ),
    (
        ("--cuda-graph-sizes", "1", "2", "4"),
        written("--compilation-config", cudagraph_capture_sizes=[1, 2, 4]),
    ),
    (("--cuda-graph-sizes=512",), written("--compilation-config", max_cudagraph_capture_size=512)),
    (
        ("--eplb-window-size=100", "--eplb-log-balancedness"),
        written("--eplb-config", window_size=100, log_balancedness=True),
    ),
    (
        ("--speculative-model=a/b", "--num-speculative-tokens=4"),
        written("--speculative-config", model="a/b", num_speculative_tokens=4),
    ),
    (
        ("--speculative-model=[ngram]", "--num-speculative-tokens", "5", "--ngram-prompt-lookup-max=4"),
        written("--speculative-config", method="ngram", num_speculative_tokens=5, prompt_lookup_max=4),
    ),
    (("--speculative-model=x",), ()),
    (("--task=embed",), ("--runner=pooling",)),
    (("--task", "score"), ("--runner=pooling", "--convert=classify")),
    (("--task=generate",), ("--runner=generate",)),
    (("--task=auto",), ()),
    (("--rope-theta=500000",), written("--hf-overrides", rope_theta=500000)),
    (("--swap-space", "4"), ()),
    (("--disable-log-requests",), ()),
    (("--num-scheduler-steps=8",), ()),
)


@pytest.mark.parametrize(("args", "expected"), CASES, ids=[" ".join(args) for args, _ in CASES])
def test_a_removed_flag_s_value_is_carried_over(args: tuple[str, ...], expected: tuple[str, ...]) -> None:
    assert after(*args, vllm="0.19.1") == expected


@pytest.mark.parametrize("vllm", ["0.13.0", "0.19.1", "0.29.0", "0.33.0"])
@pytest.mark.parametrize(
    "args",
    [
        (f"--rope-scaling={json.dumps(YARN)}", LONG),
        (f"--rope-scaling={json.dumps(YARN)}", '--hf-overrides={"hidden_act":"silu"}', LONG),
        (f"--hf-overrides={json.dumps({'rope_scaling': YARN})}", LONG),
    ],
)
def test_a_stretched_context_stays_and_is_accepted(args: tuple[str, ...], vllm: str) -> None:
    result = after(*args, vllm=vllm)
    assert LONG in result and len(result) == 2
    engine = read_engine_args(result, 1, vllm)
    assert engine.problems == ()
    assert longest_context(QWEN3, engine.overrides, vllm) == 131072


def test_yarn_by_overrides_is_left_alone_where_it_is_heard() -> None:
    args = (f"--hf-overrides={json.dumps({'rope_scaling': YARN})}", LONG)
    assert after(*args, vllm="0.19.1") == args
    assert after(*args, vllm="0.11.2") == args


def test_a_rope_keeps_its_base_where_the_override_replaces_both() -> None:
    (item, _) = after(f"--rope-scaling={json.dumps(YARN)}", LONG, vllm="0.19.1")
    assert json.loads(item.partition("=")[2]) == {"rope_parameters": {**YARN, "rope_theta": 1000000}}


def test_positions_above_the_stretched_limit_are_still_cut() -> None:
    args = (f"--hf-overrides={json.dumps({'rope_scaling': YARN})}", "--max-model-len=140000")
    assert after(*args, vllm="0.19.1")[1] == LONG


def test_overridden_positions_are_a_limit_of_their_own() -> None:
    args = ('--hf-overrides={"max_position_embeddings":65536}', "--max-model-len=65536")
    assert after(*args, vllm="0.19.1") == args
