"""What `agent doctor` tells of one thing, and the commands that mend it on this system."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

import msgspec

from modelcar_tui.commands.preferences import Preferences
from modelcar_tui.core.secrets import redact
from modelcar_tui.core.text import clean


class State(StrEnum):
    """How a thing stands."""

    OK = "ok"
    MISSING = "missing"
    """Not there. It stops a run only where the row says so."""
    WARNING = "warning"
    """There, and not as it should be, or not known."""
    FAULT = "fault"
    """There, and broken: it stops what needs it."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line: the thing, how it stands, and the command or the edit that mends it."""

    name: str
    state: State
    what: str
    fix: str = ""
    stops: int = 0
    """The exit status of a run that it stops; 0 where a run can do without."""

    def __post_init__(self) -> None:
        for field in ("what", "fix"):
            msgspec.structs.force_setattr(self, field, redact(clean(getattr(self, field), limit=600)))


class Patient(msgspec.Struct, frozen=True):
    """What the checks are asked about."""

    settings: Preferences
    offline: bool = False
    environ: Mapping[str, str] = os.environ

    def value(self, name: str) -> str | None:
        """A setting that is a text, as it counts here."""
        told = self.settings.chosen[name].value
        return None if told is None else str(told)

    @property
    def gpus(self) -> tuple[str, ...]:
        """The GPUs that the settings state instead of a cluster's."""
        told = self.settings.chosen["gpus"].value
        return told if isinstance(told, tuple) else ()


Check: TypeAlias = Callable[[Patient], Iterable[Row]]


def ok(name: str, what: str) -> Row:
    """All is well."""
    return Row(name=name, state=State.OK, what=what)


def missing(name: str, what: str, fix: str = "", *, stops: int = 0) -> Row:
    """It is not there."""
    return Row(name=name, state=State.MISSING, what=what, fix=fix, stops=stops)


def warning(name: str, what: str, fix: str = "") -> Row:
    """It is not as it should be; a run goes on."""
    return Row(name=name, state=State.WARNING, what=what, fix=fix)


def fault(name: str, what: str, fix: str = "", *, stops: int = 0) -> Row:
    """It is broken."""
    return Row(name=name, state=State.FAULT, what=what, fix=fix, stops=stops)


def install(dnf: str, apt: str = "", *, release: Path = Path("/etc/os-release")) -> str:
    """The command that installs a package here, by RHEL's name, and by Debian's where that is another."""
    families = _families(release)
    root = "" if os.geteuid() == 0 else "sudo "
    if families & {"debian", "ubuntu"}:
        return f"{root}apt install {apt or dnf}"
    if families & {"rhel", "fedora", "centos"}:
        return f"{root}dnf install {dnf}"
    return f"install the package {dnf}"


def _families(release: Path) -> set[str]:
    """What a system calls itself, and what it is like (os-release(5))."""
    try:
        lines = release.read_text("utf-8", errors="replace").splitlines()[:100]
    except OSError:
        return set()
    told = dict(line.partition("=")[::2] for line in lines if "=" in line)
    return set(f"{told.get('ID', '')} {told.get('ID_LIKE', '')}".replace('"', "").replace("'", "").split())
