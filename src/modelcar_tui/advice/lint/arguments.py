"""What vLLM's parser, and the QA suite's handling of the list, make of each argument."""

from __future__ import annotations

from modelcar_tui.advice.lint.remarks import ERROR, NOTE, WARNING, Remarks
from modelcar_tui.advice.repairs.replacements import advice, near_miss
from modelcar_tui.advice.repairs.values import accepted, off_words
from modelcar_tui.vllm import Flag, reached
from modelcar_tui.vllm.arguments import (
    Argument,
    ArgumentFault,
    argument_faults,
    canonical_flag,
    looks_like_flag,
    whole_item,
)


def lint_arguments(arguments: tuple[Argument, ...], release: str, remarks: Remarks) -> None:
    """Unknown, removed, misspelt and deprecated flags; values; forms that the QA suite mishandles; repeats.

    Of the runtime's own (`whole_arguments`) only what the parser refuses.
    """
    seen: dict[str, Argument] = {}
    off = {word.index: switch for switch, word in off_words(arguments)}
    for argument, fault in argument_faults(arguments, release):
        switch = off.get(argument.index)
        fix = _in_one(switch) if switch else fault.fix or _fix(argument, fault, release)
        remarks.on(argument, fault.code, ERROR, fault.what, fix)
    for argument in arguments:
        if argument.flag is None or argument.index < 0:
            continue
        _value(argument, remarks)
        _form(argument, argument.flag, release, remarks)
        if argument.dotted or argument.flag.appends:
            continue
        if before := seen.get(argument.name):
            _repeated(argument, before, argument.flag, remarks)
        seen[argument.name] = argument


def _in_one(switch: Argument) -> str:
    """How a switch is said that has a `false` behind it."""
    if switch.flag is None or switch.flag.kind != "flag":
        return f"delete it with {switch.name}, which takes no value"
    return f"write {switch.name if switch.negated else f'--no-{switch.name[2:]}'} alone"


def _repeated(argument: Argument, before: Argument, flag: Flag, remarks: Remarks) -> None:
    if (argument.value, argument.negated) == (before.value, before.negated):
        remarks.on(argument, "flag-repeated", NOTE, f"{flag.flag} is given twice, with one value")
        return
    fix = "write all values behind one flag" if flag.several else "delete the first one"
    remarks.on(
        argument, "flag-repeated", WARNING, f"{flag.flag} is given twice; only the last one counts", fix
    )


_FIXES = {
    "stray-value": "delete it, or write --flag=value",
    "flag-ambiguous": "write the whole flag",
    "flag-too-new": "delete it, or use a newer runtime",
}


def _fix(argument: Argument, fault: ArgumentFault, release: str) -> str:
    """How to mend what the parser refuses."""
    flag = fault.flag
    match fault.code:
        case "blank-in-item" if flag is not None:
            item = f"{flag.flag}={whole_item(argument).partition(' ')[2].strip()}"
            return f"write {accepted(item, release) or item}"
        case "flag-removed" if flag is not None:
            return advice(flag.instead)
        case "flag-unknown" if flag is not None:
            return f"write {flag.flag} with the whole object" if argument.dotted else "delete it"
        case "flag-unknown":
            near = near_miss(canonical_flag(argument.written).partition(".")[0])
            return f"did you mean {near}?" if near else "delete it"
        case "value-missing":
            return f"write {flag.flag if flag else argument.written}=VALUE"
        case "value-unexpected":
            alone = argument.name if argument.dotted else argument.written
            return f"write {alone} alone, or --no-{argument.name[2:]}"
    value = f"write {argument.name}=VALUE" if argument.dotted else "correct the value"
    return _FIXES.get(fault.code, value)


def _value(argument: Argument, remarks: Remarks) -> None:
    if _swallows(argument):
        what = f"{argument.written} has no value: vLLM takes the next argument for it"
        remarks.on(argument, "value-missing", WARNING, what, f"write {argument.written}=VALUE")


def _swallows(argument: Argument) -> bool:
    """Whether it is a key without a value, for which vLLM takes the next argument."""
    return argument.dotted and argument.separate and looks_like_flag(argument.value or "")


def _form(argument: Argument, flag: Flag, release: str, remarks: Remarks) -> None:
    by_suite = remarks.car.serving.by_suite
    if by_suite and argument.separate and not flag.several and not _swallows(argument):
        drops = "the QA suite drops equal values and leaves values behind"
        fix = f"write {argument.written if argument.dotted else flag.flag}={argument.value}"
        remarks.on(
            argument, "two-item-flag", WARNING, f"{flag.flag} and its value are two items: {drops}", fix
        )
    if by_suite and argument.written == "-tp":
        what = "the QA suite replaces --tensor-parallel-size but does not know -tp: both would be passed"
        remarks.on(argument, "short-flag", WARNING, what, f"write --tensor-parallel-size={argument.value}")
    elif argument.abbreviated:
        what = f"{argument.written} is short for {flag.flag} until another flag begins the same"
        remarks.on(argument, "flag-abbreviated", WARNING, what, f"write {flag.flag}")
    if flag.deprecated and reached(flag.deprecated, release):
        what = f"{flag.flag} is deprecated in vLLM {release}"
        remarks.on(argument, "flag-deprecated", WARNING, what, advice(flag.instead))
