"""What our readers, editor and verdict came to on published manifests (`make published`), as it was kept."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parents[3] / "tools"))

from published.readings import compared
from published.sources import FOLDER, records

RECORDS = {record["file"]: record for record in records()}
ANSWERS: dict[str, dict[str, Any]] = {
    answer["file"]: answer for answer in yaml.safe_load((FOLDER / "answers.yaml").read_text(encoding="utf-8"))
}
WORDS = ("GO", "NO-GO", "UNKNOWN")


def test_every_file_has_its_answer() -> None:
    assert list(ANSWERS) == list(RECORDS)


@pytest.mark.parametrize("file", RECORDS)
def test_the_reader_agrees_with_what_was_read_by_hand(file: str) -> None:
    answer, record = ANSWERS[file], RECORDS[file]
    assert answer["sha256"] == record["sha256"]
    assert list(compared(answer["models"], record)) == []
    assert not record["models"] or "problems" not in answer


def test_thirty_files_that_serve_vllm_were_judged_and_edited() -> None:
    serving = [answer for answer in ANSWERS.values() if RECORDS[answer["file"]]["models"]]
    assert len(serving) >= 30
    for answer in serving:
        for model in answer["models"]:
            assert model["eight"].startswith(WORDS) and model["asked"].startswith(WORDS), answer["file"]
        assert answer["edits"] >= 5, answer["file"]
    words = {model["asked"].partition(":")[0].split(" ")[0] for one in serving for model in one["models"]}
    assert words >= {"GO", "NO-GO"}


def test_what_is_open_is_no_go() -> None:
    for answer in ANSWERS.values():
        for model in answer["models"]:
            if model["open"]:
                assert not model["asked"].startswith("GO"), (answer["file"], model["name"])


def test_what_the_editor_refuses_says_why() -> None:
    refused = {file: answer["refused"] for file, answer in ANSWERS.items() if "refused" in answer}
    assert sum(sum(reasons.values()) for reasons in refused.values()) < 40
    assert all(len(reason) > 20 for reasons in refused.values() for reason in reasons), refused
