"""The baseline of `make same` is what the product says today, in slices; of the demo's runs the first.

A commit that means to change answers runs `make same-record` and says which, and why. One that does not has
broken something: `make same` shows what.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[2] / "tools"
sys.path.insert(0, str(TOOLS))

import same  # noqa: E402
from same_text import differing, fields_that_differ, item  # noqa: E402

QUICK = [part for part in same.PARTS if part != "demos"]


@pytest.mark.parametrize("part", same.PARTS)
def test_the_product_answers_as_it_did(part: str) -> None:
    found = same.answers(part, every=5 if part in QUICK else 100)
    recorded = same.baseline(part)
    assert [(recorded.get(name), found[name].line(name)) for name in same.changed(part, found)] == []


@pytest.mark.parametrize("part", same.PARTS)
def test_every_answer_is_recorded_and_no_other(part: str) -> None:
    assert list(same.baseline(part)) == same.names(part)


def test_no_module_of_ours_is_named_in_an_answer() -> None:
    for part in QUICK:
        for name, one in same.answers(part, every=20).items():
            assert "modelcar_tui" not in one.text, f"{part}/{name}"


def test_the_order_of_hashes_and_the_folder_do_not_matter(tmp_path: Path) -> None:
    command = [sys.executable, str(TOOLS / "same.py"), "--every", "40"]
    command += [word for part in QUICK for word in ("--part", part)]
    for seed in ("1", "2"):
        own = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(command, cwd=tmp_path, env=own, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_difference_is_told_by_its_path() -> None:
    before = item({"outcome": "starts", "terms": [{"value": 1.0}, {"value": 2.0}], "gone": None})
    after = item({"outcome": "starts", "terms": [{"value": 1.0}, {"value": 3.5}], "new": ""})
    assert list(differing(before.text, after.text)) == [
        ".gone: null -> (nothing)",
        ".terms[1].value: 2.0 -> 3.5",
        '.new: (nothing) -> ""',
    ]
    assert sorted(fields_that_differ([(before.text, after.text)])) == [
        "1 x .gone",
        "1 x .new",
        "1 x .terms[].value",
    ]


def test_what_differs_is_told_and_ends_with_status_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(same, "DATA", tmp_path / "data")
    monkeypatch.setattr(same, "KEPT", tmp_path / "kept")
    was, now = {"a": item({"x": 1}, "one"), "b": item({"x": 2})}, {"a": item({"x": 5}, "five")}
    same.record("cards", was)
    assert same.compared({"cards": was}, whole=True) == 0
    assert same.compared({"cards": now}, whole=True) == 1
    told = capsys.readouterr().out
    assert "1 of 1 answers differ" in told and "1 are no longer given: b" in told
    assert "\tone\n" in told and "\tfive\n" in told and ".x: 1 -> 5" in told


def test_one_answer_can_be_read_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    assert same.main(["--show", "cards/NVIDIA-L4"]) == 0
    assert json.loads(capsys.readouterr().out)["table"]["compute_capability"] == "8.9"
    assert same.main(["--show", "cards/no-such-card"]) == 2
