"""From what is wrong to what it means: the cause, the next step, and whether waiting may mend it."""

from __future__ import annotations

import re

from modelcar_tui.qa.tables import KnownFailure, failures, recognise
from modelcar_tui.qa.watch_pods import SERVER, Sighting, Trouble

_OF_THE_CLUSTER = frozenset(
    (
        "TOKEN_EXPIRED",
        "FORBIDDEN",
        "KUBECONFIG_INVALID",
        "CLUSTER_UNREACHABLE",
        "CLUSTER_CA",
        "PROXY",
        "API_SERVER",
        "DSC_NOT_READY",
    )
)
"""Causes of the suite's own way to the API server: a pod's words about a registry or a hub may look like
them."""
_SETTLED = frozenset(
    (
        "IMAGE_PULL_DENIED",
        "IMAGE_NOT_FOUND",
        "IMAGE_NAME",
        "IMAGE_SIGNATURE",
        "IMAGE_POLICY",
        "IMAGE_FORMAT",
        "IMAGE_PULL_CA",
        "ARCH",
    )
)
"""Of an image: somebody must mend it."""
_REFUSED_STAYS_S = 60.0
"""A quota that is full because the model before is just going is free again by then."""
_MOST_RESTARTS = 3
"""A server that ended so often for no known reason ends again."""
_SHOWN = 220


def _own(code: str, means: str, fix: str) -> KnownFailure:
    return KnownFailure(code=code, near=(), match=(), means=means, fix=fix)


_EVENTS = "oc get events -n NAMESPACE names the reason"
_GENERAL = {
    Trouble.IMAGE: _own("IMAGE_PULL", "the node could not pull an image", _EVENTS),
    Trouble.CREATE: _own("CREATE_ERROR", "the node could not make the container", _EVENTS),
    Trouble.OOM: _own(
        "HOST_OOM", "the pod used more RAM than its limit", "serve the model with a higher memory limit"
    ),
    Trouble.CRASH: _own(
        "CRASH_LOOP",
        "the server ends again each time it starts",
        "read the end of its log in qa/cluster.jsonl",
    ),
    Trouble.EVICTED: _own(
        "EVICTED", "the node had too little of a resource and evicted the pod", "oc describe nodes"
    ),
    Trouble.MOUNT: _own("MOUNT", "a volume of the pod can't be mounted", _EVENTS),
    Trouble.NODE: _own("UNSCHEDULABLE", "no node could take the pod", "oc describe nodes"),
    Trouble.REFUSED: _own("POD_REFUSED", "the cluster makes no pod for the model", _EVENTS),
}
"""Where no line of `qa_failures.yaml` says more, and it has no entry of that code."""
_WORDS = {
    Trouble.CREATE: "its container can't be made",
    Trouble.OOM: "killed: it used more memory than its limit",
    Trouble.EVICTED: "evicted from its node",
    Trouble.MOUNT: "a volume can't be mounted",
    Trouble.NODE: "no node takes its pod",
    Trouble.REFUSED: "the cluster makes no pod for it",
}
_NOISE = re.compile(
    r"^(?:(?:ErrImagePull|ImagePullBackOff|Unschedulable|InvalidImageName): "
    r"|Failed to pull image \"[^\"]*\": |Back-off pulling image \"[^\"]*\": "
    r"|rpc error: code = \w+ desc = |initializing source \S+: |copying system image \S+: "
    r"|failed to (?:pull and unpack image|resolve reference|copy) \S+: "
    r"|(?:unable to )?pull(?:ing)? image or OCI artifact: (?:pull image err: )?|Error creating: )+"
)
_DENIED = re.compile(r"\b401\b|unauthori[sz]ed|\b403\b|denied|forbidden", re.IGNORECASE)


def known(sighting: Sighting) -> tuple[int, KnownFailure]:
    """The cause, with its rank: what tells more has a lower one."""
    line = sighting.message
    found = recognise(line)
    if found is not None and found[1].code not in _OF_THE_CLUSTER:
        return found
    if sighting.trouble is Trouble.IMAGE and _DENIED.search(line):
        return _coded("IMAGE_PULL_DENIED", _GENERAL[Trouble.IMAGE])
    general = _GENERAL[sighting.trouble]
    return _coded(general.code, general)


def mends_itself(sighting: Sighting, code: str, age_s: float) -> bool:
    """Whether waiting may help.

    Args:
        code: the cause's.
        age_s: since when it is seen.
    """
    match sighting.trouble:
        case Trouble.IMAGE:
            return code not in _SETTLED and "InvalidImageName" not in sighting.message
        case Trouble.OOM:
            return sighting.restarts < 1
        case Trouble.CRASH:
            vague = code == _GENERAL[Trouble.CRASH].code
            return sighting.restarts < (_MOST_RESTARTS if vague else 1)
        case Trouble.REFUSED | Trouble.CREATE:
            return age_s < _REFUSED_STAYS_S
    return True


def words(sighting: Sighting) -> str:
    """What is wrong in one line, without the layers of wrapping that a kubelet puts round it."""
    said = _NOISE.sub("", sighting.message).strip()
    head = _head(sighting)
    if sighting.trouble is Trouble.OOM:
        return f"{head} ({said})"
    said = said if len(said) <= _SHOWN else said[: _SHOWN - 1] + "…"
    return f"{head}: {said}".rstrip(": ")


def _head(sighting: Sighting) -> str:
    """What is wrong in our own words: of the server, or of the container that stands in its way."""
    of_server = sighting.container in ("", SERVER)
    if sighting.trouble is Trouble.IMAGE:
        return f"waiting for {'the image' if sighting.container != SERVER else 'the image of its runtime'}"
    if sighting.trouble is Trouble.CRASH:
        whose = "its server" if of_server else f"its container {sighting.container}"
        return f"{whose} ends at the start"
    return _WORDS[sighting.trouble]


def foreign(code: str) -> bool:
    """Whether a cause is one of the suite's own way to the cluster, which no pod can tell of."""
    return code in _OF_THE_CLUSTER


def _coded(code: str, else_: KnownFailure) -> tuple[int, KnownFailure]:
    """The table's most general entry of a code, with its rank; what the table does not have ranks last."""
    entries = [(rank, one) for rank, one in enumerate(failures()) if one.code == code]
    return entries[-1] if entries else (len(failures()), else_)
