"""The language model of a run as its faces know it: which, where, and what it has cost."""

from __future__ import annotations

import msgspec

from modelcar_tui.core.counting import several
from modelcar_tui.supervisor.events import LanguageModelOffered


class LanguageModel(msgspec.Struct, frozen=True, kw_only=True):
    """The language model of the run and what it has cost."""

    model: str = ""
    """Empty where none is asked."""
    host: str = ""
    shares: tuple[str, ...] = ()
    asked: bool = False
    """Whether it may be asked as the run stands: one that goes on asks for the consent of its own time."""
    offer: LanguageModelOffered | None = None
    """The model that waits for the operator's word."""
    calls: int = 0
    failed: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    problem: str = ""

    @property
    def cost(self) -> str:
        """`5 calls (1 failed), 230 tokens, 4.1 s`."""
        failed = f" ({self.failed} failed)" if self.failed else ""
        tokens = several(self.input_tokens + self.output_tokens, "token")
        return f"{several(self.calls, 'call')}{failed}, {tokens}, {self.seconds:.1f} s"
