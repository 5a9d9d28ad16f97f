"""What is asked of a try, and what is ready to be made once the operator has said yes."""

from __future__ import annotations

from typing import Any

import msgspec

from modelcar_tui.cluster.types import AcceleratorReport
from modelcar_tui.image import ImageOptions
from modelcar_tui.models import MeasuredStart
from modelcar_tui.trial.types import LIMIT_S, START_S, TrialPlan
from modelcar_tui.verdict import ModelRequirements


class TrialAsk(msgspec.Struct, frozen=True, kw_only=True):
    """Which model is to be tried, with which arguments, where, for how long."""

    model: ModelRequirements
    """With the arguments that are to be tried: the manifest's, or the accepted set's."""
    cluster: AcceleratorReport
    vllm: str | None = None
    """The release that the operator states; only the estimate beside the measurement asks for it."""
    namespace: str | None = None
    """Instead of the one where models are to be served."""
    on: str = ""
    """A node's name or a kind of GPU; empty leaves it to what is free."""
    limit_s: int = LIMIT_S
    """How long vLLM may take to start, from its container's start."""
    start_s: int = START_S
    """How long finding a node and pulling the runtime's image may take."""
    queue: str | None = None
    """Kueue's LocalQueue, instead of the one that the model's pod names."""
    images: ImageOptions = ImageOptions()
    """How the model's image is read."""


class PreparedTrial(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a try makes, and nothing made yet. Only `plan` may be shown: the objects hold the
    model's own files, and arguments as the container gets them."""

    plan: TrialPlan
    job: dict[str, Any]
    """The Job object."""
    secrets: tuple[dict[str, Any], ...] = ()
    """The Secrets with the model's files, without owner references."""
    basis: MeasuredStart
    """All that is known of the measurement beforehand; its outcome is `unknown`."""
    port: int
    """On which vLLM answers /health."""
