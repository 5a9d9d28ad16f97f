"""Answers to a registry's challenge: Basic, or a Bearer token from its token service."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from modelcar_tui.core.credentials import token_fault
from modelcar_tui.core.secrets import Secret, teach_passing, teach_refused
from modelcar_tui.image.credentials import Credential, find_credential
from modelcar_tui.image.errors import Trouble, fault
from modelcar_tui.image.options import ImageOptions
from modelcar_tui.image.registry.mirrors import Endpoint

if TYPE_CHECKING:
    from modelcar_tui.image.registry.http import Http

_PARAMETER = re.compile(r'([A-Za-z]+)="([^"]*)"')
_LONGEST_TOKEN = 65536


class Authorizer:
    """Remembers, per registry, how it wants to be asked, and the tokens that it gave."""

    def __init__(self, http: Http, options: ImageOptions) -> None:
        self._http = http
        self._options = options
        self._challenges: dict[str, dict[str, str]] = {}
        self._headers: dict[tuple[str, str], Secret] = {}
        self._locks: dict[tuple[str, str], asyncio.Lock] = {}

    async def header(self, endpoint: Endpoint) -> Secret | None:
        """The Authorization header, None while the registry has not asked for one."""
        key = (endpoint.host, endpoint.repository)
        if (known := self._headers.get(key)) is not None:
            return known
        if endpoint.host not in self._challenges:
            return None
        return await self._renew(endpoint, stale=None)

    async def answer(
        self, endpoint: Endpoint, challenge: str, *, stale: Secret | None, secure: bool
    ) -> Secret:
        """The header to try after a 401; `stale` is the one that was refused.

        Raises:
            ImageError: no login, a wrong one, or a challenge that makes no sense.
        """
        self._challenges[endpoint.host] = _parse(challenge) | {"secure": "1" if secure else ""}
        return await self._renew(endpoint, stale=stale)

    async def _renew(self, endpoint: Endpoint, *, stale: Secret | None) -> Secret:
        key = (endpoint.host, endpoint.repository)
        async with self._locks.setdefault(key, asyncio.Lock()):
            known = self._headers.get(key)
            if known is not None and known is not stale:
                return known  # another request renewed it while this one waited
            self._headers.pop(key, None)
            challenge = self._challenges[endpoint.host]
            login = await find_credential(endpoint.host, endpoint.repository, self._options)
            if challenge["scheme"] == "basic":
                header = self._basic(endpoint, login, stale)
            elif challenge["scheme"] == "bearer":
                header = await self._bearer(endpoint, login, challenge, stale)
            else:
                raise fault(
                    Trouble.PROTOCOL, host=endpoint.host, detail="it asks for neither Basic nor Bearer"
                )
            self._headers[key] = header
            return header

    def _basic(self, endpoint: Endpoint, login: Credential | None, stale: Secret | None) -> Secret:
        if login is None:
            raise endpoint.fault(Trouble.AUTH, "no auth file has a login for it")
        if stale is not None:
            raise endpoint.fault(Trouble.AUTH, f"the login from {login.origin} is refused")
        return _basic_header(login)

    async def _bearer(
        self, endpoint: Endpoint, login: Credential | None, challenge: dict[str, str], stale: Secret | None
    ) -> Secret:
        realm = challenge.get("realm", "")
        host = _service(realm, endpoint, secret=login is not None and bool(challenge["secure"]))
        query = {"scope": f"repository:{endpoint.repository}:pull"}
        if service := challenge.get("service"):
            query["service"] = service
        form, headers = _shown(login, query)
        status, body = await self._http.token(
            realm, query=query, form=form, headers=headers, endpoint=endpoint
        )
        if status in (401, 403) or (status == 400 and form):
            told = f"the login from {login.origin} is refused" if login else "no auth file has a login for it"
            raise endpoint.fault(Trouble.AUTH, told)
        if status != 200:
            raise fault(Trouble.SERVER, host=host, detail=f"token service: HTTP {status}")
        header = Secret(f"Bearer {_token(body, host)}")
        if stale is not None and header.reveal() == stale.reveal():
            raise endpoint.fault(Trouble.AUTH, "its own token is refused")
        return header


def _service(realm: str, endpoint: Endpoint, *, secret: bool) -> str:
    """The host of a token service, to which nothing secret is sent over plain HTTP."""
    try:
        parts = urlsplit(realm)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise endpoint.fault(Trouble.PROTOCOL, "its token service has no address")
    if parts.scheme == "http" and secret:
        raise endpoint.fault(Trouble.AUTH, "its token service wants the login over plain HTTP")
    return parts.hostname


def _shown(login: Credential | None, query: dict[str, str]) -> tuple[dict[str, str] | None, dict[str, str]]:
    """How a login is shown to a token service: a form with an identity token, or a header."""
    if login is None:
        return None, {}
    if not login.identity_token:
        return None, {"Authorization": _basic_header(login).reveal()}
    token = login.password.reveal()
    return query | {"grant_type": "refresh_token", "refresh_token": token, "client_id": "modelcar-tui"}, {}


def _basic_header(login: Credential) -> Secret:
    packed = base64.b64encode(f"{login.user}:{login.password.reveal()}".encode()).decode()
    return Secret(f"Basic {packed}")


def _parse(challenge: str) -> dict[str, str]:
    """`Bearer realm="...",service="..."` as a mapping with `scheme`; Bearer is preferred over Basic."""
    text = challenge[:4096]
    match = re.search(r"\bBearer\s+(.*)", text, re.IGNORECASE | re.DOTALL)
    if match:
        return {key.lower(): value for key, value in _PARAMETER.findall(match[1])} | {"scheme": "bearer"}
    return {"scheme": "basic" if re.search(r"\bBasic\b", text, re.IGNORECASE) else ""}


def _token(body: bytes, host: str) -> str:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        data = None
    token = (data.get("token") or data.get("access_token")) if isinstance(data, dict) else None
    if not isinstance(token, str) or not 1 <= len(token) <= _LONGEST_TOKEN:
        raise fault(Trouble.PROTOCOL, host=host, detail="the token service gave no token")
    if wrong := token_fault(token):
        teach_refused(token)
        raise fault(Trouble.PROTOCOL, host=host, detail=f"the token of its token service {wrong}")
    teach_passing(token)
    return token
