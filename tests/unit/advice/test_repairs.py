"""Values that vLLM refuses: mended to what was meant, else taken away."""

from __future__ import annotations

import json

import pytest
from compatibility_support import LLAMA, car, facts
from hypothesis import example, given
from hypothesis import strategies as st

from modelcar_tui.advice.finding import Severity
from modelcar_tui.advice.lint.lint import lint_model
from modelcar_tui.advice.repairs.proposals import propose
from modelcar_tui.hardware.product import gpu_for
from modelcar_tui.manifest.arguments import effective
from modelcar_tui.manifest.masking import masked_arguments
from modelcar_tui.manifest.plan import Change, Operation
from modelcar_tui.manifest.types import ModelCar
from modelcar_tui.memory.estimator import estimate
from modelcar_tui.vllm.arguments.engine_args import EngineArgs
from modelcar_tui.vllm.arguments.parsing import flags_of


def repaired(
    *args: str, gpus: int = 1, vllm: str = "0.19.1"
) -> tuple[tuple[str, ...], tuple[Change, ...], ModelCar]:
    item = car(*args, gpus=gpus)
    changes = propose(item, facts(LLAMA), None, vllm=vllm)
    return effective(item.serving, changes).args, changes, item


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("--gpu-memory-utilization=95", "--gpu-memory-utilization=0.95"),
        ("--gpu-memory-utilization=90%", "--gpu-memory-utilization=0.9"),
        ("--gpu-memory-utilization=0,95", "--gpu-memory-utilization=0.95"),
        ("--gpu-memory-utilization=-1", None),
        ("--max-model-len=32,768", "--max-model-len=32768"),
        ("--max-model-len=32_768", None),
        ("--max-model-len=8192 tokens", "--max-model-len=8192"),
        ("--max-model-len=long", None),
        ("--max-num-seqs=64.0", "--max-num-seqs=64"),
        ("--max-num-seqs=0", None),
        ("--dtype=bf16", "--dtype=bfloat16"),
        ("--dtype=fp16", "--dtype=float16"),
        ("--dtype=BFloat16", "--dtype=bfloat16"),
        ("--dtype=int3", None),
        ("--kv-cache-dtype=FP8", "--kv-cache-dtype=fp8"),
        ("--kv-cache-dtype=fp8_e4m33", "--kv-cache-dtype=fp8_e4m3"),
        ("--enforce-eager=true", "--enforce-eager"),
        ("--enforce-eager=False", "--no-enforce-eager"),
        ("--enforce-eager=maybe", None),
        ("--limit-mm-per-prompt=image=4,video=1", '--limit-mm-per-prompt={"image": 4, "video": 1}'),
        ("--limit-mm-per-prompt={'image': 4}", '--limit-mm-per-prompt={"image": 4}'),
        ("--limit-mm-per-prompt={image:4}", '--limit-mm-per-prompt={"image": 4}'),
        ("--limit-mm-per-prompt={image", None),
        ("--max-model-len", None),
    ],
)
def test_what_was_meant_is_written_and_what_is_not_known_goes(given: str, meant: str | None) -> None:
    args, changes, _ = repaired(given)
    unchanged = given == "--max-model-len=32_768"  # Python's own spelling of a number is read
    assert args == ((given,) if unchanged else (meant,) if meant else ())
    assert unchanged or (
        len(changes) == 1 and changes[0].severity == "required" and "vLLM" in changes[0].reason
    )


@pytest.mark.parametrize(
    ("given", "vllm", "meant"),
    [
        ("--limit-mm-per-prompt image=4", "0.19.1", ('--limit-mm-per-prompt={"image": 4}',)),
        ("--limit-mm-per-prompt image=4", "0.8.5", ("--limit-mm-per-prompt=image=4",)),
        ('--limit-mm-per-prompt {"image": 4}', "0.19.1", ('--limit-mm-per-prompt={"image": 4}',)),
        ("--enforce-eager ", "0.33.0", ("--enforce-eager",)),
        ("--enforce-eager true", "0.33.0", ("--enforce-eager",)),
        ("--no-enable-prefix-caching ", "0.33.0", ("--no-enable-prefix-caching",)),
        ("--max-model-len auto", "0.13.0", ()),
        ("--max-model-len auto", "0.19.1", ("--max-model-len=auto",)),
        ("--gpu-memory-utilization 95", "0.19.1", ("--gpu-memory-utilization=0.95",)),
        ("--swap-space 4", "0.19.1", ()),
        ("--task embed", "0.19.1", ("--runner=pooling",)),
        ("--cudagraph-capture-sizes 1 2 4", "0.19.1", ()),
        ("--seed ", "0.19.1", ()),
        ("--no-such-flag 1", "0.19.1", ()),
    ],
)
def test_one_item_with_a_blank_becomes_what_it_would_be_as_two(
    given: str, vllm: str, meant: tuple[str, ...]
) -> None:
    args, (change,), item = repaired(given, vllm=vllm)
    assert args == meant and (change.severity, change.old) == ("required", given)
    assert any(found.severity is Severity.ERROR for found in lint_model(item, vllm=vllm))
    after = lint_model(car(*args), vllm=vllm)
    assert not any(found.severity is Severity.ERROR for found in after)


@pytest.mark.parametrize("vllm", ["0.13.0", "0.19.1"])
def test_a_flag_with_a_blank_and_without_leaves_one_at_most(vllm: str) -> None:
    args, changes, _ = repaired("--max-model-len auto", "--max-model-len", "auto", vllm=vllm)
    assert args == (("--max-model-len=auto",) if vllm == "0.19.1" else ())
    assert changes[0].severity == "required"  # what vLLM takes for a stray word can't stay


@pytest.mark.parametrize(
    ("args", "left"),
    [
        (["--enable-auto-tool-choice"], []),
        (["--enable-auto-tool-choice", "--tool-call-parser=hermes"], None),
        (["--enable-expert-parallel"], []),
        (
            ["--max-num-batched-tokens=512", "--max-num-seqs=600"],
            ["--max-num-batched-tokens=600", "--max-num-seqs=600"],
        ),
        (
            ["--no-enable-chunked-prefill", "--max-num-batched-tokens=512", "--max-model-len=2048"],
            ["--max-num-batched-tokens=512", "--max-model-len=2048"],
        ),
    ],
)
def test_combinations_that_the_engine_refuses_are_mended(args: list[str], left: list[str] | None) -> None:
    assert repaired(*args)[0] == tuple(args if left is None else left)


@pytest.mark.parametrize(
    ("args", "gpus", "after"),
    [
        (["-tp=2", "--tensor-parallel-size=4"], 2, ("--tensor-parallel-size=2",)),
        (["--tensor-parallel-size=two"], 2, ("--tensor-parallel-size=2",)),
        (["--tensor-parallel-size=0"], 1, ()),
    ],
)
def test_the_gpu_count_is_met_whatever_stands_there(
    args: list[str], gpus: int, after: tuple[str, ...]
) -> None:
    assert repaired(*args, gpus=gpus)[0] == after


def test_nothing_is_added_behind_the_separator() -> None:
    args, (added, gone), _ = repaired("--seed=1", "--", gpus=2)
    assert args == ("--seed=1", "--tensor-parallel-size=2")
    assert gone.together_with == (added.id,) and gone.severity == added.severity == "improvement"


@pytest.mark.parametrize(
    ("args", "gpus", "after"),
    [
        ((), 5, (4, ("--tensor-parallel-size=4",))),
        (("--seed=1",), 3, (2, ("--seed=1", "--tensor-parallel-size=2"))),
        (("--tensor-parallel-size=2",), 3, (2, ("--tensor-parallel-size=2",))),
    ],
)
def test_a_gpu_count_that_the_model_cannot_be_cut_to_gives_way(
    args: tuple[str, ...], gpus: int, after: tuple[int, tuple[str, ...]]
) -> None:
    item = car(*args, gpus=gpus)
    changes = propose(item, facts(LLAMA), None, vllm="0.19.1")
    serving = effective(item.serving, changes)
    assert (serving.gpu_count, serving.args) == after
    assert "can't be shared" in changes[0].reason


FLAGS = sorted(flag.flag for flag in flags_of("0.19.1") if flag.flag not in ("--api-key", "--hf-token"))
VALUES = st.one_of(
    st.none(),
    st.sampled_from(["", "0", "-1", "1.5", "true", "{", "{a: 1}", "x=1", "None", "auto", "16k", "95"]),
    st.text(alphabet="abc019{}:,=\"' .-_%", max_size=12),
)


@example([("--data-parallel-size", "16k")], 1)
@example([("--data-parallel-size", "2.")], 1)
@example([("--decode-context-parallel-size", "10.")], 1)
@example([("--enable-log-outputs", "true"), ("--enable-log-outputs", None)], 1)
@given(st.lists(st.tuples(st.sampled_from(FLAGS), VALUES), max_size=6), st.integers(1, 8))
def test_nothing_that_stops_the_server_is_left(pairs: list[tuple[str, str | None]], gpus: int) -> None:
    given = [flag if value is None else f"{flag}={value}" for flag, value in pairs]
    args, _, _ = repaired(*given, gpus=gpus)
    left = [
        f
        for f in lint_model(car(*args, gpus=gpus), vllm="0.19.1", facts=facts(LLAMA))
        if f.severity is Severity.ERROR
    ]
    allowed = {"tensor-parallel"}  # sizes are the solver's
    assert {finding.code for finding in left} <= allowed, left


def test_aliases_in_a_value_are_not_written_out() -> None:
    """Thirty lists of nine aliases each would be 9^30 items of JSON."""
    lists = ", ".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30))
    (change,) = [
        change
        for change in repaired(f"--limit-mm-per-prompt={{a0: &a0 [x], {lists}}}")[1]
        if change.flag == "--limit-mm-per-prompt"
    ]
    assert change.new is None


@pytest.mark.parametrize(
    "items",
    [
        ("--api-key", "first", "second"),
        ("--seed=1 --api-key=first",),
        ('"--api-key=first"',),
        ("api-key=first",),
    ],
)
def test_no_change_is_made_of_an_item_whose_text_is_not_kept(items: tuple[str, ...]) -> None:
    item = car(*masked_arguments(items))
    assert lint_model(item, vllm="0.10.0")
    assert not [change for change in propose(item, facts(LLAMA), None, vllm="0.10.0") if change.old]


def test_a_flag_that_the_release_does_not_have_goes_with_its_secret() -> None:
    item = car(*masked_arguments(("--ssl-keyfile-password=CANARY0001", "--gone=https://u:CANARY0002@h.test")))
    changes = propose(item, facts(LLAMA), None, vllm="0.19.1")
    assert [(change.operation, change.flag) for change in changes] == [
        (Operation.REMOVE, "--ssl-keyfile-password"),
        (Operation.REMOVE, "--gone"),
    ]
    assert effective(item.serving, changes).args == ()
    assert "CANARY" not in str(changes)


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ("--tensor-parallel-size=2.0", ["--tensor-parallel-size=1"]),
        ("--num-redundant-experts=2", []),
        ("--data-parallel-external-lb=true", []),
        ('--speculative-config={"method": "medusa"}', []),
        (
            '--speculative-config={"method": "ngram", "num_speculative_tokens": 0, "prompt_lookup_max": 4}',
            ['--speculative-config={"method":"ngram","prompt_lookup_max":4,"num_speculative_tokens":4}'],
        ),
    ],
)
def test_what_a_mended_argument_is_refused_for_is_mended_in_the_same_change(
    given: str, left: list[str]
) -> None:
    args, changes, _ = repaired(given)
    assert (list(args), len(changes)) == (left, 1)


@pytest.mark.parametrize(
    ("args", "vllm", "after"),
    [
        (("--enable-prefix-caching", "false"), "0.19.1", ("--no-enable-prefix-caching",)),
        (("--no-enable-prefix-caching", "False"), "0.19.1", ("--enable-prefix-caching",)),
        (("--enable-prefix-caching", "true"), "0.19.1", ("--enable-prefix-caching",)),
        (("--disable-log-requests", "false"), "0.8.5", ()),
    ],
)
def test_a_switch_with_its_word_behind_it_does_not_become_its_opposite(
    args: tuple[str, ...], vllm: str, after: tuple[str, ...]
) -> None:
    left, changes, _ = repaired(*args, vllm=vllm)
    assert left == after
    assert all(change.together_with for change in changes) is (len(changes) > 1)


def test_the_lint_says_how_a_switch_is_turned_off() -> None:
    (found,) = lint_model(car("--enable-prefix-caching", "false"), vllm="0.19.1")
    assert (found.code, found.fix) == ("stray-value", "write --no-enable-prefix-caching alone")


@pytest.mark.parametrize(
    ("key", "vllm", "refused"),
    [
        ("base_model_name", "0.8.5", False),
        ("is_3d_lora_weight", "0.21.0", True),
        ("is_3d_lora_weight", "0.22.0", False),
        ("rank", "0.33.0", True),
    ],
)
def test_an_adapter_has_the_keys_of_its_release(key: str, vllm: str, refused: bool) -> None:
    adapter = json.dumps({"name": "sql", "path": "/x", key: None})
    found = lint_model(car("--enable-lora", "--lora-modules", adapter), vllm=vllm)
    assert [one.code for one in found if one.severity is Severity.ERROR] == ["value-wrong"] * refused


@pytest.mark.parametrize(
    ("item", "left"),
    [
        ("--max-model-len=4096 --dtype=half", ("--max-model-len=4096", "--dtype=half")),
        ("--max-model-len 4096 --enforce-eager", ("--max-model-len=4096", "--enforce-eager")),
        ('"--max-model-len=4096"', ("--max-model-len=4096",)),
        ("--max-model-len='4096'", ("--max-model-len=4096",)),
        ("\u2014max-model-len=4096", ("--max-model-len=4096",)),
        ("max-model-len=4096", ("--max-model-len=4096",)),
        ("--max-model-len=4096 --trust-remote-code", ()),
        ("--max-model-len=4096 --no-such-flag", ()),
        ("trust", ()),
        ("hermes", ()),
    ],
)
def test_what_an_item_was_meant_to_be_is_kept(item: str, left: tuple[str, ...]) -> None:
    assert repaired(item)[0] == left


def test_a_flag_out_of_an_item_is_not_put_beside_another_one() -> None:
    assert repaired("--max-model-len=4096 --dtype=half", "--dtype=bfloat16")[0] == ("--dtype=bfloat16",)


@pytest.mark.parametrize(
    ("item", "length"),
    [
        ('"--max-model-len=4096"', ["--max-model-len=4096"]),
        ("--hf-overrides=max_position_embeddings=65536", ["--max-model-len=65536"]),
        ("--max-model-len='4096000'", ["--max-model-len=131072"]),
    ],
)
def test_no_context_is_written_down_that_what_is_mended_speaks_against(item: str, length: list[str]) -> None:
    model, gpu = facts(LLAMA), gpu_for("NVIDIA-H200", count=1)
    fits = estimate(model, gpu, EngineArgs(), vllm="0.19.1")
    changes = propose(car(item), model, gpu, estimate=fits, vllm="0.19.1")
    left = effective(car(item).serving, changes).args
    assert [one for one in left if one.startswith("--max-model-len")] == length
