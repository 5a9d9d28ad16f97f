"""An OIDC login renewed by the official client's loader, where neither oc nor kubectl is there to do it.

The loader runs in a child process, for its import costs half a CPU-second and 40 MB. The login goes to it and
comes back through pipes. What it got is put into the kubeconfig in place of what stood there, as kubectl does
it: with a new token often comes a new refresh-token, and then the old one is worth nothing.
"""

from __future__ import annotations

import json
import os
import re
import ssl
import sys
from pathlib import Path
from typing import Any

from modelcar_tui.core.credentials import teach_user
from modelcar_tui.core.files import write_atomic
from modelcar_tui.core.process import run_bounded
from modelcar_tui.core.secrets import quoted
from modelcar_tui.kube.credentials import Credentials
from modelcar_tui.kube.plugin import EXEC_TIMEOUT_S

_TOKENS = ("id-token", "refresh-token")
_LIMIT = 2**20
_LONGEST_ERROR = 300
_TOKEN = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9._~+/=-]{8,}")
"""None of a token's characters (RFC 6750) ends a scalar of YAML or JSON; with a letter it is no number."""
_AUTHORITY = "idp-certificate-authority"


class CanNotKeepError(Exception):
    """The renewed login has no place in the kubeconfig, so that none is asked for."""


async def renew_oidc(credentials: Credentials) -> str:
    """Renew the login of the kubeconfig's user in its file; the loader's words where it can't, else nothing.

    Raises:
        CanNotKeepError: before anything is asked.
    """
    config = dict((credentials.provider or {})["config"])
    old = [str(config.get(name) or "") for name in _TOKENS]
    path = _home(credentials, old)
    if not (config.get(f"{_AUTHORITY}-data") or config.get(_AUTHORITY)):
        # Without one the loader would not check whom it sends the login to.
        paths = ssl.get_default_verify_paths()
        config[_AUTHORITY] = paths.cafile or paths.openssl_cafile
    config.setdefault("client-secret", "")
    argv = [sys.executable, "-m", __name__]
    given = json.dumps(config).encode()
    done = await run_bounded(argv, timeout_s=EXEC_TIMEOUT_S, limit=_LIMIT, stdin=given, linger_s=0.5)
    try:
        found: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        return f"no answer within {EXEC_TIMEOUT_S:.0f} s" if done.timed_out else "no answer"
    new = [str(found.get(name) or "") for name in _TOKENS]
    teach_user({"auth-provider": {"config": dict(zip(_TOKENS, new, strict=True))}})
    if not all(_TOKEN.fullmatch(one) for one in new):
        return quoted(str(found.get("error") or "it gave no tokens"), limit=_LONGEST_ERROR, of_plugin=True)
    text = path.read_text()
    for before, after in zip(old, new, strict=True):
        text = text.replace(before, after)
    write_atomic(path, text.encode())
    return ""


def _home(credentials: Credentials, tokens: list[str]) -> Path:
    """The one file in which each of the tokens stands once, and which can be replaced."""
    for path in credentials.files:
        if not path.is_file() or not os.access(path.resolve().parent, os.W_OK):
            continue  # a pipe has been read already, and would be waited for
        try:
            text = path.read_text()
        except (OSError, UnicodeDecodeError):
            continue
        if all(_TOKEN.fullmatch(one) and text.count(one) == 1 for one in tokens):
            return path.resolve()
    raise CanNotKeepError


def main(config: dict[str, Any]) -> dict[str, str]:
    """The child: the tokens that the loader has got, or why it has none."""
    from kubernetes.client import Configuration
    from kubernetes.config.kube_config import KubeConfigLoader

    user = {"auth-provider": {"name": "oidc", "config": config}}
    kubeconfig = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://unasked.invalid"}}],
        "users": [{"name": "u", "user": user}],
    }
    before = config.get("id-token")
    try:
        loader: Any = KubeConfigLoader
        loader(config_dict=kubeconfig, active_context="c", config_base_path="").load_and_set(Configuration())
    except Exception as error:  # noqa: BLE001 - told to the operator; the loader raises what it likes
        return {"error": f"{type(error).__name__}: {error}"}
    if config.get("id-token") == before:
        return {"error": "the issuer renewed nothing"}
    return {name: str(config[name]) for name in _TOKENS}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(json.load(sys.stdin))))
