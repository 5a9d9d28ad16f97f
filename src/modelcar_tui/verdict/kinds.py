"""How one model fares on each kind of GPU at hand: the cells of the table of models and kinds."""

from __future__ import annotations

from collections.abc import Iterable

from modelcar_tui.memory import Outcome, smallest_tp
from modelcar_tui.verdict.candidate import Candidate, kind_name
from modelcar_tui.verdict.reports import KindFit, ModelRequirements, ModelVerdict, OnKind, Verdict
from modelcar_tui.vllm.arguments import served_args
from modelcar_tui.vllm.quantization import Support

_TOO_SMALL = (Outcome.OOM_LOAD, Outcome.REFUSED_NO_KV, Outcome.REFUSED_KV)


def on_kinds(
    model: ModelRequirements, judged: Iterable[tuple[Candidate, ModelVerdict]], vllm: str | None
) -> tuple[KindFit, ...]:
    """One cell a kind; where the memory is too small, with how many GPUs it would do.

    Args:
        model: as it stands.
        judged: the verdict on each kind of GPU.
        vllm: the release that will serve it, where it is known.
    """
    return tuple(_on(model, kind, verdict, vllm) for kind, verdict in judged)


def _on(model: ModelRequirements, kind: Candidate, verdict: ModelVerdict, vllm: str | None) -> KindFit:
    estimate = verdict.estimate
    outcome = estimate.outcome if estimate is not None else Outcome.UNKNOWN
    state, gpus = OnKind.REFUSED, None
    if verdict.verdict is not Verdict.NO_GO:
        known = OnKind.TIGHT if estimate is not None and estimate.tight else OnKind.FITS
        state, gpus = known if verdict.verdict is Verdict.GO else OnKind.UNKNOWN, verdict.gpus
    elif any(one.support is Support.UNSUPPORTED for one in verdict.compatibility):
        gpus = None
    elif outcome is Outcome.STARTS and verdict.gpus <= kind.most:
        state, gpus = OnKind.FULL, verdict.gpus
    elif outcome in _TOO_SMALL:
        arguments = served_args(model.car.serving, vllm).mended()
        gpus = smallest_tp(model.image.model, kind.gpu, arguments, vllm=vllm, most=kind.gpu.count)
    return KindFit(kind=kind_name(kind), state=state, gpus=gpus, why=verdict.why)
