"""What all that works on one run on Kubernetes shares."""

from __future__ import annotations

from typing import NamedTuple

from modelcar_tui.kube import Client
from modelcar_tui.qa.engines.kube_options import JobOptions
from modelcar_tui.qa.log.pipeline import Pipeline
from modelcar_tui.qa.runner import OnEvent
from modelcar_tui.qa.types import QaRequest


class JobRun(NamedTuple):
    """A run whose Job is made or followed."""

    client: Client
    request: QaRequest
    options: JobOptions
    pipeline: Pipeline
    """Of the suite's log."""
    on_event: OnEvent
    poll_s: float
    """The pause between two looks at the Job."""
