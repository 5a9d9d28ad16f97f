"""The pull secret in every shape that operators paste, and the one the suite wants.

One variable name has several meanings in the wild: base64 of `user:password` (the `auth` field of a docker
config), a whole dockerconfigjson or auth file, base64 of those, or plain `user:password`. The suite wants the
first, one a registry.
"""

from __future__ import annotations

import base64
import binascii
import json
from enum import StrEnum
from typing import Any

from modelcar_tui.core import secrets
from modelcar_tui.core.credentials import header_fault, password_fault
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.secrets import Redactor, Secret, inside_base64  # noqa: F401 - a form that others look for

MAX_CHARS = 1_000_000
_FIX = "export OCI_REGISTRY_PULL_SECRET with base64 of user:password, or with the text of an auth file"


class Shape(StrEnum):
    """How a secret was written."""

    BASIC = "base64 of user:password"
    PLAIN = "user:password"
    CONFIG = "auth file (dockerconfigjson)"
    CONFIG64 = "base64 of an auth file"
    ENTRY = "one entry of an auth file"


class PullSecret:
    """A recognised pull secret. `repr` shows its shape and hosts, never a value."""

    __slots__ = ("_any", "_hosts", "shape")

    def __init__(self, shape: Shape, hosts: dict[str, Secret], for_any: Secret | None) -> None:
        self.shape = shape
        self._hosts = hosts
        self._any = for_any

    @property
    def hosts(self) -> tuple[str, ...]:
        """Registry hosts that it names; empty when it is for whichever registry asks."""
        return tuple(self._hosts)

    def for_host(self, host: str) -> Secret | None:
        """Base64 of `user:password` for a registry (or `registry/namespace`), None where it has none."""
        place = host
        while place:
            if place in self._hosts:
                return self._hosts[place]
            place = place.rpartition("/")[0]
        return self._any

    def teach(self, redact: Redactor) -> None:
        """Make the redactor know every form in which a part of it might be printed."""
        for secret in (*self._hosts.values(), *([self._any] if self._any else [])):
            teach(redact, secret.reveal())

    def __repr__(self) -> str:
        return f"PullSecret({self.shape.value}, hosts={list(self._hosts)})"

    def __reduce__(self) -> str:
        raise TypeError("a PullSecret is never pickled or copied to disk")


def parse(secret: Secret) -> PullSecret:
    """Recognise a secret's shape.

    Raises:
        UserError: it is none of the known shapes; the message holds no part of it.
    """
    text = secret.reveal().strip()
    if not text or len(text) > MAX_CHARS:
        raise _unreadable("the pull secret is empty" if not text else "the pull secret is larger than 1 MB")
    if text.startswith("{"):
        return _config(text, Shape.CONFIG)
    decoded = _decode(text)
    if decoded is not None:
        if decoded.lstrip().startswith("{"):
            return _config(decoded, Shape.CONFIG64)
        if _is_basic(decoded):
            return PullSecret(Shape.BASIC, {}, _basic(decoded.strip("\r\n")))
    if _is_basic(text) and not any(char.isspace() for char in text):
        return PullSecret(Shape.PLAIN, {}, _basic(text))
    raise _unreadable("the pull secret is neither base64 of user:password nor an auth file")


def teach(redact: Redactor, auth: str) -> None:
    """Teach one base64 `user:password`: itself, its password, and both inside longer base64 texts."""
    redact.add(auth)
    secrets.teach(auth)


def _config(text: str, shape: Shape) -> PullSecret:
    try:
        raw: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise _unreadable("the pull secret looks like an auth file and is not valid JSON") from None
    if isinstance(raw, dict) and isinstance(raw.get("auth"), str):
        return PullSecret(Shape.ENTRY, {}, _checked(raw["auth"]))
    auths = raw.get("auths", raw) if isinstance(raw, dict) else None
    if not isinstance(auths, dict):
        raise _unreadable('the auth file has no "auths"')
    hosts: dict[str, Secret] = {}
    for host, value in auths.items():
        entry = value[0] if isinstance(value, list) and value else value
        if not isinstance(entry, dict):
            continue
        if isinstance(entry.get("auth"), str) and entry["auth"]:
            hosts[_bare(host)] = _checked(entry["auth"])
        elif isinstance(entry.get("username"), str) and isinstance(entry.get("password"), str):
            hosts[_bare(host)] = _basic(f"{entry['username']}:{entry['password']}")
    if not hosts:
        raise _unreadable("the auth file holds no credentials (a credential helper keeps them elsewhere)")
    return PullSecret(shape, hosts, None)


def _bare(host: str) -> str:
    return str(host).removeprefix("https://").removeprefix("http://").removesuffix("/").removesuffix("/v1")


def _checked(auth: str) -> Secret:
    decoded = _decode(auth)
    if decoded is None or not _is_basic(decoded):
        raise _unreadable('an "auth" of the auth file is not base64 of user:password')
    return _basic(decoded.strip("\r\n"))


def _basic(text: str) -> Secret:
    if fault := header_fault(text.partition(":")[0]) or password_fault(text):
        secrets.teach_refused(text.partition(":")[2])
        raise _unreadable(f"a login of the pull secret {fault}")
    return Secret(base64.b64encode(text.encode()).decode())


def _is_basic(text: str) -> bool:
    user, colon, password = text.strip("\r\n").partition(":")
    return bool(user and colon and password)


def _decode(text: str) -> str | None:
    packed = "".join(text.split())
    try:
        data = base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True)
        return data.decode("utf-8")
    except (binascii.Error, ValueError):
        return None


def _unreadable(what: str) -> UserError:
    return UserError(Problem(what=what, fix=_FIX, code="pull-secret"))


NONE = PullSecret(Shape.BASIC, {}, None)
"""No secret at all: fit for a manifest whose images name no registry."""


def known(secret: Secret | None, redact: Redactor, *, needed: bool) -> PullSecret:
    """The recognised secret, taught to the redactor; `NONE` where there is none.

    Args:
        needed: False when the suite runs already: it has its secret, so a bad or missing one stops nothing.

    Raises:
        UserError: it is needed and has no shape that we know.
    """
    if not secret:
        return NONE
    try:
        found = parse(secret)
    except UserError:
        if needed:
            raise
        return NONE
    found.teach(redact)
    return found
