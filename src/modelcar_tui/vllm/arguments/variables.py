"""Arguments whose value Kubernetes puts in (`--max-model-len=$(MAX_LEN)`): what they leave open."""

from __future__ import annotations

from collections.abc import Mapping

from modelcar_tui.manifest import expanded, is_secret_flag, masked_arguments, references
from modelcar_tui.vllm.arguments.meanings import MEANT
from modelcar_tui.vllm.arguments.parsing import Argument

SIZES = frozenset({"--tensor-parallel-size", "--pipeline-parallel-size", "--data-parallel-size"})
_ALSO_MEANT = frozenset({"--rope-scaling", "--rope-theta"})
"""Flags of old releases that go into config.json's values, which `meanings` does not list."""


def unknown_here(arguments: tuple[Argument, ...]) -> tuple[str, ...]:
    """One sentence for each argument that may decide about memory and whose value is not known here."""
    counts = {argument.name: argument for argument in arguments if not argument.dotted}
    return tuple(
        variable_in_words(argument)
        for argument in arguments
        if argument.unknown
        and (argument.flag is None or argument.name in MEANT | _ALSO_MEANT)
        and (argument.flag is None or argument.dotted or counts[argument.name] is argument)
    )


def variable_in_words(argument: Argument) -> str:
    """What is not known of one argument, and what would settle it."""
    if argument.flag is None:
        return f"{argument.written} is put in by Kubernetes, as one item, and not known here"
    flag = argument.written if argument.dotted else argument.name
    return f"{flag}={argument.value} is put in by Kubernetes and not known here"


def settles_variables(arguments: tuple[Argument, ...]) -> str:
    """What would make the unknown ones known; empty where there are none."""
    texts = [argument.value or argument.written for argument in arguments if argument.unknown]
    names = dict.fromkeys(f"$({name})" for text in texts for name in references(text))
    return f"write the value in the place of {' and '.join(names)}" if names else ""


def may_hold_anything(arguments: tuple[Argument, ...]) -> bool:
    """Whether a whole item is put in, which may be any argument."""
    return any(argument.flag is None and argument.unknown for argument in arguments)


def sizes_open(arguments: tuple[Argument, ...]) -> bool:
    """Whether the number of ranks is not known here."""
    return may_hold_anything(arguments) or any(
        argument.unknown and argument.name in SIZES for argument in arguments
    )


def with_environment(args: tuple[str, ...], known: Mapping[str, str]) -> tuple[str, ...]:
    """The arguments as the container gets them, as far as its environment is known.

    Secrets stay references: what they stand for is told nowhere.
    """
    if not known:
        return args
    items = [item if is_secret_flag(item.partition("=")[0]) else expanded(item, known) for item in args]
    for at, item in enumerate(args[:-1]):
        if is_secret_flag(item):
            items[at + 1] = args[at + 1]
    return masked_arguments(tuple(items))
