"""Make the recorded runs of `demo-logs/`: journals that `--replay` plays, each with its log and its report.

    python tools/make_demo_runs.py [FOLDER]

Each is a run of the demo's engine against its own servers. What no two runs share is made the same: times
follow a clock of the recorder, and folders, ports, ids and names are those of an operator who does not exist.
What msgspec fills in by itself is left out of the journal.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from make_demo_logs import MODELS
from modelcar_tui.core import resources
from modelcar_tui.core.decode import decode
from modelcar_tui.demo import demo_settings, prepare_demo
from modelcar_tui.qa import QaProgressed, QaStarted
from modelcar_tui.report import markdown
from modelcar_tui.supervisor import Approve, Settings, Supervisor, fold, retold
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.events import Stamped
from same_places import ROOT

RUN = "20260821-092945-5eed00"
STATE = "/home/operator/.local/state/modelcar-tui"
HOME = "/home/operator/models"
API = "https://api.demo.example:6443"
BEGUN = 1787304585.0
"""2026-08-21 09:29:45 UTC: the recorded suite begins 15 s later."""
NOWHERE = f"{HOME}/none"
GAP_S = 0.25
"""Between two events of which nobody knows how long they take."""
TOO_BIG = """\
# 131 GiB of bf16 weights, on a card of 45 GiB: no change of its arguments makes that fit.
model-car:
  - name: llama-3.3-70b-instruct
    image: oci://registry.redhat.io/rhelai1/modelcar-llama-3-3-70b-instruct:1.5
    serving_arguments:
      gpu_count: 1
      args: [--uvicorn-log-level=info, --max-model-len=8192]
    model_output_type: text
"""
_PORT = re.compile(r"https?://(?:127\.0\.0\.1|localhost):\d+")
_FOLDER = re.compile(r"demo/\d{8}-\d{6}-[0-9a-f]{6}")


class Scene(NamedTuple):
    """One recorded run: how it is asked for, and what its outside world does."""

    options: Mapping[str, Any]
    manifest: str = ""
    """Its text; by default the sample."""
    spoil: Callable[[Settings], Settings] = lambda settings: settings
    """What goes wrong outside, once the servers are there."""


def _without_cluster(settings: Settings) -> Settings:
    return msgspec.structs.replace(settings, kubeconfig=str(Path(settings.kubeconfig or "").parent / "none"))


def _expired(settings: Settings) -> Settings:
    path = Path(settings.kubeconfig or "")
    config = json.loads(path.read_text())
    config["users"][0]["user"]["token"] = "sha256~" + "expired" * 5
    path.write_text(json.dumps(config))
    return settings


SINGLE = (ROOT / "config-yaml" / "single_modelcar_config.yaml").read_text(encoding="utf-8")
ALL = {"approve": Approve.ALL}
SCENES = {
    "approved": Scene(ALL),
    "no-go": Scene({"qa": False, "gpus": ("NVIDIA-L40S:1",)}, TOO_BIG),
    "unknown": Scene({"qa": False}, SINGLE, _without_cluster),
    "qa-failed": Scene({**ALL, "qa_recording": str(ROOT / "demo-logs" / "failure-cuda-oom.log")}),
    "refused": Scene({}, SINGLE, _expired),
}


def main(folder: Path) -> None:
    """Write all of them into a folder."""
    for name, scene in SCENES.items():
        with tempfile.TemporaryDirectory(prefix="demo-runs-") as place:
            events, spool = asyncio.run(_record(scene, Path(place)))
            told = [*_scrubbed(events, name, place)]
        lines = [json.dumps(_sparse(one), ensure_ascii=False, separators=(",", ":")) for one in told]
        text = "".join(f"{line}\n" for line in lines)
        again = [decode(line.encode(), Stamped) for line in lines]
        if again != told:
            raise RuntimeError(f"{name}: what was written is not what was meant")
        journal = folder / f"{name}.jsonl"
        journal.write_text(text, encoding="utf-8")
        (folder / f"{name}.md").write_text(markdown(fold(retold(journal))), encoding="utf-8")
        if spool:
            (folder / f"{name}.qa.txt").write_text(spool, encoding="utf-8")
        sys.stdout.write(f"{name}: {len(lines)} events, {len(text) // 1024} KiB\n")


async def _record(scene: Scene, place: Path) -> tuple[list[Stamped], str]:
    """The events of a run and its log."""
    options = {"llm": False, "state_dir": str(place / "state"), **scene.options}
    settings = demo_settings(None, **options)
    if scene.manifest:
        Path(settings.manifest).write_text(scene.manifest, encoding="utf-8")  # noqa: ASYNC240
    supervisor = Supervisor(scene.spoil(await asyncio.to_thread(prepare_demo, settings)))
    events = [stamped async for stamped in supervisor.run()]
    log = supervisor.state.qa.started.log
    return events, Path(log).read_text(encoding="utf-8") if log else ""  # noqa: ASYNC240


def _scrubbed(events: list[Stamped], name: str, place: str) -> Iterator[Stamped]:
    """The same run by another clock, at other places."""
    kept = [*_thinned([*_in_turns(events)])]
    times, plans = _Times(), dict[str, str]()
    for number, (stamped, at) in enumerate(zip(kept, _clock([one.event for one in kept]), strict=True), 1):
        old = stamped.event
        level = partial(_levelled, at=at, times=times, place=place)
        plain = _walked(msgspec.to_builtins(old), level)
        new: e.AnyEvent = msgspec.convert(plain, e.AnyEvent)
        if isinstance(old, e.DecisionMade) and isinstance(new, e.DecisionMade):
            plans[old.report.plan.digest] = new.report.plan.digest
        yield Stamped(number, at, _renamed(new, name, at, plans, times))


def _renamed(event: e.AnyEvent, name: str, at: float, plans: dict[str, str], times: _Times) -> e.AnyEvent:
    """An event with the recorder's ids and times."""
    replace = msgspec.structs.replace
    match event:
        case e.ApprovalRequested():
            return replace(event, request_id=f"{name}-1", plan_digest=plans[event.plan_digest])
        case e.ApprovalGiven():
            decision = replace(event.decision, plan_digest=plans[event.decision.plan_digest])
            return replace(event, decision=decision)
        case QaStarted():
            return replace(event, log=f"{STATE}/runs/{RUN}/qa/{name}.qa.txt", began=at)
        case QaProgressed():
            phase = times.phases.setdefault((event.phase, event.model), at)
            model = times.models.setdefault(event.model, at) if event.model else 0.0
            return replace(event, phase_since=phase, model_since=model)
        case e.RunFinished():
            return replace(event, seconds=round(at - BEGUN, 1))
    return event


def _in_turns(events: list[Stamped]) -> Iterator[Stamped]:
    """Two specialists side by side take turns, whichever of them was faster."""
    first: list[Stamped] = []
    second: list[Stamped] = []
    rest: list[Stamped] = []
    open_ones = {"configuration", "accelerator"}
    for stamped in events:
        event = stamped.event
        who = getattr(event, "specialist", "")
        if isinstance(event, e.ManifestRead | e.ModelLearned):
            who = "configuration"
        elif isinstance(event, e.ClusterRead):
            who = "accelerator"
        if not open_ones or isinstance(event, e.RunStarted):
            rest.append(stamped)
            continue
        (second if who == "accelerator" else first).append(stamped)
        if isinstance(event, e.SpecialistFinished):
            open_ones.discard(event.specialist)
    yield from (one for one in rest if isinstance(one.event, e.RunStarted))
    for at in range(max(len(first), len(second))):
        yield from (one for group in (first, second) for one in group[at : at + 1])
    yield from (one for one in rest if not isinstance(one.event, e.RunStarted))


def _thinned(events: list[Stamped]) -> Iterator[Stamped]:
    """Without what a later event replaces before anybody could have read it."""
    manifests = (one.event.manifest for one in events if isinstance(one.event, e.ManifestRead))
    order = [car.name for manifest in manifests for car in manifest.models]
    last = {one.event.model.car.name: one for one in events if isinstance(one.event, e.ModelLearned)}
    learned = iter([last[name] for name in order if name in last])
    clusters = [one for one in events if isinstance(one.event, e.ClusterRead)]
    before: QaProgressed | None = None
    for stamped in events:
        event = stamped.event
        if isinstance(event, e.ModelLearned):
            if (one := next(learned, None)) is not None:
                yield one
        elif isinstance(event, e.ClusterRead):
            if stamped is clusters[-1]:
                yield stamped
        elif isinstance(event, QaProgressed):
            if before is None or _place(before) != _place(event):
                yield stamped
            before = event
        elif type(event).__name__ != "QaLogGrew":
            yield stamped


def _place(event: QaProgressed) -> tuple[object, ...]:
    return (event.phase, event.model, event.done, event.total, event.passed, event.failed, event.failures)


def _clock(events: list[e.AnyEvent]) -> Iterator[float]:
    """When each event is told to have happened: a model's pods take what the recorded suite waited."""
    at, waits = BEGUN, dict(MODELS)
    before: QaProgressed | None = None
    for event in events:
        if isinstance(event, QaProgressed):
            left = before is not None and before.phase == "waiting for pods" and event.phase != before.phase
            at += waits.get(before.model, 0.0) if left and before is not None else 0.0
            before = event
        yield round(at, 3)
        at += GAP_S


class _Times:
    """Moments of the real run in the recorder's time: when each was first told of."""

    def __init__(self) -> None:
        self.known: dict[float, float] = {}
        self.phases: dict[tuple[str, str], float] = {}
        self.models: dict[str, float] = {}


def _levelled(value: Any, at: float, times: _Times, place: str) -> Any:
    if isinstance(value, float) and value > BEGUN - 1e9:
        return times.known.setdefault(value, at)
    if not isinstance(value, str):
        return value
    text = value.replace(os.path.realpath(place), place)
    text = _FOLDER.sub("demo", text.replace(f"{place}/state", STATE)).replace(f"{STATE}/demo", HOME)
    text = re.sub(r"\b\d{8}-\d{6}-[0-9a-f]{6}\b", RUN, text)
    return _PORT.sub(API, text.replace(NOWHERE, "/home/operator/.kube/config"))


def _walked(value: Any, level: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        return {level(name): _walked(inner, level) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_walked(inner, level) for inner in value]
    return level(value)


def _sparse(value: Any) -> Any:
    """As JSON has it, without the fields that have their default."""
    if isinstance(value, msgspec.Struct):
        config = type(value).__struct_config__
        out: dict[str, Any] = {config.tag_field: config.tag} if config.tag_field else {}
        for field in msgspec.structs.fields(value):
            given = getattr(value, field.name)
            default = field.default
            if field.default_factory is not msgspec.NODEFAULT:
                default = field.default_factory()
            if given != default or type(given) is not type(default):
                out[field.encode_name] = _sparse(given)
        return out
    if isinstance(value, dict):
        return {name: _sparse(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_sparse(inner) for inner in value]
    return msgspec.to_builtins(value)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="demo-home-") as home:
        own = {f"XDG_{kind}_HOME": f"{home}/{kind}" for kind in ("STATE", "CACHE", "CONFIG", "DATA")}
        os.environ |= {**own, "HOME": home, "TZ": "UTC", "USER": "operator", "MODELCAR_TUI_QA_SPEED": "0"}
        for secret in ("KUBECONFIG", "OCI_REGISTRY_PULL_SECRET"):
            os.environ.pop(secret, None)
        main(Path(sys.argv[1]) if len(sys.argv) > 1 else resources.demo_logs())
