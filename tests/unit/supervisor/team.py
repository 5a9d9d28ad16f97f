"""A team of small specialists that run on the real graph, journal and checkpoint."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from modelcar_tui.cluster.types import AcceleratorReport, Inventory
from modelcar_tui.image.types import ImageFacts
from modelcar_tui.kube.types import Access, Rung
from modelcar_tui.manifest.plan import Change, Operation, Plan
from modelcar_tui.manifest.reader import read_manifest
from modelcar_tui.qa.types import QaOutcome
from modelcar_tui.supervisor.events import ClusterRead, DecisionMade, ManifestRead, QaFinished, StepPlan
from modelcar_tui.supervisor.specialist import Context
from modelcar_tui.verdict.reports import ConfigurationReport, DecisionReport, ModelRequirements, Verdict

MANIFEST = """\
model-car:
  - name: tiny
    image: oci://registry.example.test/models/tiny:1   # keep me
    serving_arguments:
      gpu_count: 1
      args: ["--max-model-len=4096"]
"""


class Member:
    """Appends its name to `$TEAM_LOG`, so that a test counts how often it ran, also over kills."""

    title = "Member"
    steps = (StepPlan("work", "Work"),)
    needs: tuple[str, ...] = ()

    def __init__(self, name: str, needs: tuple[str, ...] = ()) -> None:
        self.name = name
        self.needs = needs

    async def run(self, context: Context):
        log = context.folder.parent.parent / "ran.txt"
        with log.open("a") as file:
            file.write(f"{self.name}\n")
        if os.environ.get("TEAM_HANG") == self.name:
            (context.folder.parent.parent / "hanging").touch()
            await asyncio.sleep(3600)
        report = self.work(context)
        context.step("work")
        context.finish(f"{self.name} done")
        return report

    def work(self, context: Context):
        return Inventory()


class FakeConfiguration(Member):
    def work(self, context: Context):
        manifest = read_manifest(Path(context.settings.manifest))
        context.emit(ManifestRead(manifest=manifest))
        models = tuple(
            ModelRequirements(car=car, image=ImageFacts(reference=car.image)) for car in manifest.models
        )
        return ConfigurationReport(manifest=manifest, models=models)


class FakeAccelerator(Member):
    def work(self, context: Context):
        report = AcceleratorReport(access=Access(rung=Rung.OK), inventory=Inventory())
        context.emit(ClusterRead(report=report))
        return report


class FakeDecision(Member):
    verdict = Verdict.GO

    def work(self, context: Context):
        manifest = context.report("configuration", ConfigurationReport).manifest
        change = Change(
            id="tiny/--max-model-len",
            model="tiny",
            operation=Operation.SET,
            flag="--max-model-len",
            old="--max-model-len=4096",
            new="--max-model-len=2048",
            reason="half is enough",
        )
        plan = Plan(
            base=manifest.path,
            base_sha256=manifest.sha256,
            target=manifest.path.replace(".base.", ".generated."),
            changes=(change,),
        )
        report = DecisionReport(verdict=self.verdict, why="because", plan=plan)
        context.emit(DecisionMade(report=report))
        return report


class FakeQa(Member):
    def work(self, context: Context):
        outcome = QaOutcome(code="QA_OK", message="all passed")
        context.emit(QaFinished(outcome=outcome))
        return outcome


def fake_team() -> tuple[Member, ...]:
    return (
        FakeConfiguration("configuration"),
        FakeAccelerator("accelerator"),
        FakeDecision("decision", ("configuration", "accelerator")),
        FakeQa("qa", ("decision",)),
    )
