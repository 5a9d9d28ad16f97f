"""Why QA does not start, and the command that would make it."""

from __future__ import annotations

import os
import shutil

from modelcar_tui.core.errors import UserError
from modelcar_tui.core.pull_secret import VARIABLE, parse
from modelcar_tui.core.secrets import Secret
from modelcar_tui.kube import in_cluster, kubeconfig_paths
from modelcar_tui.qa.suite import no_test
from modelcar_tui.qa.types import QaOutcome

_LOGIN = "oc login, or export KUBECONFIG=/path/to/kubeconfig"
_BEFORE = {
    "KUBECONFIG_MISSING": "KUBECONFIG_MISSING",
    "KUBECONFIG_INVALID": "KUBECONFIG_INVALID",
    "CLUSTER_UNREACHABLE": "CLUSTER_UNREACHABLE",
    "PULL_SECRET_MISSING": "OCI_PULL_SECRET_MISSING",
    "PODMAN_MISSING": "RUNTIME_NOT_FOUND",
}
"""Reasons not to run QA, and what the predecessor of this tool called them."""


def for_older_scripts(code: str) -> str:
    """The predecessor's line for a skip (`QA_ERROR:KUBECONFIG_MISSING`), for scripts that look for it."""
    known = _BEFORE.get(code.removeprefix("QA_SKIPPED:"))
    return f"older scripts look for: QA_ERROR:{known}" if known else ""


def skip_reason(
    *,
    access_problem: str = "",
    access_code: str = "CLUSTER_UNHEALTHY",
    kubeconfig: str | None = None,
    recorded: bool = False,
    verdict: str = "GO",
    force: bool = False,
    pull_secret: Secret | None = None,
    podman: str | None = "podman",
    image: str = "",
) -> QaOutcome | None:
    """The first reason not to run QA, in the order in which an operator would mend them; None to run.

    Args:
        access_problem: Why the cluster is not reachable or not healthy; empty when it is. Never forced.
        access_code: The reason's short name, where there is such a problem.
        kubeconfig: A path or a `KUBECONFIG` list; None looks where kubectl looks.
        recorded: A recording is played: neither podman nor credentials are needed.
        verdict: `GO`, `NO-GO` or `UNKNOWN`; QA runs on GO only, unless `force`.
        pull_secret: None takes it from the environment; its shape is checked here.
        podman: The program to look for; None for an engine that needs none.
        image: The suite's, whose release may have no test of model cars.
    """
    if access_problem:
        fix = _LOGIN if access_code == "KUBECONFIG_MISSING" else "oc login; oc get nodes"
        return qa_skipped(access_code, f"QA needs a healthy cluster: {access_problem}", fix)
    if verdict != "GO" and not force:
        code = "NO_GO" if verdict == "NO-GO" else "VERDICT_UNKNOWN"
        return qa_skipped(code, f"the verdict is {verdict}; QA runs on GO", "mend the manifest first")
    if recorded:
        return None
    if (lacking := no_test(image)) is not None:
        return qa_skipped("NO_TESTS", lacking.what, lacking.fix)
    if podman is not None and shutil.which(podman) is None:
        return qa_skipped("PODMAN_MISSING", "podman is not installed", "sudo dnf install podman")
    secret = pull_secret or Secret(os.environ.get(VARIABLE, ""))
    if not secret.reveal().strip():
        fix = f"export {VARIABLE}=... (base64 of user:password, or an auth file's text)"
        return qa_skipped("PULL_SECRET_MISSING", f"{VARIABLE} is not set", fix)
    try:
        parse(secret).checked()
    except UserError as error:
        problem = error.problems[0]
        return qa_skipped("PULL_SECRET_INVALID", problem.what, problem.fix)
    if not kubeconfig_paths(kubeconfig) and in_cluster() is None:
        return qa_skipped("KUBECONFIG_MISSING", "no kubeconfig was found", _LOGIN)
    return None


def qa_skipped(code: str, message: str, fix: str = "") -> QaOutcome:
    """The outcome of a run in which QA had no part."""
    return QaOutcome(code=f"QA_SKIPPED:{code}", message=message, fix=fix)
