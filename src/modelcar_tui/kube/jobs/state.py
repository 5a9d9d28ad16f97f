"""What Jobs and their pods say of themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelcar_tui.core.secrets import quoted
from modelcar_tui.core.stamps import seconds
from modelcar_tui.kube.client import Client
from modelcar_tui.kube.errors import ClusterError
from modelcar_tui.kube.jobs.pod import Container, containers_of

QUEUE_LABEL = "kueue.x-k8s.io/queue-name"
"""By it Kueue knows which LocalQueue a Job waits in."""


def selector(job: Mapping[str, Any]) -> str:
    """The label selector of a Job's own pods, as the API server made it: it holds the Job's uid.

    Its name would also find the pods of a Job of that name which was deleted a moment ago.
    """
    labels = ((job.get("spec") or {}).get("selector") or {}).get("matchLabels") or {}
    if not labels:
        return f"job-name={job['metadata']['name']}"
    return ",".join(f"{key}={value}" for key, value in labels.items())


def ended(job: Mapping[str, Any]) -> bool:
    """Whether a Job has ended, well or not."""
    return bool(_true(job) & {"Complete", "Failed"})


def failed(job: Mapping[str, Any]) -> bool:
    """Whether a Job has ended and not well."""
    return "Failed" in _true(job)


def _true(job: Mapping[str, Any]) -> set[str]:
    conditions = (job.get("status") or {}).get("conditions") or []
    return {str(one.get("type")) for one in conditions if one.get("status") == "True"}


async def why_no_pod(client: Client, core: str, job: Mapping[str, Any]) -> str:
    """Why the Job controller makes no pod, by its events; empty when it says nothing, or we may not read
    them.

    Quotas, LimitRanges, security policies and missing service accounts refuse pods, not Jobs: the Job then
    waits.

    Args:
        client: of the cluster.
        core: the API's path of the namespace: `/api/v1/namespaces/NAME`.
        job: as the server has it.
    """
    about = f"involvedObject.uid={job['metadata']['uid']},reason=FailedCreate"
    try:
        events = (await client.read(f"{core}/events", fieldSelector=about)).get("items") or []
    except ClusterError:
        return ""
    if not events:
        return ""
    last = max(events, key=lambda event: str(event.get("lastTimestamp") or ""))
    return quoted(str(last.get("message") or ""))


def named(pod: Mapping[str, Any], container: str) -> list[Container]:
    """The container of that name, not those that a mesh puts beside it; none where the kubelet has told
    nothing."""
    return [one for one in containers_of(pod) if one.name == container]


def has_run(pod: Mapping[str, Any], container: str) -> bool:
    """Whether that container runs, or has ended."""
    return any(one.state in ("running", "terminated") for one in named(pod, container))


def started(pod: Mapping[str, Any], container: str) -> tuple[float, float]:
    """When that container began and ended, by its node's clock, seconds since 1970; 0 where not said."""
    for one in named(pod, container):
        if one.state in ("running", "terminated"):
            told = one.told
            return seconds(str(told.get("startedAt") or "")), seconds(str(told.get("finishedAt") or ""))
    return 0.0, 0.0
