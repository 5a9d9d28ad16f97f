"""Amounts of a Kubernetes manifest's pod that no API server takes."""

from __future__ import annotations

from modelcar_tui.advice.finding import Stops
from modelcar_tui.advice.lint.remarks import ERROR, Remarks


def lint_amounts(remarks: Remarks) -> None:
    """An error where Kubernetes refuses the pod for its requests and limits, whatever it would start."""
    server = remarks.car.server
    refused = server.scheduling.whole.refused if server is not None else ""
    if refused:
        what = f"Kubernetes refuses the pod: {refused}"
        fix = "write the same number into resources.requests and resources.limits"
        remarks.on(None, "amounts-refused", ERROR, what, fix, stops=Stops.SERVER)
