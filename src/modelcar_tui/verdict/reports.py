"""What the specialists hand to each other and to the screen."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from modelcar_tui.advice import Finding
from modelcar_tui.cluster.types import Check
from modelcar_tui.core.errors import Problem
from modelcar_tui.core.facts import Fact
from modelcar_tui.image import ImageFacts
from modelcar_tui.manifest import Hunk, Manifest, ModelCar, Plan, Standing
from modelcar_tui.memory import Estimate
from modelcar_tui.verdict.placement import Assignment
from modelcar_tui.vllm.quantization import Compatibility


class Verdict(StrEnum):
    """Three values; warnings ride along."""

    GO = "GO"
    NO_GO = "NO-GO"
    UNKNOWN = "UNKNOWN"


class Holds(StrEnum):
    """Whether a condition is met now."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """What a GO hangs on: part of the word where it holds, and of `UNKNOWN, GO if ...` where nobody knows."""

    text: str
    """Reads on after GO: `on L40S only`, `if 1 L40S is free`, `by name only: 6 images unread`."""
    holds: Holds
    settles: str = ""
    """What would tell whether it holds, or make it hold; a command where there is one."""


class Vote(msgspec.Struct, frozen=True, kw_only=True):
    """What a specialist of another package makes of the run; it may lower the verdict, never raise it."""

    who: str
    """Its pane's title."""
    verdict: Verdict
    reason: str

    def __str__(self) -> str:
        return f"{self.who}: {self.reason}"


class ModelRequirements(msgspec.Struct, frozen=True, kw_only=True):
    """One model of the manifest with all that was found out about it."""

    car: ModelCar
    image: ImageFacts
    required_vram_gib: Fact[float] = Fact()
    """What one copy needs over all its GPUs together."""


class ConfigurationReport(msgspec.Struct, frozen=True, kw_only=True):
    """The configuration specialist's report."""

    manifest: Manifest
    models: tuple[ModelRequirements, ...]


class OnKind(StrEnum):
    """How a model fares on one kind of GPU."""

    FITS = "fits"
    TIGHT = "tight"
    """It starts, and serves fewer than 1.25 requests of its full context at once."""
    FULL = "full"
    """It would start, and no node takes its pod now."""
    REFUSED = "refused"
    UNKNOWN = "unknown"


class KindFit(msgspec.Struct, frozen=True, kw_only=True):
    """One model on one kind of GPU: a cell of the table of models and kinds."""

    kind: str
    """`H100-80GB-HBM3 80 GiB`."""
    state: OnKind
    gpus: int | None = None
    """With how many GPUs it starts: those it asks for, else the fewest; None where none on one node do."""
    why: str = ""


class ModelVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on one model alone."""

    model: str
    verdict: Verdict
    comparison: str
    """`model 18 GiB vs GPU 80 GiB (1 x NVIDIA-H100-80GB-HBM3, node gpu-0)`."""
    why: str
    """The sentence that decided it."""
    settle: str = ""
    """For UNKNOWN: what would settle it, and the command."""
    conditions: tuple[Condition, ...] = ()
    """What the GO hangs on; of a model that is UNKNOWN, what would have to hold for a GO."""
    warnings: tuple[str, ...] = ()
    needed_gib: Fact[float] = Fact()
    gpu_gib: Fact[float] = Fact()
    product: str = ""
    gpus: int = 1
    nodes: tuple[str, ...] = ()
    """Nodes on which it would run, at most ten."""
    runs_on: tuple[str, ...] = ()
    """Every kind of GPU at hand that serves it."""
    kinds: tuple[KindFit, ...] = ()
    """Every kind of GPU at hand, in the inventory's order."""
    compatibility: tuple[Compatibility, ...] = ()
    estimate: Estimate | None = None
    predicted: Verdict | None = None
    """What was decided before QA, where QA's result has changed it."""


class Predicted(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided before QA, where its result has changed the decision."""

    verdict: Verdict
    why: str
    models: tuple[ModelVerdict, ...] = ()
    together: str = ""
    placed: tuple[Assignment, ...] = ()
    missing: tuple[str, ...] = ()


class Unvoted(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided, where votes have lowered it."""

    verdict: Verdict
    why: str
    with_changes: Verdict | None = None


class Serving(msgspec.Struct, frozen=True, kw_only=True):
    """vLLM's arguments and the GPUs of one copy."""

    gpu_count: int
    args: tuple[str, ...]


class Optimized(msgspec.Struct, frozen=True, kw_only=True):
    """The arguments of one model with all proposed changes."""

    model_name: str
    serving_arguments: Serving


class DecisionReport(msgspec.Struct, frozen=True, kw_only=True):
    """The decision specialist's report."""

    verdict: Verdict
    why: str
    predicted: Predicted | None = None
    votes: tuple[Vote, ...] = ()
    """Of other packages' specialists, those that are heard."""
    unvoted: Unvoted | None = None
    without_changes: Verdict | None = None
    """The base manifest's verdict, where the accepted changes were written and this is about what was
    generated."""
    models: tuple[ModelVerdict, ...] = ()
    findings: tuple[Finding, ...] = ()
    checks: tuple[Check, ...] = ()
    """What else must be right before serving: switches, versions, storage, architectures."""
    plan: Plan
    hunks: tuple[Hunk, ...] = ()
    with_changes: Verdict | None = None
    """The verdict if all proposed changes were accepted; None where nothing is proposed."""
    why_with_changes: str = ""
    together: str = ""
    """Whether the models that run alone also run all at once on the free GPUs; empty where that is not
    known."""
    placed: tuple[Assignment, ...] = ()
    """One way to run them at the same time."""
    missing: tuple[str, ...] = ()
    """What would have to be added to run all at once."""
    optimized: tuple[Optimized, ...] = ()
    """`OPTIMIZED_SERVING_ARGUMENTS_JSON`: of each model that a change is proposed for."""


class ApplyPreview(msgspec.Struct, frozen=True, kw_only=True):
    """What exactly one decision would do to the base manifest; nothing is written."""

    hunks: tuple[Hunk, ...] = ()
    """The text diff of base against the result of exactly this decision."""
    problems: tuple[Problem, ...] = ()
    """Why it can't be written: base changed, an edited value is refused, no valid command line."""
    warnings: tuple[Problem, ...] = ()
    """What the operator should know before writing; does not forbid it."""
    replaces: tuple[Standing, ...] = ()
    """What another hand or run wrote where it would be written; the answer names it by its fingerprint."""
    verdict: Verdict | None = None
    """The verdict for exactly the accepted set, where it was worked out."""
    heads: tuple[str, ...] = ()
    """The verdict with what it hangs on, from long to short: `GO by name only: 6 images unread`."""
    why: str = ""
    models: tuple[ModelVerdict, ...] = ()
    """The models' verdicts for exactly the accepted set."""
