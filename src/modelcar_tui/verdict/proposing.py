"""Which changes to propose for one model, and which GPUs they are meant for."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from modelcar_tui.advice.repairs import propose
from modelcar_tui.advice.solver import Solution, solve
from modelcar_tui.cluster import FitAnswer, PodShape, may_stand, shared_cards
from modelcar_tui.cluster.types import AcceleratorReport, GpuNode, Pool
from modelcar_tui.core.counting import several
from modelcar_tui.core.errors import UserError
from modelcar_tui.hardware import Gpu
from modelcar_tui.manifest import Change, effective
from modelcar_tui.verdict.asking import pod_for
from modelcar_tui.verdict.candidate import Candidate, kind_name
from modelcar_tui.verdict.own import whose, without_own
from modelcar_tui.verdict.placement import Need, Offer, Placement, place
from modelcar_tui.verdict.reports import ModelRequirements, ModelVerdict, Verdict
from modelcar_tui.verdict.runtime import release_of, runtime_arguments, with_runtime
from modelcar_tui.verdict.stopping import changes_in_words, stopping


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """What we would change about one model."""

    changes: tuple[Change, ...] = ()
    hope: str = ""
    """For a model that does not run as it is: what would make it run."""


def propose_for(
    model: ModelRequirements,
    verdict: ModelVerdict,
    kinds: tuple[Candidate, ...],
    cluster: AcceleratorReport,
    *,
    vllm: str | None,
    objective: str,
) -> Proposal:
    """The solver's smallest change on the kind of GPU that needs the least; without GPUs, plain repairs.

    Args:
        vllm: the release that the operator states; None takes the model's own runtime's.
    """
    vllm, runtime_args = release_of(model.car, cluster, vllm), runtime_arguments(model.car, cluster)
    model = with_runtime(model, cluster)
    if not kinds:
        changes = propose(model.car, model.image.model, None, vllm=vllm, runtime_args=runtime_args)
        return Proposal(changes=changes)
    if verdict.verdict is Verdict.GO:
        kinds = tuple(kind for kind in kinds if kind.gpu.product == verdict.product)

    def solution(kind: Candidate, *, ways_out: bool) -> Solution:
        return solve(
            model.car,
            model.image.model,
            _within_reach(kind),
            vllm=vllm,
            objective=objective,
            runtime_args=runtime_args,
            improvements=True,
            ways_out=ways_out,
        )

    solutions = [solution(kind, ways_out=False) for kind in kinds]

    def preference(at: int) -> tuple[tuple[bool, bool, int], bool]:
        # Of equal ones the kind that the verdict tells of: both reasons are about the same card then.
        return _cost(solutions[at]), kinds[at].gpu.product != verdict.product

    at = min(range(len(kinds)), key=preference)
    best = solution(kinds[at], ways_out=True)  # only the best is told, so only there ways out are looked for
    hope = "" if verdict.verdict is Verdict.GO else _hope(best)
    return Proposal(changes=best.changes, hope=_with_rest(hope, model, best.changes, vllm, runtime_args))


def _with_rest(
    hope: str,
    model: ModelRequirements,
    changes: tuple[Change, ...],
    vllm: str | None,
    runtime_args: tuple[str, ...],
) -> str:
    """What no change mends, such as an argument that holds a secret, is left to the operator."""
    if not hope:
        return hope
    try:
        serving = effective(model.car.serving, changes)
    except UserError:
        return hope  # the review says what can't be written
    after = msgspec.structs.replace(model, car=msgspec.structs.replace(model.car, serving=serving))
    left = next((finding for finding in stopping(after, vllm, runtime_args)), None)
    return hope if left is None else f"{hope}; and by hand: {left.fix or left.what}"


def _within_reach(kind: Candidate) -> Gpu:
    """As many units as are free on one node; all of them where free is not known, or none is."""
    count = kind.most_free or kind.most
    return msgspec.structs.replace(kind.gpu, count=count)


def _cost(solution: Solution) -> tuple[bool, bool, int]:
    """Least is best: what runs, then what nobody can rule out, then fewer required changes."""
    needed = sum(change.severity == "required" for change in solution.changes)
    return not solution.runs, solution.estimate_after is None, needed


def _hope(solution: Solution) -> str:
    needed = [change for change in solution.changes if change.severity == "required"]
    if solution.runs and needed:
        return f"accept: {changes_in_words(needed)}"
    return solution.why_not


def together(
    models: tuple[ModelRequirements, ...],
    verdicts: tuple[ModelVerdict, ...],
    kinds: tuple[Candidate, ...],
    report: AcceleratorReport,
    *,
    vllm: str | None,
) -> Placement | None:
    """Where the models that run alone would run all at once, in the place of those of them that run now; None
    where free units are not known."""
    if not kinds or any(kind.most_free is None for kind in kinds):
        return None
    running = {verdict.model: verdict for verdict in verdicts if verdict.verdict is Verdict.GO}
    pods = {one.car.name: pod_for(one, report, vllm) for one in models if one.car.name in running}
    alone = {name: _kinds_for(pods[name], verdict, kinds) for name, verdict in running.items()}
    mine = frozenset(filter(None, (whose(one.car, report) for one in models)))
    offers, options = _offered(tuple(without_own(kind, mine) for kind in kinds), pods, alone)
    each = [one.car.name for one in models if one.car.name in running for _ in range(pods[one.car.name].all)]
    return place([Need(model=name, options=options[name]) for name in each], offers)


def _offered(
    kinds: tuple[Candidate, ...], pods: Mapping[str, PodShape], runs_on: Mapping[str, tuple[str, ...]]
) -> tuple[list[Offer], Mapping[str, dict[str, int]]]:
    """What the nodes offer, and how many units each model takes of what serves it."""
    offers: list[Offer] = []
    options: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for kind in kinds:
        wanted = {name: pods[name] for name in runs_on if kind_name(kind) in runs_on[name]}
        for offer, barred in _offers(kind, wanted):
            offers.append(offer)
            for model in wanted.keys() - barred:
                options[model][offer.kind] = wanted[model].units
    return offers, options


def _kinds_for(pod: PodShape, verdict: ModelVerdict, kinds: tuple[Candidate, ...]) -> tuple[str, ...]:
    """Those on which a model runs; of a replica of several pods, which are of one kind, the verdict's."""
    if pod.pods == 1:
        return verdict.runs_on
    names = [kind_name(kind) for kind in kinds if kind.gpu.product == verdict.product]
    return tuple(name for name in names if name in verdict.runs_on)[:1]


def copies(
    models: Sequence[ModelRequirements],
    verdicts: Iterable[ModelVerdict],
    kinds: Iterable[Candidate],
    report: AcceleratorReport,
    *,
    vllm: str | None,
) -> dict[str, int]:
    """How many servers of each model alone the free units take that serve it; a model is not in it where that
    is not known."""
    runs_on = {verdict.model: verdict.runs_on for verdict in verdicts}
    pods = {one.car.name: pod_for(one, report, vllm) for one in models if runs_on.get(one.car.name)}
    found: Counter[str] = Counter()
    unsure: set[str] = set()
    for kind in kinds:
        wanted = {name: pod for name, pod in pods.items() if kind_name(kind) in runs_on[name]}
        if kind.most_free is None:
            unsure |= wanted.keys()
            continue
        alike = Counter((offer.free, barred) for offer, barred in _offers(kind, wanted))
        places: Counter[str] = Counter()
        for (free, barred), nodes in alike.items():
            for name in wanted.keys() - barred:
                places[name] += free // max(1, wanted[name].units) * nodes
        for name, many in places.items():
            found[name] += many // wanted[name].pods
    return {name: found[name] for name in pods.keys() - unsure}


def _offers(kind: Candidate, wanted: Mapping[str, PodShape]) -> Iterator[tuple[Offer, frozenset[str]]]:
    """Each node of a kind, and the models that it bars.

    Nodes that bar the same models are alike to the search, which counts them.
    """
    alike: dict[PodShape, list[str]] = {}
    for name, pod in wanted.items():
        alike.setdefault(pod, []).append(name)
    names: dict[frozenset[str], str] = {frozenset(): kind_name(kind)}
    for node, pool in kind.places:
        barred = _barred(alike, node, pool)
        name = names.setdefault(barred, f"{kind_name(kind)} (other nodes {len(names)})")
        # Cards, not shares, where shares are of the same memory: each server takes most of a card.
        cards = shared_cards(node, pool)
        yield Offer(node=node.name, kind=name, free=min(pool.free or 0, cards), size=cards), barred


def _barred(alike: Mapping[PodShape, list[str]], node: GpuNode, pool: Pool) -> frozenset[str]:
    """The models whose pod does not stand on a node, however many of its units are free."""
    barred = (names for pod, names in alike.items() if may_stand(pod, node, pool).answer is not FitAnswer.YES)
    return frozenset(name for names in barred for name in names)


def together_line(placement: Placement | None, changed: bool) -> str:
    """One sentence about all models at the same time; of replicas, about their pods."""
    names = () if placement is None else (*(one.model for one in placement.placed), *placement.unplaced)
    if placement is None or len(set(names)) < 2:
        return ""
    how = "with the proposed changes, " * changed
    placed = len(placement.placed)
    count = several(len(names), "pod") if len(set(names)) < len(names) else str(len(names))
    if placement.all_together:
        return f"{how}together they fit ({placed} of {count})"
    proven = "" if placement.exact else ", as far as was searched"
    return f"{how}together only {placed} of {count} fit on the free GPUs{proven}"
