"""What a cluster is asked about an object, and how its answers are told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kserve_objects import BASES, edited

from modelcar_tui.core.errors import Problem
from modelcar_tui.demo.kube import StubCluster, start_stub_cluster
from modelcar_tui.demo.kube_objects import RUNTIMES, SERVICES
from modelcar_tui.demo.kube_rights import Fault, Right, User
from modelcar_tui.demo.kube_scenarios import Scenario
from modelcar_tui.demo.kube_store import Kind
from modelcar_tui.kserve import dry_run
from modelcar_tui.kube import ClusterError, ClusterOptions, connect, find_credentials
from support.roles import of, used

THERE = edited(BASES["InferenceService"], {"metadata.name": "there", "metadata.namespace": "team-a"})
LLM = Kind("serving.kserve.io", "v1alpha1", "llminferenceservices", "LLMInferenceService")
NEW = edited(BASES["InferenceService"], {"metadata.namespace": "team-a"})
PATH = "/apis/serving.kserve.io/v1beta1/namespaces/team-a/inferenceservices"


@pytest.fixture
def stub(tmp_path: Path) -> Iterator[StubCluster]:
    with start_stub_cluster(Scenario(objects={SERVICES: [THERE]}), folder=tmp_path, tls=False) as cluster:
        yield cluster


async def asked(stub: StubCluster, value: Any, **more: Any) -> tuple[Problem, ...]:
    options = ClusterOptions(kubeconfig=str(stub.kubeconfig_path), read_timeout_s=5, request_timeout_s=10)
    async with connect(find_credentials(options), options) as client:
        return await dry_run(client, value, **more)


def writes(stub: StubCluster) -> list[str]:
    return [one for one in stub.requests if not one.startswith("GET ")]


def refusal(code: int, message: str, causes: Any = None) -> str:
    """A Status as kube-apiserver writes it."""
    details = {"details": {"causes": causes}} if causes is not None else {}
    return json.dumps({"kind": "Status", "status": "Failure", "message": message, "code": code, **details})


async def test_a_new_object_is_tried_and_nothing_is_stored(stub: StubCluster) -> None:
    assert await asked(stub, NEW) == ()
    assert writes(stub) == [f"POST {PATH}?fieldValidation=Strict&dryRun=All"]
    assert stub.store.get(SERVICES, "granite-8b", "team-a") is None


async def test_one_that_is_there_is_tried_as_a_change(stub: StubCluster) -> None:
    assert await asked(stub, THERE) == ()
    assert writes(stub)[-1] == f"PATCH {PATH}/there?fieldValidation=Strict&dryRun=All"


async def test_the_namespace_is_the_callers_where_the_object_names_none(stub: StubCluster) -> None:
    assert await asked(stub, BASES["InferenceService"], namespace="team-b") == ()
    assert "/namespaces/team-b/" in writes(stub)[-1]


async def test_refusals_are_told_field_by_field(stub: StubCluster) -> None:
    causes = [
        {
            "reason": "FieldValueInvalid",
            "message": "Invalid value: must be of type string",
            "field": "spec.a",
        },
        {"reason": "FieldValueRequired", "message": "Required value", "field": "spec.b"},
    ]
    stub.server.faults.append(Fault("dryRun", "status", status=422, body=refusal(422, "is invalid", causes)))
    found = await asked(stub, NEW)
    assert [(one.where, one.code) for one in found] == [
        ("spec.a", "server-refused"),
        ("spec.b", "server-refused"),
    ]
    assert "must be of type string" in found[0].what


async def test_unknown_fields_are_told_and_then_what_else_is_wrong(stub: StubCluster) -> None:
    strict = 'strict decoding error: unknown field "spec.predictor.foo", duplicate field "spec.x"'
    stub.server.faults += [
        Fault("Strict", "status", status=400, body=refusal(400, strict)),
        Fault(
            "Ignore",
            "status",
            status=422,
            body=refusal(422, "is invalid", [{"message": "no", "field": "spec"}]),
        ),
    ]
    found = await asked(stub, NEW)
    assert [(one.code, one.where) for one in found] == [
        ("field-unknown", "spec.predictor.foo"),
        ("value-twice", "spec.x"),
        ("server-refused", "spec"),
    ]


async def test_a_webhook_says_no_in_its_own_words(stub: StubCluster) -> None:
    words = (
        'admission webhook "inferenceservice.kserve-webhook-server.validator" denied the request: bad name'
    )
    stub.server.faults.append(Fault("dryRun", "status", status=403, body=refusal(403, words)))
    (only,) = await asked(stub, NEW)
    assert (only.code, only.where) == ("server-refused", "")
    assert "denied the request: bad name" in only.what


async def test_the_servers_words_are_hostile(stub: StubCluster) -> None:
    secret = "sha256~abcdefghijklmnopqrstuvwxyz0123456789ABCDEF"
    words = f"\x1b[31mred\n\u202e {secret}"
    causes: list[Any] = [{"message": words, "field": words}, "odd", {"message": ["x"], "field": {}}]
    for body in (refusal(422, words, causes), refusal(422, words), refusal(422, words, {"a": 1}), words):
        stub.server.faults[:] = [Fault("dryRun", "status", status=422, body=body)]
        found = await asked(stub, NEW)
        assert found
        for one in found:
            assert str(one).isprintable()
            assert secret not in str(one)


async def test_a_kind_that_the_cluster_does_not_serve(stub: StubCluster) -> None:
    for value in (
        BASES["LLMInferenceService"],
        {**NEW, "kind": "InferenceServices"},
        {**NEW, "apiVersion": "no/v1"},
    ):
        (only,) = await asked(stub, value)
        assert only.code == "kind-unserved"
    assert writes(stub) == []


@pytest.mark.parametrize(
    ("edit", "where"),
    [
        ({"apiVersion": "../../secrets"}, "apiVersion"),
        ({"kind": 3}, "kind"),
        ({"metadata": []}, "metadata"),
        ({"metadata": {}}, "metadata.name"),
        ({"metadata": {"name": "a", "namespace": 3}}, "metadata.namespace"),
    ],
)
async def test_what_can_not_be_sent_is_not_asked(stub: StubCluster, edit: dict[str, Any], where: str) -> None:
    (only,) = await asked(stub, {**NEW, **edit})
    assert only.where == where
    assert stub.requests == []


async def test_names_stay_in_their_place_of_the_path(stub: StubCluster) -> None:
    value = edited(NEW, {"metadata.namespace": "../../../api/v1/secrets?a=b"})
    stub.server.faults.append(Fault("dryRun", "status", status=404, body=refusal(404, "no such namespace")))
    (only,) = await asked(stub, value)
    assert only.code == "server-refused"
    assert all("/namespaces/..%2F..%2F..%2Fapi%2Fv1%2Fsecrets%3Fa%3Db/" in one for one in writes(stub))


async def test_without_rights_nothing_is_said_of_the_object(stub: StubCluster) -> None:
    rights = (Right("*", verbs=("get", "list")),)
    stub.server.users[stub.token] = User("alice", ("system:authenticated",), rights)
    with pytest.raises(ClusterError) as caught:
        await asked(stub, NEW)
    assert caught.value.forbidden
    assert "cannot create resource" in str(caught.value)


async def test_a_server_that_fails_says_nothing_of_the_object(stub: StubCluster) -> None:
    stub.server.faults.append(Fault("dryRun", "status", status=501, body="not implemented"))
    with pytest.raises(ClusterError):
        await asked(stub, NEW)


async def test_the_role_is_enough_and_each_of_its_rights_is_asked_for(tmp_path: Path) -> None:
    kinds = {kind.kind: kind for kind in (SERVICES, RUNTIMES, LLM)}
    there = {"metadata.name": "there", "metadata.namespace": "team-a"}
    values = {kind: edited(BASES[name], there) for name, kind in kinds.items()}
    found = Scenario(objects={kind: [value] for kind, value in values.items()})
    with start_stub_cluster(found, folder=tmp_path, tls=False) as stub:
        few = tuple(Right(resource, "team-a", (verb,)) for resource, verb in of("dry-run"))
        stub.server.users[stub.token] = User("reader", rights=few)
        for value in values.values():
            assert await asked(stub, value) == ()
        assert used(writes(stub)) == of("dry-run")
