"""Where an image really is: registries.conf's prefixes, locations and mirrors, as skopeo reads them."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from modelcar_tui.core.errors import Problem
from modelcar_tui.image.errors import ImageError, Trouble, fault
from modelcar_tui.image.options import ImageOptions

_LARGEST_FILE = 1 << 20
_HUB = "docker.io"
_HUB_API = "registry-1.docker.io"


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One place to ask for a repository."""

    host: str
    repository: str
    insecure: bool = False
    """An untrusted certificate is taken, and plain HTTP where HTTPS is not spoken."""

    @property
    def api_host(self) -> str:
        """The host that speaks the API: Docker Hub's is not docker.io."""
        return _HUB_API if self.host == _HUB else self.host

    def fault(self, kind: Trouble, detail: str = "") -> ImageError:
        """What went wrong there; `detail` is text from outside."""
        return fault(kind, host=self.host, repository=self.repository, detail=detail)


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One `[[registry]]`."""

    prefix: str
    location: str = ""
    insecure: bool = False
    blocked: bool = False
    mirrors: tuple[tuple[str, bool], ...] = ()
    """Location and `insecure` of each."""


def load_rules(options: ImageOptions) -> tuple[Rule, ...]:
    """The rules of the registries.conf that skopeo would read; later files replace rules of the same prefix.

    Raises:
        ImageError: a file that was named can't be read, or one is no TOML.
    """
    rules: dict[str, Rule] = {}
    for path in _files(options):
        for rule in _read(path, must_exist=bool(options.registries_conf)):
            rules[rule.prefix] = rule
    return tuple(rules.values())


def endpoints(
    host: str, repository: str, rules: tuple[Rule, ...], *, tls_verify: bool = True
) -> tuple[Endpoint, ...]:
    """The places to ask, mirrors first.

    Raises:
        ImageError: registries.conf blocks the registry.
    """
    name = f"{host}/{repository}"
    fitting = [rule for rule in rules if _fits(rule.prefix, name)]
    if not fitting:
        return (Endpoint(host=host, repository=repository, insecure=not tls_verify),)
    rule = max(fitting, key=lambda each: len(each.prefix))
    if rule.blocked:
        problem = Problem(what="registries.conf blocks this registry", where=name, code="registry-blocked")
        raise ImageError(Trouble.DENIED, problem)
    rest = name[len(rule.prefix) :] if not rule.prefix.startswith("*.") else name[len(host) :]
    places = [*rule.mirrors, (rule.location or name[: len(name) - len(rest)], rule.insecure)]
    return tuple(
        _endpoint(location + rest, insecure=insecure or not tls_verify) for location, insecure in places
    )


def _endpoint(name: str, *, insecure: bool) -> Endpoint:
    host, _, repository = name.partition("/")
    return Endpoint(host=host, repository=repository, insecure=insecure)


def _fits(prefix: str, name: str) -> bool:
    if prefix.startswith("*."):
        return name.partition("/")[0].endswith(prefix[1:])
    return name == prefix or (name.startswith(prefix) and name[len(prefix)] in "/:@")


def _files(options: ImageOptions) -> list[Path]:
    named = options.registries_conf or os.environ.get("CONTAINERS_REGISTRIES_CONF")
    if named:
        return [Path(named).expanduser()]
    home = Path(os.environ.get("HOME") or "~").expanduser() / ".config" / "containers"
    system = Path("/etc/containers")
    main = home / "registries.conf"
    dropped = [*(system / "registries.conf.d").glob("*.conf"), *(home / "registries.conf.d").glob("*.conf")]
    return [
        main if main.exists() else system / "registries.conf",
        *sorted(dropped, key=lambda path: path.name),
    ]


def _read(path: Path, *, must_exist: bool) -> list[Rule]:
    try:
        with path.open("rb") as file:
            data = tomllib.loads(file.read(_LARGEST_FILE).decode())
    except FileNotFoundError:
        if not must_exist:
            return []
        raise _bad(path, "does not exist") from None
    except OSError as error:
        raise _bad(path, error.strerror or "can't be read") from None
    except (ValueError, RecursionError):
        raise _bad(path, "is not valid TOML") from None
    found = data.get("registry")
    return [rule for item in found if (rule := _rule(item))] if isinstance(found, list) else []


def _rule(item: Any) -> Rule | None:
    if not isinstance(item, dict):
        return None
    location = item.get("location") if isinstance(item.get("location"), str) else ""
    prefix = item.get("prefix") if isinstance(item.get("prefix"), str) else ""
    if not (prefix or location):
        return None
    mirrors = item.get("mirror")
    return Rule(
        prefix=str(prefix or location).rstrip("/"),
        location=str(location).rstrip("/"),
        insecure=item.get("insecure") is True,
        blocked=item.get("blocked") is True,
        mirrors=tuple(
            (str(each["location"]).rstrip("/"), each.get("insecure") is True)
            for each in (mirrors if isinstance(mirrors, list) else [])
            if isinstance(each, dict) and isinstance(each.get("location"), str)
        ),
    )


def _bad(path: Path, what: str) -> ImageError:
    problem = Problem(what=f"registries.conf {what}", where=str(path), fix="mend it or name another file")
    return ImageError(Trouble.PROTOCOL, msgspec.structs.replace(problem, code="registries-conf"))
