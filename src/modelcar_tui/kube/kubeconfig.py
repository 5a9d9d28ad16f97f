"""Credentials as kubectl finds them: explicit path, `KUBECONFIG` list, `~/.kube/config`, in-cluster.

What is found is taught to the process, so that nobody's words can show it. What no header can carry is
refused.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelcar_tui.core.credentials import Login, login_in, teach_user, user_fault
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.secrets import Secret, teach_lines
from modelcar_tui.core.text import clean
from modelcar_tui.kube import impersonation
from modelcar_tui.kube.addresses import AddressError, proxy_url, server_address
from modelcar_tui.kube.credentials import Credentials
from modelcar_tui.kube.documents import parse, read_documents
from modelcar_tui.kube.errors import LOGIN, ClusterError
from modelcar_tui.kube.files import first_bytes, is_pipe
from modelcar_tui.kube.types import ClusterOptions, Rung

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
NO_KUBECONFIG = "oc login --web https://API-SERVER:6443, or name the GPUs: --gpu NVIDIA-L40S:4"
_FILE_KEYS = ("certificate-authority", "client-certificate", "client-key", "tokenFile")
_EXEC_CONFIG = "client.authentication.k8s.io/exec"
"""The extension of a cluster that its plug-ins are told."""
_SIZE_LIMIT = 4 * 2**20
_MEND = "mend it, or log in again: oc login --web"


def find_credentials(options: ClusterOptions, environ: Mapping[str, str] | None = None) -> Credentials:
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
        told = clean(os.pathsep.join(map(str, paths[:3]))).replace(os.pathsep, ", ")
        what = f"there is no kubeconfig at {told}" if told else "KUBECONFIG names no file"
        raise _fault("", what, NO_KUBECONFIG, "no-kubeconfig")
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
        documents = _documents(path)
    except UserError as error:
        raise ClusterError(Rung.NO_KUBECONFIG, error.problems[0]) from None
    except OSError as error:
        raise _broken(path, error.strerror or "it can't be read") from None
    config = documents[0] if documents else {}
    if not isinstance(config, dict):
        raise _broken(path, "it is not a kubeconfig")
    return config


def _documents(path: Path) -> list[Any]:
    if path.is_dir() or not is_pipe(path):
        return read_documents(path, what="the kubeconfig") if path.stat().st_size else []
    data = first_bytes(path, _SIZE_LIMIT)
    return parse(data, where=clean(str(path)), what="the kubeconfig") if data else []


def _resolve(merged: dict[str, Any], wanted: str | None, files: tuple[Path, ...]) -> Credentials:
    where = clean(os.pathsep.join(str(path) for path in files), limit=300)
    name = _chosen(wanted or merged["current-context"], merged["contexts"], where)
    context = merged["contexts"][name]
    cluster = _cluster(merged["clusters"].get(str(context.get("cluster") or "")), name, where)
    insecure = bool(cluster.get("insecure-skip-tls-verify"))
    who = str(context.get("user") or "")
    if who and who not in merged["users"]:
        what = f"context {clean(name, limit=80)} names a user who is not there"
        raise _fault(where, what, LOGIN, "no-user")
    server = cluster["server"]
    address, bare = _server(server, where)
    user = _user(merged["users"].get(who, {}), where, clean(who, limit=80))
    ca, (certificate, key) = _pem(cluster, "certificate-authority", where), _pair(user, where)
    if ca and insecure and address.startswith("https:"):
        what = "insecure-skip-tls-verify stands beside a certificate-authority, which kubectl refuses"
        raise _fault(where, what, "delete one of them", "broken-kubeconfig")
    token, basic = _token(user), _basic(user, login_in(server))
    # As in client-go, nobody is asked for a credential where there is one.
    plugin, provider = (None, None) if token or user.get("username") else _givers(user, cluster, where)
    if certificate:
        plugin = None
    return Credentials(
        server=address,
        bare=bare,
        context=clean(name, limit=200),
        namespace=str(context.get("namespace") or "default"),
        ca=ca,
        insecure=insecure,
        server_name=cluster.get("tls-server-name") or None,
        token=token,
        certificate=certificate,
        key=_secret(key),
        basic=basic,
        proxy=_proxy(cluster, where),
        giver=_giver(plugin, provider),
        plugin=plugin,
        provider=provider,
        impersonate=impersonation.headers(user),
        acting=impersonation.acting(user),
        files=files,
    )


def _chosen(name: str, contexts: Mapping[str, Any], where: str) -> str:
    """The context's name, which one of the contexts has."""
    known = ", ".join(sorted(clean(one, limit=80) for one in contexts)[:8]) or "none"
    if not name:
        fix = f"choose one with --context (there are: {known}), or: oc login --web"
        raise _fault(where, "no context is chosen", fix, "no-context")
    if name not in contexts:
        what = f"there is no context {clean(name, limit=80)}"
        raise _fault(where, what, f"there are: {known}", "unknown-context")
    return name


def _cluster(cluster: dict[str, Any] | None, name: str, where: str) -> dict[str, Any]:
    """The context's cluster, which has a server and says plainly whether it is to be trusted."""
    if not cluster or not isinstance(cluster.get("server"), str) or not cluster["server"]:
        what = f"context {clean(name, limit=80)} names no cluster with a server"
        raise _fault(where, what, LOGIN, "no-server")
    if not isinstance(cluster.get("insecure-skip-tls-verify") or False, bool):
        what = "insecure-skip-tls-verify is neither true nor false"
        raise _fault(where, what, "write it without quotes", "broken-kubeconfig")
    return cluster


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
    if not fault and (acts := impersonation.acting_fault(user)):
        fault = f"the user {acts}"
    if fault:
        raise _unfit(str(path) if path and fault.startswith("the token") else f"{where}: user {name}", fault)
    return user


def _server(server: str, where: str) -> tuple[str, bool]:
    """A server's address as it is asked, and whether it had no scheme."""
    try:
        return server_address(server)
    except AddressError as error:
        raise _unfit(where, f"the server's address {error}", _MEND) from None


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
            raise _fault(where, what, LOGIN, "broken-data") from None
    return _text(str(entry[key]), key, where) if entry.get(key) else None


def _text(path: str, key: str, where: str) -> str:
    try:
        return first_bytes(Path(path), _SIZE_LIMIT).decode("utf-8-sig")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a text"
        what = f"{key} {clean(path, limit=200)} can't be read: {reason}"
        raise _fault(where, what, "put the file back, or log in again", "missing-file") from None


def _pair(user: dict[str, Any], where: str) -> tuple[str | None, str | None]:
    """The client's certificate and its key."""
    certificate, key = _pem(user, "client-certificate", where), _pem(user, "client-key", where)
    if key:
        teach_lines(key)
    if certificate and not key:
        raise _unfit(where, "the user has a client-certificate without a client-key")
    return certificate, key


def _proxy(cluster: dict[str, Any], where: str) -> str | None:
    proxy = cluster.get("proxy-url")
    if not isinstance(proxy, str) or not proxy:
        return None
    try:
        return proxy_url(proxy)
    except AddressError as error:
        raise _unfit(where, f"proxy-url {error}", _MEND) from None


def _givers(
    user: dict[str, Any], cluster: dict[str, Any], where: str
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """The exec plug-in, told what of the cluster is meant for it, and the auth-provider."""
    plugin, provider = user.get("exec"), user.get("auth-provider")
    plugin = plugin if isinstance(plugin, dict) else None
    provider = provider if isinstance(provider, dict) else None
    if plugin is not None and provider is not None:
        raise _unfit(where, "the user has an exec plug-in beside an auth-provider, which kubectl refuses")
    extensions = cluster.get("extensions")
    for one in extensions if plugin is not None and isinstance(extensions, list) else ():
        if isinstance(one, dict) and one.get("name") == _EXEC_CONFIG:
            plugin = {**(plugin or {}), "config": one.get("extension")}
    return plugin, provider


def _giver(plugin: dict[str, Any] | None, provider: dict[str, Any] | None) -> str:
    if plugin is not None:
        return f"exec plug-in {clean(Path(str(plugin.get('command') or '?')).name, limit=80)}"
    return f"auth-provider {clean(str(provider.get('name') or '?'), limit=80)}" if provider else ""


def _secret(text: str | None) -> Secret | None:
    return Secret(text) if text else None


def _unfit(where: str, fault: str, fix: str = LOGIN) -> ClusterError:
    """A credential that can't be used, in words that hold no part of it."""
    return _fault(clean(where, limit=300), fault, fix, "unfit-credential")


def _broken(path: Path, what: str) -> ClusterError:
    return _fault(clean(str(path)), what, LOGIN, "broken-kubeconfig")


def _fault(where: str, what: str, fix: str, code: str) -> ClusterError:
    return ClusterError(Rung.NO_KUBECONFIG, Problem(where=where, what=what, fix=fix, code=code))
