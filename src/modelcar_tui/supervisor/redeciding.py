"""The verdict of a run anew, once something was measured: see `verdict.decided_again`."""

from __future__ import annotations

from modelcar_tui.models import MeasuredStart, model_fingerprint
from modelcar_tui.supervisor.settings import Settings
from modelcar_tui.supervisor.state import RunState
from modelcar_tui.verdict import Case, ConfigurationReport, DecisionReport, decided_again


def decided_anew(run: RunState, settings: Settings, start: MeasuredStart) -> DecisionReport | None:
    """The decision with what a start of one of its models measured; None where there is none to make anew."""
    if run.decision is None or run.manifest is None or run.cluster is None:
        return None
    case = Case(
        configuration=ConfigurationReport(manifest=run.manifest, models=run.models),
        cluster=run.cluster,
        vllm=settings.vllm_version,
        objective=settings.objective,
    )
    measured = frozenset(
        model.car.name for model in run.models if model_fingerprint(model.image.model) == start.fingerprint
    )
    return decided_again(
        case, run.decision, measured, written=run.answer if run.written is not None else None
    )
