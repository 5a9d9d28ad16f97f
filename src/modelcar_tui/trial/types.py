"""A try of a model on the real GPU, as its faces and the journal know it."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from modelcar_tui.core.errors import Problem
from modelcar_tui.models import MeasuredStart

LIMIT_S = 900
"""How long vLLM may take to start, from its container's start."""
START_S = 3600
"""How long finding a node and pulling the runtime's image may take."""


class TrialPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What a try would do, before anything is made; every text is cleaned and masked."""

    id: str
    """A DNS label: the name of the Job and the first part of all that belongs to it."""
    model: str
    """As the manifest calls it."""
    namespace: str
    image: str
    """The runtime's."""
    gpus: int
    """Of the one pod."""
    resource: str
    """`nvidia.com/gpu`."""
    product: str
    """Kind of GPU: `L40S 48 GiB`."""
    nodes: tuple[str, ...] = ()
    """Where it may land."""
    limit_s: int = LIMIT_S
    start_s: int = START_S
    queue: str = ""
    priority_class: str = ""
    pushed: tuple[str, ...] = ()
    """Pods of lower priority that could be pushed away, each `NAMESPACE/NAME on NODE (priority N)`."""
    cautions: tuple[str, ...] = ()
    """What else the operator should know before the word."""
    creates: tuple[str, ...] = ()
    """Each object that is made, in words."""
    command: tuple[str, ...] = ()
    """What the container starts; empty leaves it to the image."""
    args: tuple[str, ...] = ()
    """All that the server gets."""
    changed: tuple[str, ...] = ()
    """Where that differs from what production gets, and why; one sentence each."""
    files: tuple[tuple[str, int], ...] = ()
    """The model's small files that are lent to it, and their bytes."""
    left_out: tuple[tuple[str, str], ...] = ()
    """Those that are not, and why."""
    unproven: tuple[str, ...] = ()
    """What a good start says nothing about; one sentence each."""
    predicted: str = ""
    """What the estimate says: a value of `memory.Outcome`."""
    predicted_figures: dict[str, float] = {}
    """By the names of `vllm.Figure.what`."""


class TrialStage(StrEnum):
    """How far a try has come."""

    MAKING = "making the Job"
    QUEUED = "waiting in the queue"
    NODE = "waiting for a node"
    PULLING = "pulling the runtime's image"
    FILES = "unpacking the model's files"
    STARTING = "vLLM starts"
    REMOVING = "removing the Job"


class TrialNews(msgspec.Struct, frozen=True, kw_only=True):
    """How far a try has come; the last one counts."""

    id: str
    stage: TrialStage
    text: str = ""
    """Why it waits, or the last line of vLLM's log; cleaned and masked."""
    node: str = ""
    began: float = 0.0
    """When vLLM's container began, seconds since 1970 by our clock; 0 before."""
    lines: int = 0
    """Of the log so far."""
    figures: dict[str, float] = {}
    """What the log has told so far, by the names of `vllm.Figure.what`."""


class TrialEnd(msgspec.Struct, frozen=True, kw_only=True):
    """How a try ended: with a measurement, or with the reason why there is none."""

    id: str
    measured: MeasuredStart | None = None
    problem: Problem | None = None
    """Why nothing was measured: it never ran, its log was lost, our own flags were refused."""
    left: tuple[str, ...] = ()
    """What could not be removed, each with the command that does it."""
    seconds: float = 0.0
    """Of vLLM's container; 0 where it did not run."""
    log: str = ""
    """Where its log is kept; empty where there is none."""
