"""The lint against what vLLM's own parser says of single forms, release by release."""

from __future__ import annotations

import pytest
from compatibility_support import car
from vllm_answers import told

from modelcar_tui.advice.finding import Severity
from modelcar_tui.advice.lint.lint import lint_model


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
        (['--kv-transfer-config={"kv_port": 80k}'], ("0.20.2", "0.33.0"), ("0.19.1",)),
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
