"""Changes that mend what lint found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelcar_tui.core.door import door

if TYPE_CHECKING:
    from modelcar_tui.advice.repairs.drafts import Drafts
    from modelcar_tui.advice.repairs.proposals import draft_repairs, optimized_json, propose

__all__ = ["Drafts", "draft_repairs", "optimized_json", "propose"]

if not TYPE_CHECKING:
    __getattr__ = door(
        __name__,
        {
            "drafts": "Drafts",
            "proposals": "draft_repairs optimized_json propose",
        },
    )
