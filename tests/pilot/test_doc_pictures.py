"""The pictures of README and docs show what the screens show, and need nothing but themselves."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from support.drawn import rows

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import pictures  # noqa: E402


@pytest.mark.parametrize("name", pictures.PICTURES)
def test_a_picture_is_what_the_screen_shows(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.delenv("NO_COLOR", raising=False)
    kept = (pictures.FOLDER / f"{name}.svg").read_text(encoding="utf-8")
    fresh = rows(pictures.drawn(pictures.PICTURES[name]))
    assert rows(kept) == fresh, "make pictures draws them anew"
    assert len(fresh) == pictures.SIZE[1]


def test_each_is_small_and_has_its_text_and_none_is_left_over() -> None:
    found = {path.stem: path for path in pictures.FOLDER.glob("*.svg")}
    assert set(found) == set(pictures.PICTURES)
    assert all(path.stat().st_size <= pictures.MOST for path in found.values())
    assert (pictures.FOLDER / "README.md").read_text(encoding="utf-8") == pictures.told()
    for one in pictures.PICTURES.values():
        assert 40 < len(one.alt) < 250 and not re.search(r'[|"<>`\n]', one.alt)


def test_what_a_picture_is_there_for_stands_in_it() -> None:
    words = {
        "dashboard": ("NO-GO ✗", "accept the 2 required"),
        "review": ("0 of 8 accepted", "--tensor-parallel-size=2"),
        "diff": ("gpu_count: 2",),
        "qa-running": ("QA is running", "2 of 5", "39s/2h05m"),
        "qa-failed": ("QA FAILED ✗", "4 passed, 1 failed", "lower --max-model-len or raise gpu_count"),
        "cause": ("cause: llama-3.3-70b-instruct: its server ends at the start: torch.OutOfMemoryError",),
        "gpus": ("19 of 26 GPUs and 4 of 6 MIG slices free", "cordoned"),
        "log": ("QA_OK: 5 passed",),
    }
    assert set(words) == set(pictures.PICTURES)
    for name, told in words.items():
        text = "\n".join(rows((pictures.FOLDER / f"{name}.svg").read_text(encoding="utf-8")))
        assert [word for word in told if word not in text] == [], name
