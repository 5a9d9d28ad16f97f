"""Facts are told in words: no id of theirs is shown to an operator."""

from __future__ import annotations

import pytest

from modelcar_tui.supervisor.fact_words import cited, fact_words


@pytest.mark.parametrize(
    ("identifier", "said"),
    [
        ("verdict", "the verdict"),
        ("verdict/granite-3.1", "verdict on granite-3.1"),
        ("verdict/RedHatAI/granite", "verdict on RedHatAI/granite"),
        ("verdict/granite/would_help", "what would help granite"),
        ("verdict/with_changes", "the verdict with the proposed changes"),
        ("estimate/granite/kv_cache", "memory left for the KV cache of granite"),
        ("model/granite/required_vram", "weights + 10 % of granite"),
        ("model/granite/--max-model-len", "--max-model-len of granite"),
        ("gpu/L40S", "L40S"),
        ("what-if-2/estimate/granite/kv_cache", "what-if 2"),
        ("qa/outcome", "QA's result"),
        ("finding/3", "finding 3"),
        ("nothing of ours", "nothing of ours"),
    ],
)
def test_an_id_is_told_in_words(identifier: str, said: str) -> None:
    assert fact_words(identifier) == said


def test_of_many_facts_the_first_are_told_each_once() -> None:
    of_one = ("what-if-1", "what-if-1/verdict/x", "what-if-1/estimate/x/required")
    assert cited(of_one) == "what-if 1"
    assert cited(("gpu/A", "gpu/B", "gpu/C", "gpu/D", "gpu/E")) == "A, B, C, D and 1 more"
