"""What Jobs and pods say of themselves."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.secrets import quoted
from modelcar_tui.core.stamps import seconds
from modelcar_tui.core.text import clean
from modelcar_tui.kube.client import Client
from modelcar_tui.kube.errors import ClusterError
from modelcar_tui.qa.kube_indexed import Exit

PULL_FAILED = (
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "CreateContainerConfigError",
)


def began(job: Mapping[str, Any]) -> float:
    """When a Job was made, seconds since 1970."""
    return seconds(str(job["metadata"].get("creationTimestamp") or "")) or time.time()


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
    conditions = (job.get("status") or {}).get("conditions") or []
    return any(
        one.get("type") in ("Complete", "Failed") and one.get("status") == "True" for one in conditions
    )


def check(job: Mapping[str, Any] | None, name: str, namespace: str) -> None:
    """A Job whose pod is awaited.

    Raises:
        UserError: it is gone, or has failed before it had a pod.
    """
    if job is None:
        raise UserError(Problem(what=f"Job {name} was deleted before it ran", code="busy"))
    for condition in (job.get("status") or {}).get("conditions") or []:
        if condition.get("type") == "Failed" and condition.get("status") == "True":
            what = quoted(
                f"Job {name} failed: {condition.get('reason')}: {condition.get('message')}", limit=4000
            )
            raise UserError(Problem(what=what, fix=f"oc describe job {name} -n {namespace}"))


async def why_no_pod(client: Client, core: str, job: Mapping[str, Any]) -> str:
    """Why the Job controller makes no pod, by its events; empty when it says nothing, or we may not read
    them.

    Quotas, LimitRanges, security policies and missing service accounts refuse pods, not Jobs: the Job then
    waits.
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


def exit_of(pod: Mapping[str, Any] | None) -> Exit | None:
    """How a pod ended; None while it runs, or where there is none."""
    status = (pod or {}).get("status") or {}
    late = status.get("reason") == "DeadlineExceeded"
    for container in status.get("containerStatuses") or []:
        if (over := (container.get("state") or {}).get("terminated")) is not None:
            return Exit(int(over.get("exitCode", 1)), late)
    return Exit(None, late) if status.get("phase") == "Failed" else None


def container_states(pod: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The state of each container that the kubelet knows."""
    return [one.get("state") or {} for one in (pod.get("status") or {}).get("containerStatuses") or []]


def waiting(pod: Mapping[str, Any]) -> str:
    """Why a pod does not run yet; empty when there is nothing to say.

    Raises:
        UserError: its image can't be had.
    """
    for state in container_states(pod):
        reason = str((state.get("waiting") or {}).get("reason") or "")
        message = quoted(str((state.get("waiting") or {}).get("message") or ""))
        if reason in PULL_FAILED:
            raise UserError(
                Problem(what=f"{reason}: {message}", fix="choose another --qa-image", code="suite-image")
            )
        if reason and reason != "ContainerCreating":
            return f"{clean(reason)}: {message}"
    for condition in (pod.get("status") or {}).get("conditions") or []:
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return quoted(f"{condition.get('reason')}: {condition.get('message')}")
    return ""
