"""The words that start vLLM's server in a container, and what of its environment stands elsewhere."""

from __future__ import annotations

from typing import NamedTuple

from modelcar_tui.core.text import clean
from modelcar_tui.kube import whole
from modelcar_tui.manifest.kinds.objects import below, text_below
from modelcar_tui.manifest.kinds.pods import environment_of, texts
from modelcar_tui.manifest.kinds.programs import program_of, shell_of
from modelcar_tui.manifest.masking import masked_arguments
from modelcar_tui.manifest.plain import plain
from modelcar_tui.manifest.spans import Node, Sequence, deref

_SERVE = ("vllm", "serve")
_API_SERVER = ("python3", "-m", "vllm.entrypoints.openai.api_server")
_MOST_NAMES = 50


class Starting(NamedTuple):
    """What a container starts, without vLLM's own arguments; masked and cleaned."""

    words: tuple[str, ...] = ()
    """Empty leaves it to the image."""
    script: bool = False
    """Whether a shell's script does it: then these are the program's words alone, as the script has it."""


def starting(container: Node) -> Starting:
    """How a container starts vLLM."""
    command = _listed(container, "command")
    written = [*command, *_listed(container, "args")]
    shell = shell_of(written)
    if shell is not None:
        served = any("vllm.entrypoints" in text for text in written)
        return Starting(_API_SERVER if served else _SERVE, script=True)
    found = program_of(written)
    words = written[: found.at] if found is not None else command
    return Starting(masked_arguments(tuple(clean(one, limit=500) for one in words)))


def withheld_of(container: Node) -> tuple[str, ...]:
    """The names of variables whose value is not told: it comes from another object, or looks secret."""
    told = {name for name, _ in environment_of(container)}
    listed, whole_objects = below(container, "env"), below(container, "envFrom")
    names = [text_below(item, "name") for item in (listed.items if isinstance(listed, Sequence) else ())]
    found = [clean(name, limit=200) for name in names if name and name not in told]
    for item in whole_objects.items if isinstance(whole_objects, Sequence) else ():
        for kind, key in (("Secret", "secretRef"), ("ConfigMap", "configMapRef")):
            name = text_below(deref(item), key, "name")
            found += [f"all of {kind} {clean(name, limit=253)}"] if name else []
    return tuple(dict.fromkeys(found))[:_MOST_NAMES]


def port_of(container: Node) -> int | None:
    """The first port that a container tells of."""
    listed = below(container, "ports")
    first = listed.items[0] if isinstance(listed, Sequence) and listed.items else None
    return whole(texts(first).get("containerPort")) if first is not None else None


def _listed(container: Node, key: str) -> list[str]:
    written = below(container, key)
    listed = plain(written) if written is not None else None
    return [one for one in listed if isinstance(one, str)] if isinstance(listed, list) else []
