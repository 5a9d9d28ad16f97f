"""vLLM's engine against lint and estimate, list by list; known gaps may only shrink (`vllm_engine.py`)."""

from __future__ import annotations

from pathlib import Path

import pytest
import vllm_engine

MOST = 0
"""Known gaps. Lowered with each that is closed; it never rises."""


@pytest.mark.parametrize("release", vllm_engine.releases())
def test_engine_and_product_refuse_the_same_but_for_known_gaps(release: str, tmp_path: Path) -> None:
    found = {gap.key: gap for gap in vllm_engine.gaps(release, tmp_path)}
    listed = {gap.key for gap in vllm_engine.known()[release]}
    assert [gap for key, gap in found.items() if key not in listed] == [], "vLLM and we differ anew"
    assert sorted(listed - set(found)) == [], "closed: take it off (`make known-gaps`), and lower MOST"


def test_what_is_explained_differs_in_a_release(tmp_path: Path) -> None:
    for asked in vllm_engine.lists():
        if asked.id in vllm_engine.EXPLAINED:
            differs = [
                release
                for release in vllm_engine.releases()
                if bool(vllm_engine.refusal(asked, release, tmp_path))
                == vllm_engine.answers(release)[asked.id].accepts
            ]
            assert differs, f"{asked.id}: both say the same now"


def test_the_known_gaps_only_shrink() -> None:
    assert sum(map(len, vllm_engine.known().values())) == MOST


@pytest.mark.parametrize("release", vllm_engine.releases())
def test_every_list_has_an_answer_and_both_answers_are_many(release: str) -> None:
    said = vllm_engine.answers(release)
    assert said.keys() == {asked.id for asked in vllm_engine.lists()}
    words = [row.accepts for row in said.values()]
    assert words.count(True) > 120 and words.count(False) > 100 and words.count(None) <= 5
    assert {row.stage for row in said.values() if row.accepts is False} >= {
        "parser",
        "serve",
        "config",
        "build",
    }
