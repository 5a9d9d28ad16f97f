"""What a container starts: vLLM with which arguments, and where each of them stands.

`command` replaces the image's ENTRYPOINT and `args` its CMD, as Kubernetes has it; a shell's script is read
as `scripts.py` says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from collections.abc import Mapping as Table
from dataclasses import dataclass, replace
from itertools import groupby

from modelcar_tui.core.errors import Problem
from modelcar_tui.manifest.fields import argument_field
from modelcar_tui.manifest.kinds.expansion import Argument, Block
from modelcar_tui.manifest.kinds.objects import below, text_below
from modelcar_tui.manifest.kinds.places import ListPart, Path, TextPart
from modelcar_tui.manifest.kinds.programs import NEUTRAL, SERVE, model_of, program_of, shell_of
from modelcar_tui.manifest.kinds.scripts import ScriptReader
from modelcar_tui.manifest.limits import shorten
from modelcar_tui.manifest.masking import masked_arguments
from modelcar_tui.manifest.spans import STR, Mapping, Node, Scalar, Sequence, deref
from modelcar_tui.manifest.telling import Told
from modelcar_tui.manifest.variables import references

UNKNOWN = "command-unknown"
"""The code of what can't be understood of a command line."""
_PLACEHOLDER = re.compile(r"\$\{[^}]*\}|\$\([^)]*\)|\$\w+|\{\{.*?\}\}")
_IDLE = ("sleep", "tail", "ray", "vllm", "true", "hf", "huggingface-cli", "nginx", "cp", "ls", "echo")
"""Programs that are known to serve no model themselves; `vllm` with another command than `serve`."""


@dataclass(frozen=True, slots=True)
class CommandLine:
    """What a container starts."""

    program: str
    """`vllm serve` or `api_server` (`python -m vllm.entrypoints.openai.api_server`); empty where it is not
    vLLM, or not understood: then `open` says so."""
    model: str
    """The positional model, or the value of `--model`, as written; empty where there is none."""
    words: tuple[str, ...]
    """vLLM's arguments as vLLM gets them, secrets in clear; without the program and the positional model."""
    parts: tuple[ListPart | TextPart, ...]
    """Where the words stand, in their order."""
    grows: Path
    """Where one more goes: see `Place`."""
    parent: Mapping | None
    environment: tuple[tuple[str, str], ...] = ()
    """What the script itself sets for vLLM, in clear."""
    open: tuple[Problem, ...] = ()
    """What of it can't be understood, each with what would settle it."""
    model_node: Node | None = None
    """The text in which the model stands."""


def command_line(
    container: Mapping, path: Path, environment: Table[str, str], told: Told, *, entrypoint: str = ""
) -> CommandLine:
    """What a container starts; `path` is the container's, `environment` its variables that are known.

    `entrypoint` is what the image starts where there is no `command`: `vllm serve` or `api_server`; where
    that isn't known, "vllm" in the image's name tells it. `$(NAME)` is left as it is written.
    """
    return _Reader(container, path, environment, told).read(entrypoint)


class _Reader:
    def __init__(self, container: Mapping, path: Path, environment: Table[str, str], told: Told) -> None:
        self._container = container
        self._path = path
        self._environment = environment
        self._told = told
        self._image = text_below(container, "image")
        self._elsewhere = _set_elsewhere(container) - environment.keys()
        self._command = self._items("command")
        self._args = self._items("args")
        self._open: list[Problem] = []

    def read(self, entrypoint: str) -> CommandLine:
        items = [*self._command, *self._args]
        texts = [one.text for one in items]
        shell = shell_of(texts)
        if shell is not None:
            return self._script(items, shell)
        found = program_of(texts)
        if found is not None:
            return self._line(found.program, items[found.at :])
        if not self._command and (entrypoint or self._is_vllm_image()):
            return self._line(entrypoint or SERVE, items)
        if not self._command and self._configured():
            what = "the image is not known to start vLLM; its variables say so"
            self._unknown(self._container, what, "write `vllm serve` as `command`")
            return self._line(SERVE, items)
        if self._suspected(texts) and not _idle(texts):
            what = f"what the container starts is not understood: {_shown(texts[:4])}"
            self._unknown(
                self._container, what, "write `vllm serve` and its arguments in `command` and `args`"
            )
        return self._nothing()

    def _script(self, items: list[Argument], shell: int) -> CommandLine:
        """What a shell's script starts; `shell` is the script's index, or -1 where a file is the script."""
        texts = [one.text for one in items]
        if shell < 0:
            if self._suspected(texts):
                what = f"the script that starts the server is a file: {_shown(texts[:3])}"
                self._unknown(self._container, what, "write what it runs in `command` and `args`")
            return self._nothing()
        script, rest = items[shell], items[shell + 1 :]
        node = deref(script.block.item(script.start))
        assert isinstance(node, Scalar)  # noqa: S101 - an argument of a list is one
        block = Block((*script.block.path, script.start), node)
        reader = ScriptReader(
            block=block,
            known=self._environment,
            container=self._container,
            path=self._path,
            arguments=tuple(rest),
        )
        done = reader.read()
        for fault in done.faults:
            self._unknown(block.item(fault.at), fault.what, fault.fix)
        if done.arguments is None:
            if program_of(texts[shell:]) is not None:
                what = f"the shell takes {_shown(texts[shell : shell + 1])} alone as its script"
                self._unknown(node, what, "write the whole line as one text, or leave out the shell")
            elif not done.faults and self._suspected(texts) and not done.idle:
                what = "no `vllm serve` is found in the container's script"
                self._unknown(
                    node, what, "start vLLM in the script itself, without another script or a variable"
                )
            return self._nothing()
        self._lost(rest, used=done.all_used)
        found = program_of([one.text for one in done.arguments])
        assert found is not None  # noqa: S101 - the reader gives a command that is one
        return self._line(found.program, list(done.arguments[found.at :]), done.environment, done.block)

    def _lost(self, rest: list[Argument], *, used: bool) -> None:
        """Say which items behind a script it never sees."""
        lost = rest[:1] if used else rest
        if lost and lost[0].text.startswith("-") and lost[0].text.strip("-"):
            where = lost[0].block.item(lost[0].start)
            if used:
                what = f"{_shown([lost[0].text])} is the script's own name ($0), so vLLM doesn't get it"
                fix = 'put an item "--" before it'
            else:
                what = f"{_shown([lost[0].text])} stands behind a script that uses no arguments"
                fix = "write it into the script, behind `vllm serve`"
            self._told.warn(where, what, fix, "argument-lost")

    def _line(
        self,
        program: str,
        arguments: list[Argument],
        environment: tuple[tuple[str, str], ...] = (),
        script: Block | None = None,
    ) -> CommandLine:
        passed = next((one.block for one in reversed(arguments) if not one.block.text), None)
        block = passed or script or next((one.block for one in (*self._args, *self._command)), None)
        line = line_of(program, arguments, self._told, block, environment)
        if block is None:
            line = replace(line, grows=(*self._path, "args"), parent=self._container)
        return replace(line, open=(*self._open, *line.open))

    def _items(self, key: str) -> list[Argument]:
        node = below(self._container, key)
        if node is None:
            return []
        if not isinstance(node, Sequence):
            self._told.error(
                node, f"{key} must be a list of texts", "write each word as an item: `- ...`", "args-type"
            )
            return []
        block = Block((*self._path, key), node)
        found, before = [], ""
        for index, item in enumerate(node.items):
            target = deref(item)
            if not isinstance(target, Scalar) or target.tag != STR:
                argument_field(item, before, self._told.error)
            before = target.value if isinstance(target, Scalar) else ""
            if isinstance(target, Scalar):
                found.append(Argument(before, block, index, unsure=self._unsure(before)))
        return found

    def _unsure(self, text: str) -> str:
        """Why an item is not known, where it isn't."""
        if re.search(r"\$\{\w+\}|\{\{|\A\$\w+\Z", text):
            return "it is a placeholder that nothing fills in"
        elsewhere = [name for name in references(text) if name in self._elsewhere]
        return f"another object sets {shorten(elsewhere[0])}" if elsewhere else ""

    def _is_vllm_image(self) -> bool:
        return "vllm" in _PLACEHOLDER.sub("", self._image).lower()

    def _configured(self) -> bool:
        """Whether the container has a variable that only vLLM reads."""
        listed = below(self._container, "env")
        items = listed.items if isinstance(listed, Sequence) else ()
        return any(text_below(item, "name").startswith("VLLM_") for item in items)

    def _suspected(self, texts: Iterable[str]) -> bool:
        return any("vllm" in text.lower() for text in (self._image, *texts))

    def _unknown(self, node: Node, what: str, fix: str) -> None:
        self._open.append(self._told.problem(node, what, fix, UNKNOWN))

    def _nothing(self) -> CommandLine:
        return CommandLine("", "", (), (), (*self._path, "args"), self._container, open=tuple(self._open))


def _set_elsewhere(container: Mapping) -> frozenset[str]:
    """The variables whose value a Secret, a ConfigMap or the pod itself gives."""
    listed = below(container, "env")
    items = listed.items if isinstance(listed, Sequence) else ()
    return frozenset(text_below(item, "name") for item in items if below(item, "valueFrom") is not None)


def line_of(
    program: str,
    arguments: list[Argument],
    told: Told,
    grows: Block | None,
    environment: tuple[tuple[str, str], ...] = (),
) -> CommandLine:
    """What a program of vLLM gets; `grows` is the list or text that takes one more argument."""
    model = model_of(program, [one.text for one in arguments])
    kept = [one for index, one in enumerate(arguments) if index != model.positional]
    flags = ["", *(one.text for one in kept)]
    named = arguments[model.at] if model.at is not None else None
    doubts = [_doubt(one, before, told) for one, before in zip(kept, flags, strict=False)]
    if named is not None and model.positional is not None:
        doubts.append(_doubt(named, "--model", told))
    return CommandLine(
        program=program,
        model=model.text,
        words=tuple(one.text for one in kept),
        parts=_parts(kept, grows),
        grows=grows.path if grows is not None else (),
        parent=None,
        environment=environment,
        open=tuple(one for one in doubts if one is not None),
        model_node=named.block.item(named.start) if named is not None else None,
    )


def _doubt(one: Argument, before: str, told: Told) -> Problem | None:
    """That an argument is not known, where it may decide."""
    if not one.unsure:
        return None
    flag = one.text.partition("=")[0] if one.text.startswith("-") else before
    flag = flag if flag.startswith("-") else ""
    if flag.replace("_", "-") in NEUTRAL:
        return None
    of = f" of {shorten(flag)}" if flag else ""
    what = f"the argument {_shown([one.text])}{of} is not known: {one.unsure}"
    fix = "write its value out, or as a variable of the container"
    return told.problem(one.block.item(one.start), what, fix, UNKNOWN)


def _shown(words: list[str]) -> str:
    return shorten(" ".join(masked_arguments(tuple(words))))


def _idle(texts: list[str]) -> bool:
    return not texts or texts[0].rpartition("/")[2] in _IDLE


def _parts(kept: list[Argument], grows: Block | None) -> tuple[ListPart | TextPart, ...]:
    """Where some arguments stand: neighbours of one list or text are one part. What grows is a part, too."""
    parts = [_part(block, list(group)) for block, group in groupby(kept, key=lambda one: one.block)]
    if grows is not None and all(part.path != grows.path for part in parts):
        parts.append(_part(grows, []))
    return tuple(parts)


def _part(block: Block, ones: list[Argument]) -> ListPart | TextPart:
    if isinstance(block.node, Sequence):
        return ListPart(block.path, block.node, tuple(one.start for one in ones))
    spans = tuple((one.start, one.end) for one in ones)
    return TextPart(block.path, block.node, spans, block.end, block.shell)
