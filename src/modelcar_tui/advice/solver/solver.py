"""Arguments that make a model run on the GPUs at hand, each change with its reason.

The objectives: `minimal` changes as little as makes it run, `context` wants the longest context,
`concurrency` the most requests at once, `gpus` the fewest GPUs. What it proposes has been estimated;
`--trust-remote-code` never is.
"""

from __future__ import annotations

from functools import partial

import msgspec

from modelcar_tui.advice.repairs import Drafts, draft_repairs
from modelcar_tui.advice.repairs.drafts import IMPROVEMENT, REQUIRED
from modelcar_tui.advice.solver.alternatives import Case, usable, what_would
from modelcar_tui.advice.solver.checks import blocked_by, checked
from modelcar_tui.advice.solver.reasons import evidence, reasons
from modelcar_tui.advice.solver.search import Found, Search
from modelcar_tui.advice.solver.tuning import LENGTH, TENSOR_PARALLEL, Tuning, write
from modelcar_tui.core.errors import UserError
from modelcar_tui.hardware import Gpu
from modelcar_tui.manifest import Change, ModelCar, effective
from modelcar_tui.memory import Estimate, Outcome
from modelcar_tui.models import ModelFacts
from modelcar_tui.vllm.quantization import Compatibility

_NOTHING = Tuning()
_LONG = 32768
"""A context that the fewest GPUs must still hold where the manifest names none."""
OBJECTIVES = ("minimal", "context", "concurrency", "gpus")


class Solution(msgspec.Struct, frozen=True, kw_only=True):
    """What the solver found for one model on one kind of GPU."""

    changes: tuple[Change, ...] = ()
    estimate_before: Estimate | None = None
    """For the arguments as they are (repaired where vLLM's parser would refuse them)."""
    estimate_after: Estimate | None = None
    """With all changes; None when nothing was found."""
    why_not: str = ""
    """Why it can't run here, and what would; empty when it runs."""
    alternatives: tuple[str, ...] = ()
    """What would make it run: other GPUs, more of them, another variant of the model."""
    compatibility: tuple[Compatibility, ...] = ()

    @property
    def runs(self) -> bool:
        """Whether it starts with the changes (which may be none)."""
        return self.estimate_after is not None and self.estimate_after.outcome is Outcome.STARTS


def solve(
    car: ModelCar,
    facts: ModelFacts,
    gpu: Gpu,
    *,
    vllm: str | None,
    objective: str = "minimal",
    runtime_args: tuple[str, ...] = (),
    improvements: bool = False,
    ways_out: bool = True,
) -> Solution:
    """The changes that serve one model on one kind of GPU.

    Args:
        car: the model as the manifest has it.
        facts: what is known of its files; without a config.json only what is certain is changed.
        gpu: one unit, and how many a node has (`gpu.count`): tensor parallelism stays within a node.
        vllm: the runtime image's release.
        objective: one of `OBJECTIVES`.
        runtime_args: arguments that the ServingRuntime's template passes by itself.
        improvements: also what is not needed to run, as `propose` finds it.
        ways_out: also look for what would do where this does not (most of the work for a model that can't
        run).

    Raises:
        ValueError: no such objective.
    """
    if objective not in OBJECTIVES:
        raise ValueError(f"no such objective: {objective}")
    repaired = _repaired(car, facts, gpu, vllm, runtime_args)
    search = Search(facts, gpu, repaired.serving, vllm)
    before = search.whole(_NOTHING)
    answers = checked(repaired.image, repaired.serving.whole, facts, gpu, vllm)
    blocked = blocked_by(answers)
    case = Case(car, facts, gpu, search, vllm)
    found = None if blocked is not None else _find(search, objective, before)
    after = search.whole(found.tuning) if found is not None else before
    changes = _changes(case, found, before, after, objective, improvements, runtime_args)
    told = partial(Solution, estimate_before=before, compatibility=answers)
    if blocked is not None:
        others = what_would(case, blocked) if ways_out else ()
        nearest = f"; {blocked.nearest} runs on it" if ways_out and usable(case, blocked) else ""
        return told(changes=changes, why_not=blocked.why + nearest, alternatives=others)
    if after.outcome is Outcome.UNKNOWN:
        return told(changes=changes, estimate_after=after, why_not=after.why)
    if found is None:
        others = what_would(case, None) if ways_out else ()
        would = f". What would: {'; '.join(others)}" if others else ""
        why = f"{before.why}; no arguments make it start on {gpu.count} x {gpu.product}{would}"
        return told(changes=changes, why_not=why, alternatives=others)
    shorter = msgspec.structs.replace(case, whole=True)
    others = what_would(shorter, None) if ways_out and search.barely(found) else ()
    return told(changes=_with_way_out(changes, others), estimate_after=after, alternatives=others)


def _with_way_out(changes: tuple[Change, ...], others: tuple[str, ...]) -> tuple[Change, ...]:
    """The reason of a context that is of little use says what would serve better."""
    if not others:
        return changes
    return tuple(
        msgspec.structs.replace(change, reason=f"{change.reason}. Of more use: {'; '.join(others)}")
        if change.flag == LENGTH
        else change
        for change in changes
    )


def _find(search: Search, objective: str, before: Estimate) -> Found | None:
    """A tuning that starts; a smaller share of the memory where no other does, or nothing can be told."""
    known = before.outcome is not Outcome.UNKNOWN
    return (_aimed_at(search, objective) if known else None) or search.lowered()


def _aimed_at(search: Search, objective: str) -> Found | None:
    if objective == "gpus":
        # The context is not given up for a GPU: what was asked for stays, what vLLM would take may be cut a
        # bit.
        floors = (search.asked if search.explicit else min(search.asked or _LONG, _LONG), None)
        fewest = (search.cheapest((size,), floor) for floor in floors for size in sorted(search.sizes()))
        return next((found for found in fewest if found is not None), None)
    start = search.cheapest()
    if start is None or objective == "minimal":
        return start
    if objective == "context":
        return search.best(start, lambda found: float(_context(search, found)))
    return search.best(start, lambda found: _concurrency(search, found))


def _context(search: Search, found: Found) -> int:
    return found.tuning.length or search.asked or search.whole(found.tuning).longest_context.value or 0


def _concurrency(search: Search, found: Found) -> float:
    """Full requests at once: what the cache holds, and no more than the scheduler takes."""
    fits = found.estimate.max_concurrency.least or 0.0
    return min(fits, float(found.tuning.sequences or search.engine.max_num_seqs or fits))


def _repaired(
    car: ModelCar, facts: ModelFacts, gpu: Gpu, vllm: str | None, runtime_args: tuple[str, ...]
) -> ModelCar:
    """The model as it is after the repairs without which vLLM's parser would refuse it."""
    drafts = Drafts(car)
    draft_repairs(drafts, facts, gpu, estimate=None, vllm=vllm, runtime_args=runtime_args)
    needed = [change for change in drafts.all() if change.severity == REQUIRED]
    serving = effective(car.serving, needed)
    if serving.by_suite and not serving.args and serving.gpu_count > 1:
        # With the first argument that is added the count counts.
        size = f"{TENSOR_PARALLEL}={serving.gpu_count}"
        serving = msgspec.structs.replace(serving, args=(size,))
    return msgspec.structs.replace(car, serving=serving)


def _changes(
    case: Case,
    found: Found | None,
    before: Estimate,
    after: Estimate,
    objective: str,
    improvements: bool,
    runtime_args: tuple[str, ...],
) -> tuple[Change, ...]:
    drafts, search = Drafts(case.car), case.search
    if found is not None and found.tuning != _NOTHING:
        ran = before.outcome is Outcome.STARTS and objective != "minimal"
        needed = frozenset[str]() if ran else search.needed(found)
        told, numbers, bound = reasons(search, before, found), evidence(before, after), search.bound(found)
        write(found.tuning, drafts, told, numbers, case.vllm, required=needed, bound=bound)
    draft_repairs(drafts, case.facts, case.gpu, estimate=after, vllm=case.vllm, runtime_args=runtime_args)
    wanted = [
        change
        for change in drafts.all()
        if improvements
        or change.severity == REQUIRED
        or (objective != "minimal" and change.evidence and change.severity == IMPROVEMENT)
    ]
    wanted += _size_left_alone(drafts, wanted)
    kept = {change.id for change in wanted}.union(*(change.together_with for change in wanted))
    return tuple(change for change in drafts.all() if change.id in kept)


def _size_left_alone(drafts: Drafts, wanted: list[Change]) -> list[Change]:
    """The tensor parallel size, which is written where these changes leave no argument: then nobody
    passes the number of GPUs.
    """
    if not drafts.car.serving.by_suite:
        return []
    try:
        left = effective(drafts.car.serving, wanted)
    except UserError:  # a change that can't be written, of which the review says so
        return []
    if left.args or not drafts.car.serving.args or left.gpu_count == 1:
        return []
    why = f"without any argument nobody passes the {left.gpu_count} GPUs, and vLLM takes one"
    drafts.add(f"{TENSOR_PARALLEL}={left.gpu_count}", why, REQUIRED)
    sizes = drafts.ids(TENSOR_PARALLEL)
    drafts.couple(*sizes, *(change.id for change in wanted))
    return [change for change in drafts.all() if change.id in sizes]
