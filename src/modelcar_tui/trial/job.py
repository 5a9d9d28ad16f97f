"""The objects of a try: a Job, and the Secrets with the model's files, which the Job will own."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from typing import Any

from modelcar_tui.kube.jobs import QUEUE_LABEL
from modelcar_tui.trial.files import Lent, part_name
from modelcar_tui.trial.pod import secret_name
from modelcar_tui.trial.records import TRIAL_LABEL

TTL_S = 600
"""The cluster removes a finished Job after this, when we did not."""


def new_id() -> str:
    """The name of a try's Job: a DNS label that nothing else has."""
    return f"modelcar-try-{secrets.token_hex(6)}"


def labels_of(trial: str) -> dict[str, str]:
    """What all objects of a try carry."""
    return {TRIAL_LABEL: trial, "app.kubernetes.io/managed-by": "modelcar-tui"}


def trial_job(
    trial: str, namespace: str, pod: Mapping[str, Any], *, limit_s: int, start_s: int, queue: str
) -> dict[str, Any]:
    """The Job. Its deadline counts from before the node is found and the image pulled; Kueue stops the clock
    while it is suspended."""
    labels = labels_of(trial)
    # A mesh's sidecar would answer for the pod, and outlive vLLM.
    alone = {"sidecar.istio.io/inject": "false"}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": trial,
            "namespace": namespace,
            "labels": {**labels, **({QUEUE_LABEL: queue} if queue else {})},
        },
        "spec": {
            "backoffLimit": 0,
            "ttlSecondsAfterFinished": TTL_S,
            "activeDeadlineSeconds": start_s + limit_s,
            "suspend": bool(queue),
            "template": {"metadata": {"labels": {**labels, **alone}}, "spec": dict(pod)},
        },
    }


def trial_secrets(trial: str, namespace: str, lent: Lent) -> tuple[dict[str, Any], ...]:
    """One Secret for each part of the files."""
    return tuple(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "Opaque",
            "immutable": True,
            "metadata": {
                "name": secret_name(trial, number),
                "namespace": namespace,
                "labels": labels_of(trial),
            },
            "data": {part_name(number): base64.b64encode(part).decode()},
        }
        for number, part in enumerate(lent.parts)
    )
