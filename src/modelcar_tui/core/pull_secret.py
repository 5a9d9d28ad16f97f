"""`OCI_REGISTRY_PULL_SECRET` in each shape that people give it, and the entries of auth files.

Read is what the shapes' own tools read: `config.json` and `.dockercfg` as docker, podman and the kubelet
read them, Secrets as `oc create secret docker-registry -o yaml` and `-o json` print them. Whatever is read
is taught to the process, and no refusal repeats a part of it.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from modelcar_tui.core.credentials import header_fault, password_fault, token_fault
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.pull_objects import SECRET_KEYS, bared, fits, from_yaml, holds_logins, is_yaml, whole
from modelcar_tui.core.secrets import Secret, quoted, teach, teach_password, teach_refused

VARIABLE = "OCI_REGISTRY_PULL_SECRET"
LOGIN_HOST = "registry.redhat.io"
"""Where a bare `user:password` belongs; its stage takes the same logins."""
_STAGE = "registry.stage.redhat.io"
_DOCKER_HUB = ("docker.io", "index.docker.io", "registry-1.docker.io")
_LONGEST = 1 << 20
_URL_SAFE = str.maketrans("-_", "+/")
_IN_JSON = ("{", "[")
_LAYERS = 3
"""Base64 and Secrets that may lie around one another."""
_FIX = f"export {VARIABLE} with base64 of user:password, or with the text of an auth file"
_LOG_IN = f'podman login --authfile FILE HOST, then export {VARIABLE}="$(cat FILE)"'


class RegistryLogin(msgspec.Struct, frozen=True, kw_only=True):
    """What an entry of an auth file holds. Secrets show nothing in a repr."""

    user: str = ""
    password: Secret = Secret("")
    token: Secret | None = None
    """A refresh token for the registry's token service; it wins over the password."""

    @property
    def basic(self) -> Secret | None:
        """Base64 of `user:password`; None for a token alone."""
        if not self.user or not self.password:
            return None
        return Secret(_packed(f"{self.user}:{self.password.reveal()}"))

    def entry(self) -> dict[str, str]:
        """The entry that every tool reads, secrets in clear."""
        auth = {"auth": _packed(f"{self.user}:{self.password.reveal()}")} if self.user else {}
        return {**auth, **({"identitytoken": self.token.reveal()} if self.token else {})}


class PullSecret:
    """A recognised pull secret. `repr` shows its hosts, never a value.

    Args:
        logins: By `host` or `host/namespace`.
        faults: Why the login of a host can't be used, in words that hold no part of it.
        bare: A login without a host, which is for one registry only.
    """

    __slots__ = ("_faults", "_logins", "bare")

    def __init__(
        self,
        logins: Mapping[str, RegistryLogin],
        faults: Mapping[str, str] | None = None,
        *,
        bare: bool = False,
    ) -> None:
        self._logins = dict(logins)
        self._faults = dict(faults or {})
        self.bare = bare

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts and namespaces with a login that can be used."""
        return tuple(self._logins)

    def login(self, place: str) -> RegistryLogin | None:
        """The login for `host` or `host/namespace`: of its most specific entry; None where it has none.

        Raises:
            UserError: the entry can't be used.
        """
        for key in keys_of(place):
            if key in self._logins:
                return self._logins[key]
            if key in self._faults:
                raise self._refused(key, self._faults[key])
        wild = (key for key in self._logins if "*" in key and fits(key, place.lower()))
        return self._logins.get(next(wild, ""))

    def for_host(self, host: str) -> Secret | None:
        """Base64 of `user:password` for a registry, as the QA suite wants it; None where it has no entry.

        Where the host has no entry of its own, that of its only namespace is taken.

        Raises:
            UserError: the entry can't be used, or holds an identity token alone; or the host's namespaces
                have several logins, and the suite takes one a host.
        """
        found = self._basic(host)
        places = [key for key in (*self._logins, *self._faults) if key.startswith(f"{host}/")]
        if found is not None or not places:
            return found
        secrets = [self._basic(place) for place in places]
        if len({secret.reveal() for secret in secrets if secret}) > 1:
            told = ", ".join(_shown(place) for place in places[:3])
            what = f"the pull secret has several logins ({told}); the suite takes one for {_shown(host)}"
            raise _refusal(what)
        return secrets[0]

    def _basic(self, place: str) -> Secret | None:
        login = self.login(place)
        if login is not None and login.basic is None:
            what = f"for {_shown(place)} the pull secret has an identity token; the suite wants a password"
            raise _refusal(what, _LOG_IN)
        return login.basic if login is not None else None

    @classmethod
    def merged(cls, parts: Iterable[PullSecret]) -> PullSecret:
        """Several as one; the first that has a login for a key gives it."""
        logins: dict[str, RegistryLogin] = {}
        faults: dict[str, str] = {}
        for part in parts:
            logins = part._logins | logins
            faults = part._faults | faults
        return cls(logins, faults)

    def checked(self) -> PullSecret:
        """Itself, for whoever can't do without it.

        Raises:
            UserError: no login in it can be used.
        """
        for host, fault in self._faults.items() if not self._logins else ():
            raise self._refused(host, fault)
        return self

    def _refused(self, host: str, fault: str) -> UserError:
        who = "the pull secret" if self.bare else f"the pull secret's entry for {_shown(host)}"
        return _refusal(f"{who}: {fault}")

    def __repr__(self) -> str:
        return f"PullSecret(hosts={list(self._logins)})"

    def __reduce__(self) -> str:
        raise TypeError("a PullSecret is never pickled or copied to disk")


NONE = PullSecret({})
"""No secret at all: fit for images that name no registry."""


def parse(secret: Secret, *, login_host: str = LOGIN_HOST) -> PullSecret:
    """Recognise a pull secret, and teach the process what is in it.

    Understood are base64 (padded or not, in lines or not, of either alphabet) or plain `user:password`, an
    auth file, one entry of it, a list of entries (its first one counts, as for the QA suite), an old
    `.dockercfg`, a Kubernetes Secret or its `data` in JSON or YAML, several of them, and the base64 of each
    of these; also between quotes that a shell left, or behind `export OCI_REGISTRY_PULL_SECRET=`.

    Args:
        login_host: Where a bare login is for: it must not reach whatever host a manifest names.

    Raises:
        UserError: it is none of these, or holds no login; the message holds no part of it. A login that can't
            be used is refused where it is asked for.
    """
    text = bared(secret.reveal())
    if not text or len(text) > _LONGEST:
        raise _refusal("the pull secret is empty" if not text else "the pull secret is longer than 1 MiB")
    teach(text)
    return _read(text, login_host, _LAYERS)


def read_login(entry: Mapping[str, Any]) -> RegistryLogin | None:
    """An entry of an auth file, taught to the process; None where it holds no credential.

    As in docker and Kubernetes `auth` wins over `username` and `password`; as in the kubelet it needs no
    padding.

    Raises:
        ValueError: no header can carry it, or `auth` is not base64 of `user:password`; no part is repeated.
    """
    packed, token = entry.get("auth"), entry.get("identitytoken")
    user, password = entry.get("username"), entry.get("password")
    if isinstance(packed, str) and packed:
        teach(packed)
        # `echo user:password | base64` packs a line end too.
        user, colon, password = (_unpacked(packed) or "").strip("\0\r\n").partition(":")
        if not colon:
            raise ValueError("the entry is not base64 of user:password")
    user, password = (value if isinstance(value, str) else "" for value in (user, password))
    token = token.strip() if isinstance(token, str) else ""
    if not token and not (user or password):
        return None
    teach(token)
    if password:
        teach_password(password, user)
    _check(user, password, token)
    login = RegistryLogin(user=user, password=Secret(password), token=Secret(token) if token else None)
    teach(login.basic)
    return login


def keys_of(place: str) -> tuple[str, ...]:
    """The keys of an auth file that are for a repository: `host/a/b`, `host/a`, `host`."""
    host, slash, rest = place.partition("/")
    parts = f"{host.lower()}{slash}{rest}".split("/")
    names = tuple("/".join(parts[:count]) for count in range(len(parts), 1, -1))
    return (*names, *(_DOCKER_HUB if parts[0] in _DOCKER_HUB else parts[:1]))


def plain_key(key: str) -> str:
    """A key as podman writes it: docker writes `https://index.docker.io/v1/` for `index.docker.io`."""
    key = key.strip()
    host, slash, path = re.sub(r"^https?://|/v[12]$", "", key.rstrip("/")).partition("/")
    return host.lower() if key.startswith(("http://", "https://")) else f"{host.lower()}{slash}{path}"


def _read(text: str, login_host: str, layers: int) -> PullSecret:
    if text.startswith(("/", "~/", "./")):
        fix = f'export {VARIABLE}="$(cat FILE)"'
        raise _refusal("the pull secret is the path of a file, not its text", fix)
    if _holds_objects(text):
        return _from_data(_objects(text), login_host, layers)
    decoded = _unpacked(text)
    inner = (decoded or "").removeprefix("\ufeff").strip()
    if layers and (_holds_objects(inner) or (":" not in inner and ":" in (_unpacked(inner) or ""))):
        return _read(inner, login_host, layers - 1)
    return _bare(_user_and_password(text, decoded), login_host)


def _holds_objects(text: str) -> bool:
    return text.startswith(_IN_JSON) or is_yaml(text)


def _user_and_password(text: str, decoded: str | None) -> dict[str, str]:
    """`user:password`, bare or as it stood in base64: only there a password may hold blanks or lines, as that
    of `_json_key` does."""
    login = text if decoded is None else decoded.strip("\0\r\n")
    user, colon, password = login.partition(":")
    blank = " " in user or (decoded is None and any(char.isspace() for char in login))
    if not (colon and user and password) or blank:
        raise _refusal("the pull secret is neither base64 of user:password nor an auth file")
    return {"username": user, "password": password}


def _from_data(data: Any, login_host: str, layers: int) -> PullSecret:
    """Of several objects each auth file and Secret counts, the first for a host; else the first entry."""
    found: list[PullSecret] = []
    refused: UserError | None = None
    for one in whole(data):
        try:
            found.append(_from_mapping(one, login_host, layers))
        except UserError as error:
            refused = refused or error
    if found:
        return found[0] if len(found) == 1 else PullSecret.merged(found)
    if refused is not None:
        raise refused
    return _from_mapping(next(iter(data), None) if isinstance(data, list) else data, login_host, layers)


def _from_mapping(data: Any, login_host: str, layers: int) -> PullSecret:
    if not isinstance(data, dict):
        raise _refusal("the pull secret is no auth file: it is not an object")
    if holds_logins(data):
        return _from_secret(data, login_host, layers)
    if any(isinstance(data.get(key), str) for key in ("auth", "username", "identitytoken")):
        return _bare(data, login_host)
    return _from_auths(data)


def _from_auths(data: dict[str, Any]) -> PullSecret:
    """Of an auth file, or an old `.dockercfg`, which is its `auths` alone."""
    helpers = [key for key in ("credHelpers", "credsStore") if data.get(key)]
    old = {} if helpers else {key: entry for key, entry in data.items() if isinstance(entry, dict)}
    auths = data.get("auths", old) or {}
    if not isinstance(auths, dict):
        raise _refusal('the "auths" of the pull secret is not an object')
    logins: dict[str, RegistryLogin] = {}
    faults: dict[str, str] = {}
    for key, entry in auths.items():
        try:
            login = _usable(entry)
        except ValueError as error:
            faults[plain_key(str(key))] = str(error)
        else:
            logins |= {plain_key(str(key)): login} if login is not None else {}
    if not logins and not faults:
        raise _without_logins(list(auths), helpers)
    return PullSecret(logins, faults)


def _from_secret(data: dict[str, Any], login_host: str, layers: int) -> PullSecret:
    parts = [part for name in ("stringData", "data") if isinstance(part := data.get(name), dict)]
    for part in (*parts, data) if layers else ():
        for key in SECRET_KEYS:
            if isinstance(part.get(key), str):
                return _read(part[key].strip(), login_host, layers - 1)
    fix = "oc create secret docker-registry makes one, or " + _FIX
    raise _refusal("the Kubernetes Secret in the pull secret has no .dockerconfigjson", fix)


def _bare(entry: Mapping[str, Any], login_host: str) -> PullSecret:
    hosts = (login_host, _STAGE) if login_host == LOGIN_HOST else (login_host,)
    try:
        login = _usable(entry)
    except ValueError as error:
        return PullSecret({}, dict.fromkeys(hosts, str(error)), bare=True)
    if login is None:
        raise _refusal("the pull secret is an entry of an auth file without a login")
    return PullSecret(dict.fromkeys(hosts, login), bare=True)


def _usable(entry: Any) -> RegistryLogin | None:
    """`read_login` of what must hold a whole login, or nothing."""
    if not isinstance(entry, Mapping):
        raise ValueError("the entry is not an object")
    login = read_login(entry)
    if login is not None and login.token is None and login.basic is None:
        raise ValueError("the entry has no password" if login.user else "the entry has no user name")
    return login


def _check(user: str, password: str, token: str) -> None:
    for what, value, fault in (
        ("identity token", token, token_fault(token)),
        ("password", password, password_fault(password)),
        ("user name", user, header_fault(user)),
    ):
        if fault:
            teach_refused(value)
            teach_refused(password)
            raise ValueError(f"the {what} {fault}")


def _without_logins(keys: list[Any], helpers: list[str]) -> UserError:
    """Why an auth file opens no registry."""
    who = "the auth file in the pull secret"
    if helpers:
        return _refusal(f"{who} holds no login: its {' and '.join(helpers)} keeps it elsewhere", _LOG_IN)
    if keys:
        told = ", ".join(_shown(str(key)) for key in keys[:3])
        return _refusal(f"{who} has no login for {told}", _LOG_IN)
    return _refusal("the pull secret's JSON names no registry")


def _objects(text: str) -> Any:
    """What stands in JSON or YAML."""
    try:
        return json.loads(text) if text.startswith(_IN_JSON) else from_yaml(text)
    except (ValueError, RecursionError):
        kind = "an auth file and is not valid JSON"
        if not text.startswith(_IN_JSON):
            kind = "a Kubernetes Secret and is not valid YAML"
        raise _refusal(f"the pull secret looks like {kind}") from None


def _packed(text: str) -> str:
    return base64.b64encode(text.encode(errors="surrogatepass")).decode()


def _unpacked(text: str) -> str | None:
    """The text in base64 of either alphabet, with or without padding and line ends; None where it is none."""
    packed = "".join(text.split()).translate(_URL_SAFE)
    try:
        return base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        return None


def _shown(host: str) -> str:
    return quoted(host, limit=80)


def _refusal(what: str, fix: str = _FIX) -> UserError:
    return UserError(Problem(what=what, fix=fix, code="pull-secret"))
