"""What nobody knows of a start although its memory hangs on it: such a start has a range, not one figure."""

from __future__ import annotations

from modelcar_tui.memory import expert_kernels
from modelcar_tui.memory.start import Start


def open_questions(start: Start) -> tuple[str, ...]:
    """One clause for each, such as `whether the image has FlashInfer`; empty where one figure says all.

    Each is a quantity that `Start.between` reads: the figures that are shown lie at `Start.most`, the verdict
    is sure only where the least and the most of all of them end alike.
    """
    asked = ((expert_kernels.image_decides(start), "whether the image has DeepGEMM"),)
    return tuple(question for open_, question in asked if open_)
