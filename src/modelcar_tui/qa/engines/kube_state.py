"""What a Job of QA and its pod come to, in words of QA's own options."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.secrets import quoted
from modelcar_tui.core.text import clean
from modelcar_tui.kube.jobs import containers_of, mapping, mappings, named
from modelcar_tui.qa.engines.kube_ground import remedy
from modelcar_tui.qa.engines.kube_indexed import Exit
from modelcar_tui.qa.engines.kube_options import CONTAINER, JobOptions
from modelcar_tui.qa.log.tables import recognise
from modelcar_tui.qa.watch_causes import cause_of
from modelcar_tui.qa.watch_pods import Sighting, Trouble, of_container

_REFUSED_PODS = {
    "SCC": "{remedy}",
    "POD_SECURITY": "our pod keeps it: see what is added to pods (oc get mutatingwebhookconfigurations), or "
    "choose another --qa-namespace",
    "SERVICE_ACCOUNT": "oc create serviceaccount {account} -n {namespace}",
    "LIMITRANGE": "oc describe limitrange -n {namespace}; --qa-memory",
}
"""Causes for which no pod is made and nobody but an operator mends, with what mends them for the Job's own
pod; a full quota is none."""
_FOREIGN_USER = (
    (r"runAsNonRoot|non-numeric user", "name the image's user by its number, such as --qa-run-as 1000"),
    (r"chdir|cwd|working directory", "{remedy}"),
)
"""What the kubelet says where the image and the pod's user do not go together, and what mends it."""
_IMAGE = {
    "IMAGE_PULL_DENIED": "name a Secret of {namespace} that may pull it: --qa-image-pull-secret NAME",
    "ARCH": "choose the nodes that it is built for: --qa-arch ARCH",
}
"""Causes of an image that can't be had or run, and what mends them for the suite's own."""


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


def refused_pod(text: str, options: JobOptions) -> UserError | None:
    """The error for a refusal of the Job's pod that no waiting mends; None for one that may pass."""
    found = recognise(text)
    fix = _REFUSED_PODS.get(found[1].code) if found is not None else None
    if found is None or fix is None:
        return None
    return _hopeless(text, found[1].code.lower().replace("_", "-"), fix, options)


def refused_container(sighting: Sighting, options: JobOptions) -> UserError:
    """The error for a container of the Job's pod whose image can't be had, or that can't be made."""
    told = sighting.message
    for pattern, fix in _FOREIGN_USER:
        if re.search(pattern, told, re.IGNORECASE):
            return _hopeless(told, "pod-refused", fix, options)
    fix = _IMAGE.get(cause_of(sighting)[1].code, "choose another --qa-image")
    return _hopeless(told, "suite-image", fix, options)


def _hopeless(what: str, code: str, fix: str, options: JobOptions) -> UserError:
    told = fix.format(
        remedy=remedy(options.namespace, options.service_account, options.run_as),
        namespace=options.namespace,
        account=options.service_account or "default",
    )
    return UserError(Problem(what=quoted(what, limit=2000), fix=told, code=code))


def exit_of(pod: Mapping[str, Any] | None) -> Exit | None:
    """How a pod ended; None while it runs, or where there is none."""
    if pod is None:
        return None
    status = mapping(pod, "status")
    late = status.get("reason") == "DeadlineExceeded"
    over = next((one for one in named(pod, CONTAINER) if one.state == "terminated"), None)
    if over is not None:
        return Exit(int(over.told.get("exitCode", 1)), late)
    return Exit(None, late) if status.get("phase") == "Failed" else None


def waiting(pod: Mapping[str, Any], options: JobOptions) -> tuple[str, str]:
    """What a pod waits for, in an operator's words, and its own reason; the latter may be empty.

    Raises:
        UserError: its image can't be had or its container can't be made.
    """
    for container in containers_of(pod):
        sighting = of_container(container)
        if sighting is not None and sighting.trouble in (Trouble.IMAGE, Trouble.CREATE):
            raise refused_container(sighting, options)
        reason = str(container.told.get("reason") or "")
        if container.state == "waiting" and reason not in ("", "ContainerCreating"):
            message = quoted(str(container.told.get("message") or ""))
            return "waiting for the container", f"{clean(reason)}: {message}"
    for condition in mappings(mapping(pod, "status"), "conditions"):
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            why = quoted(f"{condition.get('reason')}: {condition.get('message')}")
            return "waiting for a node", why + _hint(why)
    return "pulling the suite's image", ""


def _hint(why: str) -> str:
    """The option that has to do with why no node will do."""
    hints = {"untolerated taint": "--qa-toleration", "affinity/selector": "--qa-arch"}
    told = [option for words, option in hints.items() if words in why]
    return f" ({', '.join(told)})" if told else ""
