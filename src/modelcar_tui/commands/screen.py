"""What the terminal can show, as far as the environment tells: signs beyond ASCII, and colours."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

_COERCED = frozenset(("C.UTF-8", "C.utf8", "UTF-8"))
"""What Python writes into LC_CTYPE at its start in a C locale (PEP 538)."""
_MOST = 256 * 1024
"""Bytes of an environment that are looked at."""


def shows_unicode(environ: Mapping[str, str] | None = None) -> bool:
    """Whether the locale's charset is UTF-8; where no locale is named, it is C, which is not.

    The first of LC_ALL, LC_CTYPE and LANG that is not empty counts, as for the C library. What Python made of
    them at its start (UTF-8 mode, or a C locale taken for C.UTF-8) says nothing of the terminal.

    Args:
        environ: by default the one that the process was started with.
    """
    given = _at_start() if environ is None else environ
    name = next((given[key] for key in ("LC_ALL", "LC_CTYPE", "LANG") if given.get(key)), "C")
    language, dot, charset = name.partition("@")[0].partition(".")
    if dot:
        return _is_utf8(charset)
    return language not in ("C", "POSIX") and _is_utf8(_charset_of(name))


def few_colours(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether colours of the 256-colour cube would be told in 16, as Rich decides what to send."""
    if environ.get("COLORTERM", "").strip().lower() in ("truecolor", "24bit"):
        return False
    return environ.get("TERM", "").strip().lower().rpartition("-")[2] not in ("256color", "kitty")


def over_ssh(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the terminal is at the other end of an SSH session."""
    return any(name in environ for name in ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"))


def _is_utf8(charset: str) -> bool:
    return charset.lower().replace("-", "") == "utf8"


def _charset_of(name: str) -> str:
    """Of a locale whose name tells none, such as `de_DE` or `vi_VN`; empty where it is not installed."""
    import locale

    before = locale.setlocale(locale.LC_CTYPE)
    with suppress(locale.Error, ValueError):
        locale.setlocale(locale.LC_CTYPE, name)
        charset = locale.nl_langinfo(locale.CODESET)
        locale.setlocale(locale.LC_CTYPE, before)
        return charset
    return ""


def _at_start() -> Mapping[str, str]:
    """The environment without what Python made of LC_CTYPE: the kernel keeps what the process was given."""
    if os.environ.get("LC_CTYPE") not in _COERCED:
        return os.environ
    try:
        with Path("/proc/self/environ").open("rb") as file:
            given = file.read(_MOST).split(b"\0")
    except OSError:
        return os.environ
    (ctype, *_) = [*(entry[9:] for entry in given if entry.startswith(b"LC_CTYPE=")), b""]
    return {**os.environ, "LC_CTYPE": os.fsdecode(ctype)}
