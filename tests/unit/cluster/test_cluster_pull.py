"""Pull secrets: which registries they cover, and that nothing else of them is kept."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cluster_support import look_at
from hypothesis import given, settings
from hypothesis import strategies as st

from modelcar_tui.cluster.pull import check_pull, covers, registries
from modelcar_tui.cluster.report import document
from modelcar_tui.cluster.types import AcceleratorReport, PullSecrets, State
from modelcar_tui.demo.kube import start_stub_cluster
from modelcar_tui.demo.kube_objects import SECRETS, SERVICE_ACCOUNTS
from modelcar_tui.demo.kube_rights import Right, User
from modelcar_tui.demo.kube_scenarios import Scenario, openshift_ai

LOGIN = base64.b64encode(b"robot:hunter2-of-the-registry").decode()


def encoded(value: Any) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


def secret(name: str, *keys: str, namespace: str = "default") -> dict[str, Any]:
    data = {".dockerconfigjson": encoded({"auths": {key: {"auth": LOGIN} for key in keys}})}
    return {"metadata": {"name": name, "namespace": namespace}, "data": data}


def account(*names: str) -> dict[str, Any]:
    return {
        "metadata": {"name": "default", "namespace": "default"},
        "imagePullSecrets": [{"name": name} for name in names],
    }


async def report_on(
    folder: Path, accounts: list[Any], secrets: list[Any], user: User | None = None
) -> AcceleratorReport:
    scenario: Scenario = openshift_ai()
    scenario.objects[SERVICE_ACCOUNTS] = accounts
    scenario.objects[SECRETS] = secrets
    if user is not None:
        scenario.user = user
    with start_stub_cluster(scenario, folder=folder, tls=False) as cluster:
        return (await look_at(cluster))[0]


async def test_the_accounts_and_the_clusters_secrets_together(tmp_path: Path) -> None:
    secrets = [
        secret("models", "https://registry.redhat.io", "quay.io/team/"),
        secret("unused", "elsewhere.example"),
        secret("pull-secret", "registry.ci.openshift.org", namespace="openshift-config"),
    ]
    report = await report_on(tmp_path, [account("models", "gone")], secrets)
    assert report.pull == PullSecrets(
        namespace="default",
        registries=("registry.redhat.io", "quay.io/team", "registry.ci.openshift.org"),
        missing=("gone",),
    )


async def test_no_login_leaves_the_secret(tmp_path: Path) -> None:
    report = await report_on(tmp_path, [account("models")], [secret("models", "quay.io")])
    for text in (repr(report), msgspec.json.encode(report).decode(), json.dumps(document(report))):
        assert LOGIN not in text
        assert "hunter2" not in text


async def test_who_may_not_read_secrets_is_told_so(tmp_path: Path) -> None:
    user = User("alice", rights=(Right("nodes"), Right("pods"), Right("serviceaccounts")))
    report = await report_on(tmp_path, [account("models")], [secret("models", "quay.io")], user)
    assert report.pull is not None
    assert report.pull.registries == ()
    assert any("the pull secret models can't be read" in one for one in report.pull.unknown)
    (check,) = check_pull([("quay.io", "team/a")], report.pull)
    assert check.state is State.UNKNOWN


def test_a_check_a_registry() -> None:
    pull = PullSecrets(namespace="ai", registries=("quay.io/team", "registry.redhat.io"), missing=("gone",))
    images = [
        ("registry.redhat.io", "rhelai1/a"),
        ("registry.redhat.io", "rhelai1/b"),
        ("quay.io", "team/c"),
        ("quay.io", "others/d"),
        ("ghcr.io", "e/f"),
        ("127.0.0.1:5000", "g"),
    ]
    found = {check.what: check.state for check in check_pull(images, pull)}
    assert list(found.values()) == [State.WARNING, State.OK, State.WARNING, State.WARNING]
    assert "names the pull secret gone, which is not there" in next(iter(found))
    assert "pods in ai can log in to registry.redhat.io (2 images)" in found
    assert "no pull secret in ai covers quay.io (1 of 2 images): only a public image can be pulled" in found
    assert "no pull secret in ai covers ghcr.io (1 image): only a public image can be pulled" in found


def test_nothing_is_said_where_no_cluster_was_asked() -> None:
    assert check_pull([("quay.io", "a/b")], None) == ()


@pytest.mark.parametrize(
    ("registry", "host", "repository", "yes"),
    [
        ("quay.io", "quay.io", "a/b", True),
        ("quay.io", "quay.io:443", "a/b", False),
        ("localreg:5000", "localreg:5000", "a", True),
        ("quay.io/team", "quay.io", "team/b", True),
        ("quay.io/team", "quay.io", "other/b", False),
        ("*.example.com", "reg.example.com", "a", True),
        ("*.example.com", "a.b.example.com", "a", False),
        ("*.example.com", "example.com", "a", False),
        ("reg*.example.com", "reg7.example.com", "a", True),
        ("index.docker.io", "docker.io", "library/a", True),
        ("evil.io", "quay.io", "a", False),
    ],
)
def test_a_login_is_used_as_the_kubelet_would(registry: str, host: str, repository: str, yes: bool) -> None:
    assert covers(registry, host, repository) is yes


def test_both_forms_of_secret() -> None:
    assert registries({".dockercfg": encoded({"image-registry.svc:5000": {"auth": "x"}})}) == [
        "image-registry.svc:5000"
    ]
    old = {".dockerconfigjson": encoded({"auths": {"https://index.docker.io/v1/": {}}})}
    assert registries(old) == ["index.docker.io"]


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from([".dockerconfigjson", ".dockercfg", "other"]), st.text(max_size=20)))
def test_any_secret_is_read_or_left(data: dict[str, str]) -> None:
    assert isinstance(registries(data), list)
