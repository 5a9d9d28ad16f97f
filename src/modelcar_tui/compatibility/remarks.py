"""Collecting findings with their places in the file."""

from __future__ import annotations

from modelcar_tui.compatibility.command_line import Argument
from modelcar_tui.compatibility.types import Finding, Severity
from modelcar_tui.core.text import clean
from modelcar_tui.manifest.types import ModelCar, Position

ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE


class Remarks:
    """The findings on one model, in the order they were made."""

    def __init__(self, car: ModelCar) -> None:
        self.car = car
        self.findings: list[Finding] = []

    def add(self, code: str, severity: Severity, what: str, fix: str = "", *, at: Position | None = None) -> None:
        """A finding on the model as a whole, or at a place of its own."""
        finding = Finding(
            code=code, severity=severity, model=self.car.name, what=clean(what, limit=600),
            fix=clean(fix, limit=300), at=at or self.car.at,
        )  # fmt: skip
        self.findings.append(finding)

    def on(self, argument: Argument | None, code: str, severity: Severity, what: str, fix: str = "") -> None:
        """A finding at one argument; at the GPU count or the model where there is none."""
        places = self.car.serving.args_at
        at = self.car.serving.gpu_count_at
        if argument is not None and argument.index < len(places):
            at = places[argument.index]
        if argument is not None and argument.secret:
            value = argument.value or argument.written.partition(" ")[2].strip()
            what, fix = (text.replace(value, "***") if value else text for text in (what, fix))
        self.add(code, severity, what, fix, at=at)
