"""What keeps a model's server from starting on whatever GPU: findings of the lint, and outstanding repairs.

Memory and hardware are the estimate's; this is what vLLM says before it looks at them.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from modelcar_tui.advice import Finding, Stops
from modelcar_tui.advice.lint import lint_model
from modelcar_tui.advice.repairs import Drafts, draft_repairs
from modelcar_tui.cluster.types import AcceleratorReport
from modelcar_tui.hardware import Gpu
from modelcar_tui.manifest import Change, ModelCar, Operation
from modelcar_tui.verdict.hidden import hidden_doubt
from modelcar_tui.verdict.own_start import started_so, still_stops
from modelcar_tui.verdict.reports import Condition, Holds, ModelRequirements, ModelVerdict, Verdict
from modelcar_tui.verdict.runtime import RuntimeDoubt, release_of, runtime_doubt
from modelcar_tui.vllm import parse_version
from modelcar_tui.vllm.arguments import Judge

_SHOWN, _LENGTH = 3, 80


def heard(
    verdict: ModelVerdict,
    model: ModelRequirements,
    vllm: str | None,
    runtime_args: tuple[str, ...],
    gpu: Gpu | None = None,
) -> ModelVerdict:
    """The verdict of memory and hardware, lowered by what stops the server before they count.

    NO-GO where the release that will serve was read; UNKNOWN where another one had to stand in for it.

    Args:
        verdict: of memory and hardware.
        model: as it stands.
        vllm: the release that will serve it, where it is known.
        runtime_args: what the ServingRuntime's template passes by itself.
        gpu: the kind of GPU that the verdict is about, with as many units as the largest node has.
    """
    if verdict.verdict is Verdict.NO_GO:
        return verdict
    findings = stopping(model, vllm, runtime_args, gpu)
    repairs = outstanding(model, vllm, runtime_args, gpu)
    if started_so(verdict.estimate, model.car.serving, vllm):
        findings, repairs = tuple(one for one in findings if still_stops(one.code, one.what)), ()
    told = _why(findings, repairs, Judge.of(vllm))
    if told is None:
        return verdict
    why, sure = told
    if verdict.verdict is Verdict.UNKNOWN and not sure:
        return msgspec.structs.replace(verdict, warnings=(*verdict.warnings, why))
    settle = changes_in_words(repairs) or next((finding.fix for finding in findings if finding.fix), "")
    if sure:
        return msgspec.structs.replace(
            verdict, verdict=Verdict.NO_GO, why=why, settle=settle, runs_on=(), conditions=()
        )
    if parse_version(vllm) is None:
        settle = f"state the release that will serve it: --vllm VERSION; or {settle}"
    else:
        settle = f"{settle}; or serve it by a release that was read, such as {Judge.of(None).release}"
    return msgspec.structs.replace(verdict, verdict=Verdict.UNKNOWN, why=why, settle=settle, runs_on=())


def not_understood(
    verdict: ModelVerdict,
    car: ModelCar,
    cluster: AcceleratorReport,
    vllm: str | None,
    stated: str | None = None,
) -> ModelVerdict:
    """The verdict, lowered by what the manifest leaves open, names and the cluster does not have, or leaves
    to what is not read.

    Args:
        vllm: the release that will serve it, where it is known.
        stated: the release that the operator states.
    """
    if verdict.verdict is Verdict.NO_GO:
        return verdict
    doubt = _doubt(car, cluster, vllm, stated)
    open_anyhow = bool(car.open) or verdict.verdict is Verdict.UNKNOWN
    if doubt is not None and (doubt.sure or not (car.open or (doubt.condition and open_anyhow))):
        told = Condition(text=doubt.condition, holds=Holds.UNKNOWN, settles=doubt.settle)
        return msgspec.structs.replace(
            verdict,
            verdict=Verdict.NO_GO if doubt.sure else Verdict.UNKNOWN,
            why=doubt.why,
            settle=doubt.settle,
            runs_on=(),
            conditions=(told,) if doubt.condition else (),
        )
    if not car.open:
        return verdict
    first = car.open[0]
    rest = f" (and {len(car.open) - 1} more)" if len(car.open) > 1 else ""
    return msgspec.structs.replace(
        verdict, verdict=Verdict.UNKNOWN, why=first.what + rest, settle=first.fix, runs_on=(), conditions=()
    )


def left_open(verdict: ModelVerdict, car: ModelCar, cluster: AcceleratorReport, stated: str | None) -> bool:
    """Whether `not_understood` made this verdict: no change of its arguments settles that."""
    doubt = _doubt(car, cluster, release_of(car, cluster, stated), stated)
    by_doubt = doubt is not None and verdict.why == doubt.why
    return by_doubt or (bool(car.open) and verdict.why.startswith(car.open[0].what))


def _doubt(
    car: ModelCar, cluster: AcceleratorReport, vllm: str | None, stated: str | None
) -> RuntimeDoubt | None:
    """What keeps a GO from being said, of the runtime or of what decides beside the arguments; what is sure
    goes first."""
    doubt, hidden = runtime_doubt(car, cluster, stated), hidden_doubt(car, cluster, vllm)
    return hidden if doubt is None or (hidden is not None and hidden.sure) else doubt


def stopping(
    model: ModelRequirements, vllm: str | None, runtime_args: tuple[str, ...] = (), gpu: Gpu | None = None
) -> tuple[Finding, ...]:
    """What the lint finds of the arguments as they are that keeps the server from starting."""
    found = lint_model(model.car, vllm=vllm, runtime_args=runtime_args, facts=model.image.model, gpu=gpu)
    return tuple(finding for finding in found if finding.stops is Stops.SERVER)


def outstanding(
    model: ModelRequirements, vllm: str | None, runtime_args: tuple[str, ...] = (), gpu: Gpu | None = None
) -> tuple[Change, ...]:
    """The repairs without which the server would not start with the arguments as they are."""
    drafts = Drafts(model.car)
    draft_repairs(drafts, model.image.model, gpu, estimate=None, vllm=vllm, runtime_args=runtime_args)
    return drafts.stopping()


def changes_in_words(changes: Sequence[Change]) -> str:
    """`delete --swap-space=4, write --max-model-len=8192 and 2 more`; empty for none."""
    words = [_in_words(change) for change in changes[:_SHOWN]]
    more = f" and {len(changes) - _SHOWN} more" if len(changes) > _SHOWN else ""
    return ", ".join(words) + more


def _why(findings: tuple[Finding, ...], repairs: tuple[Change, ...], judge: Judge) -> tuple[str, bool] | None:
    """The sentence that decides it, and whether it is sure for the release that will serve; None where
    nothing stops the server."""
    sure = tuple(finding for finding in findings if finding.read)
    for told, known in ((sure, True), (findings, False)):
        if told:
            more = f" (and {len(told) - 1} more)" if len(told) > 1 else ""
            return told[0].what + more + ("" if known else _stands_in(told[0].release)), known
    if repairs:
        known = judge.flags_read
        return repairs[0].reason + ("" if known else _stands_in(judge.release)), known
    return None


def _stands_in(release: str) -> str:
    return f" (judged by {release}: the release that will serve was not read)"


def _in_words(change: Change) -> str:
    item = change.new or change.old or change.flag
    item = item if len(item) <= _LENGTH else f"{item[: _LENGTH - 3]}..."
    match change.operation:
        case Operation.REMOVE:
            return f"delete {item}"
        case Operation.ADD:
            return f"add {item}"
        case Operation.GPU_COUNT:
            return f"set {change.called} {item}"
        case _:
            return f"write {item}"
