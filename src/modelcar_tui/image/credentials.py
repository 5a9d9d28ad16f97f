"""Who we are to a registry: auth files as skopeo finds them, credential helpers, the pull secret."""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from modelcar_tui.core.credentials import header_fault, password_fault, token_fault
from modelcar_tui.core.secrets import Secret, teach, teach_password, teach_refused
from modelcar_tui.image.errors import ImageError, Trouble, fault
from modelcar_tui.image.options import ImageOptions
from modelcar_tui.image.process import run_bounded
from modelcar_tui.image.pull_secret import VARIABLE, parse_pull_secret

_LARGEST_FILE = 1 << 20
_HELPER = re.compile(r"^[A-Za-z0-9._-]{1,64}$")
_HELPER_S = 15.0
_DOCKER_HUB = ("docker.io", "index.docker.io", "registry-1.docker.io")


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """A login. `password` shows nothing when printed."""

    user: str
    password: Secret
    identity_token: bool = False
    """The password is a refresh token for the token service, not for Basic."""
    origin: str = ""
    """The file, helper or variable that it came from."""


async def find_credential(host: str, repository: str, options: ImageOptions) -> Credential | None:
    """The login for a repository, or None to go on anonymously.

    An auth file given in the options is the only one asked; else the pull secret where it has an entry,
    then the files that skopeo reads, in its order.

    Raises:
        ImageError: an auth file or the pull secret can't be read.
    """
    keys = _keys(host, repository)
    if options.authfile is None and (entry := _match(pull_secret_auths(options), keys)):
        return _credential(entry, VARIABLE, host)
    for path in auth_files(options):
        if (data := _load(path)) is not None and (found := await _from_file(data, keys, host, str(path))):
            return found
    return None


async def teach_logins(host: str, repository: str, options: ImageOptions) -> None:
    """Teach the process every login that skopeo or podman may use for a repository, from wherever they take
    it.

    What can't be read is told where it is needed.
    """
    keys = _keys(host, repository)
    with suppress(ImageError):
        if entry := _match(pull_secret_auths(options), keys):
            _credential(entry, VARIABLE, host)
    for path in auth_files(options):
        with suppress(ImageError):
            if (data := _load(path)) is not None:
                await _from_file(data, keys, host, str(path))


def auth_files(options: ImageOptions) -> tuple[Path, ...]:
    """The auth files in the order in which skopeo looks at them; they may not exist."""
    if options.authfile:
        return (Path(options.authfile).expanduser(),)
    if named := os.environ.get("REGISTRY_AUTH_FILE"):
        return (Path(named),)
    home = Path(os.environ.get("HOME") or "~").expanduser()
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    config = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    docker = Path(os.environ.get("DOCKER_CONFIG") or home / ".docker")
    first = Path(runtime) / "containers" if runtime else Path("/run/containers") / str(os.getuid())
    return (
        first / "auth.json",
        config / "containers" / "auth.json",
        docker / "config.json",
        home / ".dockercfg",
    )


def pull_secret_auths(options: ImageOptions) -> dict[str, dict[str, Any]]:
    """The entries of `OCI_REGISTRY_PULL_SECRET`; none when it is not set."""
    value = os.environ.get(VARIABLE, "")
    if not value.strip():
        return {}
    teach(value)
    try:
        return parse_pull_secret(Secret(value), login_host=options.login_host)
    except ValueError as error:
        fix = "give base64 of user:password, or the JSON of an auth file"
        raise fault(Trouble.AUTH_FILE, host="", where=VARIABLE, detail=str(error), fix=fix) from None


@contextmanager
def skopeo_authfile(host: str, repository: str, options: ImageOptions) -> Iterator[str | None]:
    """The auth file to give to skopeo, None where it finds its own.

    One made from the pull secret lies in a private folder (0700, file 0600) and is removed at the end.
    """
    entry = None
    if options.authfile is None:
        entry = _match(pull_secret_auths(options), _keys(host, repository))
    if entry is None:
        yield options.authfile
        return
    with TemporaryDirectory(prefix="modelcar-auth-") as folder:
        path = Path(folder) / "auth.json"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump({"auths": {host: entry}}, file)
        yield str(path)


def _keys(host: str, repository: str) -> tuple[str, ...]:
    """`host/a/b`, `host/a`, `host`: the most specific first."""
    parts = repository.split("/")
    names = [f"{host}/{'/'.join(parts[:count])}" for count in range(len(parts), 0, -1)]
    return (*names, *(_DOCKER_HUB if host in _DOCKER_HUB else (host,)))


def _match(auths: Any, keys: tuple[str, ...]) -> dict[str, Any] | None:
    if not isinstance(auths, dict):
        return None
    table = {_plain_key(str(key)): value for key, value in auths.items() if isinstance(value, dict)}
    return next((table[key] for key in keys if table.get(key)), None)


def _plain_key(key: str) -> str:
    """Docker writes `https://index.docker.io/v1/`, podman `host/namespace`."""
    bare = re.sub(r"^https?://", "", key).rstrip("/")
    return bare.partition("/")[0] if key.startswith("http") else bare


def _load(path: Path) -> dict[str, Any] | None:
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST_FILE + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise fault(Trouble.AUTH_FILE, host="", where=str(path), detail=error.strerror or "") from None
    try:
        data = json.loads(raw) if len(raw) <= _LARGEST_FILE else None
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise fault(
            Trouble.AUTH_FILE, host="HOST", where=str(path), detail="it is not the JSON of an auth file"
        )
    return data if path.name != ".dockercfg" else {"auths": data}


async def _from_file(
    data: dict[str, Any], keys: tuple[str, ...], host: str, origin: str
) -> Credential | None:
    helpers = data.get("credHelpers")
    if isinstance(helpers, dict):
        for key in keys:
            if isinstance(name := helpers.get(key), str) and (found := await _ask_helper(name, key, host)):
                return found
    if entry := _match(data.get("auths"), keys):
        return _credential(entry, origin, host)
    store = data.get("credsStore")
    return await _ask_helper(store, keys[-1], host) if isinstance(store, str) and store else None


def _credential(entry: dict[str, Any], origin: str, host: str) -> Credential | None:
    token = entry.get("identitytoken")
    packed = entry.get("auth")
    user, password = entry.get("username"), entry.get("password")
    if isinstance(packed, str) and packed:
        teach(packed)
        try:
            # `echo user:password | base64` packs a line end too.
            text = base64.b64decode(packed.strip(), validate=True).decode().strip("\0\r\n")
        except (binascii.Error, ValueError):
            text = ""
        user, colon, password = text.partition(":")
        if not colon:
            raise fault(
                Trouble.AUTH_FILE, host=host, where=origin, detail="the entry is not base64 of user:password"
            )
    if isinstance(token, str) and token:
        return _login(str(user or "<token>"), token.strip(), origin, host, identity=True)
    if isinstance(user, str) and isinstance(password, str) and user:
        return _login(user, password, origin, host)
    return None


def _login(user: str, secret: str, origin: str, host: str, *, identity: bool = False) -> Credential:
    """The login, taught to the process.

    Raises:
        ImageError: no header can carry it.
    """
    if identity:
        teach(secret)
    else:
        teach_password(secret, user)
    wrong = token_fault(secret) if identity else password_fault(secret)
    what = ("the identity token " if identity else "the password ") + wrong
    if not wrong and not identity and (wrong := header_fault(user)):
        what = f"the user name {wrong}"
    if wrong:
        teach_refused(secret)
        raise fault(Trouble.AUTH_FILE, host=host, where=origin, detail=what)
    return Credential(user=user, password=Secret(secret), identity_token=identity, origin=origin)


async def _ask_helper(name: str, server: str, host: str) -> Credential | None:
    """`docker-credential-NAME get` with the server on stdin; a helper without a login counts as none."""
    if not _HELPER.match(name):
        return None
    program = f"docker-credential-{name}"
    try:
        done = await run_bounded([program, "get"], timeout_s=_HELPER_S, limit=1 << 16, stdin=server.encode())
        data = json.loads(done.stdout) if done.status == 0 else {}
    except (OSError, ValueError):
        return None
    user, secret = (data.get("Username"), data.get("Secret")) if isinstance(data, dict) else (None, None)
    if not isinstance(user, str) or not isinstance(secret, str) or not secret:
        return None
    identity = user == "<token>"
    return _login(user, secret.strip() if identity else secret, program, host, identity=identity)
