"""The suite's namespace watched through a stub of the API server."""

from __future__ import annotations

import asyncio
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from modelcar_tui.core.secrets import Redactor
from modelcar_tui.qa import watch
from modelcar_tui.qa.events import QaEvent, QaSaw, Warned
from modelcar_tui.qa.log.pipeline import Pipeline
from modelcar_tui.qa.seen import Seen
from modelcar_tui.qa.suite_facts import suite_namespaces
from modelcar_tui.qa.types import QaModelResult, QaOutcome, QaRequest
from modelcar_tui.qa.watch import ClusterWatch, watching
from modelcar_tui.qa.watch_outcome import with_record
from modelcar_tui.qa.watch_record import NAME, ClusterRecord
from modelcar_tui.qa.watch_view import View
from support.suite_namespace import NAMESPACE, SuiteNamespace
from support.suite_pods import SERVER, State, event, pod, terminated, waiting

MANIFEST = """\
model-car:
- {name: granite, image: "oci://registry.test/granite:1"}
- {name: llama, image: "oci://registry.test/llama:1"}
"""
DENIED = waiting("ErrImagePull", "unable to retrieve auth token: invalid username/password: unauthorized")
TEXT = "waiting for the image: unable to retrieve auth token: invalid username/password: unauthorized"
PASSWORD = "planted-password-of-a-pod"


class Bench:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server = SuiteNamespace()
        self.events: list[QaEvent] = []
        (folder / "m.yaml").write_text(MANIFEST)
        self.request = QaRequest(
            run_id="r",
            image="suite:latest",
            manifest_path=str(folder / "m.yaml"),
            kubeconfig_path=str(self.server.kubeconfig(folder / "kubeconfig")),
            folder=str(folder),
        )
        self.redact = Redactor()
        self.redact.add(PASSWORD)
        self.pipeline = Pipeline(folder / "qa.log", self.redact, lambda _: None)
        self.record = ClusterRecord(folder)

    async def watch(
        self,
        until: Callable[[], bool],
        *,
        limit_s: float = 8.0,
        pace_s: float = 0.05,
        patience_s: float = 0.0,
    ) -> None:
        """Watch until something holds."""
        self.record = ClusterRecord(self.folder)
        looking = ClusterWatch(
            self.request,
            self.record,
            self.pipeline,
            self.events.append,
            self.redact,
            spaces=suite_namespaces(None),
            began=time.time(),
            pace_s=pace_s,
            patience_s=patience_s,
        )
        task = asyncio.create_task(looking.run())
        end = time.monotonic() + limit_s
        try:
            while not until():
                assert time.monotonic() < end, self.events
                await asyncio.sleep(0.02)
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    @property
    def seen(self) -> list[tuple[Seen, ...]]:
        return [event.seen for event in self.events if isinstance(event, QaSaw)]

    @property
    def warned(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Warned)]

    def looks(self, kind: str = "pods") -> int:
        return sum(path.endswith(f"/{NAMESPACE}/{kind}") for path, _ in self.server.asked)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.server.stop()
    bench.pipeline.close()


def crash(restarts: int = 1, code: int = 1) -> dict[str, State]:
    return {"server": waiting("CrashLoopBackOff", "back-off"), "last": terminated("Error", code)}


async def test_a_refused_pull_is_said_within_seconds(bench: Bench) -> None:
    bench.server.pods = [pod("granite", init=DENIED), pod("llama", ready=True)]
    began = time.monotonic()
    await bench.watch(lambda: bool(bench.seen), pace_s=3.0)
    assert time.monotonic() - began < 3
    ((one,),) = bench.seen
    assert (one.line, one.cause, one.mends_itself) == (f"granite: {TEXT}", "IMAGE_PULL_DENIED", False)
    assert "NAMESPACE" not in one.fix


async def test_a_crash_that_the_suite_clears_away_after_a_second_is_not_missed(bench: Bench) -> None:
    bench.server.logs = {f"granite-predictor-abc {SERVER} previous": "OddError: no\n"}
    began = time.monotonic()

    def short() -> bool:
        lives = 1.0 < time.monotonic() - began < 1.7
        bench.server.pods = [pod("granite", restarts=1, version=2, **crash())] if lives else []
        return time.monotonic() - began > 3.0

    await bench.watch(short, pace_s=30.0)
    assert [one.text for one in bench.record.seen] == ["its server ends at the start: OddError: no"]
    assert bench.looks() < 20


async def test_the_suites_own_log_says_when_to_look(bench: Bench) -> None:
    def goes_on() -> bool:
        if bench.looks() >= 1 and "watched" not in bench.server.refused:
            bench.server.refused.add("watched")
            bench.server.pods = [pod("granite", init=DENIED)]
            bench.pipeline.parser.feed(
                "x [info ] Create InferenceService granite [ocp_resources InferenceService]"
            )
        return bool(bench.seen)

    bench.server.refused.add("watch")
    await bench.watch(goes_on, pace_s=30.0)
    assert bench.seen[0][0].model == "granite"


async def test_nothing_is_said_while_all_is_well(bench: Bench) -> None:
    bench.server.pods = [pod("granite", init=waiting("PodInitializing"))]
    await bench.watch(lambda: bench.looks() > 4)
    assert (bench.events, bench.record.seen) == ([], ())
    assert not (bench.folder / NAME).exists()


async def test_what_stays_the_same_is_said_once_and_what_is_over_is_taken_back(bench: Bench) -> None:
    bench.server.pods = [pod("granite", init=DENIED)]
    await bench.watch(lambda: bench.looks() > 6)
    assert len(bench.seen) == 1
    bench.server.pods = [pod("granite", ready=True, version=2)]
    await bench.watch(lambda: bench.looks() > 12)
    assert [one.text for one in bench.record.seen] == [""]


async def test_a_back_off_between_two_tries_keeps_the_reason_of_the_last_one(bench: Bench) -> None:
    bench.server.pods = [pod("granite", init=DENIED)]

    def turned() -> bool:
        if bench.seen:
            bench.server.pods = [pod("granite", init=waiting("ImagePullBackOff", "Back-off"), version=2)]
        return bench.looks() > 8

    await bench.watch(turned)
    assert [[one.text for one in seen] for seen in bench.seen] == [[TEXT]]


async def test_a_namespace_that_can_not_be_read_is_said_once_with_the_command_that_tests_it(
    bench: Bench,
) -> None:
    bench.server.refused = {"pods"}
    await bench.watch(lambda: bool(bench.warned))
    (text,) = bench.warned
    assert text.startswith("can't see the pods of the suite while it runs: pods is forbidden")
    assert "oc auth can-i list pods -n " in text


async def test_events_and_logs_that_can_not_be_read_cost_only_themselves(bench: Bench) -> None:
    bench.server.refused = {"events", "log"}
    bench.server.pods = [pod("granite", restarts=1, **crash())]
    await bench.watch(lambda: bool(bench.seen) and len(bench.warned) == 2)
    assert bench.seen[-1][0].text == "its server ends at the start: exit 1"
    asked = sum(path.endswith("/log") for path, _ in bench.server.asked)
    assert asked == 1


async def test_a_moment_without_the_api_server_is_not_worth_a_word(bench: Bench) -> None:
    bench.server.refused = {"pods"}

    def back() -> bool:
        if len(bench.server.asked) > 2:
            bench.server.refused = set()
        return bench.looks() > 2

    await bench.watch(back, patience_s=60.0)
    assert bench.events == []


async def test_what_nobody_foresaw_in_one_look_does_not_end_the_looking(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = watch.views, []

    def odd(*given: Any) -> list[View]:
        calls.append(1)
        if len(calls) < 3:
            raise KeyError("surprise")
        return real(*given)

    monkeypatch.setattr(watch, "views", odd)
    bench.server.pods = [pod("granite", init=DENIED)]
    await bench.watch(lambda: bool(bench.seen), patience_s=60.0)
    assert [one.model for one in bench.seen[0]] == ["granite"]


async def test_no_cluster_at_all_is_said_and_harms_nothing(bench: Bench) -> None:
    bench.server.stop()
    await bench.watch(lambda: bool(bench.warned))
    assert len(bench.warned) == 1
    assert bench.seen == []


async def test_the_log_before_a_restart_is_read_once_and_its_secrets_are_masked(bench: Bench) -> None:
    bench.server.pods = [pod("granite", restarts=1, **crash())]
    lines = [
        "Model loading took 15.27 GiB memory and 9.4 seconds",
        f"HF_TOKEN=hf_{'a1B2' * 9} password={PASSWORD}",
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.00 GiB.",
        "bye",
    ]
    bench.server.logs = {f"granite-predictor-abc {SERVER} previous": "\n".join(lines)}
    await bench.watch(lambda: bench.looks() > 5)
    (one,) = bench.seen[-1]
    assert (one.cause, one.mends_itself) == ("CUDA_OOM", False)
    assert one.text == f"its server ends at the start: {lines[2]}"
    reads = [query for path, query in bench.server.asked if path.endswith("/log")]
    assert len(reads) == 1
    assert (reads[0]["tailLines"], reads[0]["previous"]) == ("200", "true")
    assert bench.record.figures["granite", "weights_gib"].value == 15.27
    kept = (bench.folder / NAME).read_text()
    assert "CUDA out of memory" in kept
    assert PASSWORD not in kept
    assert "a1B2a1B2" not in kept
    assert stat.S_IMODE((bench.folder / NAME).stat().st_mode) == 0o600


async def test_each_end_of_a_container_is_read_once_and_a_start_now_and_then(bench: Bench) -> None:
    name = f"granite-predictor-abc {SERVER}"
    bench.server.logs = {f"{name} now": "first end\n", f"{name} previous": "later end\n"}
    steps = iter(
        [
            pod("granite", version=1),
            pod("granite", server=terminated("Error", 1), version=2),
            pod("granite", restarts=1, version=3, **crash()),
            pod("granite", restarts=1, version=4),
            pod("granite", restarts=2, version=5, **crash()),
        ]
    )
    asked: list[list[str]] = []

    def turn() -> bool:
        if bench.looks() >= 3 * len(asked):
            reads = [query for path, query in bench.server.asked if path.endswith("/log")]
            asked.append([query.get("previous", "now") for query in reads])
            if (now := next(steps, None)) is None:
                return True
            bench.server.pods = [now]
        return False

    await bench.watch(turn)
    assert asked[-1] == ["now", "now", "true"]
    ends = [line for line in (bench.folder / NAME).read_text().splitlines() if '"log"' in line]
    assert ["first end" in ends[0], "later end" in ends[1], len(ends)] == [True, True, 2]


async def test_a_key_of_several_lines_in_a_log_is_masked(bench: Bench) -> None:
    body = "\n".join("MIIE" + "aB3d" * 15 for _ in range(4))
    key = f"-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\nOddError: no\n"
    bench.server.pods = [pod("granite", restarts=1, **crash())]
    bench.server.logs = {f"granite-predictor-abc {SERVER} previous": key}
    await bench.watch(lambda: bool(bench.seen))
    assert "aB3daB3d" not in (bench.folder / NAME).read_text()
    assert bench.seen[-1][0].text == "its server ends at the start: OddError: no"


async def test_a_quota_is_told_by_the_replica_sets_event_where_there_is_no_pod(bench: Bench) -> None:
    message = 'Error creating: pods "llama-predictor-7" is forbidden: exceeded quota: gpu'
    bench.server.events = [event("FailedCreate", message, None, kind="ReplicaSet", name="llama-predictor-7")]
    await bench.watch(lambda: bool(bench.seen))
    ((one,),) = bench.seen
    assert (one.model, one.cause) == ("llama", "QUOTA")


async def test_objects_of_an_earlier_run_are_left_alone(bench: Bench) -> None:
    old = pod("granite", init=DENIED)
    old["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z"
    bench.server.pods = [old]
    await bench.watch(lambda: bench.looks() > 3)
    assert bench.events == []


async def test_only_the_namespace_that_the_suite_says_it_made_is_looked_at(bench: Bench) -> None:
    bench.pipeline.parser.feed(f"x [info ] Create Namespace {NAMESPACE} [ocp_resources Namespace]")
    bench.pipeline.parser.feed("x [info ] Create Namespace kube-system [ocp_resources Namespace]")
    await bench.watch(lambda: bench.looks() > 2)
    assert {path.split("/")[4] for path, _ in bench.server.asked} == {NAMESPACE}


async def test_what_an_earlier_process_saw_explains_the_outcome_when_the_namespace_is_gone(
    bench: Bench,
) -> None:
    bench.server.pods = [pod("granite", init=DENIED)]
    await bench.watch(lambda: bool(bench.seen))
    bench.server.pods = []
    async with watching(
        bench.request, bench.folder, bench.pipeline, bench.events.append, began=0.0
    ) as record:
        await asyncio.sleep(0.1)
    model = QaModelResult(model="granite", status="ERROR", cause="READY_TIMEOUT", phase="setup")
    outcome = QaOutcome(code="QA_ERROR:READY_TIMEOUT", message="30 minutes", models=(model,))
    told = with_record(outcome, record)
    assert (told.code, told.models[0].cause) == ("QA_ERROR:IMAGE_PULL_DENIED", "IMAGE_PULL_DENIED")
    assert told.cause == f"granite: {TEXT}"


def test_a_record_that_was_cut_short_or_is_full_stays_readable(tmp_path: Path) -> None:
    record = ClusterRecord(tmp_path)
    record.saw(Seen(model="a", object="a", text="stuck", cause="X"))
    with (tmp_path / NAME).open("ab") as file:
        file.write(b'{"type":"seen","seen":{"mod')
    assert [one.text for one in ClusterRecord(tmp_path).seen] == ["stuck"]
