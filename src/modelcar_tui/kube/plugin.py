"""Exec plug-ins, run by ourselves: what a container is given must hold their token, not their name."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from modelcar_tui.core.credentials import teach_key, teach_user, user_fault
from modelcar_tui.core.errors import Problem
from modelcar_tui.core.process import run_bounded
from modelcar_tui.core.secrets import Secret
from modelcar_tui.core.text import clean
from modelcar_tui.kube.errors import ClusterError
from modelcar_tui.kube.kubeconfig import Credentials, beyond_us
from modelcar_tui.kube.types import Rung

EXEC_TIMEOUT_S = 30.0
_OUTPUT_LIMIT = 4 * 2**20
_VERSION = "client.authentication.k8s.io/v1"


async def ask_plugin(credentials: Credentials) -> tuple[Credentials, str]:
    """The credentials with what their plug-in gives, and when that ends as the plug-in tells it.

    Raises:
        ClusterError: it is not installed, gives no credential, or one that can't be sent.
    """
    plugin = credentials.plugin or {}
    command = str(plugin.get("command") or "")
    if not command or shutil.which(command) is None:
        hint = clean(str(plugin.get("installHint") or "").strip().partition("\n")[0])
        what = f"the kubeconfig asks the program {clean(command)!r} for a token, and it is not installed"
        raise _fault(credentials, what, hint or "install it, or oc login with a token")
    output, status = await _run(credentials, plugin, command)
    try:
        given: Any = json.loads(output)["status"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise _fault(credentials, f"{clean(command)!r} gave no credential (exit {status})") from None
    given = given if isinstance(given, dict) else {}
    token, certificate, key = (
        str(given.get(name) or "") for name in ("token", "clientCertificateData", "clientKeyData")
    )
    teach_user({"token": token})
    if fault := user_fault({"token": token}):
        where = ", ".join(str(path) for path in credentials.files)
        what = f"{fault}: {clean(command)!r} gave it so"
        raise _fault(credentials, what, "check what it prints", where)
    if key:
        teach_key(key)
    pair = bool(certificate and key)
    if not token.strip() and not pair:
        raise _fault(credentials, f"{clean(command)!r} gave a credential without a token")
    whole = replace(
        credentials,
        helper=beyond_us(credentials.proxy),
        plugin=None,
        token=Secret(token.strip()) if token.strip() else None,
        certificate=certificate if pair else credentials.certificate,
        key=Secret(key) if pair else credentials.key,
    )
    return whole, str(given.get("expirationTimestamp") or "")


async def _run(credentials: Credentials, plugin: Mapping[str, Any], command: str) -> tuple[bytes, int | None]:
    """What the plug-in prints, and its exit status."""
    spec: dict[str, Any] = {"interactive": False}
    if plugin.get("provideClusterInfo"):
        spec["cluster"] = {"server": credentials.server, **_authority(credentials)}
    version = str(plugin.get("apiVersion") or _VERSION)
    env = os.environ | {
        str(entry.get("name")): str(entry.get("value"))
        for entry in _entries(plugin, "env")
        if isinstance(entry, dict)
    }
    env["KUBERNETES_EXEC_INFO"] = json.dumps({"apiVersion": version, "kind": "ExecCredential", "spec": spec})
    argv = [command, *(str(arg) for arg in _entries(plugin, "args"))]
    try:
        done = await run_bounded(argv, timeout_s=EXEC_TIMEOUT_S, limit=_OUTPUT_LIMIT, env=env)
    except (OSError, ValueError) as error:  # what no process can be given may be a secret: it is not said
        reason = (
            error.strerror if isinstance(error, OSError) else ""
        ) or "its args or env can't be passed on"
        raise _fault(credentials, f"{clean(command)!r} can't be run: {reason}") from None
    if done.timed_out:
        what = f"{clean(command)!r} gave no token within {EXEC_TIMEOUT_S:.0f} s"
        raise _fault(credentials, what)
    if done.overflowed:
        raise _fault(credentials, f"{clean(command)!r} printed more than {_OUTPUT_LIMIT // 2**20} MiB")
    return done.stdout, done.status


def _entries(plugin: Mapping[str, Any], name: str) -> list[Any]:
    entries = plugin.get(name)
    return entries if isinstance(entries, list) else []


def _authority(credentials: Credentials) -> dict[str, str]:
    import base64

    packed = base64.b64encode((credentials.ca or "").encode()).decode()
    return {"certificate-authority-data": packed} if packed else {}


def _fault(credentials: Credentials, what: str, fix: str = "oc login", where: str = "") -> ClusterError:
    problem = Problem(where=clean(where or credentials.server, limit=300), what=what, fix=fix, code="plug-in")
    return ClusterError(Rung.UNAUTHENTICATED, problem)
