"""Collecting findings with their places in the file."""

from __future__ import annotations

from modelcar_tui.advice.finding import Finding, Severity, Stops
from modelcar_tui.core.text import clean
from modelcar_tui.manifest import ModelCar, Position
from modelcar_tui.vllm.arguments import FORM_CODES, Argument, Judge

ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE
ENGINE = {
    "engine-needs": "An argument without another one that the engine needs beside it",
    "attention-backend": "An attention backend that the model or the GPU can't use",
    "block-size": "A block size for which there is no attention backend",
    "cache-type": "A KV-cache dtype that the model can't have",
    "speculation": "Speculative decoding that vLLM refuses",
    "parallel-sizes": "Parallel sizes that contradict each other",
    "graph-sizes": "Batch sizes of CUDA graphs that contradict each other",
    "state-cache": "A cache of states without what it needs",
    "runner": "A runner that the model does not go with",
    "exclusive": "Two arguments of which vLLM takes one",
}
"""Codes of what vLLM's engine refuses (`vllm/refusals.py`), and what they stand for."""
_SERVER = FORM_CODES | frozenset(
    [
        "flag-unknown",
        "flag-removed",
        "flag-too-new",
        "flag-ambiguous",
        "blank-in-item",
        "stray-value",
        "value-range",
        "needs-other",
        "refused-beside",
        "setting-refused",
        "context-parallel",
        "executor-uni",
        "tensor-parallel",
        "pipeline-parallel",
        "expert-parallel",
        "context-too-long",
        "hybrid-manager",
        "rope-override",
        "batch-too-small",
        "batch-below-context",
        "quantization-mismatch",
        "quantization-deprecated",
        "dtype-refused",
        *ENGINE,
    ]
)
_SUITE = frozenset({"suite-parallel", "gpu-count", "suite-registry", "output-type"})


class Remarks:
    """The findings on one model, in the order they were made."""

    def __init__(self, car: ModelCar, judge: Judge) -> None:
        self.car = car
        self.judge = judge
        self.findings: list[Finding] = []

    def add(
        self,
        code: str,
        severity: Severity,
        what: str,
        fix: str = "",
        *,
        at: Position | None = None,
        stops: Stops | None = None,
    ) -> None:
        """A finding on the model as a whole, or at a place of its own.

        What it stops follows from its code, unless `stops` says otherwise.
        """
        finding = Finding(
            code=code,
            severity=severity,
            model=self.car.name,
            what=clean(what, limit=600),
            fix=clean(fix, limit=300),
            at=at or self.car.at,
            release=self.judge.release,
            stops=_stops(code, severity) if stops is None else stops,
            read=self.judge.sure(code),
        )
        self.findings.append(finding)

    def on(
        self,
        argument: Argument | None,
        code: str,
        severity: Severity,
        what: str,
        fix: str = "",
        *,
        stops: Stops | None = None,
    ) -> None:
        """A finding at one argument; at the GPU count or the model where there is none.

        An argument of the runtime (`whole_arguments`) has no place here: it is said whose it is.
        """
        places = self.car.serving.args_at
        at = self.car.serving.gpu_count_at
        if argument is not None and argument.index < 0:
            what, at = f"{what} (the serving runtime passes it)", None
        elif argument is not None and argument.index < len(places):
            at = places[argument.index]
        self.add(code, severity, what, fix, at=at, stops=stops)


def _stops(code: str, severity: Severity) -> Stops:
    if code in _SERVER:
        return Stops.SERVER if severity is ERROR else Stops.NOTHING
    return Stops.SUITE if code in _SUITE else Stops.NOTHING
