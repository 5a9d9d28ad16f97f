"""The few calls to the API server that the Kubernetes engine makes, over httpx, from a flattened
kubeconfig."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelcar_tui.core.files import write_private
from modelcar_tui.core.secrets import quoted

if TYPE_CHECKING:
    import httpx

TIMEOUT_S = 30.0
LOG_SILENCE_S = 300.0
"""A followed log may say nothing for so long before the connection is made anew."""
REFUSED_S = 60.0
"""A server that has just started refuses everybody until it has read its roles and tokens."""
MAX_BODY = 16 * 1024**2


class KubeError(Exception):
    """The API server refused, or could not be reached (`status` 0); its words are cleaned and redacted."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(quoted(message, limit=400))
        self.status = status


class KubeApi:
    """One API server as the operator; paths are below `/`."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def call(self, method: str, path: str, body: Any = None, **query: str) -> dict[str, Any]:
        """One request and its decoded answer.

        Raises:
            KubeError: any status from 400 on, no answer, or one that is no JSON object.
        """
        import httpx

        kind = {"Content-Type": "application/merge-patch+json"} if method == "PATCH" else None
        try:
            async with self._client.stream(method, path, json=body, params=query, headers=kind) as answer:
                data = bytearray()
                async for chunk in answer.aiter_bytes():
                    data += chunk
                    if len(data) > MAX_BODY:
                        raise KubeError(0, "the API server's answer is larger than 16 MiB")
                found: Any = json.loads(data or b"{}")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise KubeError(0, _kind(error)) from None
        except (ValueError, RecursionError):
            raise KubeError(answer.status_code, "the API server's answer is no JSON") from None
        if not isinstance(found, dict):
            raise KubeError(answer.status_code, "the API server's answer is no JSON object")
        if answer.status_code >= 400:
            raise KubeError(answer.status_code, _message(data, answer.status_code))
        return found

    async def log(self, path: str, **query: str) -> AsyncIterator[bytes]:
        """Chunks of a pod's log until the server ends it.

        Raises:
            KubeError: as for `call`; also when the connection breaks.
        """
        import httpx

        try:
            async with self._client.stream(
                "GET", path, params=query, timeout=httpx.Timeout(TIMEOUT_S, read=LOG_SILENCE_S)
            ) as answer:
                if answer.status_code >= 400:
                    raise KubeError(answer.status_code, _message(await answer.aread(), answer.status_code))
                # With a size it would hold lines back until so many bytes have come.
                async for chunk in answer.aiter_bytes():
                    yield chunk
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise KubeError(0, _kind(error)) from None


class Doubt:
    """Whether a refusal of what was allowed before is still not believed."""

    def __init__(self) -> None:
        self._until = 0.0

    @property
    def left(self) -> bool:
        """True for `REFUSED_S` from the first time that it is asked."""
        self._until = self._until or time.monotonic() + REFUSED_S
        return time.monotonic() < self._until


async def find(api: KubeApi, path: str) -> dict[str, Any] | None:
    """An object, None where it is not there."""
    try:
        return await api.call("GET", path)
    except KubeError as error:
        if error.status == 404:
            return None
        raise


async def patient(api: KubeApi, path: str, pause: float, *, allowed: bool = True) -> dict[str, Any] | None:
    """`find` that waits for an API server that is away; the watchdog sets the limit.

    Args:
        api: of the cluster.
        path: of the object.
        pause: seconds between two tries.
        allowed: whether it was allowed before, so that a refusal may be a passing one.
    """
    doubt = Doubt()
    while True:
        try:
            return await find(api, path)
        except KubeError as error:
            if error.status in (401, 403) and not (allowed and doubt.left):
                raise
            await asyncio.sleep(pause)


async def create(api: KubeApi, path: str, value: dict[str, Any]) -> dict[str, Any]:
    """Make an object, or take the one of that name which is there already."""
    try:
        return await api.call("POST", path, value)
    except KubeError as error:
        if error.status != 409:
            raise
        return await api.call("GET", f"{path}/{value['metadata']['name']}")


async def gone(api: KubeApi, path: str, pause: float) -> None:
    """Delete an object and wait until it is not there any more.

    Raises:
        KubeError: we may not: waiting would never end.
    """
    try:
        await api.call("DELETE", path, propagationPolicy="Background")
    except KubeError as error:
        if error.status != 404:
            raise
    while await find(api, path) is not None:  # noqa: ASYNC110 - the API server tells nobody
        await asyncio.sleep(pause)


def _message(body: bytes | bytearray, status: int) -> str:
    """What the server says in its Status, else the start of whatever it says."""
    try:
        found: Any = json.loads(body)
        return str(found["message"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return quoted(bytes(body).strip(), limit=400) or f"HTTP {status}"


_KINDS = (
    ("Timeout", "the API server does not answer in time"),
    ("ProxyError", "the proxy does not let us through"),
    ("CertVerification", "the API server's certificate is not trusted, or is for another name"),
    ("gaierror", "the API server's name can't be resolved"),
    ("ConnectionRefused", "the API server refuses the connection"),
    ("InvalidURL", "the API server sends us to no address"),
    ("LocalProtocol", "the request can't be sent"),
    ("RemoteProtocol", "the API server's answer broke off, or is not HTTP"),
    ("ReadError", "the connection to the API server broke"),
    ("WriteError", "the connection to the API server broke"),
    ("ConnectError", "the API server can't be reached"),
)


def _kind(error: BaseException) -> str:
    """What kind of error it is, in our own words: an error's text may quote a header, and the token in it."""
    names: list[str] = []
    part: BaseException | None = error
    while part is not None and len(names) < 40:
        names += [kind.__name__ for kind in type(part).__mro__]
        part = part.__cause__ or part.__context__
    return next(
        (words for kind, words in _KINDS if any(kind in name for name in names)), type(error).__name__
    )


@asynccontextmanager
async def kube_api(kubeconfig: bytes) -> AsyncIterator[KubeApi]:
    """A client for the only context of a flattened kubeconfig (`kubeconfig.flatten`)."""
    import httpx

    config: Any = json.loads(kubeconfig)
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    headers = {"User-Agent": "modelcar-tui", "Accept": "application/json"}
    if token := user.get("token"):
        headers["Authorization"] = f"Bearer {token}"
    auth = (user["username"], user["password"]) if user.get("username") and user.get("password") else None
    client = httpx.AsyncClient(
        base_url=str(cluster["server"]).rstrip("/"),
        headers=headers,
        auth=auth,
        timeout=TIMEOUT_S,
        verify=_tls(cluster, user),
    )
    async with client:
        yield KubeApi(client)


def _tls(cluster: dict[str, Any], user: dict[str, Any]) -> ssl.SSLContext:
    authority = cluster.get("certificate-authority-data")
    context = ssl.create_default_context(cadata=base64.b64decode(authority).decode() if authority else None)
    if cluster.get("insecure-skip-tls-verify"):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if user.get("client-certificate-data") and user.get("client-key-data"):
        # OpenSSL takes a chain from files only.
        with tempfile.TemporaryDirectory() as folder:
            chain, key = Path(folder) / "chain", Path(folder) / "key"
            write_private(chain, base64.b64decode(user["client-certificate-data"]))
            write_private(key, base64.b64decode(user["client-key-data"]))
            context.load_cert_chain(chain, key)
    return context
