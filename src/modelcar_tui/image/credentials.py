"""Who we are to a registry: auth files as skopeo finds them, credential helpers, the pull secret."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from modelcar_tui.core.errors import UserError
from modelcar_tui.core.process import run_bounded
from modelcar_tui.core.pull_secret import (
    NONE,
    VARIABLE,
    PullSecret,
    RegistryLogin,
    keys_of,
    parse,
    plain_key,
    read_login,
)
from modelcar_tui.core.secrets import Secret
from modelcar_tui.image.errors import ImageError, Trouble, fault
from modelcar_tui.image.options import ImageOptions

_LARGEST_FILE = 1 << 20
_HELPER = re.compile(r"^[A-Za-z0-9._-]{1,64}$")
_HELPER_S = 15.0


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
    keys = keys_of(f"{host}/{repository}")
    if options.authfile is None and (login := _from_pull_secret(host, repository, options)):
        return _credential(login, VARIABLE)
    for path in auth_files(options):
        if (data := _load(path)) is not None and (found := await _from_file(data, keys, host, str(path))):
            return found
    return None


async def teach_logins(host: str, repository: str, options: ImageOptions) -> None:
    """Teach the process every login that skopeo or podman may use for a repository, from wherever they take
    it.

    What can't be read is told where it is needed.
    """
    keys = keys_of(f"{host}/{repository}")
    with suppress(ImageError):
        pull_secret(options)
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


def pull_secret(options: ImageOptions) -> PullSecret:
    """What is in `OCI_REGISTRY_PULL_SECRET`; nothing when it is not set.

    Raises:
        ImageError: it is none, or holds no login.
    """
    value = os.environ.get(VARIABLE, "")
    if not value.strip():
        return NONE
    try:
        return parse(Secret(value), login_host=options.login_host)
    except UserError as error:
        raise _unusable("", error) from None


def _from_pull_secret(host: str, repository: str, options: ImageOptions) -> RegistryLogin | None:
    found = pull_secret(options)
    try:
        return found.login(f"{host}/{repository}")
    except UserError as error:
        raise _unusable(host, error) from None


def _unusable(host: str, error: UserError) -> ImageError:
    problem = error.problems[0]
    return fault(Trouble.AUTH_FILE, host=host, where=VARIABLE, detail=problem.what, fix=problem.fix)


@contextmanager
def skopeo_authfile(host: str, repository: str, options: ImageOptions) -> Iterator[str | None]:
    """The auth file to give to skopeo, None where it finds its own.

    One made from the pull secret lies in a private folder (0700, file 0600) and is removed at the end.
    """
    login = _from_pull_secret(host, repository, options) if options.authfile is None else None
    if login is None:
        yield options.authfile
        return
    with TemporaryDirectory(prefix="modelcar-auth-") as folder:
        path = Path(folder) / "auth.json"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump({"auths": {host: login.entry()}}, file)
        yield str(path)


def _match(auths: Any, keys: tuple[str, ...]) -> dict[str, Any] | None:
    if not isinstance(auths, dict):
        return None
    table = {plain_key(str(key)): value for key, value in auths.items() if isinstance(value, dict)}
    return next((table[key] for key in keys if table.get(key)), None)


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
    if (entry := _match(data.get("auths"), keys)) and (login := _login(entry, origin, host)):
        return _credential(login, origin)
    store = data.get("credsStore")
    return await _ask_helper(store, keys[-1], host) if isinstance(store, str) and store else None


def _login(entry: Mapping[str, Any], origin: str, host: str) -> RegistryLogin | None:
    """An entry of an auth file, taught to the process.

    Raises:
        ImageError: it is none, or no header can carry it.
    """
    try:
        return read_login(entry)
    except ValueError as error:
        raise fault(Trouble.AUTH_FILE, host=host, where=origin, detail=str(error)) from None


def _credential(login: RegistryLogin, origin: str) -> Credential:
    if login.token is not None:
        user = login.user or "<token>"
        return Credential(user=user, password=login.token, identity_token=True, origin=origin)
    return Credential(user=login.user, password=login.password, origin=origin)


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
    entry = {"identitytoken": secret} if user == "<token>" else {"username": user, "password": secret}
    login = _login(entry, program, host)
    return _credential(login, program) if login else None
