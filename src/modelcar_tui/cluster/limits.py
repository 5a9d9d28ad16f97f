"""Whether a namespace lets a pod in now: yes, no, or not known, and why.

In the order of the API server: LimitRanges give defaults (kubernetes, plugin/pkg/admission/limitranger/
admission.go, mergePodResourceRequirements) and refuse, ResourceQuotas refuse
(staging/src/k8s.io/apiserver/pkg/admission/plugin/resourcequota/controller.go, CheckRequest; pkg/quota/v1/
evaluator/core/pods.go; OpenShift's cluster quotas by the same evaluator: openshift/apiserver-library-go,
pkg/admission/quota/clusterresourcequota); what is admitted may still wait in a queue of Kueue (queues.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from modelcar_tui.cluster.limit_types import (
    MIB,
    Admission,
    Answer,
    Behind,
    NamespaceLimits,
    NamespaceRequest,
    Queue,
    Quota,
    Range,
    Room,
    Scope,
    base_name,
    told,
)
from modelcar_tui.cluster.queues import Finding, queue_findings
from modelcar_tui.core.counting import several

__all__ = (
    "Admission",
    "Answer",
    "Behind",
    "NamespaceLimits",
    "NamespaceRequest",
    "Queue",
    "Quota",
    "Range",
    "Room",
    "Scope",
    "admission",
    "applies",
)

_MUST_GIVE = ("cpu", "memory")
"""A quota of these requires every container to give them: validationSet in pods.go."""
_COMPUTE = ("cpu", "memory", "ephemeral-storage")

_Amounts = dict[str, int | None]


def admission(limits: NamespaceLimits | None, request: NamespaceRequest) -> Admission:
    """Whether the namespace admits the pod now. What others use up may be freed later: still a no now.

    Args:
        limits: None when nobody read them.
        request: of one pod.
    """
    if limits is None:
        return Admission(answer="unknown", why=("the limits of the namespace were not read",))
    requests, most = _with_defaults(request, limits.ranges)
    found = [
        *(Finding("unknown", why, fix) for _, why, fix in limits.unread()),
        *_orders(_given(request)[1], requests, most),
        *(one for item in limits.ranges for one in _range_findings(item, requests, most)),
        *(one for quota in limits.quotas for one in _quota_findings(quota, request, requests, most)),
        *_queued(limits, request, requests),
    ]
    for answer in ("no", "unknown"):
        reasons = [one for one in found if one.answer == answer]
        if reasons:
            why = tuple(dict.fromkeys(one.why for one in reasons))
            fix = next((one.fix for one in reasons if one.fix), "")
            return Admission(answer=reasons[0].answer, why=why, fix=fix)
    return Admission(answer="yes")


def _queued(limits: NamespaceLimits, request: NamespaceRequest, requests: _Amounts) -> list[Finding]:
    """What queues say to one pod; where they let that in, to all, which they may let in one by one."""
    one = queue_findings(limits, request.queue, requests)
    if one or request.pods == 1:
        return one
    together = {name: _times(amount, request.pods) for name, amount in requests.items()}
    found = queue_findings(limits, request.queue, together)
    return [
        Finding("unknown", f"{each.why} for all {several(request.pods, 'pod')}", each.fix) for each in found
    ]


def _times(amount: int | None, pods: int) -> int | None:
    return None if amount is None else amount * pods


def applies(quota: Quota, request: NamespaceRequest) -> bool | None:
    """Whether a quota counts the pod at all, by its scopes; None when that is not known.

    Source: podMatchesScopeFunc in pkg/quota/v1/evaluator/core/pods.go.
    """
    requests, most = _given(request)
    return _all_match(quota.scopes, request, {**most, **requests})


def _given(request: NamespaceRequest) -> tuple[_Amounts, _Amounts]:
    """Requests and limits as the pod has them; a limit without a request is the request, too
    (SetDefaults_Pod in pkg/apis/core/v1/defaults.go)."""
    amounts = {
        "cpu": (request.cpu_milli, request.cpu_limit_milli, 1),
        "memory": (request.memory_mib, request.memory_limit_mib, MIB),
        "ephemeral-storage": (request.ephemeral_mib, request.ephemeral_limit_mib, MIB),
    }
    requests: _Amounts = dict(request.gpus)
    most: _Amounts = dict(request.gpus)
    for name, (asked, limit, unit) in amounts.items():
        if limit is not None:
            most[name] = limit * unit
        elif f"limits.{name}" in request.unknown:
            most[name] = None
        if asked is not None:
            requests[name] = asked * unit
        elif name in request.unknown:
            requests[name] = None
        elif name in most:
            requests[name] = most[name]
    return requests, most


def _with_defaults(request: NamespaceRequest, ranges: Iterable[Range]) -> tuple[_Amounts, _Amounts]:
    """Requests and limits after every range has given its defaults. Where two ranges give different ones,
    which comes first is not defined: not known."""
    requests, most = _given(request)
    more: _Amounts = {}
    less: _Amounts = {}
    for one in ranges:
        if one.type == "Container":
            _merge(more, one.default)
            _merge(less, one.default_request)
    return {**less, **requests}, {**more, **most}


def _merge(into: _Amounts, more: Mapping[str, int | None]) -> None:
    for name, amount in more.items():
        into[name] = amount if into.get(name, amount) == amount else None


def _orders(own: _Amounts, requests: _Amounts, most: _Amounts) -> Iterable[Finding]:
    """A request above its limit is an invalid pod: what a default limit below the request makes of it."""
    for name, asked in requests.items():
        limit = most.get(name)
        fix = f"give the model a limit of {name} at least as large as its request"
        if asked is not None and limit is not None and asked > limit:
            why = f"the pod asks for {told(name, asked)} {name}, its limit is {told(name, limit)}"
            yield Finding("no", why, fix)
        elif None in (asked, limit) and name in most and name not in own:
            yield Finding(
                "unknown", f"whether the pod asks for more {name} than the default limit is not known", fix
            )


def _range_findings(item: Range, requests: _Amounts, most: _Amounts) -> Iterable[Finding]:
    """What minConstraint, maxConstraint and limitRequestRatioConstraint (limitranger/admission.go) refuse."""
    if item.type not in ("Container", "Pod"):
        return
    where = f"limit range {item.name}: a {item.type}"
    for name, bound in item.least.items():
        yield from _bound(f"{where} must ask for at least", name, bound, requests, most, least=True)
    for name, bound in item.most.items():
        yield from _bound(f"{where} may have at most", name, bound, requests, most, least=False)
    for name, bound in item.ratio.items():
        yield from _ratio(f"{where} may have a limit of at most", name, bound, requests, most)


def _bound(
    words: str, name: str, bound: int | None, requests: _Amounts, most: _Amounts, *, least: bool
) -> Iterable[Finding]:
    rule = f"{words} {'an unknown number of' if bound is None else told(name, bound)} {name}"
    if name not in (requests if least else most):
        lack, give = ("asks for none", "request") if least else ("has no limit", "limit")
        yield Finding("no", f"{rule}, the pod {lack}", f"give the model a {give} of {name}")
        return
    for what, amount in _both(name, requests, most):
        if amount is None or bound is None:
            yield Finding("unknown", f"{rule}; what the pod {what} is not known")
        elif amount < bound if least else amount > bound:
            fix = f"ask for {'more' if least else 'less'} {name}"
            yield Finding("no", f"{rule}, the pod {what} {told(name, amount)}", fix)


def _both(name: str, requests: _Amounts, most: _Amounts) -> Iterable[tuple[str, int | None]]:
    """The request, and the limit where it is another amount."""
    if name in requests:
        yield "asks for", requests[name]
    if name in most and (name not in requests or most[name] != requests[name]):
        yield "has a limit of", most[name]


def _ratio(words: str, name: str, bound: int | None, requests: _Amounts, most: _Amounts) -> Iterable[Finding]:
    factor = "an unknown factor" if bound is None else f"{bound / 1000:g} times"
    rule = f"{words} {factor} its request of {name}"
    if requests.get(name, 0) == 0 or most.get(name, 0) == 0:
        yield Finding("no", f"{rule}, the pod does not give both", f"give the model both for {name}")
        return
    asked, limit = requests[name], most[name]
    if asked is None or limit is None or bound is None:
        yield Finding("unknown", f"{rule}; what the pod has is not known")
    elif limit * 1000 > bound * asked:
        why = f"{rule}, the pod has {told(name, limit)} and {told(name, asked)}"
        yield Finding("no", why, f"bring request and limit of {name} nearer to each other")


def _quota_findings(
    quota: Quota, request: NamespaceRequest, requests: _Amounts, most: _Amounts
) -> Iterable[Finding]:
    match = _all_match(quota.scopes, request, {**most, **requests})
    if match is False:
        return
    for resource in quota.hard:
        found = _one_amount(quota, resource, requests, most, request.pods)
        if found is not None and match is None and found.answer == "no":
            scopes = ", ".join(scope.name for scope in quota.scopes)
            found = Finding("unknown", f"{found.why}, if it counts the pod ({scopes})", found.fix)
        if found is not None:
            yield found


def _one_amount(quota: Quota, resource: str, requests: _Amounts, most: _Amounts, pods: int) -> Finding | None:
    charge = _charge(resource, requests, most)
    name = base_name(resource)
    if charge is False:
        if name not in _MUST_GIVE:
            return None
        what = "limit" if resource.startswith("limits.") else "request"
        why = f"{quota.title} wants a {what} of {name}, the pod gives none"
        return Finding("no", why, f"give the model a {what} of {name}")
    charge = _times(charge, pods)
    asks = "the pod asks" if pods == 1 else f"the {pods} pods ask"
    hard, used = quota.hard[resource], quota.used.get(resource)
    if hard is not None and charge is not None and charge > hard - max(0, used or 0):
        left = hard if used is None else max(0, hard - used)
        kind = f"limit of {name}" if resource.startswith("limits.") else name
        why = f"{quota.title} leaves {told(name, left)} of {told(name, hard)} {kind}"
        return Finding("no", f"{why}, {asks} for {told(name, charge)}", _LARGER)
    if hard is not None and used is not None and charge is not None:
        return None
    what = f"what {asks} for of {resource}" if charge is None else f"what is left of {resource}"
    return Finding("unknown", f"{quota.title}: {what} is not known")


_LARGER = "ask for a larger quota, or wait until others give theirs back"


def _charge(resource: str, requests: _Amounts, most: _Amounts) -> int | bool | None:
    """What the pod counts in a quota, None for not known, False for nothing (podComputeUsageHelper).

    Of extended resources only `requests.NAME` is counted: a quota on the plain name holds nobody back
    (isExtendedResourceNameForQuota).
    """
    if resource in ("pods", "count/pods"):
        return 1
    name = base_name(resource)
    amounts = most if resource.startswith("limits.") else requests
    counted = name in _COMPUTE or resource.startswith("requests.") or name.startswith("hugepages-")
    return amounts[name] if counted and name in amounts else False


def _all_match(scopes: Iterable[Scope], request: NamespaceRequest, given: _Amounts) -> bool | None:
    answers = [_matches(scope, request, given) for scope in scopes]
    if False in answers:
        return False
    return None if None in answers else True


def _matches(scope: Scope, request: NamespaceRequest, given: _Amounts) -> bool | None:
    if scope.name in ("Terminating", "NotTerminating"):
        return request.terminating is (scope.name == "Terminating")
    if scope.name in ("BestEffort", "NotBestEffort"):
        # Only CPU and memory count. A pod that gives none of them is not surely BestEffort, either: KServe
        # gives the model-car's container some.
        amounts = [given.get(name, 0) for name in _MUST_GIVE]
        return scope.name == "NotBestEffort" if any(amounts) else None
    if scope.name == "PriorityClass":
        return _has_class(scope, request.priority_class)
    if scope.name in ("CrossNamespacePodAffinity", "VolumeAttributesClass"):
        return False
    return None


def _has_class(scope: Scope, priority: str | None) -> bool | None:
    if priority is None:
        return None
    answers = {
        "Exists": priority != "",
        "DoesNotExist": priority == "",
        "In": priority in scope.values and priority != "",
        "NotIn": priority not in scope.values or priority == "",
    }
    return answers.get(scope.operator)
