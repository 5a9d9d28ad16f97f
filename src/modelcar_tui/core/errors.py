"""Faults that the operator can mend: one clear line each."""

from __future__ import annotations

import msgspec

from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.core.secrets import redact_fields


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Something is wrong: what, where, and how to mend it.

    `str()` gives the one line that the operator sees: `where: what; fix`. No secret that the process was
    taught stands in it, wherever its words come from.
    """

    what: str
    where: str = ""
    """`file:line:column`, a host, a flag; empty when `what` says it."""
    fix: str = ""
    """The command or the edit that mends it."""
    code: str = ""
    """A stable short name for machines, such as `yaml-syntax`."""

    def __post_init__(self) -> None:
        redact_fields(self, "what", "where", "fix")

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head}; {self.fix}" if self.fix else head


class UserError(Exception):
    """Raised where the operator can mend the cause; never shown as a traceback."""

    def __init__(self, problem: Problem, *more: Problem, status: ExitStatus = ExitStatus.USAGE) -> None:
        super().__init__(str(problem))
        self.problems = (problem, *more)
        self.status = status
