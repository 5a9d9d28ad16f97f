"""A start of vLLM on the real GPU, with dummy weights: the Job, its small files, its log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelcar_tui.core.door import door

if TYPE_CHECKING:
    from modelcar_tui.trial.asking import PreparedTrial, TrialAsk
    from modelcar_tui.trial.preparing import prepare_trial
    from modelcar_tui.trial.running import run_trial
    from modelcar_tui.trial.sweep import sweep_trials
    from modelcar_tui.trial.types import LIMIT_S, TrialEnd, TrialNews, TrialPlan, TrialStage

__all__ = [
    "LIMIT_S",
    "PreparedTrial",
    "TrialAsk",
    "TrialEnd",
    "TrialNews",
    "TrialPlan",
    "TrialStage",
    "prepare_trial",
    "run_trial",
    "sweep_trials",
]

if not TYPE_CHECKING:
    __getattr__ = door(
        __name__,
        {
            "asking": "PreparedTrial TrialAsk",
            "preparing": "prepare_trial",
            "running": "run_trial",
            "sweep": "sweep_trials",
            "types": "LIMIT_S TrialEnd TrialNews TrialPlan TrialStage",
        },
    )
