"""What the engine refuses of arguments that its parser takes, by subject."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelcar_tui.core.door import door

if TYPE_CHECKING:
    from modelcar_tui.vllm.refused.asked import Refusal
    from modelcar_tui.vllm.refused.attention import attention_backend_left

__all__ = [
    "Refusal",
    "attention_backend_left",
]

if not TYPE_CHECKING:
    __getattr__ = door(
        __name__,
        {
            "asked": "Refusal",
            "attention": "attention_backend_left",
        },
    )
