"""A start of vLLM on the real GPU, with dummy weights: the Job, its small files, its log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelcar_tui.core.door import door

if TYPE_CHECKING:
    from modelcar_tui.trial.types import TrialEnd, TrialNews, TrialPlan, TrialStage

__all__ = [
    "TrialEnd",
    "TrialNews",
    "TrialPlan",
    "TrialStage",
]

if not TYPE_CHECKING:
    __getattr__ = door(
        __name__,
        {
            "types": "TrialEnd TrialNews TrialPlan TrialStage",
        },
    )
