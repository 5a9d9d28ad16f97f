"""Whether a credential can be sent, and addresses without the login that may stand in them.

A credential becomes an HTTP header. One that no header can carry makes the HTTP libraries raise errors that
quote it, so it is refused where it is read, in words that hold no part of it.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from modelcar_tui.core.masks import unlike_a_word
from modelcar_tui.core.names import Kind, kind_of
from modelcar_tui.core.secrets import VARIABLES, teach, teach_lines, teach_password, teach_refused
from modelcar_tui.core.shapes import unlike_ordinary

_BREAKS = "\n\r\v\f\x85\u2028\u2029"
LINE_BREAK = "holds a line break (pasted over two lines?)"
_LATE_LOGIN = re.compile(r"^(?:[^:/?#]*://)?(?:[^/?#]*:[^/?#\]]*/[^/]*@|.*@[^/?#@]*:\d)", re.DOTALL)
"""A login whose password holds a slash: the host seems to end within it, and the true one stands behind an
@."""
_HALVES = re.compile("[\ud800-\udfff]")
_LOGIN = re.compile(r"^(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)?(?P<login>[^/?#]*)@")
_SECRET_NAME = re.compile(r"SECRET|KEY|TOKEN|PASSWORD", re.IGNORECASE)
_TOKENS = ("token", "id-token", "access-token", "refresh-token")
_WORDS = {
    "username": "user name",
    "password": "password",
    "as": "user in `as`",
    "as-uid": "value of as-uid",
    "as-groups": "group in as-groups",
    "as-user-extra": "value of as-user-extra",
}


class Login(NamedTuple):
    """User and password as they stand in an address, decoded."""

    user: str
    password: str


def header_fault(text: str) -> str:
    """Why no HTTP header can carry `text`, as a predicate (`holds a line break ...`); empty where one can.

    For user names, impersonated users, addresses. No part of the text is in the answer.
    """
    if any(char in _BREAKS for char in text):
        return LINE_BREAK
    if any(unicodedata.category(char) == "Cc" for char in text):
        return "holds a control character"
    return password_fault(text)


def password_fault(text: str) -> str:
    """`header_fault` for passwords: Basic packs them, so any text can be sent that has bytes."""
    return "holds a character that is none (half of a surrogate pair)" if _HALVES.search(text) else ""


def token_fault(text: str) -> str:
    """`header_fault` for bearer tokens and keys, which are ASCII; a blank within one is sent, as kubectl
    does."""
    if fault := header_fault(text):
        return fault
    if text.startswith("\ufeff"):
        return "begins with a byte order mark, which the server would take for a part of it"
    return "" if text.isascii() else "holds a character that is not ASCII, which no token has"


def user_fault(user: Mapping[str, Any]) -> str:
    """What can't be sent of a kubeconfig's user: `the token holds a line break ...`; empty where all can.

    Looked at is what would be sent: the token, else name and password, else an auth-provider's tokens; and
    impersonation. Surrounding white space of a token does not count, as it is stripped. What is refused is
    taught to the process, with its parts.
    """
    for key, value in _sent(user):
        text = str(value).strip() if key in _TOKENS else str(value)
        check = token_fault if key in _TOKENS else password_fault if key == "password" else header_fault
        fault = check(text)
        if isinstance(value, (dict, list)):
            fault = "is no text"
        if fault:
            teach_refused(text)
            return f"the {_WORDS.get(key, key)} {fault}"
    return ""


def teach_user(user: Mapping[str, Any]) -> None:
    """Teach the process every credential of a kubeconfig's user that is there as text."""
    name, password = user.get("username"), user.get("password")
    for key in _TOKENS:
        if isinstance(value := user.get(key), str):
            teach(value, value.strip(), *filter(unlike_a_word, value.split()))
    if password and not isinstance(password, (dict, list)):
        teach_password(str(password), str(name or ""))
    if isinstance(key_data := user.get("client-key-data"), str):
        teach_lines(key_data)
    teach(*(value for name, value in _given(user) if _SECRET_NAME.search(name)))


def _given(user: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What an auth-provider and an exec plug-in of the user are given, by its name; but for paths of keys."""
    for key, value in _provider(user).items():
        if isinstance(value, str) and not str(key).endswith(("-key", "-path")):
            yield str(key), value
    plugin = user.get("exec")
    entries = plugin.get("env") if isinstance(plugin, dict) else None
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict):
            yield str(entry.get("name")), str(entry.get("value") or "")


def _provider(user: Mapping[str, Any]) -> Mapping[str, Any]:
    """The configuration of an auth-provider; empty where there is none."""
    provider = user.get("auth-provider")
    config = provider.get("config") if isinstance(provider, dict) else None
    return config if isinstance(config, dict) else {}


def without_login(address: str) -> str:
    """An address without the `user:password@` before its host; anything else stays as it is."""
    return _LOGIN.sub(lambda found: found["scheme"] or "", address, count=1)


def login_in(address: str) -> Login | None:
    """The user and password that stand in an address; None where there are none."""
    found = _LOGIN.match(address)
    if found is None:
        return None
    user, _, password = found["login"].partition(":")
    return Login(unquote(user), unquote(password))


def teach_login(address: str) -> None:
    """Teach the process the login in an address, as written and decoded."""
    found, login = _LOGIN.match(address), login_in(address)
    if found is None or login is None:
        return
    teach_password(found["login"].partition(":")[2] or found["login"])
    teach_password(login.password or login.user, login.user if login.password else "")


def address_fault(address: str) -> str:
    """Why nothing can be asked at an address, in words without it; empty where it is one of http or https."""
    if fault := header_fault(address):
        return fault
    if any(char.isspace() for char in address):
        return "holds a blank"
    if _LATE_LOGIN.match(without_login(address)):
        return "holds an @ behind its host (in a password, / is written %2F)"
    try:
        parts = urlsplit(address)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    return "" if good else "is no address with http:// or https:// and a host"


def _sent(user: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The entries whose values become headers, and those values."""
    login = ("token",) if str(user.get("token") or "").strip() else ("username", "password")
    yield from ((key, user[key]) for key in (*login, "as", "as-uid") if user.get(key) is not None)
    yield from _acting(user)
    for key, value in _provider(user).items() if not any(map(user.get, login)) else ():
        if key in ("id-token", "access-token") and isinstance(value, str):
            yield key, value


def _acting(user: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The groups and the extra values of whom is impersonated."""
    groups, extra = user.get("as-groups"), user.get("as-user-extra")
    for group in groups if isinstance(groups, list) else (groups or "",):
        yield "as-groups", group
    for name, values in extra.items() if isinstance(extra, dict) else ():
        for value in (name, *(values if isinstance(values, list) else (values,))):
            yield "as-user-extra", value


def teach_environment(environ: Mapping[str, str] | None = None) -> None:
    """`teach` the environment's: `VARIABLES`, whatever has a secret's name and no ordinary value, and the
    logins in the addresses of proxies."""
    environ = os.environ if environ is None else environ
    teach(*(environ.get(name) for name in VARIABLES))
    for name, value in environ.items():
        if kind_of(name) is not Kind.NONE and unlike_ordinary(value):
            teach(value)
        if name.lower().endswith("_proxy"):
            teach_login(value)
