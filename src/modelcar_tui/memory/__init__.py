"""vLLM's memory on one card: what an estimate is, and who makes one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelcar_tui.core.door import door

if TYPE_CHECKING:
    from modelcar_tui.memory.by_name import required_vram
    from modelcar_tui.memory.cases import run_cases
    from modelcar_tui.memory.computed import limits_of
    from modelcar_tui.memory.estimator import estimate
    from modelcar_tui.memory.measured import measured_args, measured_problems, same_card
    from modelcar_tui.memory.quantized_shards import cut_fault
    from modelcar_tui.memory.types import FIGURE_FIELDS, Estimate, Knob, Outcome
    from modelcar_tui.memory.what_if import knobs, smallest_tp

__all__ = [
    "FIGURE_FIELDS",
    "Estimate",
    "Knob",
    "Outcome",
    "cut_fault",
    "estimate",
    "knobs",
    "limits_of",
    "measured_args",
    "measured_problems",
    "required_vram",
    "run_cases",
    "same_card",
    "smallest_tp",
]

if not TYPE_CHECKING:
    __getattr__ = door(
        __name__,
        {
            "by_name": "required_vram",
            "cases": "run_cases",
            "computed": "limits_of",
            "estimator": "estimate",
            "measured": "measured_args measured_problems same_card",
            "quantized_shards": "cut_fault",
            "types": "FIGURE_FIELDS Estimate Knob Outcome",
            "what_if": "knobs smallest_tp",
        },
    )
