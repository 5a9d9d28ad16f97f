"""How a QA run on Kubernetes is made: what the operator chose, and the limits of its start."""

from __future__ import annotations

import re

import msgspec

CONTAINER = "suite"
"""The suite's container in its pod; a mesh may put others beside it."""
EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_TOLERATION = re.compile(
    rf"(?P<key>[A-Za-z0-9][\w./-]*)(?:=(?P<value>[\w.-]*))?(?::(?P<effect>{'|'.join(EFFECTS)}))?"
)


class JobOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How the Job is made."""

    namespace: str
    """An existing namespace of the operator's choice."""
    service_account: str | None = None
    queue: str | None = None
    """Kueue's LocalQueue: the Job is made suspended and Kueue lets it run."""
    pull_secrets: tuple[str, ...] = ()
    """Secrets of the namespace that the suite's own image is pulled with."""
    arch: str | None = None
    """`kubernetes.io/arch` of the node, or `any`; None is the published image's, and any for others."""
    tolerations: tuple[str, ...] = ()
    """Each `KEY[=VALUE][:EFFECT]`."""
    run_as: int | None = None
    """The pod's user id; None leaves it to the namespace's range, where the cluster has one."""
    ttl_s: int = 3600
    """The cluster removes a finished Job after this, when we did not."""
    memory: str = "2Gi"
    parallel: int | None = None
    """An indexed Job, one index a model, so many at a time; None puts the whole manifest into one pod."""
    start_s: int = 3600
    """How long finding a node and pulling the image may take; waiting in a queue does not count. The
    cluster's own deadline, which counts from before that, is later by as much."""
    index_start_s: int = 600
    """The same of one index: the probe has pulled the image by then, on one node at least."""

    @property
    def jobs(self) -> str:
        """The API's path of Jobs."""
        return f"/apis/batch/v1/namespaces/{self.namespace}/jobs"

    @property
    def core(self) -> str:
        """The API's path of Secrets and pods."""
        return f"/api/v1/namespaces/{self.namespace}"


def toleration(text: str) -> dict[str, str]:
    """`KEY[=VALUE][:EFFECT]`, as `oc adm taint` writes it, as Kubernetes' object.

    Raises:
        ValueError: it is none.
    """
    match = _TOLERATION.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no taint: KEY[=VALUE][:{'|'.join(EFFECTS)}]")
    value, effect = match["value"], match["effect"]
    found = {"key": match["key"], "operator": "Exists" if value is None else "Equal"}
    return found | ({"value": value} if value is not None else {}) | ({"effect": effect} if effect else {})
