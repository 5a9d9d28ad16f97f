"""The step that runs the suite says in words where it failed."""

from __future__ import annotations

import pytest

from modelcar_tui.qa import QaOutcome
from modelcar_tui.supervisor.specialists.qa import ended


@pytest.mark.parametrize(
    ("code", "phase", "said"),
    [
        ("QA_OK", "finished", "finished"),
        ("QA_ERROR:TESTS_FAILED", "call", "in inference"),
        ("QA_ERROR:CUDA_OOM", "setup", "in setup"),
        ("QA_ERROR:IMAGE_PULL_DENIED", "waiting for pods", "while waiting for pods"),
        ("QA_ERROR:NOT_KNOWN", "start", "in its start"),
        ("QA_ERROR:NOT_KNOWN", "", ""),
    ],
)
def test_a_phase_is_told_in_words(code: str, phase: str, said: str) -> None:
    assert ended(QaOutcome(code=code, message="", phase=phase)) == said
