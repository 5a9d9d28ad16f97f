"""What vLLM's parser, and the QA suite's handling of the list, make of each argument."""

from __future__ import annotations

from modelcar_tui.advice.lint.remarks import ERROR, WARNING, Remarks
from modelcar_tui.advice.repairs.replacements import advice, near_miss
from modelcar_tui.vllm.argument_table import Flag, argument_table
from modelcar_tui.vllm.arguments import Argument, canonical, exists, looks_like_flag
from modelcar_tui.vllm.release import parse_version
from modelcar_tui.vllm.values import out_of_range, wrong

_REPEATABLE = ("--middleware", "--lora-modules", "--api-key")


def lint_arguments(arguments: tuple[Argument, ...], release: str, remarks: Remarks) -> None:
    """Unknown, removed, misspelt and deprecated flags; values; forms that the QA suite mishandles;
    repeats."""
    seen: dict[str, Argument] = {}
    for argument in arguments:
        if argument.flag is None:
            if not argument.separator:
                _unknown(argument, release, remarks)
            continue
        _value(argument, argument.flag, release, remarks)
        _form(argument, argument.flag, release, remarks)
        name = argument.name
        if name in seen and not argument.dotted and name not in _REPEATABLE:
            remarks.on(
                argument,
                "flag-repeated",
                WARNING,
                f"{name} is given twice; the last one counts",
                "delete the other one",
            )
        seen[name] = argument


def _unknown(argument: Argument, release: str, remarks: Remarks) -> None:
    written = argument.written
    if not argument.is_flag or " " in written:
        head = written.split(" ", 1)[0]
        flag = argument_table().find(canonical(head)) if " " in written else None
        if flag is not None:
            value = written.split(" ", 1)[1].strip()
            remarks.on(
                argument,
                "blank-in-item",
                ERROR,
                f"`{written}` is one item with a blank: vLLM takes it for a value, not for {flag.flag}",
                f"write {flag.flag}={value}",
            )
        else:
            remarks.on(
                argument,
                "stray-value",
                ERROR,
                f"`{written}` belongs to no flag",
                "delete it, or write --flag=value",
            )
        return
    if argument.candidates:
        remarks.on(
            argument,
            "flag-ambiguous",
            ERROR,
            f"{written} could mean " + ", ".join(argument.candidates),
            "write the whole flag",
        )
        return
    base = canonical(written).partition(".")[0]
    known = argument_table().find(base) or argument_table().find("--" + base[2:].removeprefix("no-"))
    if known is not None and known.gone and _reached(known.gone, release):
        remarks.on(
            argument,
            "flag-removed",
            ERROR,
            f"vLLM {release} has no {known.flag} any more (gone in {known.gone}); the server would not start",
            advice(known.instead),
        )
    elif known is not None and exists(known, release):
        remarks.on(
            argument,
            "flag-unknown",
            ERROR,
            f"vLLM {release} has no {base}{'.KEY' if argument.dotted else ''}; the server would not start",
            f"write {known.flag} with the whole object" if argument.dotted else "delete it",
        )
    elif known is not None:
        remarks.on(
            argument,
            "flag-too-new",
            ERROR,
            f"vLLM {release} has no {known.flag} yet (since {known.first}); the server would not start",
            "delete it, or use a newer runtime",
        )
    else:
        near = near_miss(base)
        remarks.on(
            argument,
            "flag-unknown",
            ERROR,
            f"vLLM {release} has no {base}; the server would not start",
            f"did you mean {near}?" if near else "delete it",
        )


def _value(argument: Argument, flag: Flag, release: str, remarks: Remarks) -> None:
    if argument.dotted:
        missing = argument.value is None
        if missing or _swallows(argument):
            remarks.on(
                argument,
                "value-missing",
                ERROR if missing else WARNING,
                f"{argument.written} has no value"
                + ("" if missing else ": vLLM takes the next argument for it"),
                f"write {argument.written}=VALUE",
            )
        return
    if flag.valueless:
        if argument.value is not None:
            remarks.on(
                argument,
                "value-unexpected",
                ERROR,
                f"{argument.written} takes no value",
                f"write {argument.written} alone, or --no-{flag.flag[2:]}",
            )
        return
    if argument.value is None and flag.kind == "maybe":
        return
    if argument.value is None:
        remarks.on(argument, "value-missing", ERROR, f"{flag.flag} has no value", f"write {flag.flag}=VALUE")
        return
    fault = wrong(flag, argument.value)
    if fault:
        remarks.on(
            argument, "value-wrong", ERROR, f"{flag.flag}={argument.value}: {fault}", "correct the value"
        )
        return
    fault = out_of_range(flag, argument.value)
    if fault:
        remarks.on(
            argument, "value-range", ERROR, f"{flag.flag}={argument.value}: {fault}", "correct the value"
        )


def _swallows(argument: Argument) -> bool:
    """Whether it is a key without a value, for which vLLM takes the next argument."""
    return argument.dotted and argument.separate and looks_like_flag(argument.value or "")


def _form(argument: Argument, flag: Flag, release: str, remarks: Remarks) -> None:
    if argument.separate and not flag.several and not _swallows(argument):
        remarks.on(
            argument,
            "two-item-flag",
            WARNING,
            f"{flag.flag} and its value are two items: the QA suite drops equal values and leaves values "
            "behind",
            f"write {argument.written if argument.dotted else flag.flag}={argument.value}",
        )
    if argument.written == "-tp":
        remarks.on(
            argument,
            "short-flag",
            WARNING,
            "the QA suite replaces --tensor-parallel-size but does not know -tp: both would be passed",
            f"write --tensor-parallel-size={argument.value}",
        )
    elif argument.abbreviated:
        remarks.on(
            argument,
            "flag-abbreviated",
            WARNING,
            f"{argument.written} is short for {flag.flag} until another flag begins the same",
            f"write {flag.flag}",
        )
    if flag.deprecated and _reached(flag.deprecated, release):
        remarks.on(
            argument,
            "flag-deprecated",
            WARNING,
            f"{flag.flag} is deprecated in vLLM {release}",
            advice(flag.instead),
        )


def _reached(since: str, release: str) -> bool:
    return (parse_version(since) or ()) <= (parse_version(release) or ())
