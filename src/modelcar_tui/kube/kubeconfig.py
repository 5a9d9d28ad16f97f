"""Credentials as kubectl finds them: explicit path, `KUBECONFIG` list, `~/.kube/config`, in-cluster.

What is found is taught to the process, so that nobody's words can show it. What no header can carry is
refused.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelcar_tui.core.credentials import (
    Login,
    address_fault,
    header_fault,
    login_in,
    teach_key,
    teach_login,
    teach_user,
    user_fault,
    without_login,
)
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.secrets import Secret
from modelcar_tui.core.text import clean
from modelcar_tui.kube.documents import read_documents
from modelcar_tui.kube.errors import LOGIN, ClusterError
from modelcar_tui.kube.types import ClusterOptions, Rung

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
NO_KUBECONFIG = "oc login --web https://API-SERVER:6443, or name the GPUs: --gpu NVIDIA-L40S:4"
_FILE_KEYS = ("certificate-authority", "client-certificate", "client-key", "tokenFile")
_SIZE_LIMIT = 4 * 2**20


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """One context, resolved. Secrets show nothing in a repr."""

    server: str
    """Its address, without a login."""
    context: str = ""
    namespace: str = "default"
    ca: str | None = None
    """PEM of the authorities; the system's when None."""
    insecure: bool = False
    server_name: str | None = None
    token: Secret | None = None
    certificate: str | None = None
    """PEM of the client's certificate."""
    key: Secret | None = None
    basic: Secret | None = None
    """`user:password`."""
    proxy: str | None = None
    helper: str = ""
    """What only oc or kubectl can do: `exec plug-in aws`, `auth-provider oidc`, `proxy socks5://...`."""
    impersonate: Mapping[str, str] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    """The kubeconfig files it came from."""


def find(options: ClusterOptions, environ: Mapping[str, str] | None = None) -> Credentials:
    """The credentials of the chosen or current context.

    Raises:
        ClusterError: there is no kubeconfig, it is broken, or it names what is not there.
    """
    environ = os.environ if environ is None else environ
    paths, named = _paths(options.kubeconfig, environ)
    files = [path for path in paths if path.exists()]
    if not files:
        if not named and options.context is None and (inside := _in_cluster(environ)):
            return inside
        told = ", ".join(clean(str(path)) for path in paths[:3])
        what = f"there is no kubeconfig at {told}"
        raise _fault(Rung.NO_KUBECONFIG, "", what, NO_KUBECONFIG, "no-kubeconfig")
    merged = _merge(files)
    return _resolve(merged, options.context, tuple(files))


def _paths(explicit: str | None, environ: Mapping[str, str]) -> tuple[list[Path], bool]:
    """The files to look at, in order, and whether somebody named them."""
    listed = explicit or environ.get("KUBECONFIG", "")
    if listed:
        return [Path(part).expanduser() for part in listed.split(os.pathsep) if part], True
    return [Path(environ.get("HOME") or Path.home()) / ".kube" / "config"], False


def _in_cluster(environ: Mapping[str, str]) -> Credentials | None:
    host, port = environ.get("KUBERNETES_SERVICE_HOST"), environ.get("KUBERNETES_SERVICE_PORT")
    try:
        token = (SERVICE_ACCOUNT / "token").read_text().strip()
        if not host or not port or not token:
            return None
        ca = (SERVICE_ACCOUNT / "ca.crt").read_text()
        namespace = (SERVICE_ACCOUNT / "namespace").read_text().strip()
    except (OSError, UnicodeDecodeError):
        return None
    teach_user({"token": token})
    if fault := user_fault({"token": token}):
        raise _unfit(str(SERVICE_ACCOUNT / "token"), fault, "restart the pod, which gives it a new token")
    host = f"[{host}]" if ":" in host else host
    return Credentials(
        server=f"https://{host}:{port}",
        context="(in the cluster)",
        namespace=namespace or "default",
        ca=ca,
        token=Secret(token),
    )


def _merge(files: list[Path]) -> dict[str, Any]:
    """The files as one: of each name the first wins, as does the first current-context."""
    merged: dict[str, Any] = {"clusters": {}, "users": {}, "contexts": {}, "current-context": ""}
    for path in files:
        config = _read(path)
        for kind in ("clusters", "users", "contexts"):
            entries = config.get(kind) or []
            if not isinstance(entries, list):
                raise _broken(path, f"{kind} is not a list")
            for entry in entries:
                if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
                    raise _broken(path, f"an entry of {kind} has no name")
                value = entry.get(kind[:-1]) or {}
                if not isinstance(value, dict):
                    raise _broken(path, f"{clean(entry['name'], limit=80)} in {kind} is not a mapping")
                based = {
                    key: str(path.parent / part)
                    if key in _FILE_KEYS and isinstance(part, str) and part
                    else part
                    for key, part in value.items()
                }
                merged[kind].setdefault(entry["name"], based)
        current = config.get("current-context")
        if not merged["current-context"] and isinstance(current, str):
            merged["current-context"] = current
    return merged


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _SIZE_LIMIT:
            raise _broken(path, "it is larger than 4 MiB")
        documents = read_documents(path, what="the kubeconfig") if path.stat().st_size else []
    except UserError as error:
        raise ClusterError(Rung.NO_KUBECONFIG, error.problems[0]) from None
    except OSError as error:
        raise _broken(path, error.strerror or "it can't be read") from None
    config = documents[0] if documents else {}
    if not isinstance(config, dict):
        raise _broken(path, "it is not a kubeconfig")
    return config


def _resolve(merged: dict[str, Any], wanted: str | None, files: tuple[Path, ...]) -> Credentials:
    where = clean(os.pathsep.join(str(path) for path in files), limit=300)
    name = wanted or merged["current-context"]
    contexts = merged["contexts"]
    known = ", ".join(sorted(clean(one, limit=80) for one in contexts)[:8]) or "none"
    if not name:
        fix = f"choose one with --context (there are: {known}), or: oc login --web"
        raise _fault(Rung.NO_KUBECONFIG, where, "no context is chosen", fix, "no-context")
    if name not in contexts:
        what = f"there is no context {clean(name, limit=80)}"
        raise _fault(Rung.NO_KUBECONFIG, where, what, f"there are: {known}", "unknown-context")
    context = contexts[name]
    cluster, user = (
        merged["clusters"].get(context.get("cluster")),
        merged["users"].get(context.get("user") or "", {}),
    )
    server = (cluster or {}).get("server")
    if cluster is None or not isinstance(server, str) or not server.startswith(("https://", "http://")):
        what = f"context {clean(name, limit=80)} names no cluster with a server"
        raise _fault(Rung.NO_KUBECONFIG, where, what, LOGIN, "no-server")
    if context.get("user") and context["user"] not in merged["users"]:
        what = f"context {clean(name, limit=80)} names a user who is not there"
        raise _fault(Rung.NO_KUBECONFIG, where, what, LOGIN, "no-user")
    login = _login(server, "the server's address", where)
    user = _user(user, where, clean(str(context.get("user") or ""), limit=80))
    certificate, key = _pem(user, "client-certificate", where), _pem(user, "client-key", where)
    if key:
        teach_key(key)
    return Credentials(
        server=without_login(server).rstrip("/"),
        context=clean(name, limit=200),
        namespace=str(context.get("namespace") or "default"),
        ca=_pem(cluster, "certificate-authority", where),
        insecure=cluster.get("insecure-skip-tls-verify") is True,
        server_name=cluster.get("tls-server-name") or None,
        token=_token(user),
        certificate=certificate,
        key=_secret(key),
        basic=_basic(user, login),
        proxy=_proxy(cluster, where),
        helper=_helper(cluster, user),
        impersonate=_impersonate(user),
        files=files,
    )


def _user(user: dict[str, Any], where: str, name: str) -> dict[str, Any]:
    """The user with the token of its file, taught to the process.

    Raises:
        ClusterError: the file can't be read, or something of the user can't be sent.
    """
    # As in client-go, the file wins over the token beside it: it is the one that is renewed.
    path = user.get("tokenFile")
    if path:
        user = {**user, "token": _text(str(path), "tokenFile", where)}
    teach_user(user)
    if fault := user_fault(user):
        raise _unfit(str(path) if path and fault.startswith("the token") else f"{where}: user {name}", fault)
    return user


def _login(address: str, what: str, where: str) -> Login | None:
    """The login in an address, taught to the process; the address is checked.

    Raises:
        ClusterError: nothing can be asked there.
    """
    teach_login(address)
    login = login_in(address)
    if fault := address_fault(address) or header_fault(login.user if login else ""):
        raise _unfit(where, f"{what} {fault}", "mend it, or log in again: oc login --web")
    return login


def _basic(user: dict[str, Any], login: Login | None) -> Secret | None:
    """`user:password` of the kubeconfig's user, else of the server's address, as Go's clients send it."""
    if user.get("username"):
        return Secret(f"{user['username']}:{'' if user.get('password') is None else user['password']}")
    return Secret(f"{login.user}:{login.password}") if login else None


def _token(user: dict[str, Any]) -> Secret | None:
    token = user.get("token")
    return Secret(token.strip()) if isinstance(token, str) and token.strip() else None


def _pem(entry: dict[str, Any], key: str, where: str) -> str | None:
    if data := entry.get(f"{key}-data"):
        try:
            return base64.b64decode("".join(str(data).split()), validate=True).decode()
        except (binascii.Error, ValueError):
            what = f"{key}-data is not base64 of a PEM text"
            raise _fault(Rung.NO_KUBECONFIG, where, what, LOGIN, "broken-data") from None
    return _text(str(entry[key]), key, where) if entry.get(key) else None


def _text(path: str, key: str, where: str) -> str:
    try:
        with Path(path).open("rb") as file:
            return file.read(_SIZE_LIMIT).decode("utf-8-sig")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a text"
        what = f"{key} {clean(path, limit=200)} can't be read: {reason}"
        raise _fault(
            Rung.NO_KUBECONFIG, where, what, "put the file back, or log in again", "missing-file"
        ) from None


def _proxy(cluster: dict[str, Any], where: str) -> str | None:
    """The proxy that we can use ourselves; others are left to oc."""
    proxy = cluster.get("proxy-url")
    if not isinstance(proxy, str) or not proxy.startswith(("http://", "https://")):
        teach_login(str(proxy or ""))
        return None
    _login(proxy, "proxy-url", where)
    return proxy


def _helper(cluster: dict[str, Any], user: dict[str, Any]) -> str:
    """What we leave to oc or kubectl, where the kubeconfig has no token or certificate beside it."""
    if isinstance(user.get("exec"), dict):
        command = str(user["exec"].get("command") or "?")
        return f"exec plug-in {clean(Path(command).name, limit=80)}"
    if isinstance(user.get("auth-provider"), dict):
        return f"auth-provider {clean(str(user['auth-provider'].get('name') or '?'), limit=80)}"
    if any(user.get(key) for key in ("as-groups", "as-uid", "as-user-extra")):
        return "impersonation of groups"
    proxy = cluster.get("proxy-url")
    if isinstance(proxy, str) and proxy and not proxy.startswith(("http://", "https://")):
        return f"proxy {clean(proxy.partition('://')[0], limit=20)}"
    return ""


def _impersonate(user: dict[str, Any]) -> dict[str, str]:
    return {"Impersonate-User": str(user["as"])} if user.get("as") else {}


def _secret(text: str | None) -> Secret | None:
    return Secret(text) if text else None


def _unfit(where: str, fault: str, fix: str = LOGIN) -> ClusterError:
    """A credential that can't be used, in words that hold no part of it."""
    return _fault(Rung.NO_KUBECONFIG, clean(where, limit=300), fault, fix, "unfit-credential")


def _broken(path: Path, what: str) -> ClusterError:
    return _fault(Rung.NO_KUBECONFIG, clean(str(path)), what, LOGIN, "broken-kubeconfig")


def _fault(rung: Rung, where: str, what: str, fix: str, code: str) -> ClusterError:
    return ClusterError(rung, Problem(where=where, what=what, fix=fix, code=code))
