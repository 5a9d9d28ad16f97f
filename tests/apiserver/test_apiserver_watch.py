"""The suite's namespace watched through a real API server: its lists, its selectors, its refusals."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from server import Account, ApiServer

from modelcar_tui.core.secrets import Redactor
from modelcar_tui.kube.connection import connect
from modelcar_tui.kube.kubeconfig import find_credentials
from modelcar_tui.qa.events import QaEvent, QaSaw, Warned
from modelcar_tui.qa.log.pipeline import Pipeline
from modelcar_tui.qa.suite_facts import suite_namespaces
from modelcar_tui.qa.types import QaRequest, cluster_of
from modelcar_tui.qa.watch import ClusterWatch
from modelcar_tui.qa.watch_bell import Bell
from modelcar_tui.qa.watch_record import ClusterRecord
from support.suite_namespace import NAMESPACE
from support.suite_pods import pod, waiting

SPACE = f"/api/v1/namespaces/{NAMESPACE}"
NEEDS = (
    {"apiGroups": [""], "resources": ["pods", "events"], "verbs": ["list"]},
    {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
)
"""All that the watch needs; docs/qa.md lists it."""


def request(server: ApiServer, user: Account, folder: Path) -> QaRequest:
    manifest = folder / "m.yaml"
    manifest.write_text(
        "model-car:\n- {name: granite, image: 'oci://r/x:1'}\n- {name: llama, image: 'oci://r/y:1'}\n"
    )
    return QaRequest(
        run_id="r",
        image="x",
        manifest_path=str(manifest),
        kubeconfig_path=str(server.kubeconfig(user)),
        folder=".",
    )


async def watched(
    asked: QaRequest, folder: Path, events: list[QaEvent], until: Callable[[], object]
) -> ClusterRecord:
    record = ClusterRecord(folder)
    pipeline = Pipeline(folder / "qa.log", Redactor(), events.append)
    watch = ClusterWatch(
        asked,
        record,
        pipeline,
        events.append,
        Redactor(),
        spaces=suite_namespaces(None),
        began=time.time(),
        pace_s=0.1,
        patience_s=0.0,
    )
    task = asyncio.create_task(watch.run())
    try:
        async with asyncio.timeout(60):
            while not until():
                await asyncio.sleep(0.05)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        pipeline.close()
    return record


def lines(events: list[QaEvent]) -> list[str]:
    return [one.line for event in events if isinstance(event, QaSaw) for one in event.seen]


async def test_a_change_is_told_by_the_servers_own_watch(server: ApiServer, tmp_path: Path) -> None:
    user = server.account()
    server.grant(user, *NEEDS)
    server.grant(user, {"apiGroups": [""], "resources": ["pods"], "verbs": ["watch"]})
    space = {"metadata": {"name": NAMESPACE}}
    server.api.post("/api/v1/namespaces", json=space)
    pipeline = Pipeline(tmp_path / "qa.log", Redactor(), lambda _: None)
    asked = request(server, user, tmp_path)
    async with connect(find_credentials(cluster_of(asked)), cluster_of(asked)) as client:
        bell = Bell(client, pipeline)
        await bell.wait((NAMESPACE,), 2.0)
        began = time.monotonic()
        place(server, pod("whisper", init=waiting("PodInitializing")))
        await bell.wait((NAMESPACE,), 30.0)
        bell.stop()
    pipeline.close()
    assert time.monotonic() - began < 5


def place(server: ApiServer, value: dict[str, Any]) -> dict[str, Any]:
    """A pod with its status."""
    spec = value["spec"]
    spec["containers"][0] |= {"name": "kserve-container"}
    spec["initContainers"] = [{"name": "modelcar-init", "image": "r/x:1"}]
    for name in ("uid", "resourceVersion", "creationTimestamp"):
        del value["metadata"][name]
    made = server.post(f"{SPACE}/pods", {"apiVersion": "v1", "kind": "Pod", **value})
    for one in (
        *value["status"].get("containerStatuses", ()),
        *value["status"].get("initContainerStatuses", ()),
    ):
        one |= {"image": "r/x:1", "imageID": "", "ready": bool(one.get("ready"))}
    return server.put(f"{SPACE}/pods/{made['metadata']['name']}/status", {**made, "status": value["status"]})


async def test_the_rights_of_the_docs_are_enough_and_what_is_wrong_is_seen(
    server: ApiServer, tmp_path: Path
) -> None:
    user = server.account()
    server.grant(user, *NEEDS)
    events: list[QaEvent] = []
    asked = request(server, user, tmp_path)

    made: list[object] = []

    def there() -> bool:
        if not made:
            server.api.post("/api/v1/namespaces", json={"metadata": {"name": NAMESPACE}})
            made.append(place(server, pod("granite", init=waiting("ImagePullBackOff", "unauthorized: no"))))
            refused = 'Error creating: pods "llama-predictor-7" is forbidden: exceeded quota: gpu'
            about = {"kind": "ReplicaSet", "name": "llama-predictor-7", "namespace": NAMESPACE}
            server.post(
                f"{SPACE}/events",
                {
                    "metadata": {"name": "e1"},
                    "involvedObject": about,
                    "type": "Warning",
                    "reason": "FailedCreate",
                    "message": refused,
                    "lastTimestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                },
            )
        return len(set(lines(events))) >= 2

    record = await watched(asked, tmp_path, events, there)
    assert {one.model: one.cause for one in record.seen} == {"granite": "IMAGE_PULL_DENIED", "llama": "QUOTA"}
    assert "granite: waiting for the image: unauthorized: no" in lines(events)
    assert not [event for event in events if isinstance(event, Warned)]


@pytest.mark.parametrize("rights", [(), NEEDS[:1]])
async def test_what_a_user_may_not_read_is_said_once(
    rights: tuple[dict[str, list[str]], ...], server: ApiServer, tmp_path: Path
) -> None:
    user = server.account()
    events: list[QaEvent] = []
    if rights:
        server.grant(user, *rights)
        crashed = pod(f"llama-{len(rights)}", server=waiting("CrashLoopBackOff", "b"), restarts=1)
        place(server, crashed)

    def told() -> list[QaEvent]:
        return [event for event in events if isinstance(event, Warned)]

    await watched(request(server, user, tmp_path), tmp_path, events, told)
    (said,) = told()
    assert isinstance(said, Warned)
    what = "read the logs of the suite's pods" if rights else "see the pods of the suite"
    assert said.text.startswith(f"can't {what} while it runs: ")
    assert user.name in said.text
    assert f"oc auth can-i {'get pods/log' if rights else 'list pods'} -n " in said.text
