"""What a release's parser says to each argument that it does not take, and how sure that is."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from modelcar_tui.vllm.argument_table import Flag, known_arguments
from modelcar_tui.vllm.arguments.companions import refused_beside
from modelcar_tui.vllm.arguments.fault import ArgumentFault
from modelcar_tui.vllm.arguments.items import item_fault
from modelcar_tui.vllm.arguments.meanings import read_flag
from modelcar_tui.vllm.arguments.named import unknown_names
from modelcar_tui.vllm.arguments.object_rules import object_fault
from modelcar_tui.vllm.arguments.objects import mended, wrong_keys
from modelcar_tui.vllm.arguments.parsing import Argument, canonical_flag, dotted_object, flag_exists
from modelcar_tui.vllm.arguments.values import object_of, out_of_range, wrong_value
from modelcar_tui.vllm.readings import answering_release, is_open_release
from modelcar_tui.vllm.release import parse_version, reached, was_read

FORM_CODES = frozenset({"value-wrong", "value-missing", "value-unexpected", "key-unknown", "name-unknown"})
"""Codes that rest on the types and choices of arguments, which were read from fewer releases than their
names."""


def _meaningless(flag: Flag, value: str) -> str:
    """What is wrong with a value that the engine can't be asked for: what it would mean is then not read."""
    return "it is not a value that vLLM accepts" if read_flag({}, flag.flag, value) else ""


_END_OF_FLAGS = "0.10.0"
"""Since when `--` may stand at the end: there is an argument for what follows."""
_MODE = "0.11.1"
"""Since when the key that `-O3` is is called `mode`, before `level`."""
_READ_BY_THE_PARSER = ("object", "sized", "literal")
OBJECTS = ("key-unknown", "value-wrong", "setting-refused")
"""Codes of what is wrong inside an object: its keys, its values, and either where the engine reads it."""
_SAID = 4
"""Keys that a sentence names."""
RULES = (("value-wrong", wrong_value), ("value-range", out_of_range), ("value-range", _meaningless))
"""What the parser refuses of a value, then what the engine does."""


class Judge(msgspec.Struct, frozen=True):
    """The release by whose rules a list is looked at."""

    release: str
    """One that was read."""
    flags_read: bool
    """Whether it is the very release that will serve and counts as read; False where it stands in for
    another."""
    forms_read: bool
    """Whether types and choices of that very release were read."""

    @classmethod
    def of(cls, vllm: str | None) -> Judge:
        """The judge for the release that will serve; the newest that was read for None."""
        table = known_arguments()
        return cls(
            answering_release(parse_version(vllm), table.versions),
            was_read(vllm, table.versions) and not is_open_release(vllm),
            was_read(vllm, table.forms_read) and not is_open_release(vllm),
        )

    def sure(self, code: str) -> bool:
        """Whether what a fault of this code rests on was read of the very release."""
        return self.forms_read if code in FORM_CODES else self.flags_read


def argument_faults(arguments: tuple[Argument, ...], release: str) -> list[tuple[Argument, ArgumentFault]]:
    """Why the parser of a read release, its server's checks or its engine refuse arguments, one by one and
    together; each argument at most once, in the order of the list."""
    found = {
        argument.index: (argument, fault)
        for argument in arguments
        if (fault := fault_of_argument(argument, release)) is not None
    }
    beside = (*refused_beside(arguments, release), *unknown_names(arguments, release))
    for argument, fault in beside:
        if argument.unknown:
            continue
        found.setdefault(argument.index, (argument, _unmended(argument, fault)))
    return [found[index] for index in sorted(found)]


def fault_of_argument(argument: Argument, release: str) -> ArgumentFault | None:
    """Why the parser of a read release, or the engine right after it, refuses this argument."""
    if argument.unknown:
        return None
    if argument.separator:
        return (
            None
            if reached(_END_OF_FLAGS, release)
            else ArgumentFault("stray-value", "`--` belongs to no flag")
        )
    flag = argument.flag
    found = _unknown(argument, release) if flag is None else _value(argument, flag, release)
    return found and _unmended(argument, found)


def _unmended(argument: Argument, found: ArgumentFault) -> ArgumentFault:
    """Of a secret only its mask is known: no other text can be proposed for it."""
    return msgspec.structs.replace(found, meant=None) if argument.secret else found


def whole_item(argument: Argument) -> str:
    """An item of no flag as it stands there, with what follows its first `=`."""
    return argument.written if argument.value is None else f"{argument.written}={argument.value}"


def _unknown(argument: Argument, release: str) -> ArgumentFault:
    written = argument.written
    if not argument.is_flag or " " in written:
        return _stray(whole_item(argument))
    if argument.candidates:
        return ArgumentFault("flag-ambiguous", f"{written} could mean " + ", ".join(argument.candidates))
    table = known_arguments()
    base = canonical_flag(written).partition(".")[0]
    known = table.find(base) or table.find("--" + base[2:].removeprefix("no-"))
    stops = "; the server would not start"
    if known is not None and known.gone and reached(known.gone, release):
        what = f"vLLM {release} has no {known.flag} any more (gone in {known.gone}){stops}"
        return ArgumentFault("flag-removed", what, known)
    if known is not None and not flag_exists(known, release):
        what = f"vLLM {release} has no {known.flag} yet (since {known.first}){stops}"
        return ArgumentFault("flag-too-new", what, known)
    key = ".KEY" if known is not None and argument.dotted else ""
    return ArgumentFault("flag-unknown", f"vLLM {release} has no {base}{key}{stops}", known)


def _stray(written: str) -> ArgumentFault:
    head, blank, _ = written.partition(" ")
    flag = known_arguments().find(canonical_flag(head)) if blank else None
    if flag is None:
        return ArgumentFault("stray-value", f"`{written}` belongs to no flag")
    what = f"`{written}` is one item with a blank: vLLM takes it for a value, not for {flag.flag}"
    return ArgumentFault("blank-in-item", what, flag)


def _value(argument: Argument, flag: Flag, release: str) -> ArgumentFault | None:
    if argument.dotted:
        return key_fault(argument, flag, release)
    if flag.valueless:
        unexpected = argument.value is not None
        return (
            ArgumentFault("value-unexpected", f"{argument.written} takes no value", flag)
            if unexpected
            else None
        )
    if argument.value is None:
        return (
            None
            if flag.kind == "maybe"
            else ArgumentFault("value-missing", f"{flag.flag} has no value", flag)
        )
    return refused_value(flag, argument.value, release)


def refused_value(flag: Flag, value: str, release: str) -> ArgumentFault | None:
    """Why a read release refuses a value of its flag, wherever it stands; None when it takes it."""
    if plain := refused_number(flag, value):
        return plain
    if said := item_fault(flag, value, release):
        return ArgumentFault("value-wrong", f"{flag.flag}={value}: {said}", flag)
    told = object_of(flag, value)
    return _object_fault(flag, told, release) if told else None


def refused_number(flag: Flag, value: str) -> ArgumentFault | None:
    """The same by the flag's own type, choices and range alone, which are the whole for a number."""
    found = next(((code, said) for code, rule in RULES if (said := rule(flag, value))), None)
    return ArgumentFault(found[0], f"{flag.flag}={value}: {found[1]}", flag) if found else None


def _object_fault(flag: Flag, told: dict[str, Any], release: str) -> ArgumentFault | None:
    """What is wrong inside an object; all of its keys in one sentence."""
    found = list(wrong_keys(flag.flag, told, release))
    if not found:
        return None
    said = "; ".join(f"{'.'.join(wrong.path)} {wrong.why}" for wrong in found[:_SAID])
    unknown, value, later = OBJECTS
    code = unknown if all(wrong.unknown for wrong in found) else value
    code = code if flag.kind in _READ_BY_THE_PARSER else later
    meant = mended(flag.flag, told, release)
    if meant and object_fault(flag.flag, meant, release) is not None:
        meant = None
    return ArgumentFault(
        code,
        f"{flag.flag}: {said}",
        flag,
        "mend the object" if meant else "delete it",
        f"{flag.flag}={json.dumps(meant, ensure_ascii=False)}" if meant else None,
    )


def key_fault(argument: Argument, flag: Flag, release: str) -> ArgumentFault | None:
    """`--x.key=1` is `--x` with an object, which few flags take."""
    if argument.value is None:
        return ArgumentFault("value-missing", f"{argument.written} has no value")
    if flag.valueless:
        return ArgumentFault("value-unexpected", f"{flag.flag} takes no value", flag)
    told = dotted_object(argument, level="mode" if reached(_MODE, release) else "level")
    if said := wrong_value(flag, json.dumps(told)):
        what = f"{argument.written}={argument.value}: {flag.flag} takes no keys, {said}"
        return ArgumentFault("value-wrong", what, flag)
    found = _object_fault(flag, told, release)
    return found and msgspec.structs.replace(found, meant=None, fix="delete it")
