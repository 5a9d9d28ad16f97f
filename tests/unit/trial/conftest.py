"""A bench a test: a stub cluster whose kubelet really starts a stand-in for vLLM."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.trial_bench import TrialBench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Callable[..., TrialBench]]:
    made: list[TrialBench] = []

    def make(**more: object) -> TrialBench:
        made.append(TrialBench(tmp_path / str(len(made)), **more))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for each in made:
        each.stop()
