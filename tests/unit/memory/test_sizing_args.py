from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelcar_tui.vllm.arguments.engine_args import read_engine_args


def test_both_forms_and_short_ones():
    args = read_engine_args(
        ("--max-model-len=8192", "--max-num-seqs", "64", "-q", "fp8", "--enforce-eager", "--dtype=bfloat16"),
        None,
        None,
    )
    assert (args.max_model_len, args.max_num_seqs, args.quantization) == (8192, 64, "fp8")
    assert args.enforce_eager
    assert args.dtype == "bfloat16"


def test_the_manifests_gpu_count_wins():
    assert read_engine_args(("--tensor-parallel-size=4",), 2, None).tp == 2
    assert read_engine_args(("--tensor-parallel-size=4",), None, None).tp == 4


def test_underscores_are_dashes():
    assert read_engine_args(("--gpu_memory_utilization=0.8",), 1, None).gpu_memory_utilization == 0.8


@pytest.mark.parametrize(
    ("text", "value"), [("8k", 8000), ("8K", 8192), ("1.5k", 1500), ("-1", -1), ("auto", -1)]
)
def test_lengths_as_vllm_reads_them(text, value):
    assert read_engine_args((f"--max-model-len={text}",), 1, None).max_model_len == value


def test_what_vllm_would_refuse_is_named_and_left_at_its_default():
    refused = ("--max-model-len=many", "--gpu-memory-utilization=7", "--max-num-seqs=0")
    args, unsure = (read_engine_args(refused, 1, release) for release in ("0.33.0", None))
    assert args.max_model_len is None and unsure.max_model_len is None
    assert (len(args.problems), len(unsure.problems), len(unsure.doubts)) == (3, 0, 3)
    assert "--max-model-len" in args.problems[0] and "--max-model-len" in unsure.doubts[0]


def test_speculation_is_seen_in_each_of_its_forms():
    told = read_engine_args(
        ('--speculative-config={"method": "ngram", "num_speculative_tokens": 3}',), 1, None
    )
    assert (told.speculative, told.speculative_method, told.num_speculative_tokens) == (True, "ngram", 3)
    assert read_engine_args(("--speculative-model=a/b", "--num-speculative-tokens=5"), 1, "0.8.5").speculative


def test_graphs_switched_off_by_the_compilation_config():
    assert read_engine_args(('--compilation-config={"cudagraph_mode": "NONE"}',), 1, None).enforce_eager
    assert read_engine_args(("-O", "0"), 1, None).enforce_eager
    assert not read_engine_args(("-O", "3"), 1, None).enforce_eager


@given(st.lists(st.text(max_size=60), max_size=12))
def test_nothing_a_manifest_holds_raises(items):
    read_engine_args(tuple(items), 1, None)


@given(
    st.sampled_from(["--max-model-len", "--speculative-config", "--hf-overrides", "-O", "-tp"]),
    st.text(max_size=80),
)
def test_no_value_raises(flag, value):
    read_engine_args((f"{flag}={value}",), None, None)
    read_engine_args((flag, value), None, None)
