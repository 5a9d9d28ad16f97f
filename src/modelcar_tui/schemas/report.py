"""The report of a run as JSON (`--format json`): the envelope that `report.data` fills."""

from __future__ import annotations

import msgspec

from modelcar_tui.supervisor import Metadata, RunState
from modelcar_tui.verdict import Condition, Optimized, Verdict


class ModelOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What one model comes to."""

    word: str
    """GO, NO-GO, UNKNOWN or QA FAILED."""
    headline: str
    """The word with its conditions."""
    conditions: tuple[Condition, ...]
    """Under which the word holds."""
    predicted: Verdict
    """By the estimate alone."""
    measured: str | None
    """What was measured; it beats the estimate."""
    why: str
    next: str
    """What to do next; empty where nothing is to be done."""


class Outcome(ModelOutcome, frozen=True, kw_only=True):
    """What the run comes to, and each of its models."""

    models: dict[str, ModelOutcome]
    """By the model's name."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A run as JSON. Beside these keys stands what our own specialists tell in short (`gpu_available`,
    `vllm_version` and the like): the same as below `specialists`."""

    schema: int
    """Of this envelope: it grows when a key goes or gets another meaning."""
    tool: str
    """`modelcar-tui VERSION`."""
    demo: bool
    manifest: str
    """Path of the manifest."""
    verdict: Verdict | None
    """Null while the run has not ended."""
    predicted: Verdict | None
    """By the estimate alone."""
    outcome: Outcome | None
    next: str | None
    """What to do next."""
    exit_status: int | None
    summary: str | None
    qa: str | None
    """QA's own code, such as `QA_SKIPPED:NO_GO`."""
    optimized_serving_arguments: tuple[Optimized, ...]
    specialists: dict[str, Metadata]
    """What each specialist tells machines, by its name."""
    run: RunState
    """All that is known of the run."""
