"""What is promised of the KV cache beside what real start-ups had: the sign decides, too much is a false GO.

The limits are those of docs/accuracy.md; classes, errors and promises are of the benchmark that prints its
tables.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from accuracy import load
from modelcar_tui.memory.cases import answer
from promises import Row, class_of

SECOND = Path(__file__).with_name("startups-2.json")
DATA_CENTRE, SMALL, AMD = "NVIDIA, 70 GiB and more", "NVIDIA, below 70 GiB", "amd"


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return [Row(case, answer(case["inputs"])) for case in load(SECOND)]


def started(rows: list[Row], *classes: str) -> list[Row]:
    return [
        row
        for row in rows
        if row.case["results"]["outcome"] == "started" and (not classes or class_of(row) in classes)
    ]


def promised_above(rows: list[Row], bar: float) -> list[tuple[str, float]]:
    return [(row.case["id"], row.promise) for row in rows if row.promise is not None and row.promise > bar]


def mean_size(rows: list[Row]) -> float:
    return statistics.mean(abs(row.error) for row in rows if row.error is not None)


def test_data_centre_cards_of_nvidia(rows):
    chosen = started(rows, DATA_CENTRE)
    assert len([row for row in chosen if row.error is not None]) >= 48
    assert mean_size(chosen) <= 0.01
    assert len(promised_above(chosen, 0.02)) <= 0.03 * len(chosen)
    assert promised_above(chosen, 0.05) == []


def test_mi300x_by_the_middle_and_by_the_lower_end(rows):
    chosen = started(rows, AMD)
    assert len([row for row in chosen if row.error is not None]) >= 13
    assert mean_size(chosen) <= 0.03
    assert promised_above(chosen, 0.05) == []


def test_cards_below_70_gib(rows):
    chosen = started(rows, SMALL)
    assert len([row for row in chosen if row.error is not None]) >= 11
    assert mean_size(chosen) <= 0.04
    assert promised_above(chosen, 0.05) == []


def test_nothing_that_was_refused_or_died_is_called_starts(rows):
    dead = [row for row in rows if row.case["results"]["outcome"] != "started"]
    assert len(dead) == 6
    assert [row.case["id"] for row in dead if row.line["verdict"] == "starts"] == []


def test_what_started_is_called_starts_or_unknown_for_a_reason(rows):
    chosen = started(rows)
    assert {row.line["verdict"] for row in chosen} <= {"starts", "unknown"}
    open_ = [row for row in chosen if row.line["verdict"] == "unknown"]
    assert len(open_) <= 0.05 * len(chosen), [(row.case["id"], row.line["why"]) for row in open_]
    assert all(row.line["why"] for row in open_)


def test_a_range_holds_what_is_shown_of_it(rows):
    for row in rows:
        low, shown, high = (row.line[name] for name in ("kv_tokens_low", "kv_tokens", "kv_tokens_high"))
        assert shown is None or low <= shown <= high, row.case["id"]
