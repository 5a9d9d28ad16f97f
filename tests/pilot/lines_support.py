"""States of a run by name, for the two lines that answer: each is what the events of a real one fold to."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from modelcar_tui.cluster.types import Check, State
from modelcar_tui.core.errors import Problem
from modelcar_tui.core.facts import Fact, Source
from modelcar_tui.kube.types import Rung
from modelcar_tui.manifest.plan import Decision
from modelcar_tui.memory.types import Outcome
from modelcar_tui.qa.seen import Seen
from modelcar_tui.qa.types import QaModelResult, QaOutcome
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.state import RunState, fold
from modelcar_tui.verdict.reports import Condition, DecisionReport, Holds, ModelVerdict, Verdict
from pilot import support as s

GO, NO, UN = Verdict.GO, Verdict.NO_GO, Verdict.UNKNOWN
BIG, SMALL = "llama-3.3-70b-instruct", "granite-3.1-8b-instruct"
LONG = "mistral-small-3.1-24b-instruct-2503-quantized.w4a16-with-a-long-tail"
SERVED = "each of the 2 models can be served as the manifest says"
DARK = "the GPUs are unknown: there is no kubeconfig at /home/op/.kube/config"
LOGIN = "oc login --web https://API-SERVER:6443, or name the GPUs: --gpu NVIDIA-L40S:4"
FAR = "oc login --web https://api.rosa-prod-eu-1.x7k2.p3.openshiftapps.example.com:6443"
FREE = Condition(text="if 1 L40S is free", holds=Holds.UNKNOWN, settles="oc get pods -A")
ON_L40S = Condition(text="on L40S only", holds=Holds.YES)
BY_NAME = Condition(text="by name only: 1 image unread", holds=Holds.YES)
PLAN = s.plan()
ALL = Decision(plan_digest=PLAN.digest, accepted=tuple(c.id for c in PLAN.changes), write=True)
OOM = QaModelResult(
    model=BIG, status="FAILED", cause="CUDA_OOM", line="CUDA out of memory.", means="no room", fix="lower it"
)
DENIED = QaModelResult(model=SMALL, status="ERROR", cause="IMAGE_PULL_DENIED", fix="log in")
WELL = QaModelResult(model=SMALL, status="PASSED")
FAILED = QaOutcome(code="QA_ERROR:CUDA_OOM", message="m", fix="f", models=(OOM, WELL))
BOTH = QaOutcome(code="QA_ERROR:TESTS_FAILED", message="m", models=(OOM, DENIED))
PASSED = QaOutcome(code="QA_OK", message="2 passed", models=(WELL, msgspec.structs.replace(WELL, model=BIG)))
SUITE = QaOutcome(
    code="QA_ERROR:DSC_NOT_READY", message="the DataScienceCluster is not ready", fix="oc get dsc"
)
SKIPPED = QaOutcome(code="QA_SKIPPED:REFUSED", message="the operator did not let QA change the cluster")


def model(
    name: str, verdict: Verdict = GO, *conditions: Condition, why: str = "fits", settle: str = ""
) -> ModelVerdict:
    return ModelVerdict(
        model=name, verdict=verdict, comparison="", why=why, settle=settle, conditions=conditions
    )


def too_large(name: str = BIG, need: float = 149.2) -> ModelVerdict:
    """One whose weights alone are more than the card."""
    size = Fact(value=need, source=Source.COMPUTED, unit="GiB")
    return msgspec.structs.replace(
        model(name, NO, why="the weights need 131.45 GiB and the card has 79.15 GiB", settle="2 x H100"),
        needed_gib=size,
        gpu_gib=Fact(value=80.0, source=Source.NODE_LABEL, unit="GiB"),
        estimate=s.estimate(Outcome.OOM_LOAD, "no room", 131.0, 0.0),
    )


def made(
    *models: ModelVerdict, plan: bool = False, after: Verdict | None = None, **more: object
) -> DecisionReport:
    """The decision on these models."""
    worst = next((each for each in (NO, UN) if any(one.verdict is each for one in models)), GO)
    told = DecisionReport(
        verdict=worst,
        why=SERVED
        if len(models) == 2
        else f"each of the {len(models)} models can be served as the manifest says",
        models=models,
        plan=PLAN if plan else msgspec.structs.replace(PLAN, changes=()),
        with_changes=after,
    )
    return msgspec.structs.replace(told, **more)


FITS = made(model(SMALL), model(BIG))
SHORT = made(too_large(), model(SMALL), plan=True, after=GO)
WROTE = msgspec.structs.replace(FITS, plan=PLAN, without_changes=NO)
UNREAD = made(model(SMALL, UN, why=DARK, settle=LOGIN), model(BIG, UN, why=DARK, settle=LOGIN), plan=True)
HUNDRED = made(
    *(too_large(f"llama-{number}") for number in range(25)),
    *(model(f"mixtral-{number}", NO, why="the experts need 105 GiB") for number in range(25)),
    *(model(f"granite-{number}") for number in range(50)),
    plan=True,
    after=GO,
)
ASKED = e.ApprovalRequested(request_id="a1", plan_digest=PLAN.digest)
CONSENT = e.ConsentRequested(effects=("it takes GPUs",))
STARTED = e.QaStarted(container="qa-1", image="i", log="/x", began=s.T0, limit_s=2100.0)
PROGRESS = e.QaProgressed(done=9, total=25, phase="inference", model=SMALL, passed=8, failed=1)
WRITTEN = e.ManifestWritten(path="/srv/models/granite.generated.yaml", sha256="1c" * 32, changes=4)
Events = list[e.AnyEvent]


def run(
    *events: e.AnyEvent, report: DecisionReport | None = None, cluster: bool = True, demo: bool = False
) -> RunState:
    """A run with these events after its decision."""
    access = s.cluster()
    if not cluster:
        lost = msgspec.structs.replace(
            access.access,
            rung=Rung.NO_KUBECONFIG,
            server="",
            user="",
            problem=Problem(what="there is no kubeconfig"),
        )
        access = msgspec.structs.replace(access, access=lost, runtime=None)
    head: Events = [
        e.RunStarted(
            run_id="20251009-083000-3fa9",
            manifest=s.BASE,
            folder="/home/op/runs/20251009-083000-3fa9",
            panes=s.PANES,
            version="1",
            demo=demo,
        ),
        e.ClusterRead(report=access),
    ]
    told: Events = [e.DecisionMade(report=report)] if report is not None else []
    return fold(s.stamp([*head, *told, *events]))


def ended(status: int, verdict: Verdict = GO, summary: str = "s") -> e.RunFinished:
    return e.RunFinished(exit_status=status, verdict=verdict, summary=summary, seconds=46.0)


def voted(verdict: Verdict, reason: str) -> Events:
    pane = e.PanePlan("licence", "License", (), foreign=True)
    return [
        e.RunStarted(run_id="r", manifest=s.BASE, panes=(*s.PANES, pane), version="1"),
        e.SpecialistStarted(specialist="licence"),
        e.SpecialistFinished(
            specialist="licence", status=e.Status.DONE, summary="x", verdict=verdict, reason=reason
        ),
    ]


def accepted() -> e.ApprovalGiven:
    return e.ApprovalGiven(decision=ALL)


def rejected() -> e.ApprovalGiven:
    return e.ApprovalGiven(decision=Decision(plan_digest=PLAN.digest))


def seen(*, hopeless: bool) -> e.QaSaw:
    return e.QaSaw(
        seen=(
            Seen(
                model=SMALL, object="g", text="waiting for the image: unauthorized", mends_itself=not hopeless
            ),
        )
    )


IN_QA = (ASKED, accepted(), WRITTEN, CONSENT, e.ConsentGiven(allowed=True), STARTED)
BLOCKED = made(
    model(SMALL),
    model(BIG),
    verdict=NO,
    why="KServe is switched off (DataScienceCluster default)",
    checks=(Check(code="kserve", state=State.BLOCKED, what="KServe is switched off"),),
)
STATES: dict[str, Callable[[], RunState]] = {
    "nothing yet": lambda: RunState(path=s.BASE),
    "images are read": lambda: fold(s.stamp(s.begin())),
    "GO, one model": lambda: run(
        report=made(model(SMALL), why="the model can be served as the manifest says")
    ),
    "GO, before its end": lambda: run(report=FITS),
    "GO, finished": lambda: run(ended(0), report=FITS),
    "GO on one kind": lambda: run(ended(0), report=made(model(SMALL, GO, ON_L40S), model(BIG, GO, ON_L40S))),
    "GO by name": lambda: run(ended(0), report=made(model(SMALL, GO, BY_NAME), model(BIG, GO, BY_NAME))),
    "GO, both": lambda: run(ended(0), report=made(*(model(m, GO, ON_L40S, BY_NAME) for m in (SMALL, BIG)))),
    "GO, plan waits": lambda: run(ASKED, report=made(model(SMALL), model(BIG), plan=True, after=GO)),
    "GO, demo": lambda: run(ended(0), report=FITS, demo=True),
    "GO, denied": lambda: run(
        *voted(NO, "licence of granite not accepted (policy 4)"), ended(1, NO), report=FITS
    ),
    "GO, doubted": lambda: run(*voted(UN, "no policy was read"), ended(8, UN), report=FITS),
    "NO-GO, plan waits": lambda: run(ASKED, report=SHORT),
    "NO-GO, accepted": lambda: run(ASKED, accepted(), report=SHORT),
    "NO-GO, not written": lambda: run(ASKED, accepted(), e.ManifestKept(why="/srv is full"), report=SHORT),
    "NO-GO, not written, finished": lambda: run(
        ASKED, accepted(), e.ManifestKept(why="/srv is full"), ended(2, NO), report=SHORT
    ),
    "NO-GO, rejected": lambda: run(ASKED, rejected(), ended(5, NO), report=SHORT),
    "NO-GO, interrupted": lambda: run(ASKED, ended(130, NO), report=SHORT),
    "NO-GO, finished": lambda: run(ended(1, NO), report=SHORT),
    "NO-GO, no changes help": lambda: run(ASKED, report=made(too_large(), model(SMALL), plan=True, after=NO)),
    "NO-GO, one model": lambda: run(ended(1, NO), report=made(too_large())),
    "NO-GO, long name": lambda: run(ended(1, NO), report=made(too_large(LONG), model(SMALL))),
    "NO-GO, same reason": lambda: run(
        ended(1, NO),
        report=made(model(SMALL, NO, why="no node offers a GPU"), model(BIG, NO, why="no node offers a GPU")),
    ),
    "NO-GO, a check blocks": lambda: run(ended(1, NO), report=BLOCKED),
    "NO-GO, 100 models": lambda: run(ASKED, report=HUNDRED),
    "UNKNOWN, no cluster, plan waits": lambda: run(ASKED, report=UNREAD, cluster=False),
    "UNKNOWN, no cluster": lambda: run(ended(3, UN), report=UNREAD, cluster=False),
    "UNKNOWN, if free": lambda: run(
        ended(8, UN), report=made(model(SMALL, UN, FREE, why="free GPUs are not known"), model(BIG))
    ),
    "UNKNOWN, two reasons": lambda: run(
        ended(8, UN),
        report=made(
            model(SMALL, UN, why="there is no config.json", settle="skopeo login quay.io, then run again"),
            model(BIG, UN, why="its size is a guess", settle="give --max-model-len"),
        ),
    ),
    "UNKNOWN, a long API server": lambda: run(
        ended(3, UN),
        report=made(*(model(name, UN, why=DARK, settle=FAR) for name in (SMALL, BIG))),
        cluster=False,
    ),
    "UNKNOWN, no decision": lambda: run(ended(2, UN, "granite.base.yaml:3:5: no such field; delete it")),
    "written": lambda: run(ASKED, accepted(), WRITTEN, e.DecisionMade(report=WROTE), report=SHORT),
    "written, QA asks": lambda: run(
        ASKED, accepted(), WRITTEN, e.DecisionMade(report=WROTE), CONSENT, report=SHORT
    ),
    "QA runs": lambda: run(*IN_QA, e.DecisionMade(report=WROTE), PROGRESS, report=SHORT),
    "QA waits": lambda: run(*IN_QA, e.DecisionMade(report=WROTE), seen(hopeless=False), report=SHORT),
    "QA waits in vain": lambda: run(*IN_QA, e.DecisionMade(report=WROTE), seen(hopeless=True), report=SHORT),
    "QA runs and was warned": lambda: run(
        *IN_QA, e.DecisionMade(report=WROTE), e.Noticed(text="QA has been silent for 300 s"), report=SHORT
    ),
    "QA passed": lambda: run(
        *IN_QA, e.DecisionMade(report=WROTE), e.QaFinished(outcome=PASSED), ended(0), report=SHORT
    ),
    "QA skipped": lambda: run(
        ASKED,
        accepted(),
        WRITTEN,
        e.DecisionMade(report=WROTE),
        e.QaFinished(outcome=SKIPPED),
        ended(0),
        report=SHORT,
    ),
    "QA failed, before its end": lambda: run(
        *IN_QA, e.DecisionMade(report=WROTE), e.QaFinished(outcome=FAILED), report=SHORT
    ),
    "QA failed": lambda: run(
        *IN_QA, e.DecisionMade(report=WROTE), e.QaFinished(outcome=FAILED), ended(4, NO), report=SHORT
    ),
    "QA failed for two": lambda: run(
        *IN_QA, e.DecisionMade(report=WROTE), e.QaFinished(outcome=BOTH), ended(4, NO), report=SHORT
    ),
    "the suite failed": lambda: run(
        *IN_QA, e.DecisionMade(report=WROTE), e.QaFinished(outcome=SUITE), ended(4, UN), report=SHORT
    ),
    "QA interrupted": lambda: run(*IN_QA, e.DecisionMade(report=WROTE), ended(130), report=SHORT),
}
