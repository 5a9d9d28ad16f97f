"""What Jobs and pods say of themselves."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.secrets import quoted
from modelcar_tui.core.stamps import seconds
from modelcar_tui.core.text import clean
from modelcar_tui.kube.client import Client
from modelcar_tui.kube.errors import ClusterError
from modelcar_tui.qa.kube_ground import remedy
from modelcar_tui.qa.kube_indexed import Exit
from modelcar_tui.qa.kube_options import JobOptions

HOPELESS_PODS = (
    (
        r"unable to validate against any security context constraint",
        "pod-refused",
        "{remedy}",
    ),
    (
        r"violates PodSecurity",
        "pod-refused",
        "oc label namespace {namespace} pod-security.kubernetes.io/enforce=restricted --overwrite",
    ),
    (
        r"serviceaccounts? \S+ not found",
        "pod-refused",
        "oc create serviceaccount {account} -n {namespace}",
    ),
    (
        r"(?:minimum|maximum) \S+ usage per",
        "pod-refused",
        "oc describe limitrange -n {namespace}; --qa-memory",
    ),
)
"""What the admission of pods says and nobody but an operator mends: pattern, code, fix."""
HOPELESS_CONTAINERS = (
    (
        r"runAsNonRoot|non-numeric user",
        "pod-refused",
        "name the image's user by its number, such as --qa-run-as 1000",
    ),
    (r"chdir|cwd|working directory", "pod-refused", "{remedy}"),
    (
        r"unauthori[sz]ed|access denied|requested access|authentication required|no basic auth",
        "suite-image",
        "name a Secret of {namespace} that may pull it: --qa-image-pull-secret NAME",
    ),
    (
        r"for architecture|no matching manifest|exec format error",
        "suite-image",
        "choose the nodes that it is built for: --qa-arch ARCH",
    ),
    (r"", "suite-image", "choose another --qa-image"),
)
"""The same of what the kubelet says of an image or a container."""
FAILED = (
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
    "StartError",
    "ContainerCannotRun",
)
"""Reasons of a container that never ran."""


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


def failed(job: Mapping[str, Any]) -> bool:
    """Whether a Job has ended and not well."""
    conditions = (job.get("status") or {}).get("conditions") or []
    return any(one.get("type") == "Failed" and one.get("status") == "True" for one in conditions)


def check(job: Mapping[str, Any] | None, name: str, namespace: str) -> None:
    """A Job that has no pod, while one is awaited.

    Raises:
        UserError: it is gone, or over.
    """
    if job is None:
        raise UserError(Problem(what=f"Job {name} was deleted before it ran", code="busy"))
    for condition in (job.get("status") or {}).get("conditions") or []:
        if condition.get("status") != "True":
            continue
        if condition.get("type") == "Failed":
            what = quoted(
                f"Job {name} failed: {condition.get('reason')}: {condition.get('message')}", limit=4000
            )
            raise UserError(Problem(what=what, fix=f"oc describe job {name} -n {namespace}"))
        if condition.get("type") == "Complete":
            what = f"Job {name} has ended, and somebody deleted its pod with the log"
            raise UserError(Problem(what=what, fix="run again"))


def hopeless(
    text: str, options: JobOptions, known: Iterable[tuple[str, str, str]], *, what: str = ""
) -> UserError | None:
    """The error for a refusal that no waiting mends; None for one that may pass, such as a full quota."""
    for pattern, code, fix in known:
        if re.search(pattern, text, re.IGNORECASE):
            uid = options.run_as
            told = fix.format(
                remedy=remedy(options.namespace, options.service_account, uid),
                namespace=options.namespace,
                account=options.service_account or "default",
            )
            return UserError(Problem(what=quoted(what or text, limit=2000), fix=told, code=code))
    return None


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


def started(pod: Mapping[str, Any]) -> tuple[float, float]:
    """When a pod's container began and ended, by its node's clock, seconds since 1970; 0 where not said."""
    for state in container_states(pod):
        for word in ("running", "terminated"):
            if (one := state.get(word)) is not None:
                return seconds(str(one.get("startedAt") or "")), seconds(str(one.get("finishedAt") or ""))
    return 0.0, 0.0


def waiting(pod: Mapping[str, Any], options: JobOptions) -> tuple[str, str]:
    """What a pod waits for, in an operator's words, and its own reason; the latter may be empty.

    Raises:
        UserError: its image can't be had or its container can't be made.
    """
    for state in container_states(pod):
        for word in ("waiting", "terminated"):
            reason = str((state.get(word) or {}).get("reason") or "")
            message = quoted(str((state.get(word) or {}).get("message") or ""))
            if reason in FAILED:
                error = hopeless(message, options, HOPELESS_CONTAINERS, what=f"{reason}: {message}")
                if error is not None:
                    raise error
            if word == "waiting" and reason and reason != "ContainerCreating":
                return "waiting for the container", f"{clean(reason)}: {message}"
    for condition in (pod.get("status") or {}).get("conditions") or []:
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            why = quoted(f"{condition.get('reason')}: {condition.get('message')}")
            return "waiting for a node", why + _hint(why)
    return "pulling the suite's image", ""


def _hint(why: str) -> str:
    """The option that has to do with why no node will do."""
    hints = {"untolerated taint": "--qa-toleration", "affinity/selector": "--qa-arch"}
    told = [option for words, option in hints.items() if words in why]
    return f" ({', '.join(told)})" if told else ""
