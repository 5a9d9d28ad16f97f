"""Arguments that a language model suggests: into the plan only through the validators, and only if they do
better.

Four flags can be suggested. Nothing about code, files, secrets, GPUs or accuracy can; ours are never
replaced.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from modelcar_tui.advice import Severity
from modelcar_tui.advice.lint import lint_model
from modelcar_tui.advice.repairs import Drafts
from modelcar_tui.advice.solver import FEW, SHARES, STEPS
from modelcar_tui.cluster.types import AcceleratorReport
from modelcar_tui.core.text import clean
from modelcar_tui.manifest import Change, Decision, effective
from modelcar_tui.memory import Outcome, limits_of
from modelcar_tui.supervisor.llm.replies import Suggestion
from modelcar_tui.verdict import (
    Candidate,
    DecisionReport,
    ModelRequirements,
    ModelVerdict,
    Verdict,
    accepted_model,
    candidates,
    decide_model,
    kind_name,
    release_of,
    runtime_arguments,
    with_runtime,
)
from modelcar_tui.vllm import StartLimits, implied_context
from modelcar_tui.vllm.arguments import EngineArgs, parse_arguments, served_args

FLAGS = ("--max-model-len", "--max-num-seqs", "--max-num-batched-tokens", "--gpu-memory-utilization")
_COUNTS, _SHARES = re.compile(r"[1-9][0-9]{0,8}"), re.compile(r"0?\.[0-9]{1,4}|1(?:\.0)?")
MOST = 5
ORIGIN = "model"


MOST_SHARE = SHARES[-1]
"""Of a GPU's memory: the largest that the solver takes."""


def least_step(now: StartLimits, default: StartLimits) -> int:
    """Tokens of a step that may be suggested: no prompt takes more steps than it does now, or than by vLLM's
    default for this release and card, and the solver takes no fewer either."""
    return max(now.batch, default.batch, STEPS[-1])


def least_sequences(now: StartLimits) -> int:
    """Sequences at once that may be left: as many as now, or as many as the solver asks of an improvement."""
    return min(now.seqs, FEW)


def most_sequences(now: StartLimits, default: StartLimits) -> int:
    """Sequences at once that may be suggested: vLLM's default for this release and card, or now's."""
    return max(now.seqs, default.seqs)


class _Score(msgspec.Struct, frozen=True):
    context: int
    requests: float
    now: StartLimits

    def beats(self, other: _Score) -> bool:
        """No worse in anything, speed among it, and better in something."""
        better = self.context > other.context or self.requests > other.requests * 1.02
        no_less = self.context >= other.context and self.requests >= other.requests * 0.999
        return better and no_less and self.as_fast(other)

    def as_fast(self, other: _Score) -> bool:
        """Whether a prompt takes no more steps, and not only a few requests run at once."""
        return self.now.batch >= other.now.batch and self.now.seqs >= least_sequences(other.now)


def validated(
    suggestions: Sequence[Suggestion],
    report: DecisionReport,
    models: Sequence[ModelRequirements],
    cluster: AcceleratorReport,
    *,
    vllm: str | None,
) -> tuple[Change, ...]:
    """Those of the suggestions that may join the plan, as changes marked with their origin."""
    kinds = candidates(cluster)
    ours = Decision(
        plan_digest=report.plan.digest, accepted=tuple(change.id for change in report.plan.changes)
    )
    taken = {(change.model, change.flag) for change in report.plan.changes}
    by_name = {model.car.name: model for model in models}
    joined: list[Change] = []
    for suggestion in suggestions[:MOST]:
        model = by_name.get(suggestion.model)
        if model is None or suggestion.flag not in FLAGS or (suggestion.model, suggestion.flag) in taken:
            continue
        before = _with(with_runtime(accepted_model(model, report.plan, ours), cluster), joined)
        release = release_of(model.car, cluster, vllm)
        change = _change(model, suggestion, before, kinds, cluster, release)
        if change is not None:
            taken.add((suggestion.model, suggestion.flag))
            joined.append(change)
    return tuple(joined)


def _change(
    model: ModelRequirements,
    suggestion: Suggestion,
    before: ModelRequirements,
    kinds: tuple[Candidate, ...],
    cluster: AcceleratorReport,
    vllm: str | None,
) -> Change | None:
    item = _item(suggestion)
    if item is None:
        return None
    drafts = Drafts(model.car)
    present = [item for item in parse_arguments(model.car.serving.args, vllm) if item.name == suggestion.flag]
    if len(present) > 1:
        return None
    if present:
        drafts.set(present[0], item, "suggested")
    else:
        drafts.add(item, "suggested")
    draft = drafts.all()[0]
    after = _with(before, [draft])
    olds, news = _score(before, kinds, cluster, vllm), _score(after, kinds, cluster, vllm)
    better = bool(olds) and all(name in news and news[name].beats(score) for name, score in olds.items())
    if not better or not _within(suggestion.flag, before, after, kinds, vllm):
        return None
    if not _clean(before, after, cluster, vllm):
        return None
    kind = next(iter(olds))
    old, new = olds[kind], news[kind]
    reason = (
        f"suggested by the language model, checked by the estimate: {new.context:,} tokens of context and "
        f"{new.requests:.4g} requests at once (without it {old.context:,} and {old.requests:.4g})"
    )
    return msgspec.structs.replace(draft, reason=clean(reason, limit=300), origin=ORIGIN)


def _item(suggestion: Suggestion) -> str | None:
    """`--max-num-seqs=18`; None where the value is none that such an argument may have."""
    text = str(suggestion.value).strip()
    shape = _SHARES if suggestion.flag == "--gpu-memory-utilization" else _COUNTS
    return f"{suggestion.flag}={text}" if shape.fullmatch(text) else None


def _with(model: ModelRequirements, changes: Sequence[Change]) -> ModelRequirements:
    mine = [change for change in changes if change.model == model.car.name]
    serving = effective(model.car.serving, mine)
    return msgspec.structs.replace(model, car=msgspec.structs.replace(model.car, serving=serving))


def _within(
    flag: str,
    before: ModelRequirements,
    after: ModelRequirements,
    kinds: tuple[Candidate, ...],
    vllm: str | None,
) -> bool:
    """Whether the value is one that vLLM's defaults, or our own solver, might take."""
    now, new = _engine(before, vllm), _engine(after, vllm)
    match flag:
        case "--gpu-memory-utilization":
            return (new.gpu_memory_utilization or 0.0) <= MOST_SHARE
        case "--max-num-batched-tokens":
            bare = msgspec.structs.replace(now, max_num_batched_tokens=None)
        case "--max-num-seqs":
            bare = msgspec.structs.replace(now, max_num_seqs=None)
        case _:
            return True
    for kind in kinds:
        served, default, then = (
            limits_of(before.image.model, kind.gpu, args, vllm=vllm) for args in (now, bare, new)
        )
        if served is None or default is None or then is None:
            return False
        if flag == "--max-num-batched-tokens" and then.batch < least_step(served, default):
            return False
        if flag == "--max-num-seqs" and then.seqs > most_sequences(served, default):
            return False
    return True


def _engine(model: ModelRequirements, vllm: str | None) -> EngineArgs:
    return served_args(model.car.serving, vllm)


def _score(
    model: ModelRequirements, kinds: tuple[Candidate, ...], cluster: AcceleratorReport, vllm: str | None
) -> dict[str, _Score]:
    """What it serves on every kind of GPU that runs it for certain."""
    scores = [_on(model, kind, decide_model(model, cluster, (kind,), vllm), vllm) for kind in kinds]
    return {kind_name(kind): score for kind, score in zip(kinds, scores, strict=True) if score is not None}


def _on(model: ModelRequirements, kind: Candidate, verdict: ModelVerdict, vllm: str | None) -> _Score | None:
    result = verdict.estimate
    if verdict.verdict is not Verdict.GO or result is None or result.outcome is not Outcome.STARTS:
        return None
    requests = result.max_concurrency.least
    engine = _engine(model, vllm)
    context = engine.max_model_len or implied_context(model.image.model.config, engine.overrides, vllm)
    now = limits_of(model.image.model, kind.gpu, engine, vllm=vllm)
    if requests is None or context is None or context <= 0 or now is None:
        return None
    return _Score(context, min(requests, float(now.seqs)), now)


def _clean(
    before: ModelRequirements, after: ModelRequirements, cluster: AcceleratorReport, vllm: str | None
) -> bool:
    """Whether the lint has nothing new to say."""
    said = []
    for model in (before, after):
        runtime_args = runtime_arguments(model.car, cluster)
        findings = lint_model(model.car, vllm=vllm, runtime_args=runtime_args, facts=model.image.model)
        said.append(
            {(finding.code, finding.what) for finding in findings if finding.severity is not Severity.NOTE}
        )
    return said[1] <= said[0]
