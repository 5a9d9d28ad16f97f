"""One kubeconfig with only the used context, everything embedded: what a container can use.

Files of certificates and tokens are read in, an exec plug-in is run and replaced by the token that it gives
(a container has neither the plug-in nor its cache).
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from modelcar_tui.core.credentials import (
    address_fault,
    teach_key,
    teach_login,
    teach_user,
    user_fault,
    without_login,
)
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.core.secrets import Redactor
from modelcar_tui.core.text import clean
from modelcar_tui.qa.expiry import caution, jwt_expiry

MAX_BYTES = 4 * 1024**2
EXEC_TIMEOUT_S = 30.0
_EMBED = ("client-certificate", "client-key")


class Flattened(msgspec.Struct, frozen=True, kw_only=True):
    """A kubeconfig on its own. `repr` is safe: the bytes are not shown."""

    data: bytes
    server: str
    context: str
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Flattened(server={self.server!r}, context={self.context!r})"


def kubeconfig_paths(given: str | None = None, environ: dict[str, str] | None = None) -> tuple[Path, ...]:
    """The existing files of `given` or `$KUBECONFIG` (lists), else `~/.kube/config`: what kubectl would
    read."""
    env = os.environ if environ is None else environ
    text = given or env.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
    return tuple(
        path for part in text.split(os.pathsep) if part and (path := Path(part).expanduser()).is_file()
    )


async def flatten(
    paths: tuple[Path, ...],
    *,
    context: str | None = None,
    redact: Redactor | None = None,
    needed_s: float | None = None,
) -> Flattened:
    """The used context of `paths` (the first file that names something wins, as with kubectl).

    Every credential is taught to `redact` and to the process. A token that ends before `needed_s` from now is
    warned of.

    Raises:
        UserError: a file can't be read, a name is missing, a plug-in gives no credential, or one can't be
        sent.
    """
    merged = _merge(paths)
    name = context or merged["current-context"]
    if not name:
        raise _problem("the kubeconfig has no current context", "oc login, or name one with --context")
    used = _named(merged, "contexts", name, "context")
    cluster = dict(_named(merged, "clusters", used.get("cluster", ""), "cluster"))
    user = dict(_named(merged, "users", used.get("user", ""), "user"))
    warnings: list[str] = []
    _embed(cluster, "certificate-authority", Path(cluster.pop("__folder__", ".")))
    folder = Path(user.pop("__folder__", "."))
    for key in _EMBED:
        _embed(user, key, folder)
    where = f"{os.pathsep.join(str(path) for path in paths)}: user {clean(str(used.get('user')), limit=80)}"
    if token_file := user.pop("tokenFile", None):
        # As in client-go, the file wins over the token beside it.
        user["token"] = _read(folder / str(token_file)).decode("utf-8-sig", "replace").strip()
        where = str(folder / str(token_file))
    _check(user, cluster, where)
    if "auth-provider" in user:
        raise _problem("the kubeconfig's user has an auth-provider, which only old kubectl knows", "oc login")
    if isinstance(plugin := user.pop("exec", None), dict):
        given, expires = await _run_plugin(plugin, cluster, folder)
        teach_user(given)
        if fault := user_fault(given):
            raise _problem(
                f"{fault}: {clean(str(plugin.get('command')))!r} gave it so", "check what it prints", where
            )
        user |= given
        warnings.append(caution(f"the token from {clean(str(plugin.get('command')))}", expires, needed_s))
    elif (expires_at := jwt_expiry(str(user.get("token") or ""))) is not None:
        warnings.append(caution("the kubeconfig's token", expires_at, needed_s))
    if redact is not None:
        _teach(redact, user)
    used = {key: value for key, value in used.items() if key != "__folder__"} | {
        "cluster": "qa",
        "user": "qa",
    }
    whole = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "qa",
        "preferences": {},
        "contexts": [{"name": "qa", "context": used}],
        "clusters": [{"name": "qa", "cluster": cluster}],
        "users": [{"name": "qa", "user": user}],
    }
    # JSON is YAML: every client reads it and no quoting can go wrong.
    return Flattened(
        data=json.dumps(whole, indent=1, default=str).encode(),
        server=clean(without_login(str(cluster.get("server", "")))),
        context=clean(name),
        warnings=tuple(filter(None, warnings)),
    )


def _merge(paths: tuple[Path, ...]) -> dict[str, Any]:
    import yaml

    merged: dict[str, Any] = {"contexts": {}, "clusters": {}, "users": {}, "current-context": ""}
    if not paths:
        fix = "oc login, or export KUBECONFIG=/path/to/kubeconfig"
        problem = Problem(what="no kubeconfig was found", fix=fix, code="kubeconfig-missing")
        raise UserError(problem, status=ExitStatus.CLUSTER)
    for path in paths:
        data = _read(path)
        try:
            raw: Any = yaml.load(data, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
        except (yaml.YAMLError, ValueError, RecursionError):
            raise _problem(
                "the kubeconfig is not valid YAML", "oc login writes a new one", str(path)
            ) from None
        if not isinstance(raw, dict):
            raise _problem("the kubeconfig is not a mapping", "oc login writes a new one", str(path))
        merged["current-context"] = merged["current-context"] or str(raw.get("current-context") or "")
        for kind, single in (("contexts", "context"), ("clusters", "cluster"), ("users", "user")):
            items = raw.get(kind)
            for item in items if isinstance(items, list) else []:
                if isinstance(item, dict) and isinstance(item.get(single), dict):
                    merged[kind].setdefault(
                        str(item.get("name")), item[single] | {"__folder__": str(path.parent)}
                    )
    return merged


def _named(merged: dict[str, Any], kind: str, name: str, what: str) -> dict[str, Any]:
    found = merged[kind].get(str(name))
    if not isinstance(found, dict):
        have = ", ".join(clean(each, limit=60) for each in list(merged[kind])[:10]) or "none"
        raise _problem(
            f"the kubeconfig has no {what} {clean(str(name))!r} (it has: {have})", "oc config get-contexts"
        )
    return found


def _embed(holder: dict[str, Any], key: str, folder: Path) -> None:
    place = holder.pop(key, None)
    if place and not holder.get(f"{key}-data"):
        holder[f"{key}-data"] = base64.b64encode(_read(folder / str(place))).decode()


def _read(path: Path) -> bytes:
    try:
        with path.expanduser().open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _problem(f"can't be read: {error.strerror}", "oc login", str(path)) from None
    if len(data) > MAX_BYTES:
        raise _problem("is larger than 4 MiB", "oc config view --minify --raw > smaller", str(path))
    return data


async def _run_plugin(
    plugin: dict[str, Any], cluster: dict[str, Any], folder: Path
) -> tuple[dict[str, str], str]:
    """The credential, and when it ends as the plug-in tells it."""
    command = str(plugin.get("command") or "")
    program = str(folder / command) if os.sep in command and not command.startswith(os.sep) else command
    if not command or shutil.which(program) is None:
        hint = clean(str(plugin.get("installHint") or "").strip().partition("\n")[0])
        raise _problem(
            f"the kubeconfig asks the program {clean(command)!r} for a token, and it is not installed",
            hint or "install it, or oc login with a token",
        )
    version = str(plugin.get("apiVersion") or "client.authentication.k8s.io/v1")
    spec: dict[str, Any] = {"interactive": False}
    if plugin.get("provideClusterInfo"):
        spec["cluster"] = {k: v for k, v in cluster.items() if k in ("server", "certificate-authority-data")}
    env = os.environ | {
        str(e.get("name")): str(e.get("value")) for e in plugin.get("env") or [] if isinstance(e, dict)
    }
    env["KUBERNETES_EXEC_INFO"] = json.dumps({"apiVersion": version, "kind": "ExecCredential", "spec": spec})
    process = await asyncio.create_subprocess_exec(
        program,
        *[str(arg) for arg in plugin.get("args") or []],
        env=env,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(EXEC_TIMEOUT_S):
            output, _ = await process.communicate()
    except TimeoutError:
        raise _problem(
            f"{clean(command)!r} gave no token within {EXEC_TIMEOUT_S:.0f} s", "oc login"
        ) from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                # Its whole group: a child of the plug-in would hold the pipe, and us, to its own end.
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    try:
        status: Any = json.loads(output)["status"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise _problem(
            f"{clean(command)!r} gave no credential (exit {process.returncode})", "oc login"
        ) from None
    given = {
        key: str(status[name])
        for key, name in (("token", "token"), ("cert", "clientCertificateData"), ("key", "clientKeyData"))
        if isinstance(status, dict) and status.get(name)
    }
    found = {"token": given["token"]} if "token" in given else {}
    if "cert" in given and "key" in given:
        found["client-certificate-data"] = base64.b64encode(given["cert"].encode()).decode()
        found["client-key-data"] = base64.b64encode(given["key"].encode()).decode()
    if not found:
        raise _problem(f"{clean(command)!r} gave a credential without a token", "oc login")
    return found, str(status.get("expirationTimestamp") or "")


def _check(user: dict[str, Any], cluster: dict[str, Any], where: str) -> None:
    """Teach the process what is secret, and refuse what no header can carry.

    Raises:
        UserError: in words that hold no part of it.
    """
    server = str(cluster.get("server") or "")
    teach_user(user)
    for address in (server, str(cluster.get("proxy-url") or "")):
        teach_login(address)
    if isinstance(user.get("token"), str):
        user["token"] = user["token"].strip()
    fault = user_fault(user)
    if not fault and "://" in server and (fault := address_fault(server)):
        fault = f"the server's address {fault}"
    if fault:
        raise _problem(fault, "log in again: oc login --web", where)


def teach(redact: Redactor, kubeconfig: Path) -> None:
    """Let the redactor know the credentials of a flattened kubeconfig that an earlier process has lent."""
    try:
        users = json.loads(kubeconfig.read_bytes())["users"]
        _teach(redact, users[0]["user"])
    except (OSError, ValueError, LookupError, TypeError):
        return


def _teach(redact: Redactor, user: dict[str, Any]) -> None:
    for key in ("token", "client-key-data"):
        if value := user.get(key):
            redact.add(str(value))
    redact.add_password(str(user.get("password") or ""), str(user.get("username") or ""))
    teach_user(user)
    with suppress(ValueError):
        teach_key(base64.b64decode(str(user.get("client-key-data") or "")).decode())


def _problem(what: str, fix: str, where: str = "") -> UserError:
    problem = Problem(what=what, fix=fix, where=where, code="kubeconfig")
    return UserError(problem, status=ExitStatus.CLUSTER)
