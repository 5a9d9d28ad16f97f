"""What the QA container is asked and how it ended."""

from __future__ import annotations

import msgspec


class QaRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a runner needs, secrets excepted: those travel beside it and are never stored."""

    run_id: str
    image: str
    """The opendatahub-tests image."""
    manifest_path: str
    """The manifest that is tested (generated, else base)."""
    kubeconfig_path: str | None = None
    runtime_image: str | None = None
    accelerator: str = "nvidia"
    """The suite's own word: `nvidia`, `amd`, `gaudi`, `spyre`, `cpu_x86`, ..."""
    registry_host: str | None = None
    timeout_s: float = 1800.0
    folder: str = ""
    """The run's folder: logs and results go there."""


class QaCounts(msgspec.Struct, frozen=True):
    """The suite's own final numbers."""

    passed: int = 0
    failed: int = 0
    errors: int = 0
    skipped: int = 0


class QaOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """How QA ended, or why it did not start."""

    code: str
    """`QA_OK`, `QA_ERROR:TESTS_FAILED`, ..., or `QA_SKIPPED:<reason>`."""
    message: str
    """What happened, one sentence."""
    fix: str = ""
    """What to do next."""
    exit_status: int | None = None
    counts: QaCounts | None = None
    seconds: float | None = None
    phase: str = ""
    cause: str = ""
    """The first line of the log that names the cause, cleaned and redacted."""

    @property
    def ok(self) -> bool:
        """Whether the suite ran and passed."""
        return self.code == "QA_OK"

    @property
    def skipped(self) -> bool:
        """Whether it was not run at all."""
        return self.code.startswith("QA_SKIPPED")
