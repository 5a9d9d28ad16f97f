"""From what is wrong to what it means: the cause, the next step, and whether waiting may mend it."""

from __future__ import annotations

import re

from modelcar_tui.qa.log.tables import KnownFailure, coded, recognise
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


_GENERAL = {
    Trouble.IMAGE: "IMAGE_PULL",
    Trouble.CREATE: "CREATE_ERROR",
    Trouble.OOM: "HOST_OOM",
    Trouble.CRASH: "CRASH_LOOP",
    Trouble.EVICTED: "EVICTED",
    Trouble.MOUNT: "MOUNT",
    Trouble.NODE: "UNSCHEDULABLE",
    Trouble.REFUSED: "POD_REFUSED",
}
"""The code where no line of `qa_failures.yaml` says more."""
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


def cause_of(sighting: Sighting) -> tuple[int, KnownFailure]:
    """The cause, with its rank: what tells more has a lower one."""
    line = sighting.message
    found = recognise(line)
    if found is not None and found[1].code not in _OF_THE_CLUSTER:
        return found
    if sighting.trouble is Trouble.IMAGE and _DENIED.search(line):
        return coded("IMAGE_PULL_DENIED")
    return coded(_GENERAL[sighting.trouble])


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
            vague = code == _GENERAL[Trouble.CRASH]
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
