"""Flags that vLLM no longer has, carried over to what replaced them."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from functools import lru_cache

from modelcar_tui.vllm import known_arguments, newest_flags, parse_version
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
    known = known_arguments().find(name)
    if known is None and known_arguments().find("--" + name.removeprefix("--no-")):
        return "", f"vLLM {release} has no {name} and would not start"
    if known is None:
        meant = near_miss(name)
        target = known_arguments().find(meant) if meant else None
        if target is not None and flag_exists(target, release) and not argument.candidates:
            value = argument.value
            fits = value is None if target.valueless else value is not None and not wrong_value(target, value)
            if fits:
                item = target.flag if value is None else f"{target.flag}={value}"
                return item, f"vLLM {release} has no {name} and would not start; {target.flag} is meant"
        return "", f"vLLM {release} has no {name} and would not start"
    if flag_exists(known, release):
        return "", f"vLLM {release} has no {name}{'.KEY' if argument.dotted else ''} and would not start"
    if known.gone is None or (parse_version(known.first) or ()) > (parse_version(release) or ()):
        return "", f"vLLM {release} has no {name} yet (since {known.first}) and would not start"
    why = f"vLLM {release} has no {name} any more (gone in {known.gone}) and would not start"
    value = argument.value or ""
    carried = _CARRIED.get(known.flag)
    target = known_arguments().find(carried[0]) if carried else None
    if carried and target and flag_exists(target, release) and (value or known.valueless):
        return f"{carried[0]}={carried[1](value)}", f"{why}; {carried[0]} replaced it"
    return "", f"{why}; {advice(known.instead)}" if known.instead else why


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
