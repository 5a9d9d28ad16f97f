"""What pods, events and logs make of a model that does not start: pure functions of the API's objects."""

from __future__ import annotations

from typing import Any

import pytest

from modelcar_tui.qa.watch_causes import _GENERAL, cause_of, mends_itself, words
from modelcar_tui.qa.watch_log import telling
from modelcar_tui.qa.watch_models import Car, model_behind, service_name
from modelcar_tui.qa.watch_pods import LABEL, SERVER, Sighting, Trouble
from modelcar_tui.qa.watch_view import View, views
from support.suite_pods import event, pod, terminated, waiting

CARS = (Car("Granite_3.1", "oci://registry.test/granite:1"), Car("llama", "oci://registry.test/llama:1"))
AUTH = (
    "rpc error: code = Unknown desc = initializing source docker://registry.test/granite:1: "
    "unable to retrieve auth token: invalid username/password: unauthorized: Please login"
)


def seen(*pods: dict[str, Any], events: tuple[dict[str, Any], ...] = (), ends: str = "") -> list[View]:
    return views(pods, events, CARS, {pods[0]["metadata"]["uid"]: ends} if ends else {}, {})


def told(view: View) -> tuple[str, str, str]:
    assert view.sighting is not None
    return view.model, cause_of(view.sighting)[1].code, words(view.sighting)


def test_a_refused_pull_of_the_model_car_is_told_without_the_kubelets_wrapping() -> None:
    (view,) = seen(pod("granite-3-1", init=waiting("ErrImagePull", AUTH)))
    text = "waiting for the image: unable to retrieve auth token: invalid username/password: unauthorized: "
    assert told(view) == ("Granite_3.1", "IMAGE_PULL_DENIED", f"{text}Please login")


def test_a_bare_back_off_is_explained_by_its_event() -> None:
    stuck = pod("granite-3-1", init=waiting("ImagePullBackOff", 'Back-off pulling image "r/granite:1"'))
    (bare,) = seen(stuck)
    assert told(bare)[1:] == ("IMAGE_PULL", 'waiting for the image: Back-off pulling image "r/granite:1"')
    failed = event("Failed", f'Failed to pull image "r/granite:1": {AUTH}', stuck)
    (view,) = seen(stuck, events=(failed,))
    assert told(view)[1] == "IMAGE_PULL_DENIED"


def test_an_event_that_outlived_its_pods_trouble_says_nothing() -> None:
    starting = pod("granite-3-1", server={"running": {}})
    old = (
        event("Failed", f'Failed to pull image "r/granite:1": {AUTH}', starting),
        event("FailedMount", "MountVolume.SetUp failed", starting),
        event("FailedScheduling", "0/3 nodes are available", starting),
    )
    assert [view.sighting for view in seen(starting, events=old)] == [None]


def test_a_registry_that_answers_401_is_no_expired_login_to_the_cluster() -> None:
    sighting = Sighting(Trouble.IMAGE, "ErrImagePull: unexpected status code 401 Unauthorized")
    assert cause_of(sighting)[1].code == "IMAGE_PULL_DENIED"


@pytest.mark.parametrize(
    ("found", "code", "text"),
    [
        (pod("llama", server=terminated("OOMKilled", 137)), "HOST_OOM", "killed: it used more memory"),
        (
            pod(
                "llama",
                server=waiting("CrashLoopBackOff", "back-off"),
                last=terminated("OOMKilled", 137),
                restarts=2,
            ),
            "HOST_OOM",
            "killed: it used more memory than its limit (OOMKilled)",
        ),
        (
            pod("llama", server=waiting("CreateContainerError", "no such file")),
            "CREATE_ERROR",
            "its container can't be made: CreateContainerError: no such file",
        ),
        (
            pod("llama", pending="0/3 nodes are available: 3 Insufficient nvidia.com/gpu."),
            "UNSCHEDULABLE",
            "no node takes its pod: 0/3 nodes are available",
        ),
        (
            pod("llama", evicted="no room left", reason="OutOfpods"),
            "UNSCHEDULABLE_RESOURCES",
            "no node takes its pod: OutOfpods: no room left",
        ),
        (pod("llama", evicted="The node was low on memory."), "EVICTED", "evicted from its node: The node"),
        (
            pod("llama", server=waiting("ErrImagePull", "manifest unknown")),
            "IMAGE_NOT_FOUND",
            "waiting for the image of its runtime: manifest unknown",
        ),
    ],
)
def test_each_trouble_of_a_pod_has_its_cause_and_words(found: dict[str, Any], code: str, text: str) -> None:
    (view,) = seen(found)
    model, cause, said = told(view)
    assert (model, said[: len(text)]) == ("llama", text)
    assert cause == code


def test_a_trouble_that_no_line_explains_gets_the_general_failure_of_its_code() -> None:
    refused = Sighting(Trouble.NODE, "UnknownReason: so it is")
    rank, cause = cause_of(refused)
    assert (cause.code, cause.means) == ("UNSCHEDULABLE", "no node could take the pod")
    assert rank > cause_of(Sighting(Trouble.NODE, "Unschedulable: Insufficient nvidia.com/gpu"))[0]
    assert {cause_of(Sighting(trouble, "so it is"))[1].code for trouble in Trouble} == set(_GENERAL.values())


def test_a_pod_that_is_not_made_is_told_by_its_replica_sets_event() -> None:
    message = 'Error creating: pods "llama-predictor-5c-" is forbidden: exceeded quota: gpu, requested: x=1'
    refused = event("FailedCreate", message, None, kind="ReplicaSet", name="llama-predictor-5c")
    (view,) = views((), (refused,), CARS, {}, {})
    text = 'the cluster makes no pod for it: pods "llama-predictor-5c-" is forbidden: exceeded quota: gpu'
    assert told(view)[:2] == ("llama", "QUOTA")
    assert told(view)[2].startswith(text)


def test_a_refusal_from_before_the_pod_was_made_is_over_when_the_pod_has_gone() -> None:
    refused = event("FailedCreate", "exceeded quota: gpu", None, kind="ReplicaSet", name="llama-predictor-5c")
    born: dict[str, str] = {}
    made = pod("llama", server={"running": {}})
    made["metadata"]["creationTimestamp"] = "9999-01-01T00:00:00Z"
    assert [view.sighting for view in views((made,), (refused,), CARS, {}, born)] == [None]
    assert views((), (refused,), CARS, {}, born) == []
    later = {**refused, "lastTimestamp": "9999-01-01T00:00:09Z"}
    assert [view.model for view in views((), (later,), CARS, {}, born)] == ["llama"]


def test_a_crash_is_told_by_the_line_of_its_log() -> None:
    crashed = pod(
        "llama", server=waiting("CrashLoopBackOff", "back-off"), last=terminated("Error", 1), restarts=1
    )
    line = "api_server.py: error: unrecognized arguments: --foo"
    (view,) = seen(crashed, ends=line)
    assert told(view)[1:] == ("VLLM_ARGUMENT", f"its server ends at the start: {line}")
    (bare,) = seen(crashed)
    assert told(bare)[1:] == ("CRASH_LOOP", "its server ends at the start: exit 1")


def test_a_model_that_serves_or_is_on_its_way_is_in_no_trouble() -> None:
    gone = pod("llama", server=terminated("Error", 1), deleted=True)
    ready, starting = pod("llama", ready=True), pod("granite-3-1", init=waiting("PodInitializing"))
    assert [view.sighting for view in seen(gone, ready, starting)] == [None, None]


@pytest.mark.parametrize(("finished", "counts"), [("10:00:00", True), ("10:00:31", False)])
def test_of_a_pod_that_is_deleted_only_an_end_before_that_counts(finished: str, counts: bool) -> None:
    end = terminated("Error", 1)
    end["terminated"]["finishedAt"] = f"2026-08-21T{finished}Z"
    gone = pod("llama", server=end)
    gone["metadata"] |= {"deletionTimestamp": "2026-08-21T10:01:00Z", "deletionGracePeriodSeconds": 30}
    assert [view.sighting is not None for view in seen(gone)] == [True] * counts


def test_objects_of_any_shape_cost_nothing() -> None:
    odd: list[dict[str, Any]] = [
        {"metadata": {}},
        {"metadata": {"labels": {LABEL: "x"}}, "status": {"containerStatuses": "none", "conditions": [1]}},
        {"metadata": {"labels": {LABEL: "y"}}, "status": {"containerStatuses": [{"state": {"waiting": 1}}]}},
        {"metadata": {"labels": [LABEL]}, "status": None},
    ]
    assert {view.model for view in seen(*odd)} == {"x", "y"}
    assert views((), ({}, {"involvedObject": 3}), CARS, {}, {}) == []


def test_two_models_of_one_object_are_told_apart_by_the_image_or_named_both() -> None:
    twins = (Car("granite-3.1-8b-instruct", "oci://r/a:1"), Car("granite-3.1-8b-instruct-fp8", "oci://r/b:1"))
    name = service_name(twins[0].name)
    assert name == service_name(twins[1].name) == "granite-3-1-8b-instr"
    assert model_behind(name, {"r/b:1", "runtime"}, twins) == "granite-3.1-8b-instruct-fp8"
    assert model_behind(name, (), twins) == "granite-3.1-8b-instruct or granite-3.1-8b-instruct-fp8"
    assert model_behind("else", (), twins) == "else"


@pytest.mark.parametrize(
    ("sighting", "age_s", "mends"),
    [
        (Sighting(Trouble.IMAGE, "ErrImagePull: unauthorized"), 0, False),
        (Sighting(Trouble.IMAGE, "ErrImagePull: toomanyrequests: rate exceeded"), 9_000, True),
        (Sighting(Trouble.IMAGE, "InvalidImageName: x"), 0, False),
        (Sighting(Trouble.NODE, "Unschedulable: 0/3 nodes are available"), 9_000, True),
        (Sighting(Trouble.OOM, "OOMKilled", SERVER, 0), 0, True),
        (Sighting(Trouble.OOM, "OOMKilled", SERVER, 1), 0, False),
        (Sighting(Trouble.CRASH, "CUDA out of memory", SERVER, 1), 0, False),
        (Sighting(Trouble.CRASH, "exit 1", SERVER, 2), 0, True),
        (Sighting(Trouble.CRASH, "exit 1", SERVER, 3), 0, False),
        (Sighting(Trouble.REFUSED, "exceeded quota: gpu"), 10, True),
        (Sighting(Trouble.REFUSED, "exceeded quota: gpu"), 90, False),
    ],
)
def test_what_waiting_can_not_mend_is_known(sighting: Sighting, age_s: float, mends: bool) -> None:
    assert mends_itself(sighting, cause_of(sighting)[1].code, age_s) is mends


def test_the_telling_line_of_a_log_is_the_known_one_else_the_last_error_else_the_last() -> None:
    first = "(EngineCore pid=9) ERROR 01-02 03:04:05 [core.py:7] torch.OutOfMemoryError: CUDA out of memory."
    later = "RuntimeError: Engine core initialization failed. See root cause above."
    assert telling([first, later, "bye"]) == "torch.OutOfMemoryError: CUDA out of memory."
    assert (
        telling(["KeyError: 'a'", "(APIServer pid=1) foo.bar.OddError: no", "bye"]) == "foo.bar.OddError: no"
    )
    assert telling(["vllm serve: error: argument --x: bad", ""]).startswith("vllm serve: error:") is True
    assert telling(["INFO 01-02 03:04:05 [a.py:1] bye", " "]) == "bye"
    assert telling([]) == ""


def test_a_hubs_401_in_a_servers_log_is_no_expired_login_to_the_cluster() -> None:
    line = "huggingface_hub.errors.GatedRepoError: 401 Client Error: Unauthorized for url: https://hub.test/x"
    assert telling([line, "bye"]) == line
    assert cause_of(Sighting(Trouble.CRASH, line))[1].code != "TOKEN_EXPIRED"
