"""One kubeconfig with only the used context, everything embedded: what a container can use.

It is written from the same `Credentials` with which we talk to the server ourselves; an exec plug-in or an
auth-provider is replaced by what it gives (a container has neither the plug-in nor its cache).
"""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from modelcar_tui.core.credentials import teach_user
from modelcar_tui.core.errors import UserError
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.core.secrets import teach_lines
from modelcar_tui.kube.credentials import Credentials
from modelcar_tui.kube.errors import ClusterError
from modelcar_tui.kube.expiry import caution, jwt_expiry
from modelcar_tui.kube.kubeconfig import find_credentials
from modelcar_tui.kube.login import ask
from modelcar_tui.kube.types import ClusterOptions


class Flattened(msgspec.Struct, frozen=True, kw_only=True):
    """A kubeconfig on its own. `repr` is safe: the bytes are not shown."""

    data: bytes
    credentials: Credentials
    """What it was written from, with the plug-in's token."""
    source: Credentials
    """The same before the plug-in was asked."""
    ends: str | float = ""
    """When the plug-in's token ends, as it tells it."""
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Flattened(server={self.credentials.server!r}, context={self.credentials.context!r})"


async def flatten(options: ClusterOptions, *, needed_s: float | None = None) -> Flattened:
    """The chosen or current context, on its own. A token that ends before `needed_s` from now is warned of.

    Raises:
        UserError: there is no such context, a plug-in gives no credential, or one can't be sent or embedded.
    """
    try:
        found = find_credentials(options)
        whole, ends = await ask(found)
    except ClusterError as error:
        raise UserError(error.problem, status=ExitStatus.CLUSTER) from None
    told = _caution(whole, ends, needed_s)
    warnings = (told,) if told else ()
    return Flattened(data=_written(whole), credentials=whole, source=found, ends=ends, warnings=warnings)


def _caution(whole: Credentials, ends: str | float, needed_s: float | None) -> str:
    if whole.giver:
        return caution(f"the token from the {whole.giver}", ends, needed_s)
    expires = jwt_expiry(whole.token.reveal()) if whole.token else None
    return caution("the kubeconfig's token", expires, needed_s) if expires is not None else ""


def teach_lent(kubeconfig: Path) -> None:
    """Teach the process the credentials of a flattened kubeconfig that an earlier process has lent."""
    with suppress(OSError, ValueError, LookupError, TypeError, AttributeError):
        user = json.loads(kubeconfig.read_bytes())["users"][0]["user"]
        teach_user(user)
        teach_lines(base64.b64decode(user.get("client-key-data") or "").decode())


def _written(found: Credentials) -> bytes:
    cluster = {
        "server": found.server,
        "certificate-authority-data": _packed(found.ca),
        "insecure-skip-tls-verify": found.insecure,
        "tls-server-name": found.server_name,
        "proxy-url": found.proxy,
    }
    user: dict[str, Any] = {
        "client-certificate-data": _packed(found.certificate),
        "client-key-data": _packed(found.key.reveal() if found.key else None),
        **found.acting,
    }
    if found.token:
        user["token"] = found.token.reveal()
    elif found.basic:
        # Clients know of no login in an address, and of one way to log in only.
        user["username"], _, user["password"] = found.basic.reveal().partition(":")
    context = {"cluster": "qa", "user": "qa", "namespace": found.namespace}
    whole = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "qa",
        "preferences": {},
        "contexts": [{"name": "qa", "context": context}],
        "clusters": [{"name": "qa", "cluster": {key: value for key, value in cluster.items() if value}}],
        "users": [{"name": "qa", "user": {key: value for key, value in user.items() if value}}],
    }
    # JSON is YAML: every client reads it and no quoting can go wrong.
    return json.dumps(whole, indent=1, default=str).encode()


def _packed(text: str | None) -> str:
    return base64.b64encode((text or "").encode()).decode()
