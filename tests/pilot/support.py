"""A realistic run by hand, a fake engine that is fed events, and helpers that wait on predicates."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from textual.pilot import Pilot

from modelcar_tui.advice.finding import Finding, Severity
from modelcar_tui.cluster.types import AcceleratorReport, GpuNode, Guarantee, Inventory, Pool, Runtime
from modelcar_tui.core.errors import Problem
from modelcar_tui.core.facts import GIB, Fact, Source, Term, unknown
from modelcar_tui.image.types import ImageFacts
from modelcar_tui.kube.types import Access, Rung
from modelcar_tui.manifest.plan import Change, Decision, Hunk, Operation, Plan
from modelcar_tui.manifest.types import ArgumentsFrom, Manifest, ModelCar, Position, ServingArguments
from modelcar_tui.memory.types import Estimate, Outcome
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.qa.types import QaCounts, QaOutcome
from modelcar_tui.supervisor import events as e
from modelcar_tui.tui.app import DashboardApp
from modelcar_tui.tui.view import View
from modelcar_tui.tui.widgets.board import Board
from modelcar_tui.verdict.reports import (
    ApplyPreview,
    DecisionReport,
    ModelRequirements,
    ModelVerdict,
    Verdict,
)
from modelcar_tui.vllm.quantization.support import Compatibility, Support

T0 = 1_760_000_000.0
SIZES = ((60, 20), (80, 24), (120, 40), (200, 60))
BASE = "/srv/models/granite.base.yaml"
TARGET = "/srv/models/granite.generated.yaml"

PANES = (
    e.PanePlan(
        "configuration",
        "Configuration",
        (
            e.StepPlan("read", "Read the manifest"),
            e.StepPlan("images", "Inspect the images"),
            e.StepPlan("headers", "Read safetensors headers"),
            e.StepPlan("size", "Estimate the memory"),
        ),
    ),
    e.PanePlan(
        "accelerator",
        "Accelerator",
        (
            e.StepPlan("auth", "Authenticate to the cluster"),
            e.StepPlan("nodes", "List GPU nodes"),
            e.StepPlan("free", "Work out free GPUs"),
            e.StepPlan("runtime", "Find the runtime image"),
        ),
    ),
    e.PanePlan(
        "decision",
        "Decision",
        (
            e.StepPlan("compare", "Compare needs with GPU memory"),
            e.StepPlan("quantization", "Check quantization"),
            e.StepPlan("arguments", "Review the arguments"),
        ),
    ),
    e.PanePlan(
        "qa",
        "QA",
        (
            e.StepPlan("prepare", "Prepare container and secrets"),
            e.StepPlan("run", "Run opendatahub-tests"),
            e.StepPlan("outcome", "Read the outcome"),
        ),
    ),
)

_NAMES = (
    "granite-3.1-8b-instruct",
    "llama-3.3-70b-instruct-fp8-dynamic",
    "whisper-large-v3-turbo",
    "bge-m3-embedding",
    "mixtral-8x7b-instruct-w4a16",
)
_SIZES = (15.3, 67.8, 1.6, 1.1, 24.9)
_NEEDS = (18.4, 142.6, 3.1, 2.2, 29.7)


def car(name: str, args: tuple[str, ...] = (), gpus: int = 1, kind: str = "text") -> ModelCar:
    """One item of the manifest."""
    at = Position(3, 5)
    return ModelCar(
        name=name,
        image=f"oci://registry.redhat.io/rhelai1/modelcar-{name}:1.5",
        model_output_type=kind,
        serving=ServingArguments(gpu_count=gpus, args=args, origin=ArgumentsFrom.ITEM),
        at=at,
        name_at=at,
        image_at=at,
    )


def models() -> tuple[ModelRequirements, ...]:
    """Five models: text, a large one in FP8, audio, embedding, a guess by name."""
    out = []
    for index, name in enumerate(_NAMES):
        size, need = _SIZES[index], _NEEDS[index]
        weights = int(size * GIB)
        guess = index == 4
        source = Source.NAME if guess else Source.HEADERS
        required: Fact[float] = Fact(
            value=need,
            source=Source.NAME if guess else Source.COMPUTED,
            at=T0 + 6,
            unit="GiB",
            low=need * 0.85 if guess else None,
            high=need * 1.2 if guess else None,
            terms=(
                Term("weights", size, "GiB", source, "sum of the tensors' bytes"),
                Term(
                    "KV cache",
                    need - size - 1.4,
                    "GiB",
                    Source.COMPUTED,
                    "2 x kv_heads x head_dim x 2 B x layers",
                ),
                Term("activation", 1.4, "GiB", Source.COMPUTED, "largest of 2048 batched tokens"),
            ),
        )
        image = ImageFacts(
            reference=f"oci://registry.redhat.io/rhelai1/modelcar-{name}:1.5",
            size_bytes=unknown("skopeo: connection refused")
            if guess
            else Fact(value=weights, source=Source.LAYERS, at=T0 + 4, unit="B"),
            architectures=Fact(value=("amd64", "arm64"), source=Source.IMAGE_CONFIG, at=T0 + 4),
            model=ModelFacts(
                parameters=Fact(value=int(size * 5e8), source=source, at=T0 + 5),
                weight_bytes=Fact(value=weights, source=source, at=T0 + 5, unit="B"),
                bits=Fact(value=(16, 8, 16, 16, 4)[index], source=source, at=T0 + 5),
                quantization_name=Fact(value=("", "fp8", "", "", "w4a16")[index], source=source, at=T0 + 5),
            ),
        )
        gpus = 4 if index == 1 else 1
        out.append(ModelRequirements(car=car(name, gpus=gpus), image=image, required_vram_gib=required))
    return tuple(out)


def node(name: str, **more: object) -> GpuNode:
    """A node of H100 cards unless said otherwise."""
    pool = (
        Pool(
            resource="nvidia.com/gpu",
            units=8,
            capacity=8,
            free=5,
            mem_mib=81559,
            mem_guarantee=Guarantee.EXCLUSIVE,
            mem_from="label",
        ),
    )
    fields: dict[str, object] = {
        "vendor": "nvidia",
        "product": "H100-80GB-HBM3",
        "product_from": "label",
        "family": "hopper",
        "cc": "9.0",
        "provider": "aws",
        "region": "us-east-2",
        "instance_type": "p5.48xlarge",
        "physical": 8,
        "pool": pool,
    }
    return GpuNode(name=name, **(fields | more))  # type: ignore[arg-type]


def nodes() -> tuple[GpuNode, ...]:
    """Four nodes: plain, cordoned, MIG with unknown free units, one card unhealthy."""
    mig = (
        Pool(
            resource="nvidia.com/mig-3g.40gb",
            units=4,
            capacity=4,
            free=None,
            mem_mib=40192,
            mem_guarantee=Guarantee.HARD_SLICE,
            mem_from="label",
            mig_profile="3g.40gb",
        ),
    )
    l40 = (
        Pool(
            resource="nvidia.com/gpu",
            units=3,
            capacity=4,
            free=3,
            mem_mib=46068,
            mem_guarantee=Guarantee.EXCLUSIVE,
            mem_from="product-name",
        ),
    )
    return (
        node("ip-10-0-17-201.ec2.internal"),
        node("ip-10-0-44-9.ec2.internal", usable=False, why="cordoned (SchedulingDisabled)"),
        node(
            "ip-10-0-71-33.ec2.internal",
            product="A100-SXM4-80GB",
            cc="8.0",
            pool=mig,
            instance_type="p4de.24xlarge",
            why="pods could not be listed: forbidden",
        ),
        node(
            "ip-10-0-80-150.ec2.internal",
            product="L40S",
            cc="8.9",
            pool=l40,
            instance_type="g6e.12xlarge",
            physical=4,
            why="3 of 4 cards healthy",
        ),
    )


def cluster(inventory: tuple[GpuNode, ...] | None = None) -> AcceleratorReport:
    """A healthy cluster."""
    return AcceleratorReport(
        access=Access(
            rung=Rung.OK, server="https://api.prod.example.com:6443", user="qa-operator", version="v1.31"
        ),
        inventory=Inventory(nodes=nodes() if inventory is None else inventory, at=T0 + 8, nodes_seen=14),
        runtime=Runtime(
            image="registry.redhat.io/rhoai/odh-vllm-cuda-rhel9@sha256:5b1f0c3d7a2e",
            name="vllm-cuda-runtime",
            version="0.10.1",
            accelerator="nvidia.com/gpu",
        ),
    )


def estimate(outcome: Outcome, why: str, weights: float, kv: float) -> Estimate:
    """The parts of one GPU's memory."""

    def fact(value: float) -> Fact[float]:
        return Fact(value=value, source=Source.COMPUTED, at=T0 + 9, unit="GiB")

    return Estimate(
        outcome=outcome,
        why=why,
        weights_gib=fact(weights),
        activation_gib=fact(2.1),
        non_torch_gib=fact(0.9),
        cuda_graph_gib=fact(1.3),
        kv_available_gib=fact(kv),
        required_gib=fact(weights + 6),
        kv_tokens=Fact(value=int(kv * 8000), source=Source.COMPUTED),
        max_concurrency=Fact(value=kv / 4.0),
    )


def verdicts() -> tuple[ModelVerdict, ...]:
    """Three fit, one does not, one is not known."""
    found = models()
    specs = (
        (Verdict.GO, "starts with 9 requests of full length at once", ""),
        (Verdict.NO_GO, "131,072 tokens need 40.0 GiB of KV cache, 12.4 GiB are there on each of 4 GPUs", ""),
        (Verdict.GO, "starts", ""),
        (Verdict.GO, "starts", ""),
        (
            Verdict.UNKNOWN,
            "the size is a guess from the name and its bounds straddle the GPU",
            "skopeo login registry.redhat.io, then run again",
        ),
    )
    out = []
    for model, (verdict, why, settle) in zip(found, specs, strict=True):
        need = model.required_vram_gib
        gpus = model.car.serving.gpu_count
        out.append(
            ModelVerdict(
                model=model.car.name,
                verdict=verdict,
                why=why,
                settle=settle,
                gpus=gpus,
                product="H100-80GB-HBM3",
                comparison=f"{need.value:.0f} GiB vs {gpus} x 80 GiB (H100-80GB-HBM3)",
                needed_gib=need,
                gpu_gib=Fact(value=79.6, source=Source.NODE_LABEL, at=T0 + 8, unit="GiB"),
                nodes=("ip-10-0-17-201.ec2.internal",) if verdict is Verdict.GO else (),
                estimate=estimate(
                    Outcome.STARTS if verdict is Verdict.GO else Outcome.REFUSED_KV,
                    why,
                    model.image.model.weight_bytes.value / GIB / gpus,
                    12.4,
                ),
                compatibility=(
                    Compatibility(
                        support=Support.NATIVE, quantization="fp8", gpu="H100", why="cc 9.0 >= 8.9"
                    ),
                ),
            )
        )
    return tuple(out)


def plan() -> Plan:
    """Four changes of two models, two of them coupled."""
    big, small = _NAMES[1], _NAMES[0]
    tp = f"{big}/--tensor-parallel-size"
    count = f"{big}/gpu_count"
    return Plan(
        base=BASE,
        base_sha256="9f" * 32,
        target=TARGET,
        changes=(
            Change(
                id=f"{big}/--max-model-len",
                model=big,
                operation=Operation.SET,
                flag="--max-model-len",
                old="--max-model-len=131072",
                new="--max-model-len=32768",
                severity="required",
                reason="131,072 tokens need 40.0 GiB of KV cache and 12.4 GiB are there; 32,768 fit with "
                "1.2 requests at once.",
                evidence=(
                    Term(
                        "KV cache for 131,072 tokens",
                        40.0,
                        "GiB",
                        Source.COMPUTED,
                        "2 x 8 x 128 x 2 B x 80 layers",
                    ),
                    Term("left for the KV cache", 12.4, "GiB", Source.COMPUTED),
                    Term("KV cache for 32,768 tokens", 10.0, "GiB", Source.COMPUTED),
                ),
            ),
            Change(
                id=count,
                model=big,
                operation=Operation.GPU_COUNT,
                flag="gpu_count",
                old="2",
                new="4",
                severity="required",
                reason="67.8 GiB of weights and the KV cache need four of these GPUs.",
                together_with=(tp,),
            ),
            Change(
                id=tp,
                model=big,
                operation=Operation.SET,
                flag="--tensor-parallel-size",
                old="--tensor-parallel-size=2",
                new="--tensor-parallel-size=4",
                severity="required",
                reason="Must equal gpu_count; 64 heads and 8 KV heads divide by 4.",
                together_with=(count,),
            ),
            Change(
                id=f"{small}/--distributed-executor-backend",
                model=small,
                operation=Operation.REMOVE,
                flag="--distributed-executor-backend",
                old="--distributed-executor-backend=mp",
                reason="One GPU needs no executor backend.",
            ),
        ),
    )


def hunks() -> tuple[Hunk, ...]:
    """The text diff of the plan."""
    big, small = plan().changes[0].model, plan().changes[3].model
    return (
        Hunk(
            header="@@ -9,7 +9,6 @@",
            changes=(f"{small}/--distributed-executor-backend",),
            lines=(
                "     serving_arguments:",
                "       gpu_count: 1",
                "       args:",
                "-        - --distributed-executor-backend=mp",
                "         - --uvicorn-log-level=info  # chatty",
                "         - --max-model-len=8192",
                "   - name: " + big,
            ),
        ),
        Hunk(
            header="@@ -17,9 +16,9 @@",
            changes=(f"{big}/--max-model-len", f"{big}/gpu_count", f"{big}/--tensor-parallel-size"),
            lines=(
                "     serving_arguments:",
                "-      gpu_count: 2",
                "+      gpu_count: 4",
                "       args:",
                "-        - --max-model-len=131072",
                "+        - --max-model-len=32768",
                "-        - --tensor-parallel-size=2",
                "+        - --tensor-parallel-size=4",
                "         - --trust-remote-code",
            ),
        ),
    )


def report() -> DecisionReport:
    """The decision: NO-GO as it is, with a plan."""
    return DecisionReport(
        verdict=Verdict.NO_GO,
        why="llama-3.3-70b-instruct-fp8-dynamic has no room for its KV cache",
        models=verdicts(),
        plan=plan(),
        hunks=hunks(),
        findings=(
            Finding(
                code="trust-remote-code", severity=Severity.WARNING, model=_NAMES[1], what="not needed here"
            ),
        ),
    )


def qa_lines(count: int) -> list[str]:
    """The suite's own kind of output."""
    head = ["[QA] ============ test session starts ============", "[QA] collected 25 items"]
    out = list(head)
    for at in range(count - len(head)):
        model = _NAMES[at % 5]
        kind = ("PASSED", "PASSED", "PASSED", "INFO", "WARNING", "PASSED", "ERROR")[at % 7]
        stamp = f"2025-10-09T08:{at // 60 % 60:02d}:{at % 60:02d}.123456Z "
        out.append(
            f"{stamp}[QA] tests/model_serving/model_runtime/modelcar/test_modelcar.py::"
            f"TestModel::test_inference[{model}] {kind} attempt {at}"
        )
    return out[:count]


def _step(name: str, step: str, status: e.Status = e.Status.DONE, detail: str = "") -> e.StepChanged:
    return e.StepChanged(specialist=name, step=step, status=status, detail=detail)


def begin(*, demo: bool = False, folder: str = "") -> list[e.AnyEvent]:
    """A run that has just begun."""
    return [
        e.RunStarted(
            run_id="20251009-083000-3fa9",
            manifest=BASE,
            panes=PANES,
            version="0.1.0",
            demo=demo,
            folder=folder,
        ),
        e.SpecialistStarted(specialist="configuration"),
        e.SpecialistStarted(specialist="accelerator"),
        _step("configuration", "read", detail="5 models, 1 finding"),
        e.ManifestRead(
            manifest=Manifest(
                path=BASE, sha256="9f" * 32, shape="list", models=tuple(m.car for m in models())
            )
        ),
        _step("configuration", "images", e.Status.RUNNING, "2 of 5"),
        _step("accelerator", "auth", detail="qa-operator at api.prod.example.com"),
        _step("accelerator", "nodes", e.Status.RUNNING),
    ]


def decided(*, demo: bool = False, folder: str = "") -> list[e.AnyEvent]:
    """A run that waits for the operator."""
    return [
        *begin(demo=demo, folder=folder),
        *(e.ModelLearned(model=model) for model in models()),
        _step("configuration", "images", e.Status.WARNING, "1 of 5 could not be inspected"),
        _step("configuration", "headers", detail="4 models"),
        _step("configuration", "size"),
        e.SpecialistFinished(
            specialist="configuration",
            status=e.Status.WARNING,
            summary="5 models, 197 GiB in all; 1 is a guess",
        ),
        _step("accelerator", "nodes", detail="4 GPU nodes of 14"),
        _step("accelerator", "free", e.Status.WARNING, "pods of 1 node are forbidden"),
        _step("accelerator", "runtime", detail="vLLM 0.10.1"),
        e.ClusterRead(report=cluster()),
        e.SpecialistFinished(
            specialist="accelerator", status=e.Status.DONE, summary="15 usable GPUs, NVIDIA"
        ),
        e.SpecialistStarted(specialist="decision"),
        _step("decision", "compare", detail="5 models"),
        _step("decision", "quantization", detail="all native"),
        _step("decision", "arguments", detail="4 changes proposed"),
        e.DecisionMade(report=report()),
        e.SpecialistFinished(specialist="decision", status=e.Status.WARNING, summary="NO-GO: 1 of 5 models"),
        e.ApprovalRequested(request_id="a1", plan_digest=plan().digest),
    ]


def in_qa(log: str, lines: int, *, demo: bool = False, folder: str = "") -> list[e.AnyEvent]:
    """A run whose QA container runs."""
    accepted = tuple(change.id for change in plan().changes)
    return [
        *decided(demo=demo, folder=folder),
        e.ApprovalGiven(
            decision=Decision(plan_digest=plan().digest, accepted=accepted, write=True, who="ada")
        ),
        e.ManifestWritten(path=TARGET, sha256="1c" * 32, changes=4),
        e.SpecialistStarted(specialist="qa"),
        _step("qa", "prepare", detail="secret staged"),
        e.QaStarted(
            container="modelcar-tui-3fa9", image="quay.io/opendatahub/opendatahub-tests:latest", log=log
        ),
        _step("qa", "run", e.Status.RUNNING),
        e.QaLogGrew(lines=lines, size=lines * 100),
        e.QaProgressed(done=9, total=25, phase="inference", model=_NAMES[1], passed=8, failed=1),
    ]


def finished(log: str, lines: int, *, demo: bool = False, folder: str = "") -> list[e.AnyEvent]:
    """A run that has ended."""
    outcome = QaOutcome(
        code="QA_ERROR:TESTS_FAILED",
        message="1 of 25 tests failed",
        exit_status=1,
        seconds=541.0,
        counts=QaCounts(passed=24, failed=1),
        phase="inference",
        fix="read the first error with e in the log",
        cause="torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.2 GiB",
    )
    return [
        *in_qa(log, lines, demo=demo, folder=folder),
        _step("qa", "run", e.Status.FAILED, "exit status 1"),
        _step("qa", "outcome"),
        e.QaFinished(outcome=outcome),
        e.SpecialistFinished(
            specialist="qa", status=e.Status.FAILED, summary="QA_ERROR:TESTS_FAILED: 1 of 25"
        ),
        e.RunFinished(
            exit_status=4, verdict=Verdict.NO_GO, summary="QA failed: 1 of 25 tests", seconds=612.0
        ),
    ]


def stamp(events: Iterable[e.AnyEvent], seq: int = 1) -> list[e.Stamped]:
    """The events with numbers and times, one a second."""
    return [e.Stamped(at, T0 + at, event) for at, event in enumerate(events, seq)]


class FakeEngine:
    """An engine that says what it is told to."""

    def __init__(self, events: Iterable[e.AnyEvent] = (), preview: ApplyPreview | None = None) -> None:
        self.calls: list[object] = []
        self.answers: list[Decision] = []
        self.marked: list[e.ChangesMarked] = []
        self.time = T0 + 60
        self._preview = preview
        self._queue: list[e.Stamped] = []
        self._seq = 0
        self.say(*events)

    def say(self, *events: e.AnyEvent) -> None:
        """Emit events."""
        self._queue += stamp(events, self._seq + 1)
        self._seq += len(events)

    def now(self) -> float:
        return self.time

    def start(self, on_ready: Callable[[], None]) -> None:
        self.calls.append("start")
        on_ready()

    def drain(self) -> list[e.Stamped]:
        queue, self._queue = self._queue, []
        return queue

    def mark(self, marked: e.ChangesMarked) -> None:
        self.marked.append(marked)
        self.say(marked)

    def answer(self, decision: Decision) -> None:
        self.answers.append(decision)

    def consent(self, allowed: bool) -> None:
        self.calls.append("start QA" if allowed else "skip QA")

    def try_model(self, name: str, accepted: Decision | None) -> str:
        self.calls.append(("try", name, accepted))
        return "wish"

    def allow_trial(self, identifier: str, allowed: bool) -> None:
        self.calls.append(("allow" if allowed else "refuse", identifier))

    def stop_trial(self, identifier: str) -> None:
        self.calls.append(("stop", identifier))

    def cancel(self) -> None:
        self.calls.append("cancel")

    def detach(self) -> None:
        self.calls.append("detach")

    def join(self, timeout: float) -> bool:
        self.calls.append("join")
        return True

    def preview(self, decision: Decision) -> ApplyPreview:
        if self._preview is not None:
            return self._preview
        chosen = tuple(hunk for hunk in hunks() if set(hunk.changes) & set(decision.accepted))
        all_required = sum("llama" in key for key in decision.accepted) == 3
        verdict = Verdict.UNKNOWN if all_required else Verdict.NO_GO
        after = tuple(
            ModelVerdict(
                model=v.model,
                verdict=Verdict.GO,
                comparison=v.comparison,
                why="starts",
                gpu_gib=v.gpu_gib,
                estimate=estimate(Outcome.STARTS, "starts", 17.0, 44.0),
            )
            for v in verdicts()
        )
        bad = [text for text in decision.edited.values() if "banana" in text]
        problems = tuple(
            Problem(what=f"{text} is no value of this flag", where="edited item") for text in bad
        )
        return ApplyPreview(
            hunks=chosen,
            verdict=verdict,
            why="all five would start, one is a guess" if all_required else "one model has no room",
            models=after,
            problems=problems,
        )


@asynccontextmanager
async def dashboard(
    engine: FakeEngine, size: tuple[int, int] = (120, 40), **options: object
) -> AsyncIterator[tuple[DashboardApp, Pilot[int]]]:
    """The app over the fake engine, with all its events shown."""
    app = DashboardApp(engine, **options)  # type: ignore[arg-type]
    async with app.run_test(size=size) as pilot:
        await wait_for(pilot, lambda: "start" in engine.calls, "the engine is started")
        await wait_for(
            pilot, lambda: not engine._queue and app.state.seq >= engine._seq, "all events are shown"
        )
        await wait_for(pilot, lambda: _stands(app), "the panels stand where they belong")
        yield app, pilot


def _stands(app: DashboardApp) -> bool:
    """Whether the dashboard's panels have their places and are painted there.

    What a dialog covers is laid out anew when that is closed.
    """
    board = next((one for screen in app.screen_stack for one in screen.query(Board)), None)
    if app.state.faults and not app.face.replay:
        return True  # it has nothing to show and leaves
    if board is None or not board.size.width or board.places != board.find(*board.size):
        return board is not None and bool(board.size.width) and board.screen is not app.screen
    return all(
        child.size == board.places[str(child.id)].size for child in board.children if child.id in board.places
    )


async def wait_for(
    pilot: Pilot[int], predicate: Callable[[], object], what: str, timeout: float = 10.0
) -> None:
    """Wait until the predicate holds; the description says what did not come."""
    end = time.monotonic() + timeout
    while not predicate():
        assert time.monotonic() < end, f"waited {timeout:g} s in vain: {what}\n" + "\n".join(
            screen_text(pilot.app)
        )
        await pilot.pause(0.02)


def screen_text(app: object) -> list[str]:
    """The rows of the screen as the terminal would show them."""
    strips = app.screen._compositor.render_strips()  # type: ignore[attr-defined]
    return [strip.text for strip in strips]


def shows(app: DashboardApp, text: str) -> bool:
    """Whether the text is on the screen."""
    return text in "\n".join(screen_text(app))


async def hears(app: DashboardApp, pilot: Pilot[int]) -> None:
    """Wait until the screen takes keys."""
    screen = app.screen
    await wait_for(pilot, lambda: not screen.deaf(time.monotonic()), "the screen hears keys")  # type: ignore[attr-defined]


def view(app: DashboardApp, selector: str) -> View:
    """One view of the active screen."""
    return app.screen.query_one(selector, View)


def spool(folder: Path, count: int) -> str:
    """A log of `count` lines; its path."""
    path = folder / "qa.log"
    path.write_text("\n".join(qa_lines(count)) + "\n", encoding="utf-8")
    return str(path)
