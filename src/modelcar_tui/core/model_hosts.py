"""Which hosts may be asked: the operator's word a host, kept in the settings file and read at every start.

A host is its name with the port where that is not the usual one of https, so that plain http and another port
are another host. Where there is no word nobody is asked. A host of this machine is one like any other: what
answers there may send on what it is given.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from modelcar_tui.core.config_edit import edit_texts
from modelcar_tui.core.config_file import config_path, read_config
from modelcar_tui.core.config_values import untellable
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.settings_table import MODEL_HOST, variable_of
from modelcar_tui.core.text import clean, reveal

ALLOWED_HOSTS, REFUSED_HOSTS = "llm.allowed-hosts", "llm.refused-hosts"


class Standing(StrEnum):
    """The operator's word on a host."""

    ALLOWED = "allowed"
    REFUSED = "refused"
    """None is asked there, and it is not offered again."""
    OPEN = "open"
    """Nobody has said anything."""


def standing(host: str, environ: Mapping[str, str] = os.environ) -> Standing:
    """The word that counts now; a refusal counts before a consent."""
    file = read_config(environ).given

    def said(name: str) -> tuple[str, ...]:
        if word := environ.get(variable_of(name)):
            return tuple(word.split(","))
        given = file.get(name)
        return given.value if given is not None and isinstance(given.value, tuple) else ()

    if _among(host, said(REFUSED_HOSTS)):
        return Standing.REFUSED
    return Standing.ALLOWED if _among(host, said(ALLOWED_HOSTS)) else Standing.OPEN


def keep(host: str, word: Standing, environ: Mapping[str, str] = os.environ) -> None:
    """Write the word on a host into the settings file; `OPEN` takes it out of both lists.

    Raises:
        UserError: the file can't be written, and is as it was; or no settings file may hold that host.
    """
    if not re.fullmatch(MODEL_HOST, host) or untellable(host)[0]:
        told = reveal(clean(host, limit=60))
        raise UserError(Problem(where=told, what="no host that a settings file can hold"))
    named = {ALLOWED_HOSTS: word is Standing.ALLOWED, REFUSED_HOSTS: word is Standing.REFUSED}

    def change(tree: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
        lists = {}
        for name, here in named.items():
            table, _, last = name.rpartition(".")
            held = tree.get(table)
            old = _texts(held.get(last) if isinstance(held, dict) else None)
            others = tuple(one for one in old if not _among(host, (one,)))
            fresh = old if here and others != old else (*others, *([host] if here else []))
            if fresh != old:
                lists[name] = fresh
        return lists

    edit_texts(config_path(environ), change)


def how_to_allow(host: str) -> str:
    """One line for an operator without a screen."""
    return (
        f"no language model: {host} is not allowed yet; --llm allows it for this run, "
        f"agent config --allow {host} for good"
    )


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def _among(host: str, hosts: Iterable[str]) -> bool:
    return host.lower() in {one.strip().lower() for one in hosts}  # casefold makes one of two: ß and ss
