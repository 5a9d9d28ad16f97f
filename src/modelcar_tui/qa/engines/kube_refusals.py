"""What an API server's refusal means for QA: each as what it is, with a next step."""

from __future__ import annotations

import re

from modelcar_tui.core.text import clean
from modelcar_tui.kube import ClusterError, Rung
from modelcar_tui.qa.log.tables import recognise
from modelcar_tui.qa.outcome import could_not_start
from modelcar_tui.qa.types import QaOutcome

SECRET_LIMIT = 1024 * 1024
"""Bytes that the values of one Secret may have together (Kubernetes' `MaxSecretSize`)."""
SMALLER = "split the manifest, or give a pull secret and a kubeconfig of the entries that are needed"
_TOO_LARGE = re.compile(r"too (?:long|large)|must have at most \d+ (?:bytes|characters)", re.IGNORECASE)
_USER = re.compile(r'User "([^"\s]+)"')
_POLICIES = "oc get validatingwebhookconfigurations,mutatingwebhookconfigurations,validatingadmissionpolicies"


def refusal(error: ClusterError, namespace: str) -> QaOutcome:
    """The outcome of a run that the API server, or the way to it, stopped."""
    problem = error.problem
    if error.rung is Rung.UNAUTHENTICATED:
        return could_not_start("TOKEN_EXPIRED", problem.what, "oc login, then run again")
    by_status = {
        400: _invalid,
        403: _forbidden,
        404: _missing,
        409: _conflict,
        413: _invalid,
        422: _invalid,
        429: _busy,
    }
    if (tell := by_status.get(error.status)) is not None:
        return tell(problem.what, namespace)
    if error.status == 500 and _code(problem.what) == "WEBHOOK":
        return could_not_start("WEBHOOK", problem.what, f"ask who runs it: {_POLICIES}")
    return could_not_start("CLUSTER_UNREACHABLE", f"{problem.where}: {problem.what}", problem.fix)


def _code(what: str) -> str:
    """The code of the failure that a refusal names; empty where it names none."""
    found = recognise(what)
    return found[1].code if found is not None else ""


def _forbidden(what: str, namespace: str) -> QaOutcome:
    code = _code(what)
    if code == "QUOTA":
        fix = f"oc describe quota -n {namespace}; free some, or ask for more"
        return could_not_start("QUOTA", what, fix)
    if code == "NAMESPACE_BUSY":
        fix = f"wait until it is gone, then oc new-project {namespace}; or choose another --qa-namespace"
        return could_not_start("NAMESPACE", what, fix)
    if code == "WEBHOOK_DENIED":
        return could_not_start(
            "WEBHOOK_DENIED", what, f"do as its words say, or ask who runs it: {_POLICIES}"
        )
    match = _USER.search(what)
    user = clean(match[1], limit=200) if match else "USER"
    return could_not_start("FORBIDDEN", what, f"oc adm policy add-role-to-user edit {user} -n {namespace}")


def _missing(_: str, namespace: str) -> QaOutcome:
    what = f"there is no namespace {namespace}, or no Jobs in it (404)"
    return could_not_start("NAMESPACE", what, f"oc new-project {namespace}")


def _conflict(what: str, namespace: str) -> QaOutcome:
    fix = f"run again; if it stays: oc get jobs,secrets -n {namespace}"
    return could_not_start("API_CONFLICT", what, fix)


def _invalid(what: str, namespace: str) -> QaOutcome:
    if "(413)" in what or "answered 413" in what or _TOO_LARGE.search(what):
        return could_not_start("SECRET_TOO_LARGE", what, SMALLER)
    fix = f"the message names the field: check the --qa- options; oc describe limitrange -n {namespace}"
    return could_not_start("OBJECT_INVALID", what, fix)


def _busy(what: str, _: str) -> QaOutcome:
    return could_not_start("API_BUSY", what, "run again in some minutes; who floods the API server?")
