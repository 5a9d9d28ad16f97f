"""The lint against what vLLM's own parser says, release by release."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from compatibility_support import LLAMA, car, facts

from modelcar_tui.advice.finding import Severity
from modelcar_tui.advice.lint.lint import lint_model
from modelcar_tui.advice.repairs.proposals import optimized_json, propose

READ = json.loads((Path(__file__).parent / "fixtures" / "real_parser.json").read_text("utf-8"))
REFUSALS = {
    "flag-unknown",
    "flag-removed",
    "flag-too-new",
    "flag-ambiguous",
    "blank-in-item",
    "stray-value",
    "value-missing",
    "value-unexpected",
    "value-wrong",
    "needs-other",
}
NOT_JUDGED = re.compile(
    r"(reasoning|tool-call)-parser: invalid choice|invalid (reasoning|tool call) parser"  # names
    r"|validation errors? for|from_json value"  # keys and values inside of a JSON object
    r"|chat template string|requires VLLM_USE_RUST_FRONTEND|requires --data-parallel-size"  # the environment
    # The last line: a bare `--`, and what `vllm serve` has and the module that the runtimes start lacks.
    r"|mm-processor-device: invalid choice|lora-modules|not enough values to unpack"
    r"|unrecognized arguments: (--$|--grpc|--headless|--api-server-count|--data-parallel-start-r|-asc|-dpr)"
)


def told(args: list[str], release: str) -> list[str]:
    """What the lint says of a list that would keep the server from starting."""
    found = lint_model(car(*args), vllm=release)
    return [item.what for item in found if item.code in REFUSALS and item.severity is Severity.ERROR]


def said(entry: dict, release: str) -> str:
    """The parser's message; empty when it accepts the list, `TAG` when a stray word becomes the model."""
    return next((message for message, releases in entry["says"] if release in releases), "")


def test_the_answers_are_many_and_of_both_kinds() -> None:
    assert len(READ["lists"]) > 300 and len(READ["releases"]) >= 10
    for release in READ["releases"]:
        refused = sum(bool(said(entry, release)) for entry in READ["lists"])
        assert 60 < refused < len(READ["lists"]) - 60


@pytest.mark.parametrize("release", READ["releases"])
def test_no_list_that_the_parser_accepts_is_called_refused(release: str) -> None:
    accepted = [entry["args"] for entry in READ["lists"] if not said(entry, release)]
    assert [(args, told(args, release)) for args in accepted if told(args, release)] == []


@pytest.mark.parametrize("release", READ["releases"])
def test_every_list_that_the_parser_refuses_is_an_error_but_for_names_and_keys(release: str) -> None:
    silent = []
    for entry in READ["lists"]:
        message = said(entry, release)
        if message and not message.startswith("TAG ") and not NOT_JUDGED.search(message):
            silent += [] if told(entry["args"], release) else [(entry["args"], message)]
    assert silent == []


@pytest.mark.parametrize("release", READ["releases"])
def test_with_all_proposals_nothing_is_left_that_the_parser_refuses(release: str) -> None:
    for entry in READ["lists"]:
        item = car(*entry["args"])
        after = optimized_json(item, propose(item, facts(LLAMA), None, vllm=release))["serving_arguments"]
        assert told(after["args"], release) == [], entry["args"]


@pytest.mark.parametrize(
    ("args", "accepted", "refused"),
    [
        (["--guided-decoding-backend=xgrammar"], ("0.9.2", "0.11.0", "0.11.2"), ("0.12.0", "0.19.1")),
        (["--guided-decoding-disable-fallback=True"], ("0.11.0",), ("0.10.2", "0.12.0")),
        (["--kv-cache-dtype=bfloat16"], ("0.11.0", "0.19.1"), ("0.8.5", "0.10.2")),
        (["--max-model-len=auto"], ("0.14.1", "0.16.0", "0.33.0"), ("0.8.5", "0.10.0", "0.11.0", "0.13.0")),
        (["--max-model-len=32k"], ("0.8.5", "0.33.0"), ("0.7.3",)),
        (["--limit-mm-per-prompt", "image=4,video=1"], ("0.6.0", "0.8.5", "0.9.2"), ("0.10.0", "0.19.1")),
        (['--limit-mm-per-prompt={"image": 4}'], ("0.8.5", "0.10.0", "0.33.0"), ("0.8.0",)),
        (["--enable-chunked-prefill=False"], ("0.6.0", "0.8.0"), ("0.8.5", "0.33.0")),
        (["--compilation-config={'level': 3}"], ("0.8.5",), ("0.9.2", "0.33.0")),
        (["--compilation-config=3"], ("0.8.5",), ("0.9.2", "0.19.1", "0.33.0")),
        (["--compilation-config.cudagraph_mode=NONE"], ("0.9.2", "0.33.0"), ("0.8.5",)),
        (["-O", "{}"], ("0.8.5", "0.9.2", "0.11.2"), ("0.12.0", "0.33.0")),
        (["-O.backend", "eager"], ("0.9.2", "0.11.2", "0.12.0"), ("0.8.5",)),
        (['--kv-transfer-config={"x": 80m}'], ("0.20.2", "0.33.0"), ("0.19.1",)),
        (["-qfp8"], ("0.8.5", "0.33.0"), ()),
        (["-as", "2"], ("0.10.0",), ()),
        (["--quantization=fp8"], ("0.6.0", "0.8.5", "0.33.0"), ()),
        (["--quantization=fp9"], (), ("0.6.0", "0.8.5")),
        (["--block-size=016"], ("0.11.0", "0.33.0"), ()),
        (["--no-headless"], (), ("0.19.1",)),
        (["--enable-log-outputs"], ("0.10.2",), ("0.11.0", "0.33.0")),
        (["--collect-detailed-traces=model,worker"], ("0.9.2", "0.30.0"), ("0.33.0",)),
        (["--gpu-memory-utilization", "-0.5"], (), ("0.9.2", "0.33.0")),
        (["--collect-detailed-traces=a,b"], (), ("0.9.2", "0.33.0")),
    ],
)
def test_each_release_judges_by_its_own_forms(
    args: list[str], accepted: tuple[str, ...], refused: tuple[str, ...]
) -> None:
    assert {release: told(args, release) for release in accepted} == {release: [] for release in accepted}
    assert [release for release in refused if not told(args, release)] == []


def test_a_key_that_takes_the_next_argument_for_its_value_is_told_without_its_words() -> None:
    found = lint_model(car("--compilation-config.mode", "--api-key=hunter2hunter2"), vllm="0.19.1")
    (finding,) = [item for item in found if item.code == "value-missing"]
    assert finding.severity is Severity.WARNING and "takes the next argument" in finding.what
    assert "hunter2" not in str(found)


def test_hostile_values_are_judged_in_no_time() -> None:
    for value in (
        '{"' + '\\"' * 100_000,
        "9" * 100_000 + "k",
        "1k " * 50_000,
        "{" * 100_000,
        "a=1," * 50_000,
    ):
        for flag in ("--kv-transfer-config", "--compilation-config", "--limit-mm-per-prompt", "--block-size"):
            for release in ("0.8.5", "0.33.0"):
                assert isinstance(told([f"{flag}={value}"], release), list)
