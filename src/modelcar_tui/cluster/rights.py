"""The rights that a look at a cluster takes, what each is for, what to say and do where one is missing."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterable, Iterator

import msgspec

from modelcar_tui.cluster.home import CANDIDATES
from modelcar_tui.cluster.types import Check, State
from modelcar_tui.core.text import clean

CODE = "right-missing"
_PATH = re.compile(
    r"/(?:api/v1|apis/(?P<group>[^/?]+)/[^/?]+)(?:/namespaces/(?P<namespace>[^/?]+)(?=/))?"
    r"/(?P<resource>[a-z]+)(?:/(?P<name>[^/?]+))?",
    re.ASCII,
)
_LABEL = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", re.ASCII)
_MOST_PLACES = 3
MOST_TOLD = 5
"""Kinds that are told one by one, each with its command."""
READER = "ask an administrator: oc adm policy add-cluster-role-to-user cluster-reader"
"""What grants most of them at once, but for the user's name."""
_ONESELF = ("user.openshift.io", "authentication.k8s.io", "authorization.k8s.io")
"""Groups that everybody who is logged in may ask about himself."""


class Right(msgspec.Struct, frozen=True):
    """Something that we would like to do."""

    resource: str
    group: str = ""
    namespace: str = ""
    verb: str = "list"
    what_for: str = ""
    """What its lack costs: `the GPUs are unknown`."""
    name: str = ""
    """The only object that is asked for; empty for any."""

    @property
    def full(self) -> str:
        """`templates.template.openshift.io`."""
        return f"{self.resource}.{self.group}" if self.group else self.resource

    @property
    def command(self) -> str:
        """What an administrator may check."""
        scope = f" -n {self.namespace}" if self.namespace else " -A" if self.resource == "pods" else ""
        return f"oc auth can-i {self.verb} {self.full}{scope}"

    def grant(self, user: str) -> str:
        """What an administrator types to grant it, and nothing else."""
        who = shlex.quote(clean(user, limit=200) or "USER")
        role = f"modelcar-{self.verb}-{self.resource}"
        what = f"{role} --verb={self.verb} --resource={self.full}"
        if self.name:
            what += f" --resource-name={self.name}"
        if not self.namespace:
            return f"oc create clusterrole {what} && oc adm policy add-cluster-role-to-user {role} {who}"
        there = f"-n {self.namespace}"
        given = f"oc adm policy add-role-to-user {role} {who} --role-namespace={self.namespace} {there}"
        return f"oc create role {what} {there} && {given}"


NODES = Right("nodes", what_for="the GPUs are unknown")
PODS = Right("pods", what_for="how many GPUs are free is unknown")
_KSERVE, _KUEUE, _DRA = "serving.kserve.io", "kueue.x-k8s.io", "resource.k8s.io"
_CONFIG, _HARDWARE, _DASHBOARD = (
    "config.openshift.io",
    "infrastructure.opendatahub.io",
    "dashboard.opendatahub.io",
)
_PROFILES = "what hardware profiles offer and let pods tolerate is unknown"
LOOKED_AT = (
    NODES,
    PODS,
    Right("namespaces", verb="get", what_for="whether Kueue manages the namespace is unknown"),
    Right("configmaps", verb="get", what_for="KServe's settings are unknown"),
    Right(
        "configmaps",
        namespace="knative-serving",
        verb="get",
        what_for="which fields of a pod Knative takes is unknown",
    ),
    Right(
        "secrets",
        namespace="openshift-config",
        verb="get",
        what_for="which registries every node can log in to is unknown",
    ),
    Right("secrets", verb="get", what_for="which registries pods can log in to is unknown"),
    Right("serviceaccounts", verb="get", what_for="which pull secrets pods get is unknown"),
    Right("resourcequotas", what_for="what quotas leave is unknown"),
    Right("limitranges", what_for="what limit ranges ask and allow is unknown"),
    Right(
        "appliedclusterresourcequotas",
        "quota.openshift.io",
        what_for="what quotas over several namespaces leave is unknown",
    ),
    Right("localqueues", _KUEUE, what_for="which queues lead to GPUs is unknown"),
    Right("clusterqueues", _KUEUE, what_for="what queues leave is unknown"),
    Right("resourceslices", _DRA, what_for="whether devices are handed out by DRA is unknown"),
    Right("deviceclasses", _DRA, what_for="how claims may name devices is unknown"),
    Right("resourceclaims", _DRA, what_for="which devices of DRA are free is unknown"),
    Right(
        "dscinitializations",
        "dscinitialization.opendatahub.io",
        what_for="where OpenShift AI's applications are is a guess, and its health is unknown",
    ),
    Right(
        "datascienceclusters",
        "datasciencecluster.opendatahub.io",
        what_for="OpenShift AI's health and version are unknown",
    ),
    Right("clusterversions", _CONFIG, verb="get", what_for="OpenShift's version is derived from Kubernetes'"),
    Right("infrastructures", _CONFIG, verb="get", what_for="the platform is known only as nodes tell it"),
    Right("machinesets", "machine.openshift.io", what_for="whether nodes could be added is unknown"),
    Right("templates", "template.openshift.io", what_for="which runtimes OpenShift AI offers is unknown"),
    Right(
        "odhdashboardconfigs",
        "opendatahub.io",
        what_for="which runtimes an administrator has turned off, and their order, is unknown",
    ),
    Right("servingruntimes", _KSERVE, what_for="which runtimes the namespace has is unknown"),
    Right("clusterservingruntimes", _KSERVE, what_for="which runtimes the whole cluster has is unknown"),
    Right("llminferenceservices", _KSERVE, what_for="which LLMInferenceServices are there is unknown"),
    Right("hardwareprofiles", _HARDWARE, what_for=_PROFILES),
    Right("hardwareprofiles", _DASHBOARD, what_for=_PROFILES),
    Right("acceleratorprofiles", _DASHBOARD, what_for=_PROFILES),
)
"""All that a look asks for, with the verb that it asks first; a namespace only where what is there tells
something else. `docs/rbac.yaml` grants it."""
_WHAT_FOR = {(one.resource, one.group, one.namespace): one.what_for for one in LOOKED_AT}


def asked(method: str, path: str) -> Right | None:
    """The right that a request takes; None where it is none of an object."""
    found = _PATH.fullmatch(path.partition("?")[0])
    if method != "GET" or found is None or found["group"] in _ONESELF:
        return None
    named = found["name"] or ""
    verb = "get" if named else "list"
    namespace = found["namespace"] or ""
    kind = (found["resource"], found["group"] or "")
    what_for = _WHAT_FOR.get((*kind, namespace)) or _WHAT_FOR.get((*kind, ""))
    return Right(
        resource=found["resource"],
        group=found["group"] or "",
        namespace=namespace if _LABEL.fullmatch(namespace) else "",
        verb=verb,
        what_for=what_for or "what they would tell is unknown",
        name=named if _LABEL.fullmatch(named) else "",
    )


def missing_rights(refused: Iterable[tuple[str, str]], groups: Collection[str] | None) -> Iterator[Right]:
    """The rights behind refused requests, each place once, by name; those of kinds that the server does not
    have are none.

    Args:
        refused: method and path of each request that was answered with 403.
        groups: API groups of the server; None when it does not tell.
    """
    found = {right for one in refused if (right := asked(*one)) is not None}
    listed = {(one.resource, one.group) for one in found if one.verb == "list"}
    for one in sorted(found, key=lambda right: (right.full, right.verb, right.namespace, right.name)):
        narrower = one.verb == "get" and (one.resource, one.group) in listed
        if not narrower and (not one.group or groups is None or one.group in groups):
            yield one


def right_checks(
    refused: Iterable[tuple[str, str]], user: str, groups: Collection[str] | None
) -> tuple[Check, ...]:
    """One check for each kind that we may not read: the places, what that costs, and what grants it.

    Nodes and pods are told by the access itself. Where several places refuse, the command is for the first;
    where many kinds are refused, one check names them all.
    """
    by_kind: dict[tuple[str, str], list[Right]] = {}
    for right in missing_rights(refused, groups):
        if (right.resource, right.group) not in ((NODES.resource, ""), (PODS.resource, "")):
            by_kind.setdefault((right.full, right.verb), []).append(right)
    if len(by_kind) > MOST_TOLD:
        return (_together([rights[0] for rights in by_kind.values()], user),)
    return tuple(_check(sorted(rights, key=_shipped_first), user) for rights in by_kind.values())


def _shipped_first(right: Right) -> tuple[bool, str]:
    """A grant where OpenShift AI keeps its own objects is worth most."""
    return right.namespace not in ("", CANDIDATES[0]), right.namespace


def _check(rights: list[Right], user: str) -> Check:
    first = rights[0]
    places = list(dict.fromkeys(right.namespace for right in rights)) if first.namespace else []
    more = f" and {len(places) - _MOST_PLACES} more" if len(places) > _MOST_PLACES else ""
    where = f" in {', '.join(places[:_MOST_PLACES])}{more}" if places else ""
    who = clean(user, limit=200) or "you"
    what = f"{who} may not {first.verb} {first.full}{where}: {first.what_for}"
    return Check(code=CODE, state=State.UNKNOWN, what=what, fix=first.grant(user))


def _together(rights: list[Right], user: str) -> Check:
    who = clean(user, limit=200)
    told = ", ".join(f"{one.verb} {one.full}" for one in rights)
    what = f"{who or 'you'} may not {told}: what these would tell is unknown"
    fix = f"{READER} {shlex.quote(who or 'USER')}; docs/rbac.md has narrower roles"
    return Check(code=CODE, state=State.UNKNOWN, what=what, fix=fix)
