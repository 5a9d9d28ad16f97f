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
_ACTING = ("as-uid", "as-groups", "as-user-extra")
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
    proxy: str | None = field(default=None, repr=False)
    """With its login."""
    helper: str = ""
    """What only oc or kubectl can do: `exec plug-in aws`, `auth-provider oidc`, `proxy socks5://...`."""
    plugin: Mapping[str, Any] | None = field(default=None, repr=False)
    """The exec plug-in that is to be asked, its command with its folder; None beside a token."""
    impersonate: Mapping[str, str] = field(default_factory=dict)
    acting: Mapping[str, Any] = field(default_factory=dict)
    """The kubeconfig's own entries of impersonation: `as`, `as-uid`, `as-groups`, `as-user-extra`."""
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
        if not named and options.context is None and (inside := in_cluster(environ)):
            return inside
        told = ", ".join(clean(str(path)) for path in paths[:3])
        what = f"there is no kubeconfig at {told}"
        raise _fault(Rung.NO_KUBECONFIG, "", what, NO_KUBECONFIG, "no-kubeconfig")
    merged = _merge(files)
    return _resolve(merged, options.context, tuple(files))


def kubeconfig_paths(given: str | None = None, environ: Mapping[str, str] | None = None) -> tuple[Path, ...]:
    """The existing files of `given` or `KUBECONFIG` (lists), else `~/.kube/config`: what kubectl reads."""
    paths, _ = _paths(given, os.environ if environ is None else environ)
    return tuple(path for path in paths if path.exists())


def _paths(explicit: str | None, environ: Mapping[str, str]) -> tuple[list[Path], bool]:
    """The files to look at, in order, and whether somebody named them."""
    listed = explicit or environ.get("KUBECONFIG", "")
    if listed:
        return [Path(part).expanduser() for part in listed.split(os.pathsep) if part], True
    return [Path(environ.get("HOME") or Path.home()) / ".kube" / "config"], False


def in_cluster(environ: Mapping[str, str] | None = None) -> Credentials | None:
    """Those of the pod that we run in, by its service account; None anywhere else.

    Raises:
        ClusterError: its token can't be sent.
    """
    environ = os.environ if environ is None else environ
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
                name = entry.get("name", "") if isinstance(entry, dict) else None
                if not isinstance(name, str):
                    raise _broken(path, f"an entry of {kind} has no name")
                value = entry.get(kind[:-1]) or {}
                if not isinstance(value, dict):
                    raise _broken(path, f"{clean(name, limit=80)} in {kind} is not a mapping")
                merged[kind].setdefault(name, _based(value, path.parent))
        current = config.get("current-context")
        if not merged["current-context"] and isinstance(current, str):
            merged["current-context"] = current
    return merged


def _based(value: dict[str, Any], folder: Path) -> dict[str, Any]:
    """An entry whose files, and a plug-in's command with a slash, are found from anywhere."""
    based = {
        key: str(folder / part) if key in _FILE_KEYS and isinstance(part, str) and part else part
        for key, part in value.items()
    }
    plugin = value.get("exec")
    if isinstance(plugin, dict) and os.sep in (command := str(plugin.get("command") or "")):
        based["exec"] = {**plugin, "command": str(folder / command)}
    return based


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
    cluster = merged["clusters"].get(str(context.get("cluster") or ""))
    who = str(context.get("user") or "")
    user = merged["users"].get(who, {})
    server = (cluster or {}).get("server")
    if cluster is None or not isinstance(server, str) or not server:
        what = f"context {clean(name, limit=80)} names no cluster with a server"
        raise _fault(Rung.NO_KUBECONFIG, where, what, LOGIN, "no-server")
    if not isinstance(insecure := cluster.get("insecure-skip-tls-verify") or False, bool):
        what = "insecure-skip-tls-verify is neither true nor false"
        raise _fault(Rung.NO_KUBECONFIG, where, what, "write it without quotes", "broken-kubeconfig")
    if who and who not in merged["users"]:
        what = f"context {clean(name, limit=80)} names a user who is not there"
        raise _fault(Rung.NO_KUBECONFIG, where, what, LOGIN, "no-user")
    login = _login(server, "the server's address", where)
    user = _user(user, where, clean(who, limit=80))
    certificate, key = _pem(user, "client-certificate", where), _pem(user, "client-key", where)
    if key:
        teach_key(key)
    return Credentials(
        server=without_login(server).rstrip("/"),
        context=clean(name, limit=200),
        namespace=str(context.get("namespace") or "default"),
        ca=_pem(cluster, "certificate-authority", where),
        insecure=insecure,
        server_name=cluster.get("tls-server-name") or None,
        token=_token(user),
        certificate=certificate,
        key=_secret(key),
        basic=_basic(user, login),
        proxy=(proxy := _proxy(cluster, where)),
        helper=_helper(user) or beyond_us(proxy),
        plugin=_plugin(user),
        impersonate={"Impersonate-User": str(user["as"])} if user.get("as") else {},
        acting={key: user[key] for key in ("as", *_ACTING) if user.get(key)},
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
    fault = user_fault(user)
    if not isinstance(user.get("token") or "", str):
        fault = "the token is no text (in YAML it may want quotes)"
    if fault:
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
    proxy = cluster.get("proxy-url")
    if not isinstance(proxy, str) or not proxy:
        return None
    if beyond_us(proxy):
        teach_login(proxy)
    else:
        _login(proxy, "proxy-url", where)
    return proxy


def beyond_us(proxy: str | None) -> str:
    """A proxy that is left to oc, which speaks SOCKS; empty for none, and for one that we use ourselves."""
    if not proxy or proxy.startswith(("http://", "https://")):
        return ""
    return f"proxy {clean(proxy.partition('://')[0], limit=20)}"


def _plugin(user: dict[str, Any]) -> dict[str, Any] | None:
    """The exec plug-in; as in client-go it is not asked where there is a token."""
    plugin = user.get("exec")
    return plugin if isinstance(plugin, dict) and _token(user) is None else None


def _helper(user: dict[str, Any]) -> str:
    """What of the user we leave to oc or kubectl."""
    if (plugin := _plugin(user)) is not None:
        command = str(plugin.get("command") or "?")
        return f"exec plug-in {clean(Path(command).name, limit=80)}"
    if isinstance(user.get("auth-provider"), dict):
        return f"auth-provider {clean(str(user['auth-provider'].get('name') or '?'), limit=80)}"
    return "impersonation of groups" if any(user.get(key) for key in _ACTING) else ""


def _secret(text: str | None) -> Secret | None:
    return Secret(text) if text else None


def _unfit(where: str, fault: str, fix: str = LOGIN) -> ClusterError:
    """A credential that can't be used, in words that hold no part of it."""
    return _fault(Rung.NO_KUBECONFIG, clean(where, limit=300), fault, fix, "unfit-credential")


def _broken(path: Path, what: str) -> ClusterError:
    return _fault(Rung.NO_KUBECONFIG, clean(str(path)), what, LOGIN, "broken-kubeconfig")


def _fault(rung: Rung, where: str, what: str, fix: str, code: str) -> ClusterError:
    return ClusterError(rung, Problem(where=where, what=what, fix=fix, code=code))
