"""docs/rbac.yaml is what is asked for, no more; each right that is missing costs its facts and is told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from cluster_support import options

from modelcar_tui.cluster.look import read_cluster
from modelcar_tui.cluster.rights import LOOKED_AT, MOST_TOLD, READER, Right, asked, right_checks
from modelcar_tui.cluster.types import AcceleratorReport
from modelcar_tui.demo.kube import StubCluster, start_stub_cluster
from modelcar_tui.demo.kube_rights import User, admin
from modelcar_tui.qa.cleanup import _PATHS
from modelcar_tui.trial.rights import _NEEDED
from support.rbac import PATIENT, changed, everything, facts, held, looks, needs_older, older, stub_user
from support.roles import Granted, granted

pytestmark = pytest.mark.odd_objects
_NOBODYS = re.compile(
    r"/apis|/version|/apis/(authentication|authorization|user\.openshift)\..*|/apis/resource.k8s.io"
)
_BUILT = {"newer": everything, "older": older}


Clusters = dict[str, StubCluster]


@pytest.fixture(scope="module")
def clusters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clusters]:
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(
                start_stub_cluster(build(), folder=tmp_path_factory.mktemp(name), tls=False)
            )
            for name, build in _BUILT.items()
        }


async def look(cluster: StubCluster, user: User) -> AcceleratorReport:
    cluster.server.users[cluster.token] = user
    return await read_cluster(options(cluster.kubeconfig_path, **PATIENT))


@pytest.mark.parametrize("which", _BUILT)
async def test_all_rights_bring_what_an_administrator_sees(clusters: Clusters, which: str) -> None:
    cluster = clusters[which]
    all_of_it = facts(await look(cluster, admin("reader")), "reader")
    report = await look(cluster, stub_user())
    assert changed(all_of_it, facts(report, "reader")) == {"checks.rights"}
    assert report.access.missing == ()


@pytest.mark.parametrize("one", looks(), ids=lambda one: one.id)
async def test_a_right_that_is_missing_costs_its_facts_and_is_told(clusters: Clusters, one: Granted) -> None:
    cluster = clusters["older" if needs_older(one) else "newer"]
    full, less = await look(cluster, stub_user()), await look(cluster, stub_user(one))
    assert held(one, full, less, "reader", "reader") == []


async def test_every_request_is_granted_and_every_grant_is_asked_for(clusters: Clusters) -> None:
    paths: set[str] = set()
    for cluster in clusters.values():
        before = len(cluster.requests)
        await look(cluster, stub_user())
        paths |= {line[4:] for line in cluster.requests[before:] if line.startswith("GET ")}
    rights = {right for path in paths if (right := asked("GET", path)) is not None}
    unknown = {path for path in paths if asked("GET", path) is None}
    assert all(_NOBODYS.fullmatch(path.partition("?")[0]) for path in unknown), unknown
    assert [right for right in rights if not any(_covers(one, right) for one in looks())] == []
    assert [one.id for one in looks() if not any(_covers(one, right) for right in rights)] == []


def _covers(one: Granted, right: Right) -> bool:
    space = right.name if right.resource == "namespaces" else right.namespace
    return (
        (one.full, one.verb) == (right.full, right.verb)
        and one.namespace in ("", space)
        and (not one.names or right.name in one.names)
    )


def test_the_code_and_the_manifest_name_the_same_rights() -> None:
    assert {(one.full, one.verb) for one in LOOKED_AT} == {(one.full, one.verb) for one in looks()}


def test_a_try_and_cleaning_up_are_granted_what_they_ask_for() -> None:
    tries = {(one.full, one.verb) for one in granted() if one.role == "modelcar-try"}
    for verb, group, resource, part in _NEEDED:
        full = f"{resource}/{part}" if part else resource
        assert (f"{full}.{group}" if group else full, verb) in tries
    cleaned = {(one.full, one.verb) for one in granted() if one.role == "modelcar-cleanup"}
    found = {right.full for path in _PATHS.values() if (right := asked("GET", path.format("x"))) is not None}
    assert cleaned == {(full, verb) for full in found for verb in ("get", "delete")}


def test_many_missing_rights_are_one_line_with_one_command() -> None:
    refused = [
        ("GET", f"/api/v1/namespaces/x/{kind}") for kind in ("secrets", "configmaps", "events", "pods")
    ]
    refused += [("GET", f"/apis/kueue.x-k8s.io/v1beta1/{kind}") for kind in ("a", "b", "c")]
    assert len(refused) - 1 > MOST_TOLD
    (check,) = right_checks(refused, "o'neil", None)
    assert "\n" not in check.what and "list secrets" in check.what and "pods" not in check.what
    assert check.fix.startswith(f"{READER} 'o'\"'\"'neil';")


def test_kinds_that_the_server_does_not_have_are_no_missing_right() -> None:
    refused = [("GET", "/apis/kueue.x-k8s.io/v1beta1/clusterqueues")]
    assert right_checks(refused, "reader", frozenset({"apps"})) == ()
    assert len(right_checks(refused, "reader", None)) == 1
    assert right_checks([("POST", "/api/v1/namespaces/x/pods"), ("GET", "/version")], "reader", None) == ()
