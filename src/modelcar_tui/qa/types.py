"""What the QA container is asked and how it ended."""

from __future__ import annotations

import msgspec

from modelcar_tui.core.secrets import redact_fields
from modelcar_tui.kube import ClusterOptions


class QaRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a runner needs, secrets excepted: those travel beside it and are never stored."""

    run_id: str
    image: str
    """The opendatahub-tests image."""
    manifest_path: str
    """The manifest that is tested (generated, else base)."""
    kubeconfig_path: str | None = None
    """A path or a `KUBECONFIG` list; None finds it as kubectl does."""
    kube_context: str | None = None
    runtime_image: str | None = None
    accelerator: str = "nvidia"
    """The vendor's word (`intel-gaudi`), or the suite's own (`gaudi`, `cpu_x86`, ...)."""
    registry_host: str | None = None
    """None takes the hosts of the manifest's images."""
    timeout_s: float = 1800.0
    """Budget of the whole run, from the start of the container."""
    model_timeout_s: float | None = None
    """Budget of one model, set-up and tear-down included; None leaves only the whole."""
    silence_s: float = 300.0
    """A note is given when no line came for so long, again at each doubling."""
    hang_s: float | None = None
    """Silence after which the run is ended; None never ends it for silence alone."""
    folder: str = ""
    """The run's folder: logs and results go there."""
    memory: str | None = None
    """podman's `--memory`, such as `4g`."""
    network: str | None = None
    """podman's `--network`."""
    pull: str = "missing"
    """`missing`, `always`, `newer` or `never`."""
    output_types: tuple[tuple[str, str], ...] = ()
    """`model_output_type` of the models of a manifest that is no model-car list, by their names."""
    told: tuple[str, ...] = ()
    """The suite's namespaces that the operator was told of; empty where nobody was asked."""


def cluster_of(request: QaRequest) -> ClusterOptions:
    """Where the request's cluster is found."""
    return ClusterOptions(kubeconfig=request.kubeconfig_path, context=request.kube_context)


class QaCounts(msgspec.Struct, frozen=True):
    """The suite's own final numbers."""

    passed: int = 0
    failed: int = 0
    errors: int = 0
    skipped: int = 0

    @property
    def ran(self) -> int:
        """Tests that really ran."""
        return self.passed + self.failed + self.errors


FAILED_STATUSES = ("FAILED", "ERROR")
"""Status words of a model that failed, or whose set-up or tear-down did."""


class QaModelResult(msgspec.Struct, frozen=True, kw_only=True):
    """How one model fared, from the suite's status line."""

    model: str
    status: str
    """`PASSED`, `FAILED`, `ERROR` or `SKIPPED`; empty while it runs or when it never reported."""
    phase: str = ""
    """The phase in which it ended: `setup`, `call`, `teardown`."""
    cause: str = ""
    """Short name of the known failure (`CUDA_OOM`, ...), empty when none was recognised."""
    means: str = ""
    """What the cause means, and what to do about it."""
    fix: str = ""
    line: str = ""
    """The first line that names the cause."""
    predicted: str = ""
    """What our estimate had said, where the cause is one that it speaks of."""


class QaMeasured(msgspec.Struct, frozen=True, kw_only=True):
    """A figure of vLLM's own start-up log, to be held against our estimate."""

    model: str
    what: str
    """`weights_gib`, `kv_cache_gib`, `kv_tokens`, `concurrency`, `load_s`, `graphs_gib`."""
    value: float
    line: str
    predicted: float | None = None
    """Our estimate of it; None where there is none."""
    low: float | None = None
    high: float | None = None
    """Bounds of a prediction that rests on a guess."""
    note: str = ""
    """Why there is no prediction."""


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
    log_line: int | None = None
    """Where the cause stands in the log, counted from 1; None where it has none, or in no line."""
    models: tuple[QaModelResult, ...] = ()
    measured: tuple[QaMeasured, ...] = ()
    leftovers: tuple[str, ...] = ()
    """Objects that the run may have left on the cluster, as `kind/name`."""
    namespaces: tuple[str, ...] = ()
    """Where the suite that ran works; empty where it is not known."""

    def __post_init__(self) -> None:
        redact_fields(self, "message", "fix")

    @property
    def ok(self) -> bool:
        """Whether the suite ran and passed."""
        return self.code == "QA_OK"

    @property
    def skipped(self) -> bool:
        """Whether it was not run at all."""
        return self.code.startswith("QA_SKIPPED")
