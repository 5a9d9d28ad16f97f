"""The auth-providers of a kubeconfig, of which oc and kubectl still know one: `oidc`.

Its id-token is sent by ourselves while it is good. oc or kubectl renew it, else the official client
(official.py): with a new token often comes a new refresh-token, which has to be kept in the kubeconfig.
Source: plugin/pkg/client/auth/ of client-go (oidc/oidc.go; azure and gcp are stubs since 1.26).
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from modelcar_tui.core.errors import Problem
from modelcar_tui.core.process import run_bounded
from modelcar_tui.core.secrets import Secret
from modelcar_tui.core.text import clean
from modelcar_tui.kube.credentials import Credentials
from modelcar_tui.kube.errors import ClusterError
from modelcar_tui.kube.expiry import claimed_end, jwt_claims
from modelcar_tui.kube.kubeconfig import find_credentials
from modelcar_tui.kube.last_words import last_words
from modelcar_tui.kube.official import CanNotKeepError, renew_oidc
from modelcar_tui.kube.plugin import EXEC_TIMEOUT_S, Given
from modelcar_tui.kube.types import ClusterOptions, Rung

_EARLY_S = 10.0
"""client-go's: an id-token that ends so soon counts as ended."""
_LOGIN = "log in again with your OIDC login, or oc login --web"
_INSTEAD = {
    "azure": "kubelogin convert-kubeconfig",
    "gcp": "install gke-gcloud-auth-plugin, then gcloud container clusters get-credentials CLUSTER",
}


async def ask_provider(credentials: Credentials) -> Given:
    """The credentials with the id-token of their auth-provider, renewed by oc or kubectl where it has ended.

    Raises:
        ClusterError: the login is broken or expired and can't be renewed, or nobody knows the provider.
    """
    name = str((credentials.provider or {}).get("name") or "?")
    if name != "oidc":
        what = f"oc and kubectl know no auth-provider {clean(name, limit=80)} any more"
        raise _fault(credentials, what, _INSTEAD.get(name, "use a token: oc login --token=..."))
    token, ends, why = _held(credentials)
    if not why:
        return _given(credentials, token, ends)
    if not _config(credentials).get("refresh-token"):
        raise _fault(credentials, f"{why}, and there is no refresh-token to renew it with")
    words = await _renew(credentials, why)
    anew = ClusterOptions(kubeconfig=_files(credentials), context=credentials.context)
    token, ends, still = _held(find_credentials(anew))
    if still:
        raise _fault(credentials, f"{still}, and it can't be renewed{f': {words}' if words else ''}")
    return _given(credentials, token, ends)


def _given(credentials: Credentials, token: str, ends: float) -> Given:
    return Given(replace(credentials, provider=None, token=Secret(token)), ends)


def _files(credentials: Credentials) -> str:
    return os.pathsep.join(map(str, credentials.files))


def _config(credentials: Credentials) -> Mapping[str, Any]:
    config = (credentials.provider or {}).get("config")
    return config if isinstance(config, dict) else {}


def _held(credentials: Credentials) -> tuple[str, float, str]:
    """The id-token, when it ends, and why it is not good.

    Raises:
        ClusterError: client-go would refuse what is there, whether or not it can be renewed.
    """
    config = _config(credentials)
    for key in ("idp-issuer-url", "client-id"):
        if not config.get(key):
            raise _fault(credentials, f"the OIDC login has no {key}")
    token = config.get("id-token") or ""
    if not isinstance(token, str):
        raise _fault(credentials, "the OIDC login is broken: its id-token is no text")
    if not token:
        return "", 0.0, "the OIDC login has no id-token"
    claims = jwt_claims(token)
    if claims is None:
        raise _fault(credentials, "the OIDC login is broken: its id-token is no JSON web token")
    # As in client-go, one that does not tell its end has ended.
    ends = claimed_end(claims) or 0.0
    if ends > time.time() + _EARLY_S:
        return token, ends, ""
    at = time.strftime(" at %Y-%m-%d %H:%M UTC", time.gmtime(ends)) if ends else ""
    return token, ends, f"the OIDC login expired{at}"


async def _renew(credentials: Credentials, why: str) -> str:
    """Have oc or kubectl ask anything, which renews the login first, or else the official client's loader
    renew it; the last words of whoever did.

    Raises:
        ClusterError: nobody is there who could.
    """
    program = shutil.which("oc") or shutil.which("kubectl")
    if program is None:
        try:
            return await renew_oidc(credentials)
        except (CanNotKeepError, OSError):
            what = f"{why}, and neither oc nor kubectl is installed, which renew it"
            raise _fault(credentials, what, f"install oc, or {_LOGIN}") from None
    env = os.environ | {"KUBECONFIG": _files(credentials)}
    argv = [program, "get", "--raw=/version", f"--context={credentials.context}", "--request-timeout=6s"]
    try:
        done = await run_bounded(argv, timeout_s=EXEC_TIMEOUT_S, limit=2**22, env=env, linger_s=0.5)
    except OSError as error:
        return f"{program} can't be run: {error.strerror}"
    if done.timed_out:
        return f"no answer within {EXEC_TIMEOUT_S:.0f} s"
    return last_words(done.stderr)


def _fault(credentials: Credentials, what: str, fix: str = _LOGIN) -> ClusterError:
    problem = Problem(where=credentials.place, what=what, fix=fix, code="auth-provider")
    return ClusterError(Rung.UNAUTHENTICATED, problem)
