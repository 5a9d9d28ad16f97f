"""One list of arguments: what vLLM's parser stores, and what the engine is taken to be asked for.

The right answers are those of vLLM's FlexibleArgumentParser over argparse: underscores for dashes up to the
first dot, unambiguous beginnings, `--no-` forms, the last of two wins, dotted keys gathered into one object a
flag *as it is written* and appended at the end (so they replace an object given as JSON), nothing after `--`.
"""

from __future__ import annotations

from typing import Any

import pytest
from seam_support import LLAMA, params

from modelcar_tui.advice.finding import Stops
from modelcar_tui.advice.lint.lint import lint_model
from modelcar_tui.advice.lint.remarks import ENGINE
from modelcar_tui.hardware.product import gpu_for
from modelcar_tui.manifest.masking import is_secret_flag
from modelcar_tui.manifest.types import ModelCar, Position, ServingArguments
from modelcar_tui.memory.estimator import estimate
from modelcar_tui.memory.types import Outcome
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.vllm.argument_table import known_arguments
from modelcar_tui.vllm.arguments.engine_args import EngineArgs, read_engine_args, served_args
from modelcar_tui.vllm.arguments.meanings import MEANT
from modelcar_tui.vllm.arguments.parsing import flags_of, parse_arguments

NEWEST = "0.33.0"
AT = Position(1, 1)
LENGTH, SHARE, EAGER = "--max-model-len", "--gpu-memory-utilization", "--enforce-eager"
TP, CHUNKED, SPEC = "--tensor-parallel-size", "--enable-chunked-prefill", "--speculative-config"
OVER, COMPILE = "--hf-overrides", "--compilation-config"
NGRAM, SIZES = f'{SPEC}={{"method":"ngram","num_speculative_tokens":2}}', f"{COMPILE}.cudagraph_capture_sizes"
TWO_SPECS = f"{NGRAM} {SPEC}.num_speculative_tokens=5"
TWO_COMPILES = f'{COMPILE}={{"cudagraph_capture_sizes":[1,2,4]}} {COMPILE}.cudagraph_mode=NONE'

Case = tuple[tuple[str, ...], dict[str, Any], dict[str, Any]]
"""The list; what the parser stores, by the flag's full name (True and False of a switch, `--x.key` of a
dotted one); what the engine is asked for, where it is not the default."""


def says(*args: str, stored: dict[str, Any], asks: dict[str, Any]) -> Case:
    return args, stored, asks


_CASES: tuple[Case, ...] = (
    says("--max-model-len=8k", stored={LENGTH: "8k"}, asks={"max_model_len": 8000}),
    says("--max-model-len=8K", stored={LENGTH: "8K"}, asks={"max_model_len": 8192}),
    says("--max-model-len=1.5k", stored={LENGTH: "1.5k"}, asks={"max_model_len": 1500}),
    says("--max-model-len=10.2123k", stored={LENGTH: "10.2123k"}, asks={"max_model_len": 10212}),
    says("--max-model-len= 4096", stored={LENGTH: " 4096"}, asks={"max_model_len": 4096}),
    says("--max-model-len=4_096", stored={LENGTH: "4_096"}, asks={"max_model_len": 4096}),
    says("--max-model-len=+5", stored={LENGTH: "+5"}, asks={"max_model_len": 5}),
    says("--max-model-len=auto", stored={LENGTH: "auto"}, asks={"max_model_len": -1}),
    says("--max-model-len=AUTO", stored={LENGTH: "AUTO"}, asks={"max_model_len": -1}),
    says("--max-model-len=-1", stored={LENGTH: "-1"}, asks={"max_model_len": -1}),
    says("--max-model-len", "-1", stored={LENGTH: "-1"}, asks={"max_model_len": -1}),
    says("--max_model_len", "4096", stored={LENGTH: "4096"}, asks={"max_model_len": 4096}),
    says("--max-model_len=4096", stored={LENGTH: "4096"}, asks={"max_model_len": 4096}),
    says("--max_model_l=4096", stored={LENGTH: "4096"}, asks={"max_model_len": 4096}),
    says("--max-model-l=4096", stored={LENGTH: "4096"}, asks={"max_model_len": 4096}),
    says("--max-model-l", "4096", stored={LENGTH: "4096"}, asks={"max_model_len": 4096}),
    says("--max-model=4096", stored={LENGTH: "4096"}, asks={"max_model_len": 4096}),
    says("--gpu-memory-util=0.8", stored={SHARE: "0.8"}, asks={"gpu_memory_utilization": 0.8}),
    says("--gpu_mem", "0.5", stored={SHARE: "0.5"}, asks={"gpu_memory_utilization": 0.5}),
    says("--tensor=2", stored={TP: "2"}, asks={"tp": 2}),
    says("-tp=2", stored={TP: "2"}, asks={"tp": 2}),
    says("-tp", "2", stored={TP: "2"}, asks={"tp": 2}),
    says("-pp=2", stored={"--pipeline-parallel-size": "2"}, asks={"pp": 2}),
    says("-dp", "2", stored={"--data-parallel-size": "2"}, asks={"dp": 2}),
    says("-dcp=2", stored={"--decode-context-parallel-size": "2"}, asks={"dcp": 2}),
    says("-ep", stored={"--enable-expert-parallel": True}, asks={"ep": True}),
    says("-q=fp8", stored={"--quantization": "fp8"}, asks={"quantization": "fp8"}),
    says("-qfp8", stored={"--quantization": "fp8"}, asks={"quantization": "fp8"}),
    says("--kv-cache-dtype", "fp8", stored={"--kv-cache-dtype": "fp8"}, asks={"kv_cache_dtype": "fp8"}),
    says(
        "--kv-cache-memory=2G",
        stored={"--kv-cache-memory-bytes": "2G"},
        asks={"kv_cache_memory_bytes": 2**31},
    ),
    says("--enforce-eager", stored={EAGER: True}, asks={"enforce_eager": True}),
    says("--enforce_eager", stored={EAGER: True}, asks={"enforce_eager": True}),
    says("--enforce", stored={EAGER: True}, asks={"enforce_eager": True}),
    says("--no-enforce-eager", stored={EAGER: False}, asks={}),
    says("--no_enforce", stored={EAGER: False}, asks={}),
    says("--enforce-eager", "--no-enforce-eager", stored={EAGER: False}, asks={}),
    says("--no-enforce-eager", "--enforce-eager", stored={EAGER: True}, asks={"enforce_eager": True}),
    says("--disable-chunked-prefill", stored={CHUNKED: False}, asks={"chunked_prefill": False}),
    says("--no-enable-chunked-prefill", stored={CHUNKED: False}, asks={"chunked_prefill": False}),
    says(CHUNKED, "--disable-chunked-prefill", stored={CHUNKED: False}, asks={"chunked_prefill": False}),
    says(
        "--no-enable-prefix-caching",
        stored={"--enable-prefix-caching": False},
        asks={"prefix_caching": False},
    ),
    says(
        "--disable-prefix-caching", stored={"--enable-prefix-caching": False}, asks={"prefix_caching": False}
    ),
    says("--no-enable-lora", stored={"--enable-lora": False}, asks={}),
    says(
        "--no-disable-hybrid-kv-cache-manager",
        stored={"--disable-hybrid-kv-cache-manager": False},
        asks={"hybrid_kv_manager": True},
    ),
    says(
        "--enable-hybrid-kv-cache-manager",
        stored={"--disable-hybrid-kv-cache-manager": False},
        asks={"hybrid_kv_manager": True},
    ),
    says(f"{LENGTH}=4096", f"{LENGTH}=8192", stored={LENGTH: "8192"}, asks={"max_model_len": 8192}),
    says(f"{LENGTH}=4096", "--max_model_l", "8192", stored={LENGTH: "8192"}, asks={"max_model_len": 8192}),
    says("-tp=4", "--tensor-parallel-size", "2", stored={TP: "2"}, asks={"tp": 2}),
    says("--", f"{LENGTH}=4096", stored={}, asks={}),
    says(f"{LENGTH}=4096", "--", f"{LENGTH}=8192", stored={LENGTH: "4096"}, asks={"max_model_len": 4096}),
    says("--", LENGTH, "4096", stored={}, asks={}),
    says("serve", f"{LENGTH}=4096", stored={LENGTH: "4096"}, asks={"max_model_len": 4096}),
    says(
        f"{SPEC}.num_speculative_tokens=3",
        stored={f"{SPEC}.num_speculative_tokens": "3"},
        asks={"speculative": True, "num_speculative_tokens": 3},
    ),
    says(
        "--speculative_config.num_speculative_tokens",
        "3",
        stored={f"{SPEC}.num_speculative_tokens": "3"},
        asks={"speculative": True, "num_speculative_tokens": 3},
    ),
    says(
        f"{SPEC}.method=ngram",
        f"{SPEC}.num_speculative_tokens=3",
        stored={f"{SPEC}.method": "ngram", f"{SPEC}.num_speculative_tokens": "3"},
        asks={"speculative": True, "num_speculative_tokens": 3, "speculative_method": "ngram"},
    ),
    says(
        NGRAM,
        stored={SPEC: NGRAM.partition("=")[2]},
        asks={"speculative": True, "num_speculative_tokens": 2, "speculative_method": "ngram"},
    ),
    says(
        NGRAM,
        f"{SPEC}.num_speculative_tokens=5",
        stored={SPEC: NGRAM.partition("=")[2], f"{SPEC}.num_speculative_tokens": "5"},
        asks={"speculative": True, "num_speculative_tokens": 5},
    ),
    says(
        f"{OVER}.max_position_embeddings=1000",
        stored={f"{OVER}.max_position_embeddings": "1000"},
        asks={"overrides": {"max_position_embeddings": 1000}},
    ),
    says(
        f"{OVER}.max_position_embeddings",
        "1000",
        stored={f"{OVER}.max_position_embeddings": "1000"},
        asks={"overrides": {"max_position_embeddings": 1000}},
    ),
    says(
        f"{OVER}.rope_scaling.factor=2",
        f"{OVER}.rope_scaling.rope_type=yarn",
        stored={f"{OVER}.rope_scaling.factor": "2", f"{OVER}.rope_scaling.rope_type": "yarn"},
        asks={"overrides": {"rope_scaling": {"factor": 2, "rope_type": "yarn"}}},
    ),
    says(f"{OVER}.a=1", f"{OVER}.a=2", stored={f"{OVER}.a": "2"}, asks={"overrides": {"a": 2}}),
    says('--hf-over={"a":1}', stored={OVER: '{"a":1}'}, asks={"overrides": {"a": 1}}),
    says("--hf-over.b=2", stored={f"{OVER}.b": "2"}, asks={"overrides": {"b": 2}}),
    says(f'{OVER}={{"a":1}}', f'{OVER}={{"b":2}}', stored={OVER: '{"b":2}'}, asks={"overrides": {"b": 2}}),
    says(
        f'{OVER}={{"a":1}}',
        f"{OVER}.b=2",
        stored={OVER: '{"a":1}', f"{OVER}.b": "2"},
        asks={"overrides": {"b": 2}},
    ),
    says(
        f"{OVER}.b=2",
        f'{OVER}={{"a":1}}',
        stored={OVER: '{"a":1}', f"{OVER}.b": "2"},
        asks={"overrides": {"b": 2}},
    ),
    says(
        "--hf-over.a=1",
        f"{OVER}.b=2",
        stored={f"{OVER}.a": "1", f"{OVER}.b": "2"},
        asks={"overrides": {"b": 2}},
    ),
    says(f"{SIZES}=[1,2]", stored={SIZES: "[1,2]"}, asks={"max_capture_size": 2, "capture_sizes": 2}),
    says(
        f'{COMPILE}={{"cudagraph_capture_sizes":[1,2,4]}}',
        stored={COMPILE: '{"cudagraph_capture_sizes":[1,2,4]}'},
        asks={"max_capture_size": 4, "capture_sizes": 3},
    ),
    says(
        f"{COMPILE}.cudagraph_mode=NONE",
        stored={f"{COMPILE}.cudagraph_mode": "NONE"},
        asks={"enforce_eager": True, "cudagraph_mode": "NONE"},
    ),
    says(
        "-cc.cudagraph_mode=NONE",
        stored={f"{COMPILE}.cudagraph_mode": "NONE"},
        asks={"enforce_eager": True, "cudagraph_mode": "NONE"},
    ),
    says(
        '-cc={"cudagraph_mode":"NONE"}',
        stored={COMPILE: '{"cudagraph_mode":"NONE"}'},
        asks={"enforce_eager": True, "cudagraph_mode": "NONE"},
    ),
    says(
        f'{COMPILE}={{"cudagraph_capture_sizes":[1,2,4]}}',
        f"{COMPILE}.cudagraph_mode=NONE",
        stored={
            COMPILE: '{"cudagraph_capture_sizes":[1,2,4]}',
            f"{COMPILE}.cudagraph_mode": "NONE",
        },
        asks={"enforce_eager": True, "cudagraph_mode": "NONE"},
    ),
    says("-O3", stored={"--optimization-level": "3"}, asks={}),
    says("-O0", stored={"--optimization-level": "0"}, asks={"enforce_eager": True}),
    says("-O=0", stored={"--optimization-level": "0"}, asks={"enforce_eager": True}),
    says("-O", "0", stored={"--optimization-level": "0"}, asks={"enforce_eager": True}),
    says("-O0", "-O2", stored={"--optimization-level": "2"}, asks={}),
    says("--optimization-level=0", stored={"--optimization-level": "0"}, asks={"enforce_eager": True}),
    says("--optimization-l", "0", stored={"--optimization-level": "0"}, asks={"enforce_eager": True}),
    says("--runner=pooling", stored={"--runner": "pooling"}, asks={"pooling": True}),
    says(
        "--max-num-batched-tokens=4k",
        stored={"--max-num-batched-tokens": "4k"},
        asks={"max_num_batched_tokens": 4000},
    ),
    says("--block-size=016", stored={"--block-size": "016"}, asks={"block_size": 16}),
    says(
        '-sc={"num_speculative_tokens":3}',
        stored={SPEC: '{"num_speculative_tokens":3}'},
        asks={"speculative": True, "num_speculative_tokens": 3},
    ),
)
CASES = {" ".join(args): (args, stored, asks) for args, stored, asks in _CASES}
REFUSED = {
    " ".join(args): args
    for args in (
        ("--max-num=4",),
        ("--quant=fp8",),
        ("-tp2",),
        ("--tensor-parallel-size 2",),
        ("--no-such-flag=1",),
        ("--no-such-flag", "--max-model-len=4096"),
        ("--no-max-model-len",),
        ("--task=embed",),
        ("--max-model-len",),
        ("--max-model-len=",),
        ("--max-model-len=8Ki",),
        ("--max-model-len=8kb",),
        ("--max-model-len=1.5K",),
        ("--max-model-len=1e4",),
        ("--max-num-seqs='64'",),
        ("--max-num-seqs=64k",),
        ("--block-size=16k",),
        ("--enforce-eager=true",),
        ("--enforce-eager", "true"),
        ("--dtype=HALF",),
        ("--dtype=fp16",),
        ("--gpu-memory-utilization=1.2",),
        ("--gpu-memory-utilization", "-0.5"),
        ("--compilation-config=3",),
        ("--speculative-config=x",),
        ("--speculative-config=1",),
        ("--hf-overrides=2",),
        ("--optimization-level=high",),
        ("--kv-cache-memory-bytes=-1",),
        ("--max-num-seqs.x=3",),
        ("--enforce-eager.x=3",),
        ("--tensor-parallel-size=0",),
        ("--max-model-len=0",),
        ("--disable-chunked",),
        ("stray",),
        ("--max-model-len", "4096", "stray"),
        ("--", "--max-model-len=4096"),
    )
}
"""Lists that the parser of vLLM 0.33.0, or the engine after it, refuses."""
OLD: dict[str, tuple[str, tuple[str, ...], dict[str, Any]]] = {
    f"{' '.join(args)} ({release})": (release, args, asks)
    for release, args, asks in (
        ("0.9.2", ("-O0",), {"enforce_eager": True, "compilation_level": 0}),
        ("0.9.2", ("-O.mode=3",), {"compilation_level": 3}),
        ("0.11.2", ("-O.cudagraph_mode=NONE",), {"enforce_eager": True, "cudagraph_mode": "NONE"}),
        ("0.12.0", ("-O", "0"), {"enforce_eager": True}),
        ("0.19.1", ("-O", "0"), {"enforce_eager": True}),
        ("0.11.2", ("--quant=fp8",), {"quantization": "fp8"}),
        ("0.19.1", ("--no-enable-chunked-prefill",), {"chunked_prefill": False}),
        ("0.11.2", ("--task=embed",), {"pooling": True}),
        ("0.8.5", ("--max-model-l=4096",), {"max_model_len": 4096}),
        ("0.6.3", ("--gpu-memory-util=0.5",), {"gpu_memory_utilization": 0.5}),
    )
}
OLD_REFUSED = {
    f"{' '.join(args)} ({release})": (release, args)
    for release, args in (
        ("0.19.1", ("--disable-chunked-prefill",)),
        ("0.8.5", ("--compilation-config.cudagraph_mode=NONE",)),
        ("0.11.0", ("--max-model-len=auto",)),
        ("0.7.3", ("--max-model-len=32k",)),
        ("0.11.2", ("--kv-cache-dtype=FP8",)),
        ("0.11.2", ("--kv-cache-dtype=fp8 ",)),
        ("0.9.2", ("--optimization-level=0",)),
        ("0.10.0", ("--max-cudagraph-capture-size=8",)),
    )
}


def by_parser(args: tuple[str, ...], release: str) -> dict[str, Any]:
    """What the release's parser stores: the last of each flag, and of each key."""
    found: dict[str, Any] = {}
    for argument in parse_arguments(args, release):
        if argument.flag is not None:
            key = argument.written.partition(".")[2] if argument.dotted else ""
            value = argument.value if argument.value is not None else not argument.negated
            found[f"{argument.name}.{key}" if key else argument.name] = value
    return found


def asked(engine: EngineArgs) -> dict[str, Any]:
    """The fields of the memory that are not the default, but for what the parser refuses."""
    plain = EngineArgs()
    return {
        name: value
        for name in engine.__struct_fields__
        if name not in ("problems", "doubts", "beside")
        and (value := getattr(engine, name)) != getattr(plain, name)
    }


OF_THE_MODEL = ("quantization-mismatch",)
"""What the estimate asks the same owner about, with the checkpoint."""


def stopped(args: tuple[str, ...], release: str) -> bool:
    """Whether the lint says that the parser, or the engine for the value alone, refuses this list."""
    car = ModelCar(
        name="m",
        image="oci://registry.redhat.io/x/m:1",
        at=AT,
        name_at=AT,
        image_at=AT,
        serving=ServingArguments(gpu_count=1, args=args),
    )
    found = lint_model(car, vllm=release)
    return any(one.stops is Stops.SERVER and one.code not in (*ENGINE, *OF_THE_MODEL) for one in found)


@pytest.mark.parametrize("case", params(CASES))
def test_the_engine_is_asked_for_what_the_parser_stores(case: Case) -> None:
    args, stored, asks = case
    assert (by_parser(args, NEWEST), asked(read_engine_args(args, None, NEWEST))) == (stored, asks)


@pytest.mark.parametrize("args", params(REFUSED))
def test_a_list_that_the_parser_refuses_is_a_problem_of_the_engine_too(args: tuple[str, ...]) -> None:
    """`agent estimate` asks no lint: it would tell what a server needs that never starts."""
    assert (stopped(args, NEWEST), bool(read_engine_args(args, None, NEWEST).problems)) == (True, True)


ODD = (
    "",
    "None",
    "0",
    "-1",
    "x y",
    "[1]",
    "{}",
    '{"a":1}',
    "null",
    "16k",
    "99999999999",
    "nan",
    "auto",
    "high",
)


@pytest.mark.parametrize("release", ["0.8.5", "0.10.2", "0.19.1", NEWEST])
def test_what_the_lint_lets_pass_the_engine_can_be_asked_for(release: str) -> None:
    """Else the verdict would be about a server with another value than the one that is written."""
    lists = [
        (f"{flag.flag}{key}={value}",)
        for flag in flags_of(release)
        for key in ("", ".key")
        for value in ODD
        if flag.flag in MEANT
    ]
    differ = [
        args
        for args in lists
        if stopped(args, release) != bool(read_engine_args(args, None, release).problems)
    ]
    assert not differ


@pytest.mark.parametrize("case", params(OLD))
def test_each_release_reads_a_list_in_its_own_way(case: tuple[str, tuple[str, ...], dict[str, Any]]) -> None:
    release, args, asks = case
    assert asked(read_engine_args(args, None, release)) == asks
    assert not stopped(args, release)


@pytest.mark.parametrize("case", params(OLD_REFUSED))
def test_each_release_refuses_what_it_does_not_know(case: tuple[str, tuple[str, ...]]) -> None:
    release, args = case
    assert (stopped(args, release), bool(read_engine_args(args, None, release).problems)) == (True, True)


@pytest.mark.parametrize(
    ("args", "count", "tp"),
    [
        ((f"{LENGTH}=4096",), 4, 4),
        (("--tensor-parallel-size=2",), 4, 2),
        (("--tensor=2",), 4, 2),
        (("-tp", "2"), 4, 2),
        (("-tp2",), 4, 4),
        (("--", "-tp=2"), 4, 4),
        (("-pp=2",), 4, 1),
        ((), 4, 1),
    ],
)
def test_the_parallel_size_of_the_server_is_that_of_the_arguments(
    args: tuple[str, ...], count: int, tp: int
) -> None:
    assert served_args(ServingArguments(args=args, gpu_count=count), NEWEST).tp == tp
    given = by_parser(args, NEWEST).get(TP)
    assert given is None or int(given) == tp


@pytest.mark.parametrize("release", [None, "0.40.0", "0.19.1rc1"])
@pytest.mark.parametrize("args", [("--no-such=1",), ("--enforce-eager=yes",), ("word",)])
def test_what_a_release_that_was_not_read_may_refuse_is_in_doubt_for_both(
    release: str | None, args: tuple[str, ...]
) -> None:
    asked_for = read_engine_args((f"{LENGTH}=2048", *args), None, release)
    assert asked_for.doubts and not asked_for.problems
    found = estimate(ModelFacts(config=LLAMA), gpu_for("NVIDIA-L4"), asked_for, vllm=release)
    assert found.outcome is Outcome.UNKNOWN and asked_for.doubts[0] in found.why
    assert stopped(args, str(release))


def test_of_all_of_vllm_s_flags_two_have_secrets() -> None:
    flags = {flag.flag for release in known_arguments().versions for flag in flags_of(release)}
    assert len(flags) > 350
    assert {flag for flag in flags if is_secret_flag(flag)} == {"--api-key", "--hf-token"}
