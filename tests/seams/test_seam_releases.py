"""Was this release of vLLM read? The lint, the arithmetic and the judges of what runs.

A release newer than all that were read is told with bounds and a warning, never with exact figures.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from seam_support import LLAMA, params

from modelcar_tui.commands.lint import run_lint
from modelcar_tui.core.facts import Fact, Source
from modelcar_tui.hardware.gpu import Gpu
from modelcar_tui.memory.estimator import estimate
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.vllm.argument_table import known_arguments
from modelcar_tui.vllm.arguments.engine_args import EngineArgs
from modelcar_tui.vllm.name_table import pipeline_table
from modelcar_tui.vllm.profile import profile_for
from modelcar_tui.vllm.quantization.runs_on import check_support
from modelcar_tui.vllm.quantization_table import quantization_table
from modelcar_tui.vllm.readings import readings
from modelcar_tui.vllm.release import number_of, parse_version

MANIFEST = "model-car:\n  - name: m\n    image: oci://registry.redhat.io/x/m:1\n"
GIB_80: Fact[float] = Fact(value=79.0, source=Source.GPU_TABLE, unit="GiB")
H100 = Gpu(product="H100", memory_gib=GIB_80, visible_gib=GIB_80, compute_capability="9.0", sms=132)
NEWEST = readings().read[-1]
MINOR = ".".join(NEWEST.split(".")[:2])
AFTER = f"{MINOR}.99"
RELEASES: dict[str, tuple[str, bool]] = {
    release: (release, newer)
    for release, newer in (
        (NEWEST, False),
        (f"v{NEWEST}", False),
        (f"{NEWEST}+cu128", False),
        ("0.19.1", False),
        ("0.19.1+rhai5", False),
        ("0.19.2", False),
        ("0.16-dev", False),
        ("0.6.0", False),
        (AFTER, True),
        (f"{NEWEST}.post1", True),
        (f"{AFTER}.dev3+g1234", True),
        ("0.90.0", True),
        ("0.90.0+rhai1", True),
        ("0.90.0rc1", True),
        ("0.90.0.dev1", True),
        ("v0.91.0", True),
        ("0.91.0", True),
        ("0.100.0", True),
        ("1.0", True),
        ("1.2.0", True),
        ("v2.0.0", True),
    )
}
"""Whether it is newer than all that were read."""


@pytest.mark.parametrize("case", params(RELEASES))
def test_lint_and_the_judge_of_quantization_say_which_release_is_newer_than_all(
    case: tuple[str, bool], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    release, newer = case
    path = tmp_path / "m.base.yaml"
    path.write_text(MANIFEST)
    run_lint([str(path)], vllm=release, form="text")
    lint = "newer than all" in capsys.readouterr().err
    (answer, *_) = check_support(
        ModelFacts(config=LLAMA), vendor="nvidia", compute_capability="9.0", product="H100", vllm=release
    )
    assert (lint, "newer than the table" in answer.source) == (newer, newer)


@pytest.mark.parametrize("case", params(RELEASES))
def test_the_arithmetic_knows_no_release_that_is_newer_than_all(case: tuple[str, bool]) -> None:
    release, newer = case
    assert profile_for(release).known is not newer


@pytest.mark.parametrize("case", params(RELEASES))
def test_figures_of_a_release_that_is_newer_than_all_have_bounds_and_are_marked(
    case: tuple[str, bool],
) -> None:
    release, newer = case
    found = estimate(ModelFacts(config=LLAMA), H100, EngineArgs(max_model_len=2048), vllm=release)
    bounded = found.kv_tokens.low is not None or found.kv_tokens.high is not None
    assert (bounded, found.vllm.endswith("?")) == (newer, newer)


def test_all_tables_end_at_the_same_release() -> None:
    newest = known_arguments().versions[-1]
    assert quantization_table().versions[-1] == newest
    assert pipeline_table().read[-1] == newest
    assert newest == NEWEST


@pytest.mark.parametrize("release", [None, "latest", "v", "nightly", ""])
def test_what_is_no_release_is_answered_by_the_newest_and_said(release: str | None) -> None:
    profile = profile_for(release)
    assert (profile.known, profile.label) == (False, f"{MINOR}?")
    assert parse_version(release) is None


WRITTEN = {
    text or "nothing": (text, number)
    for text, number in (
        ("0.19.1", "0.19.1"),
        ("v0.8.5.post1 (V0)", "0.8.5.post1"),
        ("vLLM 0.19.1", "0.19.1"),
        ("vllm-0.19.1", "0.19.1"),
        ("0.16-dev", "0.16"),
        ("(OpenShift AI 3.4)", ""),
        ("2026-08 dev", ""),
        ("main", ""),
        ("", ""),
    )
}


@pytest.mark.parametrize("case", params(WRITTEN))
def test_a_release_is_read_out_of_a_text_in_one_way(case: tuple[str, str]) -> None:
    text, number = case
    assert (number_of(text), profile_for(text).known) == (number, bool(number))
    assert parse_version(text) == parse_version(number)
