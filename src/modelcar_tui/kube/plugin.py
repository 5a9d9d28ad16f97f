"""Exec plug-ins, run by ourselves as client-go runs them: what they give, how they fail, when a token ends.

Source: plugin/pkg/client/auth/exec/exec.go of client-go. A plug-in never gets our terminal: its stdin is
closed and it has a session of its own, which is ended with it.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from modelcar_tui.core.credentials import teach_user, user_fault
from modelcar_tui.core.errors import Problem
from modelcar_tui.core.process import Finished, run_bounded
from modelcar_tui.core.secrets import Secret, quoted, teach_lines
from modelcar_tui.core.text import clean
from modelcar_tui.kube.credentials import Credentials
from modelcar_tui.kube.errors import ClusterError
from modelcar_tui.kube.last_words import last_words
from modelcar_tui.kube.types import Rung

EXEC_TIMEOUT_S = 7.0
"""With the start of the program and the end of the plug-in, its failure is told within ten seconds."""
_LINGER_S = 1.0
_OUTPUT_LIMIT = 4 * 2**20
_GROUP = "client.authentication.k8s.io/"
_VERSIONS = tuple(f"{_GROUP}{version}" for version in ("v1", "v1beta1", "v1alpha1"))
"""Those that plug-ins speak; oc and kubectl know the last one no more."""
_BY_TOKEN = "use a token instead: oc login --token=..."  # noqa: S105 - a command
_LOGINS = {
    "aws": "aws sso login",
    "aws-iam-authenticator": "aws sso login",
    "az": "az login",
    "gcloud": "gcloud auth login",
    "gke-gcloud-auth-plugin": "gcloud auth login",
    "kubelogin": "kubelogin",
    "oc": "oc login --web",
    "tsh": "tsh login",
}
"""How one logs in again with well-known plug-ins."""


class Given(NamedTuple):
    """What somebody gave, and until when."""

    credentials: Credentials
    ends: str | float = ""
    """As the plug-in writes it, or seconds since 1970; empty where nobody tells."""


async def ask_plugin(credentials: Credentials) -> Given:
    """The credentials with what their plug-in gives.

    Raises:
        ClusterError: it is not installed, fails, hangs, gives no credential, or one that can't be sent; in
            its own last words.
    """
    plugin = credentials.plugin or {}
    command = str(plugin.get("command") or "")
    fault = _Fault(credentials, command)
    version = _version(plugin, fault)
    if plugin.get("interactiveMode") == "Always":
        raise fault("wants to ask on the terminal, which it is not given here", _BY_TOKEN)
    if not command:
        raise fault("has no command", "name the plug-in in the kubeconfig, or oc login --web")
    if shutil.which(command) is None:
        raise _missing(plugin, command, fault)
    done = await _run(credentials, plugin, command, version, fault)
    given = _status(done, version, fault)
    return Given(_whole(credentials, given, fault), str(given.get("expirationTimestamp") or ""))


class _Fault:
    """The errors of one plug-in."""

    def __init__(self, credentials: Credentials, command: str) -> None:
        self._place = credentials.place
        self._name = clean(Path(command).name or "?", limit=80)
        with_it = f" ({_LOGINS[self._name]})" if self._name in _LOGINS else ""
        self.login = f"log in with it{with_it}, then run again"

    def __call__(self, what: str, fix: str = "", code: str = "plug-in") -> ClusterError:
        problem = Problem(
            where=self._place, what=f"the plug-in {self._name} {what}", fix=fix or self.login, code=code
        )
        return ClusterError(Rung.UNAUTHENTICATED, problem)


def _version(plugin: Mapping[str, Any], fault: _Fault) -> str:
    """The version that it is to speak; the newest where the kubeconfig names none."""
    version = plugin.get("apiVersion") or _VERSIONS[0]
    if version not in _VERSIONS:
        raise fault("is to speak an apiVersion that nobody knows", f"write apiVersion: {_VERSIONS[0]}")
    return str(version)


def _missing(plugin: Mapping[str, Any], command: str, fault: _Fault) -> ClusterError:
    if os.sep in command and Path(command).exists():
        shown = clean(command, limit=200)
        return fault("is not executable", f"chmod +x {shown}", "plug-in-missing")
    hint = plugin.get("installHint")
    # The address to install it from often stands on a line of its own.
    told = quoted(" ".join(hint.split()), limit=300) if isinstance(hint, str) else ""
    return fault("is not installed", told or "install it, or oc login --web", "plug-in-missing")


async def _run(
    credentials: Credentials, plugin: Mapping[str, Any], command: str, version: str, fault: _Fault
) -> Finished:
    """How it ended, if it ended well."""
    spec: dict[str, Any] = {"interactive": False}
    if plugin.get("provideClusterInfo"):
        spec["cluster"] = _cluster(credentials, plugin)
    env = os.environ | {
        str(entry.get("name")): str(entry.get("value"))
        for entry in _entries(plugin, "env")
        if isinstance(entry, dict)
    }
    env["KUBERNETES_EXEC_INFO"] = json.dumps({"apiVersion": version, "kind": "ExecCredential", "spec": spec})
    argv = [command, *(str(arg) for arg in _entries(plugin, "args"))]
    try:
        done = await run_bounded(
            argv, timeout_s=EXEC_TIMEOUT_S, limit=_OUTPUT_LIMIT, env=env, linger_s=_LINGER_S
        )
    except FileNotFoundError:  # it is there: what its first line names is not
        raise fault("can't be run: the program of its first line (#!) is not there", "install it") from None
    except (OSError, ValueError) as error:  # what no process can be given may be a secret: it is not said
        reason = getattr(error, "strerror", None) or "its args or env can't be passed on"
        raise fault(f"can't be run: {reason}", "mend it in the kubeconfig, or oc login --web") from None
    words = last_words(done.stderr)
    told = f": {words}" if words else ""
    if done.timed_out:
        what = f"gave no token within {EXEC_TIMEOUT_S:.0f} s and was ended{told}"
        fix = f"{fault.login}; see with oc whoami whether it asks something"
        raise fault(what, fix, "plug-in-slow")
    if done.overflowed:
        raise fault(f"printed more than {_OUTPUT_LIMIT // 2**20} MiB and was ended", _BY_TOKEN)
    if done.status != 0:
        how = f"exit {done.status}" if done.status > 0 else f"signal {-done.status}"
        raise fault(
            f"failed, it gave no credential ({how}){told or ' and said nothing'}", code="plug-in-failed"
        )
    return done


def _cluster(credentials: Credentials, plugin: Mapping[str, Any]) -> dict[str, Any]:
    """The server as a plug-in that wants to know it is told of it."""
    packed = base64.b64encode((credentials.ca or "").encode()).decode()
    told = {
        "server": credentials.server,
        "tls-server-name": credentials.server_name,
        "insecure-skip-tls-verify": credentials.insecure,
        "certificate-authority-data": packed,
        "proxy-url": credentials.proxy,
        "config": plugin.get("config"),
    }
    return {key: value for key, value in told.items() if value}


def _status(done: Finished, version: str, fault: _Fault) -> Mapping[str, Any]:
    """The credential in what it printed."""
    words = last_words(done.stderr)
    told = f": {words}" if words else ""
    check = "check what it prints on its standard output"
    try:
        given: Any = json.loads(done.stdout)
    except (ValueError, RecursionError):
        printed = "nothing" if not done.stdout.strip() else "no JSON"
        raise fault(f"gave no credential (exit {done.status}), it printed {printed}{told}", check) from None
    given = given if isinstance(given, dict) else {}
    spoken, kind = given.get("apiVersion") or version, given.get("kind") or "ExecCredential"
    if spoken != version or kind != "ExecCredential":
        named = quoted(str(spoken if kind == "ExecCredential" else kind), limit=60, of_plugin=True)
        what = f"gave no credential of the apiVersion that the kubeconfig asks for ({version}), but {named}"
        raise fault(what, "write the plug-in's own apiVersion into the kubeconfig, or upgrade it")
    status = given.get("status")
    if not isinstance(status, dict):
        raise fault(f"gave no credential: its answer has no status{told}", check)
    return status


def _whole(credentials: Credentials, given: Mapping[str, Any], fault: _Fault) -> Credentials:
    """The credentials with what was given."""
    texts = [given.get(name) or "" for name in ("token", "clientCertificateData", "clientKeyData")]
    if not all(isinstance(text, str) for text in texts):
        raise fault("gave a credential that is no text", "check what it prints on its standard output")
    token, certificate, key = texts
    teach_user({"token": token})
    if key:
        teach_lines(key)
    if wrong := user_fault({"token": token}):
        raise fault(f"gave a token that can't be sent: {wrong}", "check what it prints, or upgrade it")
    if bool(certificate) != bool(key):
        raise fault("gave only one of certificate and key", "check what it prints, or upgrade it")
    if not token.strip() and not key:
        raise fault("gave a credential without a token or a certificate")
    return replace(
        credentials,
        plugin=None,
        token=Secret(token.strip()) if token.strip() else None,
        certificate=certificate or credentials.certificate,
        key=Secret(key) if key else credentials.key,
    )


def _entries(plugin: Mapping[str, Any], name: str) -> list[Any]:
    entries = plugin.get(name)
    return entries if isinstance(entries, list) else []
