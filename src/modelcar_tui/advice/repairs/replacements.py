"""Flags that vLLM no longer has, carried over to what replaced them."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from functools import lru_cache

from modelcar_tui.vllm import Flag, known_arguments, newest_flags, parse_version
from modelcar_tui.vllm.arguments import Argument, canonical_flag, flag_exists, wrong_value

_CARRIED: dict[str, tuple[str, Callable[[str], str]]] = {
    "--override-pooler-config": ("--pooler-config", lambda value: value),
    "--disable-mm-preprocessor-cache": ("--mm-processor-cache-gb", lambda _: "0"),
    "--enable-multimodal-encoder-data-parallel": ("--mm-encoder-tp-mode", lambda _: "data"),
}
"""Successors that take one value; those that take an object are in `carried.py`."""
_OFF = ("--no-", "--disable-")


def replacement(argument: Argument, release: str) -> tuple[str, str]:
    """The item that replaces a flag this release does not have (empty: remove it), and why."""
    name = canonical_flag(argument.written).partition(".")[0]
    lacks, stops = f"vLLM {release} has no {name}", "and would not start"
    known = known_arguments().find(name)
    if known is None:
        item = _meant(argument, name, release)
        meant = f"; {item.partition('=')[0]} is meant" if item else ""
        return item, f"{lacks} {stops}{meant}"
    if flag_exists(known, release):
        return "", f"{lacks}{'.KEY' if argument.dotted else ''} {stops}"
    if known.gone is None or (parse_version(known.first) or ()) > (parse_version(release) or ()):
        return "", f"{lacks} yet (since {known.first}) {stops}"
    why = f"{lacks} any more (gone in {known.gone}) {stops}"
    if item := _carried(argument, known, release):
        return item, f"{why}; {item.partition('=')[0]} replaced it"
    return "", f"{why}; {advice(known.instead)}" if known.instead else why


def _meant(argument: Argument, name: str, release: str) -> str:
    """The item with the flag that a misspelt one means; empty where that can't be told or does not fit."""
    negated = known_arguments().find("--" + name.removeprefix("--no-"))
    target = None if negated or argument.candidates else known_arguments().find(near_miss(name))
    if target is None or not flag_exists(target, release):
        return ""
    if argument.value is None or target.valueless:
        return target.flag if target.valueless and argument.value is None else ""
    return "" if wrong_value(target, argument.value) else f"{target.flag}={argument.value}"


def _carried(argument: Argument, known: Flag, release: str) -> str:
    """The item of the successor that takes the same one value; empty where there is none."""
    flag, read = _CARRIED.get(known.flag, ("", str))
    target, value = known_arguments().find(flag), argument.value or ""
    takes = target is not None and flag_exists(target, release) and (value or known.valueless)
    return f"{flag}={read(value)}" if takes else ""


def advice(instead: str) -> str:
    """What the table says about the successor of a flag, as a clause of a sentence."""
    if instead.startswith("remove"):
        return "delete it" + instead.removeprefix("remove it").removeprefix("remove")
    if instead.startswith("nothing"):
        return "it needs no successor" + instead.removeprefix("nothing")
    return f"its successor is {instead}" if instead else "delete it"


@lru_cache(maxsize=1024)
def near_miss(name: str) -> str:
    """The flag of today that a misspelt one most likely means, never its opposite; empty when none is
    near."""
    off = name.startswith(_OFF)
    names = [flag.flag for flag in newest_flags() if not flag.gone and flag.flag.startswith(_OFF) == off]
    return next(iter(difflib.get_close_matches(name[:100], names, n=1, cutoff=0.85)), "")
