"""Why QA does not start, and the command that would make it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from modelcar_tui.core.errors import UserError
from modelcar_tui.core.secrets import Secret
from modelcar_tui.qa.pullsecret import parse
from modelcar_tui.qa.types import QaOutcome

PULL_SECRET_VARIABLE = "OCI_REGISTRY_PULL_SECRET"  # noqa: S105


def skip_reason(
    *,
    wanted: bool = True,
    verdict: str,
    cluster_problem: str | None,
    pull_secret: Secret | None,
    kubeconfig: Sequence[Path],
    force: bool = False,
    podman: str | None = "podman",
) -> QaOutcome | None:
    """The first reason not to run QA, in the order in which an operator would mend them; None to run.

    Args:
        wanted: False for `--no-qa`.
        verdict: `GO`, `NO-GO` or `UNKNOWN`; QA runs on GO only, unless `force`.
        cluster_problem: Why the cluster is not healthy or not reachable, None when it is. Never forced.
        pull_secret: From the environment; its shape is checked here.
        kubeconfig: Existing files, see `kubeconfig.kubeconfig_paths`.
        podman: The program to look for; None for an engine that needs none (Kubernetes, a recording).
    """
    if not wanted:
        return _skip("NOT_WANTED", "QA was switched off", "")
    if cluster_problem:
        return _skip(
            "CLUSTER_UNHEALTHY", f"QA needs a healthy cluster: {cluster_problem}", "oc login; oc get nodes"
        )
    if verdict != "GO" and not force:
        code = "NO_GO" if verdict == "NO-GO" else "VERDICT_UNKNOWN"
        return _skip(
            code, f"the verdict is {verdict}; QA runs on GO", "mend the manifest, or force it with --qa-force"
        )
    if podman is not None and shutil.which(podman) is None:
        return _skip("PODMAN_MISSING", "podman is not installed", "sudo dnf install podman")
    if not pull_secret:
        fix = f"export {PULL_SECRET_VARIABLE}=... (base64 of user:password, or an auth file's text)"
        return _skip("PULL_SECRET_MISSING", f"{PULL_SECRET_VARIABLE} is not set", fix)
    try:
        parse(pull_secret)
    except UserError as error:
        problem = error.problems[0]
        return _skip("PULL_SECRET_INVALID", problem.what, problem.fix)
    if not kubeconfig:
        fix = "oc login, or export KUBECONFIG=/path/to/kubeconfig"
        return _skip("KUBECONFIG_MISSING", "no kubeconfig was found", fix)
    return None


def _skip(code: str, message: str, fix: str) -> QaOutcome:
    return QaOutcome(code=f"QA_SKIPPED:{code}", message=message, fix=fix)
