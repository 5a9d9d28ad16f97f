"""What stands in the way of a try on the cluster, each with the next step: one line, and whether waiting
helps."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from modelcar_tui.core.errors import Problem
from modelcar_tui.core.secrets import quoted
from modelcar_tui.kube import LOGIN, ClusterError
from modelcar_tui.kube.jobs import mapping, mappings
from modelcar_tui.qa import Sighting, Trouble, cause_of, mends_itself, sightings
from modelcar_tui.qa.log import recognise

_ELSEWHERE = "or try it in another namespace: --namespace NAMESPACE"
_NO_POD = {
    "QUOTA": f"oc describe quota -n {{namespace}}; free some, {_ELSEWHERE}",
    "SCC": f"oc adm policy add-scc-to-user nonroot-v2 -z {{account}} -n {{namespace}}, {_ELSEWHERE}",
    "POD_SECURITY": f"oc get namespace {{namespace}} --show-labels, {_ELSEWHERE}",
    "SERVICE_ACCOUNT": "oc create serviceaccount {account} -n {namespace}",
    "LIMITRANGE": f"oc describe limitrange -n {{namespace}}, {_ELSEWHERE}",
    "WEBHOOK_DENIED": f"do as its words say, {_ELSEWHERE}",
}
"""Refusals of the pod that no waiting mends while the operator waits for the try."""
_IMAGE = {
    "IMAGE_PULL_DENIED": "let it be pulled: oc secrets link {account} PULL_SECRET --for=pull -n {namespace}",
    "IMAGE_NOT_FOUND": "correct the image in the ServingRuntime: skopeo inspect docker://{image}",
    "IMAGE_PULL_CA": "add the registry's CA: oc edit image.config.openshift.io cluster (additionalTrustedCA)",
    "ARCH": "choose a ServingRuntime that is built for the node's processor",
}
_MORE = "oc get events -n {namespace} says more"
_USER = re.compile(r'User "([^"\s]+)"')
_TOO_LARGE = re.compile(r"too (?:long|large)|must have at most \d+ (?:bytes|characters)", re.IGNORECASE)


class Where(NamedTuple):
    """What the words name."""

    namespace: str
    image: str
    account: str = "default"

    def put(self, text: str) -> str:
        """Names in their places."""
        return text.format(namespace=self.namespace, image=self.image, account=self.account)


def refused(error: ClusterError, where: Where) -> Problem:
    """What the API server says no to, or why it could not be asked."""
    told, status = error.problem, error.status
    what = told.what
    if status == 401:
        return Problem(what=what, where=told.where, fix=LOGIN, code="trial-login")
    found = recognise(what)
    if status == 403 and found is not None and found[1].code in _NO_POD:
        return _problem(what, found[1].code, _NO_POD[found[1].code], where)
    if status == 403:
        user = match[1] if (match := _USER.search(what)) else "USER"
        fix = f"oc adm policy add-role-to-user edit {quoted(user)} -n {where.namespace}"
        return Problem(what=what, fix=fix, code="trial-forbidden")
    if status == 404:
        what = f"there is no namespace {where.namespace}, or no Jobs in it (404)"
        return Problem(what=what, fix=f"oc new-project {where.namespace}, {_ELSEWHERE}", code="trial-missing")
    if _TOO_LARGE.search(what):
        return Problem(
            what=what, fix="this model's small files don't fit into Secrets; judge it by its estimate"
        )
    if status in (400, 409, 413, 422):
        return Problem(what=what, fix=f"the message names what is wrong, {_ELSEWHERE}", code="trial-invalid")
    return told


def no_pod(text: str, where: Where) -> Problem | None:
    """Why there will be no pod; None where that may pass."""
    found = recognise(text)
    if found is None or found[1].code not in _NO_POD:
        return None
    return _problem(text, found[1].code, _NO_POD[found[1].code], where)


def troubles(pod: Mapping[str, Any], events: list[Mapping[str, Any]]) -> list[Sighting]:
    """What is wrong with a pod that does not run yet, the most telling first."""
    return sorted(sightings(pod, events), key=lambda one: (_ORDER.index(one.trouble), cause_of(one)[0]))


_ORDER = tuple(Trouble)


def no_container(sighting: Sighting, age_s: float, where: Where) -> Problem | None:
    """Why its containers will never run; None where waiting may help.

    Args:
        age_s: since when it is seen.
    """
    code = cause_of(sighting)[1].code
    if sighting.trouble is Trouble.NODE or mends_itself(sighting, code, age_s):
        return None
    return _problem(sighting.message, code, _IMAGE.get(code, _MORE), where)


_TAKEN = {
    "PreemptionByScheduler": "a pod of higher priority took its GPU",
    "Preempted": "a pod of higher priority took its GPU",
    "DeletionByTaintManager": "a taint of its node pushed it away",
    "TaintManagerEviction": "a taint of its node pushed it away",
}
"""Reasons of a pod's condition, and of its events, for which the cluster takes it away."""


def pushed_away(pod: Mapping[str, Any], node: str, events: Iterable[Mapping[str, Any]] = ()) -> Problem:
    """A pod that somebody is deleting, or that its node has given up.

    Args:
        pod: as it was last seen.
        node: where it was.
        events: of the pod, for one that went between two looks.
    """
    status = mapping(pod, "status")
    on = f" on node {node}" if node else ""
    for one in mappings(status, "conditions"):
        if one.get("type") != "DisruptionTarget" or one.get("status") != "True":
            continue
        return _taken(one, node)
    for one in events:
        if one.get("reason") in _TAKEN:
            return _taken(one, node)
    if status.get("reason"):
        why = quoted(f"{status.get('reason')}: {status.get('message') or ''}".rstrip(": "))
        return _ended(
            f"the node gave its pod up{on} ({why})", f"oc describe node {node or 'NODE'}; try again"
        )
    return _ended(f"somebody deleted its pod{on}", "try again")


def _taken(told: Mapping[str, Any], node: str) -> Problem:
    """By a condition, or an event."""
    on = f" on node {node}" if node else ""
    why = quoted(f"{told.get('reason')}: {told.get('message')}")
    what = f"{_TAKEN.get(str(told.get('reason')), 'the cluster took its pod away')}{on} ({why})"
    if "priority" in what:
        return _ended(what, "try again when a GPU is free")
    return _ended(what, f"oc describe node {node or 'NODE'}; try again")


def queued_again(queue: str, node: str) -> Problem:
    """The queue has suspended the Job that it had let in."""
    on = f" on node {node}" if node else ""
    of = f"queue {queue}" if queue else "its queue"
    return _ended(f"{of} took its GPU back{on}", "try again when the queue has room: oc get workloads")


def lost_node(node: str) -> Problem:
    """The kubelet does not answer."""
    return _ended(
        f"node {node} does not answer any more", f"oc describe node {node}; try another one: --on NODE"
    )


def _ended(what: str, fix: str) -> Problem:
    return Problem(what=what, fix=fix, code="trial-lost")


def _problem(what: str, code: str, fix: str, where: Where) -> Problem:
    told = f"trial-{code.lower().replace('_', '-')}"
    return Problem(what=quoted(what, limit=1000), fix=where.put(fix), code=told)
