"""docs/rbac.yaml on a real server with RBAC: all of it is enough, and each right costs exactly its facts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from cluster_support import options
from server import ApiServer
from shapes import DEFINITIONS

from conftest import programs
from modelcar_tui.cluster.look import read_cluster
from modelcar_tui.cluster.types import AcceleratorReport
from modelcar_tui.demo.kube_objects import CLAIMS, NAMESPACES, SLICES, USERS
from modelcar_tui.demo.kube_scenarios import Scenario
from modelcar_tui.demo.kube_store import Kind
from support.rbac import CLASSES, PATIENT, changed, everything, facts, held, looks, needs_older, older
from support.roles import MANIFEST, MODELS, Granted, granted

_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_DRA = (SLICES, CLAIMS, CLASSES)
"""This server is older than their API; they are kinds of their own here, without a schema."""
_HERE = {"newer": everything, "older": older}
Seen = tuple[AcceleratorReport, str]


def loose(kind: Kind) -> dict[str, Any]:
    """A definition that takes any object."""
    name = f"{kind.plural}.{kind.group}"
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": kind.version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"plural": kind.plural, "singular": kind.kind.lower(), "kind": kind.kind}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": name,
            "annotations": {"api-approved.kubernetes.io": "unapproved, a test"},
        },
        "spec": {
            "group": kind.group,
            "scope": "Namespaced" if kind.namespaced else "Cluster",
            "versions": [version],
            "names": {**names, "listKind": f"{kind.kind}List"},
        },
    }


def load(server: ApiServer, scenario: Scenario) -> None:
    """All of it; kinds that the tests have no schema for take any object."""
    scenario.objects.pop(USERS, None)
    definitions = dict(DEFINITIONS)
    for kind in scenario.objects:
        name = f"{kind.plural}.{kind.group}"
        if "." in kind.group and name not in definitions:
            definitions[name] = loose(kind)
    dra = {kind: scenario.objects.pop(kind) for kind in _DRA}
    there = {one["metadata"]["name"] for one in scenario.objects[NAMESPACES]}
    for kind, values in scenario.objects.items():
        spaces = {one["metadata"].get("namespace", "") for one in values if kind.namespaced}
        for space in sorted(spaces - there - {""}):
            there.add(space)
            scenario.objects[NAMESPACES].append({"metadata": {"name": space}})
    server.load(scenario, definitions)
    server.define(dra, definitions)
    for kind, values in dra.items():
        for one in values:
            server.make(kind, one)


def apply(server: ApiServer) -> None:
    """The manifest as it stands."""
    for role in yaml.safe_load_all(MANIFEST.read_text()):
        made = server.post(f"{_RBAC}/clusterroles", role)
        assert made["rules"] == role["rules"]


def bind(server: ApiServer, user: str, role: str, where: str) -> None:
    """The role for a user, in a namespace or everywhere."""
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role}
    kind = "rolebindings" if where else "clusterrolebindings"
    path = f"{_RBAC}/namespaces/{where}/{kind}" if where else f"{_RBAC}/{kind}"
    server.post(path, {"metadata": {"name": f"{user}-{role}"}, "subjects": [subject], "roleRef": ref})


def reader(server: ApiServer, lacking: Granted | None = None) -> tuple[str, Any]:
    """Somebody to whom all roles to look are bound, but for one right of one."""
    account = server.account()
    for role, bound in sorted({(one.role, one.namespace) for one in looks()}):
        name = role
        if lacking is not None and lacking.role == role:
            name = f"{role}-for-{account.name}"
            rules = [one.rule for one in looks() if one.role == role and one != lacking]
            server.post(f"{_RBAC}/clusterroles", {"metadata": {"name": name}, "rules": rules})
        bind(server, account.name, name, bound)
    server.grant(account, {"apiGroups": ["modelcar-tui"], "resources": ["last"], "verbs": ["get"]})
    return account.name, server.kubeconfig(account, namespace=MODELS)


async def look(server: ApiServer, lacking: Granted | None = None) -> Seen:
    name, path = reader(server, lacking)
    return await read_cluster(options(path, **PATIENT)), name


@pytest.fixture(scope="module", params=_HERE)
def which(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def cluster(which: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    running = ApiServer(programs(), tmp_path_factory.mktemp(which))
    try:
        running.start()
        load(running, _HERE[which]())
        apply(running)
        yield running
    finally:
        running.stop()


async def test_all_rights_bring_what_an_administrator_sees(cluster: ApiServer) -> None:
    path = cluster.kubeconfig(namespace=MODELS)
    report = await read_cluster(options(path, **PATIENT))
    seen, name = await look(cluster)
    assert changed(facts(report, "admin"), facts(seen, name)) == {"checks.rights"}
    assert seen.access.missing == ()
    assert seen.gpu_available is True
    assert seen.runtime is not None


async def test_each_right_that_is_missing_costs_its_facts_and_is_told(cluster: ApiServer, which: str) -> None:
    full, name = await look(cluster)
    wrong, tried = {}, 0
    for one in looks():
        if needs_older(one) is (which == "older"):
            less, who = await look(cluster, one)
            tried += 1
            if told := held(one, full, less, name, who):
                wrong[one.id] = told
    assert wrong == {}
    assert tried == sum(needs_older(one) is (which == "older") for one in looks())


def test_every_role_is_one_that_the_server_takes(cluster: ApiServer) -> None:
    there = {one["metadata"]["name"] for one in cluster.get(f"{_RBAC}/clusterroles")["items"]}
    assert {one.role for one in granted()} <= there
