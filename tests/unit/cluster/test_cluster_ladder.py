"""What proves that we are logged in: each state of a server, with the right rung, written by hand.

A real API server tells its version to everybody, names us in a review (1.28) or as OpenShift's user, reviews
our rights (always), and names whom it refuses.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cluster_support import kubeconfig, options

from modelcar_tui.cluster import access as ladder
from modelcar_tui.cluster.access import ACCESS_REVIEWS, REVIEWS
from modelcar_tui.demo.kube import start_stub_cluster
from modelcar_tui.demo.kube_rights import Fault
from modelcar_tui.kube.connection import connect
from modelcar_tui.kube.kubeconfig import find_credentials
from modelcar_tui.kube.types import Rung
from support.api_answers import Told, api_answers
from support.ladder import probe

VERSION = (200, {"major": "1", "minor": "34", "gitVersion": "v1.34.2"})
WHO = (201, {"kind": "SelfSubjectReview", "status": {"userInfo": {"username": "ada", "groups": ["ops"]}}})
NOBODY_KNOWN = (201, {"kind": "SelfSubjectReview", "status": {"userInfo": {"username": "system:anonymous"}}})
OPENSHIFT = (200, {"kind": "User", "metadata": {"name": "ada"}, "groups": ["ops"]})
MAY = (201, {"kind": "SelfSubjectAccessReview", "status": {"allowed": True}})
MAY_NOT = (201, {"kind": "SelfSubjectAccessReview", "status": {"allowed": False}})
NODES = (200, {"kind": "NodeList", "apiVersion": "v1", "items": []})
EMPTY: Told = (200, {})
NONE: Told = (404, "404 page not found")
UNAUTHORIZED = (401, {"kind": "Status", "message": "Unauthorized", "reason": "Unauthorized", "code": 401})
GATEWAY: Told = (403, "<h1>403 Forbidden</h1>")
TELEPORT = (403, {"kind": "Status", "message": "[00] access denied", "code": 403})


def refused(user: str, what: str = 'create resource "x"') -> Told:
    return 403, {
        "kind": "Status",
        "reason": "Forbidden",
        "message": f'x is forbidden: User "{user}" cannot {what}',
    }


class State(NamedTuple):
    """What a server answers to each of our five questions, and what is right then."""

    rung: Rung
    user: str = ""
    version: Told = VERSION
    review: Told = NONE
    openshift: Told = NONE
    rights: Told = NONE
    nodes: Told = NONE
    says: str = ""


OK, NO, FAR = Rung.OK, Rung.UNAUTHENTICATED, Rung.UNREACHABLE
STATES = {
    "a server of today": State(OK, "ada", review=WHO, rights=MAY),
    "OpenShift 4.12": State(OK, "ada", openshift=OPENSHIFT, rights=MAY),
    "an old server without users": State(OK, "", rights=MAY),
    "rights that the server fails to tell": State(OK, "ada", review=WHO, rights=(500, "oops"), nodes=NODES),
    "somebody without any right": State(OK, "ada", review=WHO, rights=MAY_NOT),
    "somebody refused everything but rights": State(
        OK, "ada", refused("ada"), refused("ada"), refused("ada"), MAY_NOT, refused("ada")
    ),
    "somebody refused everything": State(
        OK, "ada", refused("ada"), refused("ada"), refused("ada"), refused("ada"), refused("ada")
    ),
    "refused on an old server": State(OK, "ada", openshift=refused("ada", 'get resource "users"')),
    "reviews that are not built in": State(OK, "ada", VERSION, (501, ""), OPENSHIFT, (501, "")),
    "reviews that a gateway does not let through": State(OK, "ada", VERSION, (405, ""), OPENSHIFT, (405, "")),
    "a gateway that lets only reading through": State(OK, "", nodes=NODES),
    "a gateway that names whom it refuses to read": State(
        OK, "ada", nodes=refused("ada", 'list resource "nodes"')
    ),
    "an open server": State(OK, "system:anonymous", review=NOBODY_KNOWN, rights=MAY),
    "404 to everything": State(FAR, version=NONE, says="404 to whatever we ask"),
    "{} to everything": State(
        FAR, "", EMPTY, EMPTY, EMPTY, EMPTY, EMPTY, "nothing that a Kubernetes API would"
    ),
    "[] to everything": State(FAR, "", *[(200, [])] * 5),  # type: ignore[arg-type]
    "a status of success to everything": State(FAR, "", *[(200, {"status": "ok"})] * 5),  # type: ignore[arg-type]
    "a version and nothing else": State(NO, says="nothing that proves that we are logged in"),
    "a version, and {} to everything else": State(
        NO, "", VERSION, EMPTY, EMPTY, EMPTY, EMPTY, "nothing that proves"
    ),
    "a gateway that refuses everything": State(
        Rung.FORBIDDEN, "", GATEWAY, GATEWAY, GATEWAY, GATEWAY, GATEWAY, "no user is named"
    ),
    "a gateway that refuses in Kubernetes' form": State(
        Rung.FORBIDDEN, "", TELEPORT, TELEPORT, TELEPORT, TELEPORT, TELEPORT, "access denied"
    ),
    "401 to everything": State(NO, "", *[UNAUTHORIZED] * 5, says="(401)"),  # type: ignore[arg-type]
    "401 where it is told late": State(NO, rights=UNAUTHORIZED, says="(401)"),
    "401 where it is told last": State(NO, nodes=UNAUTHORIZED, says="(401)"),
    "anonymous": State(NO, review=refused("system:anonymous"), says="the token does not reach it"),
    "anonymous, told late": State(
        NO, openshift=refused("system:anonymous"), says="the token does not reach it"
    ),
    "anonymous, told last": State(NO, nodes=refused("system:anonymous"), says="the token does not reach it"),
    "anonymous, by name": State(NO, review=NOBODY_KNOWN, rights=MAY_NOT, says="the token does not reach it"),
    "500 to everything": State(FAR, "", *[(500, "oops")] * 5, says="500"),  # type: ignore[arg-type]
    "a page to everything": State(FAR, "", *[(200, "<html>log in")] * 5, says="a web page"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("prefix", ["", "/k8s/clusters/c-m-1"], ids=["", "behind a path"])
@pytest.mark.parametrize("name", STATES)
async def test_only_what_is_proved_is_ok(tmp_path: Path, name: str, prefix: str) -> None:
    state = STATES[name]
    answers = {
        f"{prefix}{path}": told
        for path, told in {
            "/version": state.version,
            REVIEWS: state.review,
            "/apis/user.openshift.io/v1/users/~": state.openshift,
            ACCESS_REVIEWS: state.rights,
            "/api/v1/nodes": state.nodes,
        }.items()
    }
    with api_answers(answers, otherwise=NONE) as server:
        access = await probe(options(kubeconfig(tmp_path, server.url + prefix, {"token": "planted"})))
    assert (access.rung, access.healthy) == (state.rung, state.rung is OK), access
    assert access.user == (state.user if state.rung is OK else "")
    if state.rung is not OK:
        assert access.problem is not None and access.problem.fix
        assert state.says in access.problem.what


async def test_without_credentials_a_proxy_of_kubectl_is_believed(tmp_path: Path) -> None:
    """It has credentials of its own; its kubeconfig often has no scheme."""
    with api_answers({"/version": VERSION, REVIEWS: WHO, ACCESS_REVIEWS: MAY}) as server:
        for address in (server.url, server.host):
            access = await probe(options(kubeconfig(tmp_path, address, {})))
            assert (access.rung, access.user, access.server) == (OK, "ada", server.url)


async def test_a_missing_scheme_is_named_where_it_may_matter(tmp_path: Path) -> None:
    told: list[tuple[Any, str]] = [
        ((400, "Client sent an HTTP request to an HTTPS server.\n"), "it speaks HTTPS"),
        (UNAUTHORIZED, "has expired"),
        (NONE, "404"),
    ]
    for answer, says in told:
        with api_answers(otherwise=answer) as server:
            access = await probe(options(kubeconfig(tmp_path, server.host, {"token": "x"})))
        assert says in str(access.problem)
        assert "its address has no scheme" in str(access.problem)
        assert "write https:// before" in str(access.problem)
    access = await probe(options(kubeconfig(tmp_path, "nowhere.invalid:6443", {"token": "x"})))
    assert "nowhere.invalid can't be resolved" in str(access.problem)
    assert "scheme" not in str(access.problem)


@pytest.mark.parametrize("question", ["^/version", "selfsubjectreviews"])
@pytest.mark.parametrize("kind", ["silent", "drip"])
async def test_a_server_that_hangs_is_told_soon_and_a_long_answer_may_still_take_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, question: str
) -> None:
    monkeypatch.setattr(ladder, "_ANSWER_S", 0.4)
    patient = options(tmp_path / "kubeconfig", read_timeout_s=60.0, request_timeout_s=60.0)
    with start_stub_cluster(folder=tmp_path, tls=False) as stub:
        async with connect(find_credentials(patient), patient) as client:
            assert (await ladder.climb(client, find_credentials(patient))).rung is OK
            assert client.transport.limit_s == 60.0
        stub.server.faults.append(Fault(question, kind, seconds=30.0))
        began = time.monotonic()
        access = await probe(patient)
        took = time.monotonic() - began
    assert access.rung is FAR
    assert "does not answer in time" in str(access.problem)
    assert took < 20
