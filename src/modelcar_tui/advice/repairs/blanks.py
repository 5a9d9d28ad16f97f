"""Items such as `--max-model-len 4096`: one item with a blank, which vLLM's parser takes for a value."""

from __future__ import annotations

import msgspec

from modelcar_tui.advice.repairs.drafts import REQUIRED, Drafts
from modelcar_tui.vllm.arguments import Argument, take_apart

_WHY = "one item with a blank is no flag to vLLM"


def as_meant(arguments: tuple[Argument, ...], drafts: Drafts, vllm: str | None) -> tuple[Argument, ...]:
    """The arguments with each such item read as the flag and the value that were meant.

    They are marked in `drafts`, where each change of one is required: as it stands vLLM refuses it.
    """
    return tuple(_meant(argument, drafts, vllm) for argument in arguments)


def join(arguments: tuple[Argument, ...], drafts: Drafts) -> None:
    """Write those that nothing else has changed as one flag with its value."""
    for argument in arguments:
        flag = argument.flag
        if flag is None or not drafts.is_refused(argument) or drafts.touched(argument):
            continue
        if flag.several and len((argument.value or "").split()) > 1:
            drafts.remove(argument, f"{_WHY}, and several values need several items", REQUIRED)
            continue
        name = argument.written if argument.dotted or argument.negated else flag.flag
        item = name if argument.value is None else f"{name}={argument.value}"
        how = "without it" if item == name else "joined by `=`"
        drafts.set(argument, item, f"{_WHY}; {how} it is", REQUIRED)


def _meant(argument: Argument, drafts: Drafts, vllm: str | None) -> Argument:
    """Where flag and value are one item, what they would be as two; else the argument itself."""
    item = drafts.car.serving.args[argument.index]
    blank = argument.flag is None and argument.is_flag and not argument.masked and " " in argument.written
    if not blank or argument.separator:
        return argument
    head, *rest = item.split(None, 1)
    told = take_apart((f"{head}={rest[0].strip()}" if rest else head,), vllm)[0]
    drafts.refuse(argument)
    return msgspec.structs.replace(told, index=argument.index, items=argument.items)
