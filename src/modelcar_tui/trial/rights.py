"""What the namespace lets us do, and what it makes of a pod's user: asked before the operator is."""

from __future__ import annotations

import re

import msgspec

from modelcar_tui.cluster import NamespaceLimits
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.text import clean
from modelcar_tui.kube import Client, ClusterError
from modelcar_tui.kube.objects import Meta
from modelcar_tui.trial.pod import Security
from modelcar_tui.trial.together import together

_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_OPENSHIFT = "/apis/security.openshift.io/v1"
_ENFORCED = "pod-security.kubernetes.io/enforce"
_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_NEEDED = (
    ("create", "batch", "jobs", ""),
    ("get", "batch", "jobs", ""),
    ("delete", "batch", "jobs", ""),
    ("create", "", "secrets", ""),
    ("delete", "", "secrets", ""),
    ("get", "", "pods", ""),
    ("list", "", "pods", ""),
    ("get", "", "pods", "log"),
)


class _Status(msgspec.Struct, frozen=True):
    allowed: bool | None = None


class _Review(msgspec.Struct, frozen=True):
    status: _Status = _Status()


class _Phase(msgspec.Struct, frozen=True):
    phase: str = ""


class _Namespace(msgspec.Struct, frozen=True):
    metadata: Meta = Meta()
    status: _Phase = _Phase()


def checked_namespace(name: str) -> str:
    """The namespace's name.

    Raises:
        UserError: it is none.
    """
    if _LABEL.fullmatch(name):
        return name
    what = (
        f"{clean(name, limit=100)} is no namespace's name" if name else "no namespace is known to try it in"
    )
    raise UserError(Problem(what=what, fix="name one: --namespace NS", code="namespace"))


async def check_rights(client: Client, namespace: str, user: str) -> None:
    """Whether we may make, watch and remove a try.

    Raises:
        UserError: we may not; with the command that an administrator runs.
        ClusterError: the server could not be asked.
    """
    answers = await together(_may(client, namespace, *one) for one in _NEEDED)
    denied = [
        f"{verb} {resource}{f'/{part}' if part else ''}"
        for (verb, _, resource, part), allowed in zip(_NEEDED, answers, strict=True)
        if allowed is False
    ]
    if not denied:
        return
    who = clean(user, limit=200) or "USER"
    what = f"{clean(user, limit=200) or 'you'} may not {', '.join(denied)} in namespace {namespace}"
    fix = f"oc adm policy add-role-to-user edit {who} -n {namespace}"
    raise UserError(Problem(what=what, fix=fix, code="no-rights"))


async def _may(
    client: Client, namespace: str, verb: str, group: str, resource: str, part: str
) -> bool | None:
    asked = {"namespace": namespace, "verb": verb, "group": group, "resource": resource, "subresource": part}
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {key: value for key, value in asked.items() if value}},
    }
    try:
        return (await client.post(_REVIEWS, body, _Review)).status.allowed
    except ClusterError as error:
        if error.status in (403, 404, 405, 501) or error.status >= 500:
            return None  # what is made is answered itself
        raise


async def read_security(client: Client, namespace: str) -> Security:
    """What becomes of a pod's user there.

    Raises:
        UserError: the namespace is not there, or going.
        ClusterError: the server could not be asked.
    """
    enforced = ""
    try:
        found = await client.get(f"/api/v1/namespaces/{namespace}", _Namespace)
        enforced = (found.metadata.labels or {}).get(_ENFORCED, "")
        if found.status.phase == "Terminating":
            fix = f"wait until it is gone, then oc new-project {namespace}; or name another: --namespace NS"
            raise UserError(
                Problem(what=f"namespace {namespace} is being deleted", fix=fix, code="namespace")
            )
    except ClusterError as error:
        if error.missing:
            fix = f"oc new-project {namespace}, or name another: --namespace NS"
            raise UserError(
                Problem(what=f"there is no namespace {namespace}", fix=fix, code="namespace")
            ) from None
        if not error.forbidden:
            raise
    try:
        openshift = await client.find(_OPENSHIFT) is not None
    except ClusterError:
        openshift = False
    return Security(gives_user=openshift, restricted=enforced == "restricted")


def check_counts(limits: NamespaceLimits, parts: int) -> None:
    """Whether quotas leave room for the objects themselves.

    Raises:
        UserError: they do not.
    """
    wanted = {"count/jobs.batch": 1, "count/secrets": parts, "secrets": parts}
    for quota in limits.quotas:
        for resource, count in wanted.items():
            left = quota.left(resource)
            if left is not None and left < count:
                what = f"{quota.title} leaves {left} of {resource}, a try makes {count}"
                fix = f"free some, or ask for more: oc describe quota -n {limits.namespace}"
                raise UserError(Problem(what=what, fix=fix, code="quota"))


def wants_cpu_limit(limits: NamespaceLimits) -> bool:
    """Whether a quota counts limits of CPU, so that a container without one is refused, and no LimitRange
    gives it one."""
    given = any(one.default.get("cpu") for one in limits.ranges if one.type == "Container")
    return not given and any("limits.cpu" in quota.hard for quota in limits.quotas)
