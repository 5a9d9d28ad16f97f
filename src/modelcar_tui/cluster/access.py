"""The ladder to the cluster, cheap rungs first; each step says what it proved, each failure why."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
import shlex

import msgspec

from modelcar_tui.cluster.rights import NODES, PODS, READER, Right
from modelcar_tui.core.errors import Problem
from modelcar_tui.core.text import clean
from modelcar_tui.kube import (
    LOGIN,
    Access,
    Client,
    ClusterError,
    ClusterOptions,
    Credentials,
    Rung,
    connect,
    find_credentials,
    jwt_expiry,
    may_carry_credentials,
)

REVIEWS = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
ACCESS_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


_ANSWER_S = 7.0
"""The longest that a question of the ladder may take, as each has a short answer: a server that hangs is told
within ten seconds."""
_NO_REVIEWS = (403, 404, 405, 501)
"""Statuses by which a server says that it knows no reviews, or that they are not for us."""
_NO_MATTER_OF_TLS = ("dns", "refused", "no-route", "timeout", "proxy", "proxy-login", "proxy-refuses")
"""Faults before anything was said to the server."""
_ANONYMOUS = "system:anonymous"
_REFUSED = re.compile(r'User "([^"]{1,200})" cannot ')
"""How a server refuses somebody: it has found out who that is."""


class _Version(msgspec.Struct, frozen=True, rename="camel"):
    git_version: str = ""


class _UserInfo(msgspec.Struct, frozen=True):
    username: str = ""
    groups: list[str] | None = None


class _ReviewStatus(msgspec.Struct, frozen=True, rename="camel"):
    user_info: _UserInfo = _UserInfo()
    allowed: bool | None = None
    """None where the answer does not say it, so that it is none."""


class _Review(msgspec.Struct, frozen=True):
    status: _ReviewStatus = _ReviewStatus()


class _Name(msgspec.Struct, frozen=True):
    name: str = ""


class _Nodes(msgspec.Struct, frozen=True):
    kind: str = ""


class _OpenShiftUser(msgspec.Struct, frozen=True):
    metadata: _Name = _Name()
    groups: list[str] | None = None


async def find_access(options: ClusterOptions, limit_s: float) -> Access:
    """The whole ladder and nothing behind it: who we are and what we may do, or why we get no answer."""
    credentials = None
    try:
        credentials = find_credentials(options)
        async with asyncio.timeout(limit_s), connect(credentials, options) as client:
            return await climb(client, credentials)
    except ClusterError as error:
        if credentials is not None:
            return failed(error, credentials)
        return Access(rung=error.rung, context=clean(options.context or ""), problem=error.problem)
    except TimeoutError:
        where = clean(credentials.server) if credentials else ""
        problem = Problem(where=where, what=f"no answer within {limit_s:g} s", code="timeout")
        return Access(rung=Rung.UNREACHABLE, server=where, problem=problem)


async def climb(client: Client, credentials: Credentials) -> Access:
    """The rungs above the kubeconfig.

    Raises:
        ClusterError: the server could not be reached.
    """
    with client.hurried(_ANSWER_S):
        return await _climb(client, credentials)


async def _climb(client: Client, credentials: Credentials) -> Access:
    access = Access(
        rung=Rung.OK,
        server=clean(client.server),
        context=credentials.context,
        via=client.transport.via,
        namespace=clean(credentials.namespace, limit=63),
    )
    access = msgspec.structs.replace(access, version=await _version(client))
    refusals: list[ClusterError] = []
    user: str | None
    try:
        user, groups = await _who(client, refusals)
        may_list = {right: await may(client, right) for right in (NODES, PODS)}
        if not user and not any(told is not None for told in may_list.values()):
            user = await _proved_by_nodes(client, refusals)
    except ClusterError as error:
        return failed(error, credentials, access)
    if user is None or (user == _ANONYMOUS and not may_list[NODES]):
        return failed(_unproved(client, access, user, refusals), credentials, access)
    who = f"{user or 'you'} may not"
    return msgspec.structs.replace(
        access,
        user=user,
        groups=groups,
        missing=tuple(
            Problem(
                where=access.server,
                what=f"{who} {right.verb} {right.resource}: {right.what_for}",
                fix=f"{READER} {shlex.quote(user or 'USER')} ({right.command} tests it)",
                code=f"no-{right.resource}",
            )
            for right, allowed in may_list.items()
            if allowed is False
        ),
    )


async def _version(client: Client) -> str:
    """What the server calls itself; empty where it does not tell us."""
    try:
        version = await client.get("/version", _Version)
    except ClusterError as error:
        if error.status not in (401, 403, 404):
            raise
        return ""
    return clean(version.git_version, limit=60)


async def may(client: Client, right: Right) -> bool | None:
    """Whether we may; None when the server does not tell, for what is asked for next is answered itself."""
    asked = {
        "verb": right.verb,
        "resource": right.resource,
        "group": right.group,
        "namespace": right.namespace,
    }
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {key: value for key, value in asked.items() if value}},
    }
    try:
        return (await client.post(ACCESS_REVIEWS, body, _Review)).status.allowed
    except ClusterError as error:
        if error.status in _NO_REVIEWS or error.status >= 500:
            return None
        raise


def failed(error: ClusterError, credentials: Credentials, access: Access | None = None) -> Access:
    """The access of somebody whom an error stopped, with the real reason where the credentials tell it."""
    problem = error.problem
    if problem.code in ("unauthorized", "anonymous"):
        problem = _why_unauthenticated(credentials, problem)
    if credentials.bare and problem.code not in _NO_MATTER_OF_TLS:
        what = f"{problem.what}; its address has no scheme, so it was asked over plain HTTP, as kubectl does"
        fix = "write https:// before the server's address in the kubeconfig"
        problem = msgspec.structs.replace(problem, what=what, fix=fix)
    access = access or Access(rung=error.rung, server=clean(credentials.server), context=credentials.context)
    return msgspec.structs.replace(access, rung=error.rung, problem=problem)


async def _who(client: Client, refusals: list[ClusterError]) -> tuple[str, tuple[str, ...]]:
    """User and groups, as far as the server names them; what it refuses is put to `refusals`.

    Servers before 1.28 don't know reviews of oneself; OpenShift's `~` is asked then. A refusal names whom it
    refuses, which is better than nobody.
    """
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    try:
        info = (await client.post(REVIEWS, review, _Review)).status.user_info
        if info.username:
            return clean(info.username, limit=200), tuple(clean(one, limit=200) for one in info.groups or ())
    except ClusterError as error:
        if error.status not in _NO_REVIEWS or error.problem.code == "anonymous":
            raise
        refusals.append(error)
    try:
        user = await client.get("/apis/user.openshift.io/v1/users/~", _OpenShiftUser)
        if user.metadata.name:
            groups = tuple(clean(one, limit=200) for one in user.groups or ())
            return clean(user.metadata.name, limit=200), groups
    except ClusterError as error:
        # 403 and 404 do not tell whether the server has users: we are somebody, nobody says who.
        if error.status not in _NO_REVIEWS or error.problem.code == "anonymous":
            raise
        refusals.append(error)
    return _named(refusals), ()


def _named(refusals: list[ClusterError]) -> str:
    """Whom the server names as it refuses; empty where it names nobody."""
    told = (_REFUSED.search(error.problem.what) for error in refusals if error.forbidden)
    return next((found[1] for found in told if found), "")


async def _proved_by_nodes(client: Client, refusals: list[ClusterError]) -> str | None:
    """Where no review and no user is known: whether nodes can be read, or who is it that may not; None where
    nothing that is answered is an API server's."""
    try:
        nodes = await client.get("/api/v1/nodes", _Nodes, {"limit": "1"})
    except ClusterError as error:
        if error.status not in _NO_REVIEWS or error.problem.code == "anonymous":
            raise
        refusals.append(error)
        return _named(refusals) or None
    return "" if nodes.kind == "NodeList" else None


def _unproved(client: Client, access: Access, user: str | None, refusals: list[ClusterError]) -> ClusterError:
    """Why what the server answers does not prove that we are logged in."""
    where = access.server
    if user == _ANONYMOUS:
        what = f"we are {_ANONYMOUS} to it, so no credential of ours counts"
        return ClusterError(
            Rung.UNAUTHENTICATED, Problem(where=where, what=what, fix=LOGIN, code="anonymous")
        )
    statuses = {error.status for error in refusals}
    if 403 in statuses:
        told = next(error.problem.what for error in refusals if error.forbidden)
        what = f"whatever we ask is refused, and no user is named: {told}"
        fix = "log in again, or ask who runs what stands before the API server"
        return ClusterError(Rung.FORBIDDEN, Problem(where=where, what=what, fix=fix, code="gateway"))
    if access.version:
        what = f"it tells its version ({access.version}), and nothing that proves that we are logged in"
        return ClusterError(Rung.UNAUTHENTICATED, Problem(where=where, what=what, fix=LOGIN, code="unproved"))
    told = "404 to whatever we ask" if 404 in statuses else "nothing that a Kubernetes API would"
    what = f"it answers {told}: this is not the address of a Kubernetes API"
    fix = "check host, port and path of the server in the kubeconfig: oc whoami --show-server"
    return ClusterError(Rung.UNREACHABLE, Problem(where=where, what=what, fix=fix, code="not-kubernetes"))


def _why_unauthenticated(credentials: Credentials, problem: Problem) -> Problem:
    """What is wrong with the credentials themselves."""
    what = problem.what
    if not credentials.nobody and not may_carry_credentials(credentials.server):
        what = "no credentials were sent: that is done over https:// only (401)"
        fix = "write https:// in the server's address in the kubeconfig"
        return msgspec.structs.replace(problem, what=what, fix=fix)
    if credentials.giver:
        what = f"the {credentials.giver} gave a credential that the server does not take (401)"
        return msgspec.structs.replace(problem, what=what, fix=f"log in with it, or {LOGIN}")
    if credentials.token is not None and problem.code == "anonymous":
        what = f"the token does not reach it: we are {_ANONYMOUS} to it"
        fix = "ask who runs what stands before the API server, or log in again: oc login --web"
        return msgspec.structs.replace(problem, what=what, fix=fix)
    if credentials.token is not None:
        ends = jwt_expiry(credentials.token.reveal())
        if ends is not None and ends < _now().timestamp():
            at = dt.datetime.fromtimestamp(ends, dt.UTC)
            what = f"the token expired on {at:%Y-%m-%d %H:%M} UTC (401)"
        elif credentials.token.reveal().startswith("sha256~"):
            what = "the token has expired or was revoked (401; OpenShift's tokens last 24 hours)"
        else:
            what = "the token has expired, was revoked, or is for another cluster (401)"
        if len(credentials.token.reveal().split()) > 1:
            what = "the token is refused (401); it holds a blank (pasted over two lines?)"
    elif credentials.certificate is not None:
        expiry = certificate_expiry(credentials.certificate)
        if expiry is not None and expiry < _now():
            what = f"the client certificate expired on {expiry:%Y-%m-%d %H:%M} UTC (401)"
        else:
            what = "the server does not accept the client certificate"
    elif credentials.basic is None:
        what = "the kubeconfig's user has no token and no certificate"
    return msgspec.structs.replace(problem, what=what, fix=LOGIN)


def certificate_expiry(pem: str) -> dt.datetime | None:
    """`notAfter` of the first certificate."""
    try:
        from cryptography import x509

        return x509.load_pem_x509_certificate(pem.encode()).not_valid_after_utc
    except (ImportError, ValueError, TypeError):
        return None


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
