"""The dashboard's main states as events and keys: what the snapshots, and people, look at."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import msgspec

from modelcar_tui.core.errors import Problem
from modelcar_tui.core.facts import Fact, Source
from modelcar_tui.kube.types import Access, Rung
from modelcar_tui.manifest.plan import Decision
from modelcar_tui.memory.types import Outcome
from modelcar_tui.models.measured import MeasuredStart
from modelcar_tui.qa.effect import Effect, EffectLevel
from modelcar_tui.qa.types import QaCounts, QaModelResult, QaOutcome
from modelcar_tui.supervisor import events as e
from modelcar_tui.verdict.reports import KindFit, ModelVerdict, OnKind, Verdict
from pilot import support as s

BIG = "llama-3.3-70b-instruct-fp8-dynamic"
_KINDS = ("H100-80GB-HBM3 80 GiB", "A100-SXM4-80GB 39 GiB", "L40S 45 GiB")
_FITS = {
    0: (OnKind.FITS, OnKind.TIGHT, OnKind.FITS),
    1: (OnKind.REFUSED, OnKind.REFUSED, OnKind.REFUSED),
    2: (OnKind.FITS, OnKind.FITS, OnKind.FITS),
    3: (OnKind.FITS, OnKind.FITS, OnKind.FITS),
    4: (OnKind.UNKNOWN, OnKind.REFUSED, OnKind.UNKNOWN),
}


def _with_kinds(model: ModelVerdict, at: int) -> ModelVerdict:
    kinds = tuple(
        KindFit(kind=kind, state=state, gpus=None if at == 4 else 4 if at == 1 else 1, why=model.why)
        for kind, state in zip(_KINDS, _FITS[at], strict=True)
    )
    return msgspec.structs.replace(model, kinds=kinds)


def _decided(models: tuple[ModelVerdict, ...] | None = None) -> list[e.AnyEvent]:
    """The decided run, with the kinds of GPU at hand."""
    report = s.report()
    found = models or tuple(_with_kinds(model, at) for at, model in enumerate(report.models))
    made = e.DecisionMade(report=msgspec.structs.replace(report, models=found, with_changes=Verdict.UNKNOWN))
    return [made if isinstance(one, e.DecisionMade) else one for one in s.decided()]


def _answered() -> list[e.AnyEvent]:
    accepted = tuple(change.id for change in s.plan().changes)
    decision = Decision(plan_digest=s.plan().digest, accepted=accepted, write=True, who="ada")
    written = e.ManifestWritten(path=s.TARGET, sha256="1c" * 32, changes=len(accepted))
    return [*_decided(), e.ApprovalGiven(decision=decision), written, *_judged_again()]


def _starting(model: ModelVerdict) -> ModelVerdict:
    """The model with what was missing."""
    assert model.estimate is not None
    found = msgspec.structs.replace(model.estimate, outcome=Outcome.STARTS, why="starts")
    return msgspec.structs.replace(
        _with_kinds(model, 0),
        verdict=Verdict.GO,
        why="starts",
        settle="",
        estimate=found,
        needed_gib=msgspec.structs.replace(model.needed_gib, value=71.4),
        comparison="71 GiB vs 4 x 80 GiB (H100-80GB-HBM3)",
        gpus=4,
    )


def _judged_again() -> list[e.AnyEvent]:
    """The verdict on what was written, as `verdict/accepting.py` makes it: the changes were what was
    missing, a size is a guess still."""
    report, needed = s.report(), s.plan().changes
    mended = {change.model for change in needed if change.severity == "required"}
    models = tuple(
        _starting(model) if model.model in mended else _with_kinds(model, at)
        for at, model in enumerate(report.models)
    )
    unknown = next(model for model in models if model.verdict is Verdict.UNKNOWN)
    after = msgspec.structs.replace(
        report,
        verdict=Verdict.UNKNOWN,
        why=f"{unknown.model}: {unknown.why}",
        models=models,
        findings=(),
        with_changes=None,
        without_changes=Verdict.NO_GO,
    )
    return [
        e.DecisionMade(report=after),
        e.SpecialistFinished(
            specialist="decision", status=e.Status.WARNING, summary="UNKNOWN: 1 of 5 models"
        ),
    ]


def working(_: Path) -> list[e.AnyEvent]:
    """Two specialists work."""
    args = ("--max-model-len=8192", "--gpu-memory-utilization=0.9", "--uvicorn-log-level=info")
    out: list[e.AnyEvent] = []
    for one in s.begin():
        if isinstance(one, e.ManifestRead):
            cars = tuple(
                msgspec.structs.replace(car, serving=msgspec.structs.replace(car.serving, args=args))
                for car in one.manifest.models
            )
            out.append(e.ManifestRead(manifest=msgspec.structs.replace(one.manifest, models=cars)))
        else:
            out.append(one)
    return out


def waiting(_: Path) -> list[e.AnyEvent]:
    """NO-GO, and changes that are required."""
    return _decided()


def no_cluster(_: Path) -> list[e.AnyEvent]:
    """Nothing is known of the GPUs."""
    problem = Problem(what="there is no kubeconfig at ~/.kube/config", fix="oc login --web https://API:6443")
    access = Access(rung=Rung.NO_KUBECONFIG, problem=problem)
    nothing = msgspec.structs.replace(s.cluster(()), access=access, runtime=None)
    inventory = msgspec.structs.replace(nothing.inventory, known=False, nodes=(), nodes_seen=0)
    cluster = msgspec.structs.replace(nothing, inventory=inventory)
    report = s.report()
    why = "no GPUs are known: there is no kubeconfig at ~/.kube/config"
    models = tuple(
        msgspec.structs.replace(
            model,
            verdict=Verdict.UNKNOWN,
            why=why,
            settle=problem.fix,
            product="",
            gpu_gib=s.Fact(),
            estimate=None,
        )
        for model in report.models
    )
    plan = msgspec.structs.replace(report.plan, changes=())
    unknown = msgspec.structs.replace(
        report, verdict=Verdict.UNKNOWN, why=why, models=models, plan=plan, hunks=(), checks=(), findings=()
    )
    swap = {e.ClusterRead: e.ClusterRead(report=cluster), e.DecisionMade: e.DecisionMade(report=unknown)}
    return [swap.get(type(one), one) for one in s.decided()[:-1]]


def start_of(name: str, **more: object) -> MeasuredStart:
    """A start of a model on the GPU, two days before."""
    values: dict[str, object] = {
        "id": "20260101-100000-1f3a",
        "at": s.T0 - 2 * 86_400,
        "model": name,
        "fingerprint": "f" * 64,
        "gpu": "NVIDIA-H100-80GB-HBM3",
        "memory_mib": 81_559,
        "vllm": "0.13.0",
        "args": ("--max-model-len=8192",),
        "outcome": "starts",
        "figures": FIGURES,
        "predicted": "starts",
        "predicted_figures": {
            "weights_gib": 15.19,
            "activation_gib": 2.31,
            "graphs_gib": 1.3,
            "kv_cache_gib": 12.4,
        },
    }
    return MeasuredStart(**(values | more))  # type: ignore[arg-type]


FIGURES = {
    "weights_gib": 15.27,
    "activation_gib": 2.04,
    "non_torch_gib": 0.88,
    "graphs_gib": 1.1,
    "kv_cache_gib": 13.02,
    "kv_tokens": 106_624.0,
    "max_model_len": 8192.0,
    "concurrency": 13.02,
    "init_s": 31.2,
}


def measured(_: Path) -> list[e.AnyEvent]:
    """One model was started with these arguments, another one with others."""
    found = [_with_kinds(model, at) for at, model in enumerate(s.report().models)]
    for at, exact in ((0, True), (2, False)):
        found[at] = with_start(found[at], start_of(found[at].model), exact=exact)
    return _decided(tuple(found))


def with_start(model: ModelVerdict, start: MeasuredStart, *, exact: bool) -> ModelVerdict:
    """The verdict as the estimate has it of a start."""
    assert model.estimate is not None

    def fact(what: str, unit: str = "GiB") -> Fact[float]:
        return Fact(value=start.figures[what], source=Source.MEASURED, at=start.at, unit=unit)

    parts: dict[str, Fact[float]] = {
        "weights_gib": fact("weights_gib"),
        "activation_gib": fact("activation_gib"),
    }
    if exact:
        parts |= {
            "non_torch_gib": fact("non_torch_gib"),
            "cuda_graph_gib": fact("graphs_gib"),
            "kv_available_gib": fact("kv_cache_gib"),
            "kv_tokens": fact("kv_tokens", "tokens"),
        }
    found = msgspec.structs.replace(
        model.estimate, measured=start, exact=exact, predicted=Outcome.STARTS, **parts
    )
    return msgspec.structs.replace(model, estimate=found)


def hundred(_: Path) -> list[e.AnyEvent]:
    """A hundred models of five kinds."""
    firsts = [_with_kinds(model, at) for at, model in enumerate(s.report().models)]
    models = tuple(
        msgspec.structs.replace(model, model=f"{model.model}-{at:03}")
        for at, model in enumerate(itertools.islice(itertools.cycle(firsts), 100))
    )
    return _decided(models)


def qa_question(_: Path) -> list[e.AnyEvent]:
    """Written; QA asks."""
    return [*_answered(), e.SpecialistStarted(specialist="qa"), e.ConsentRequested(effects=CONSENT)]


def qa_running(folder: Path) -> list[e.AnyEvent]:
    """The suite is at its second model."""
    return [*_answered(), *s.in_qa(s.spool(folder, 60), 60)[len(s.decided()) + 2 :]]


def qa_failed(folder: Path) -> list[e.AnyEvent]:
    """One model died of CUDA out of memory."""
    return [*qa_running(folder), *_ended("FAILED", "CUDA_OOM")]


def finished(folder: Path) -> list[e.AnyEvent]:
    """All passed."""
    return [*qa_running(folder), *_ended("PASSED", "")]


def _ended(status: str, cause: str) -> list[e.AnyEvent]:
    bad = bool(cause)
    line = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.2 GiB" if bad else ""
    means = "CUDA ran out of memory" if bad else ""
    fix = "lower --max-model-len, or take more GPUs" if bad else ""
    of_big = QaModelResult(model=BIG, status=status, cause=cause, means=means, line=line, fix=fix)
    results = tuple(
        of_big if model.model == BIG else QaModelResult(model=model.model, status="PASSED")
        for model in s.report().models
    )
    outcome = QaOutcome(
        code=f"QA_ERROR:{cause}" if bad else "QA_OK",
        message=f"{BIG}: CUDA out of memory" if bad else "25 tests passed",
        exit_status=int(bad),
        seconds=541.0,
        counts=QaCounts(passed=24 if bad else 25, failed=int(bad)),
        phase="inference",
        fix=fix,
        cause=line,
        models=results,
    )
    return [
        e.QaFinished(outcome=outcome),
        e.SpecialistFinished(
            specialist="qa", status=e.Status.FAILED if bad else e.Status.DONE, summary=outcome.message
        ),
        e.RunFinished(
            exit_status=4 if bad else 8,
            verdict=Verdict.NO_GO if bad else Verdict.UNKNOWN,
            summary=outcome.message,
            seconds=612.0,
        ),
    ]


CONSENT = (
    Effect(
        level=EffectLevel.FAILS,
        label="will fail",
        text=f"{BIG}: a cold pull takes 31 to 40 min, the suite waits 30",
        way_out="pull the image to the nodes beforehand",
    ),
    Effect(level=EffectLevel.WARNS, label="rights", text="amount to cluster-admin"),
    Effect(level=EffectLevel.WARNS, label="takes", text="1 to 4 GPUs at a time, 2-3 CPUs, 15-16 GiB RAM"),
    Effect(label="creates", text="the namespace test-model-serving (deleted after each of 5 models)"),
    Effect(label="network", text="github.com (an audio sample), the models' routes"),
    Effect(label="lasts", text="42 min likely, 4 h 46 at most"),
)

STATES: dict[str, tuple[Callable[[Path], list[e.AnyEvent]], tuple[str, ...]]] = {
    "working": (working, ()),
    "no-cluster": (no_cluster, ()),
    "waiting": (waiting, ()),
    "hundred": (hundred, ()),
    "page": (waiting, ("enter",)),
    "measured": (measured, ()),
    "measured-page": (measured, ("m", "j", "j", "enter")),
    "review": (waiting, ("d",)),
    "writing": (waiting, ("d", "asterisk", "W")),
    "qa-question": (qa_question, ()),
    "qa-running": (qa_running, ()),
    "qa-failed": (qa_failed, ("escape",)),
    "finished": (finished, ()),
    "gpus": (waiting, ("g",)),
}
"""States by name: the events, and the keys that lead there."""
