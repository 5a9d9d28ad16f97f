"""What a release's parser says to each argument that it does not take, and how sure that is."""

from __future__ import annotations

import json

import msgspec

from modelcar_tui.vllm.argument_table import Flag, argument_table
from modelcar_tui.vllm.arguments import Argument, canonical, exists
from modelcar_tui.vllm.meanings import read_flag
from modelcar_tui.vllm.readings import answering, is_open
from modelcar_tui.vllm.release import parse_version, reached, was_read
from modelcar_tui.vllm.values import out_of_range, wrong

FORMS = frozenset({"value-wrong", "value-missing", "value-unexpected"})
"""Codes that rest on the types and choices of arguments, which were read from fewer releases than their
names."""


def _meaningless(flag: Flag, value: str) -> str:
    """What is wrong with a value that the engine can't be asked for: what it would mean is then not read."""
    return "it is not a value that vLLM accepts" if read_flag({}, flag.flag, value) else ""


RULES = (("value-wrong", wrong), ("value-range", out_of_range), ("value-range", _meaningless))
"""What the parser refuses of a value, then what the engine does."""


class Fault(msgspec.Struct, frozen=True):
    """Why the server would not start with one argument."""

    code: str
    """A stable short name, such as `flag-unknown`."""
    what: str
    """One sentence; a secret value is not in it."""
    flag: Flag | None = None
    """The argument that was meant, where that is known, in its newest shape."""


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
        table = argument_table()
        return cls(
            answering(parse_version(vllm), table.versions),
            was_read(vllm, table.versions) and not is_open(vllm),
            was_read(vllm, table.forms_read) and not is_open(vllm),
        )

    def sure(self, code: str) -> bool:
        """Whether what a fault of this code rests on was read of the very release."""
        return self.forms_read if code in FORMS else self.flags_read


def fault_of(argument: Argument, release: str) -> Fault | None:
    """Why the parser of a read release, or the engine right after it, refuses this argument."""
    if argument.separator:
        return None
    found = _unknown(argument, release) if argument.flag is None else _value(argument, argument.flag)
    value = argument.value or argument.written.partition(" ")[2].strip()
    if found is None or not argument.secret or not value:
        return found
    return msgspec.structs.replace(found, what=found.what.replace(value, "***"))


def _unknown(argument: Argument, release: str) -> Fault:
    written = argument.written
    if not argument.is_flag or " " in written:
        return _stray(written)
    if argument.candidates:
        return Fault("flag-ambiguous", f"{written} could mean " + ", ".join(argument.candidates))
    table = argument_table()
    base = canonical(written).partition(".")[0]
    known = table.find(base) or table.find("--" + base[2:].removeprefix("no-"))
    stops = "; the server would not start"
    if known is not None and known.gone and reached(known.gone, release):
        what = f"vLLM {release} has no {known.flag} any more (gone in {known.gone}){stops}"
        return Fault("flag-removed", what, known)
    if known is not None and not exists(known, release):
        what = f"vLLM {release} has no {known.flag} yet (since {known.first}){stops}"
        return Fault("flag-too-new", what, known)
    key = ".KEY" if known is not None and argument.dotted else ""
    return Fault("flag-unknown", f"vLLM {release} has no {base}{key}{stops}", known)


def _stray(written: str) -> Fault:
    head, blank, _ = written.partition(" ")
    flag = argument_table().find(canonical(head)) if blank else None
    if flag is None:
        return Fault("stray-value", f"`{written}` belongs to no flag")
    what = f"`{written}` is one item with a blank: vLLM takes it for a value, not for {flag.flag}"
    return Fault("blank-in-item", what, flag)


def _value(argument: Argument, flag: Flag) -> Fault | None:
    if argument.dotted:
        return key_fault(argument, flag)
    if flag.valueless:
        unexpected = argument.value is not None
        return Fault("value-unexpected", f"{argument.written} takes no value", flag) if unexpected else None
    if argument.value is None:
        return None if flag.kind == "maybe" else Fault("value-missing", f"{flag.flag} has no value", flag)
    code, said = refused_value(flag, argument.value)
    return Fault(code, f"{flag.flag}={argument.value}: {said}", flag) if said else None


def refused_value(flag: Flag, value: str) -> tuple[str, str]:
    """The code of a value's fault, and what is wrong in a few words; two empty texts when nothing is."""
    return next(((code, said) for code, rule in RULES if (said := rule(flag, value))), ("", ""))


def key_fault(argument: Argument, flag: Flag) -> Fault | None:
    """`--x.key=1` is `--x` with an object, which few flags take."""
    if argument.value is None:
        return Fault("value-missing", f"{argument.written} has no value")
    if "." not in argument.written:  # `-O3` of the releases that had it for a key
        return None
    if flag.valueless:
        return Fault("value-unexpected", f"{flag.flag} takes no value", flag)
    said = wrong(flag, json.dumps({"key": argument.value}))
    what = f"{argument.written}={argument.value}: {flag.flag} takes no keys, {said}"
    return Fault("value-wrong", what, flag) if said else None
