"""The pods of an LLMInferenceService: what they start, and where that is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache

from modelcar_tui.core.errors import Problem
from modelcar_tui.core.names import Kind, kind_of
from modelcar_tui.core.text import clean
from modelcar_tui.manifest.kinds.command import command_line
from modelcar_tui.manifest.kinds.llm_facts import facts_of, offloading
from modelcar_tui.manifest.kinds.llm_merge import merged
from modelcar_tui.manifest.kinds.llm_presets import (
    ADDITIONAL_ARGS,
    MAIN,
    Release,
    Shape,
    newest,
    pod_text,
    preset_args,
    releases,
)
from modelcar_tui.manifest.kinds.llm_words import Variables, Words, words_of_items, words_of_variable
from modelcar_tui.manifest.kinds.llm_workload import Workload
from modelcar_tui.manifest.kinds.objects import below, text_below
from modelcar_tui.manifest.kinds.places import CountPlace, ListPart, Path, Place, TextPart
from modelcar_tui.manifest.kinds.pods import (
    accelerator_of,
    containers_of,
    count_places,
    environment_of,
)
from modelcar_tui.manifest.masking import masked_arguments
from modelcar_tui.manifest.plain import plain
from modelcar_tui.manifest.spans import Mapping, Node, Scalar, Sequence, compose_all, deref, walk

_SERVERS = "VLLM_API_SERVER_COUNT"


@dataclass(frozen=True, slots=True, kw_only=True)
class PodRead:
    """A pod of a workload, merged, and what was found of the container that serves."""

    pod: Mapping
    container: Mapping
    place: Place
    args: tuple[str, ...]
    """Arguments that stand elsewhere, in clear."""
    environment: tuple[tuple[str, str], ...]
    resource: str
    gpus: int
    told_by: str
    model: str = ""
    """The model that a command of its own names."""
    model_node: Node | None = None
    serves: bool = True
    """Whether it starts vLLM, as far as can be told."""
    open: tuple[Problem, ...] = ()


_NO_WORDS = Words()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """vLLM's arguments, those of the service itself apart from all others."""

    own: Words = _NO_WORDS
    other: tuple[str, ...] = ()
    grows: Path = ()
    parent: Mapping | None = None
    variable: str = ""
    environment: tuple[tuple[str, str], ...] = ()
    unused: bool = False
    """Whether VLLM_ADDITIONAL_ARGS is a variable as any other."""
    told_by: str = ""
    model: str = ""
    model_node: Node | None = None
    serves: bool = True


@cache
def _skeleton(shape: Shape) -> Mapping:
    root = compose_all(pod_text(shape)).root
    assert isinstance(root, Mapping)  # noqa: S101 - our own text
    return root


class PodReader:
    """Reads the leader's pod (`template`) or a worker's (`worker`)."""

    def __init__(self, workload: Workload, key: str) -> None:
        self._of = workload
        self._key = key
        self._told = workload.told
        self._pod = self._merged_pod()
        self._container = _main(self._pod) or Mapping(0, 0, workload.node.line, workload.node.column)
        self._own, self._path = self._own_main()
        self._inside = {id(node) for node in walk(self._own)} if self._own is not None else set()
        known = dict(environment_of(self._container))
        named = {str(one.get("name")) for one in _items(below(self._container, "env"))} - known.keys()
        self._variables = Variables(known, frozenset(named), workload.names)

    def read(self) -> PodRead:
        """What the pod serves with."""
        line = self._line()
        resource, asked = accelerator_of(self._container)
        places = self._count_places(resource)
        problems = list(line.own.open)
        if asked is None:
            what, fix = f"the number of {resource} is no whole number", "write a whole number"
            problems.append(self._told.problem(self._of.node, what, fix, "llm-service"))
        place = Place(
            document=self._of.document,
            words=line.own.words,
            parts=line.own.parts,
            grows=line.grows,
            parent=line.parent,
            gpus=places,
            gpus_parent=None if resource else self._path,
            ranks=self._ranks(),
            variable=line.variable,
        )
        environment = {
            name: value
            for name, value in self._variables.known.items()
            if name != ADDITIONAL_ARGS or (line.unused and not _has_secret(value))
        }
        return PodRead(
            pod=self._pod,
            container=self._container,
            place=place,
            args=line.other,
            environment=tuple({**environment, **dict(line.environment)}.items()),
            resource=resource,
            gpus=asked or 0,
            told_by=line.told_by,
            model=line.model,
            model_node=line.model_node,
            serves=line.serves,
            open=tuple(problems),
        )

    def _merged_pod(self) -> Mapping:
        of, shape = self._of, self._of.shape
        base: Node | None = None
        if of.preset is not None:
            base = below(of.preset, self._key)
        elif shape in (Shape.SINGLE, Shape.DATA):
            base = _skeleton(shape)
        found = merged(base, below(of.laid, self._key))
        return found if isinstance(found, Mapping) else Mapping(0, 0, of.node.line, of.node.column)

    def _own_main(self) -> tuple[Mapping | None, Path]:
        """The service's own container `main` and its path; without one, the path that it would have."""
        of = self._of
        path = (*of.path, self._key)
        pod = below(of.own, self._key) if of.own is not None else None
        found = list(containers_of(pod, path)) if pod is not None else []
        for container, where in found:
            if text_below(container, "name") == text_below(self._container, "name"):
                return container, where
        listed = below(pod, "containers") if pod is not None else None
        count = len(listed.items) if isinstance(listed, Sequence) else 0
        return None, (*path, "containers", count)

    def _line(self) -> _Line:
        of = self._of
        has_preset = of.preset is None and of.shape in (Shape.SINGLE, Shape.DATA)
        if not has_preset or below(self._container, "command") is not None:
            return self._own_command(self._container)
        args = below(self._container, "args")
        if isinstance(args, Sequence) and _is_script(args):
            # Until RHOAI 3.3 the script stood in `args`, whose place a service's own take.
            return self._own_command(_with_shell(self._container))
        return self._by_preset(newest(), args if isinstance(args, Sequence) else None)

    def _own_command(self, container: Mapping) -> _Line:
        """A command that the service or a configuration writes itself."""
        path = self._path
        line = command_line(container, path, self._variables.known, self._told)
        own, other = list[str](), list[str]()
        parts = list[ListPart | TextPart]()
        words = iter(line.words)
        for part in line.parts:
            node = part.seq if isinstance(part, ListPart) else part.node
            count = len(part.items) if isinstance(part, ListPart) else len(part.spans)
            here = [next(words) for _ in range(count)]
            if id(node) in self._inside:
                own += map(self._of.names.filled, here)
                parts.append(self._at_home(part))
            else:
                other += map(self._of.names.filled, here)
        problems = line.open
        serves = bool(line.program or problems) or below(container, "command") is None
        return _Line(
            own=Words(tuple(own), tuple(parts), problems),
            other=(*self._lora(newest(), line.words, container), *other),
            grows=self._where(line.grows),
            parent=self._own if line.parent is container else line.parent,
            environment=tuple(_tellable(line.environment)),
            unused=self._is_unused(container),
            told_by=f"container {MAIN}",
            model=line.model,
            model_node=line.model_node if id(line.model_node) in self._inside else None,
            serves=serves,
        )

    def _is_unused(self, container: Mapping) -> bool:
        """Whether a VLLM_ADDITIONAL_ARGS is set that the container's own command does not look at."""
        node = _variable(container)
        used = any(ADDITIONAL_ARGS in text for key in ("command", "args") for text in _texts(container, key))
        if node is None or used:
            return False
        if id(node) in self._inside:
            what = f"the container's own command does not pass {ADDITIONAL_ARGS} on"
            self._told.warn(node, what, "write its words behind `vllm serve`", "llm-arguments")
        return True

    def _at_home(self, part: ListPart | TextPart) -> ListPart | TextPart:
        """A part with its path in the file: a variable has another index in the merged environment."""
        depth = len(self._path)
        if isinstance(part, TextPart) and part.path[depth : depth + 1] == ("env",):
            index = self._env_index(part.node)
            return replace(part, path=(*part.path[: depth + 1], index, *part.path[depth + 2 :]))
        return part

    def _env_index(self, node: Node) -> int:
        listed = below(self._own, "env") if self._own is not None else None
        for index, item in enumerate(listed.items if isinstance(listed, Sequence) else ()):
            if any(one is node for one in walk(deref(item))):
                return index
        return 0

    def _where(self, grows: Path) -> Path:
        """Where one more argument goes, if the list or text is the service's own; else nowhere: to write it
        would take the configuration's away."""
        key = grows[len(self._path)] if len(grows) > len(self._path) else ""
        there = below(self._container, str(key)) is not None
        own = self._own is not None and below(self._own, str(key)) is not None
        return grows if own or (not there and self._own is not None) else ()

    def _by_preset(self, release: Release, args: Sequence | None) -> _Line:
        """What KServe's configuration makes of the service's own arguments."""
        before = _variable(self._container)
        mine, ours = (node is not None and id(node) in self._inside for node in (before, args))
        first, second = self._from_variable(before, mine=mine), self._from_args(args)
        both = ((first, mine), (second, ours))
        own = [words for words, home in both if home]
        said = (*first.words, *second.words)
        grows, parent, variable = self._grows(before, args, mine=mine, ours=ours)
        return _Line(
            own=Words(
                tuple(word for one in own for word in one.words),
                tuple(part for one in own for part in one.parts),
                (*first.open, *second.open),
            ),
            other=(
                *self._given(release, said),
                *(word for words, home in both if not home for word in words.words),
            ),
            grows=grows,
            parent=parent,
            variable=variable,
            told_by=f"{self._of.config}, as {release.name} ships it",
        )

    def _maps(self) -> bool:
        """Whether variables come from a ConfigMap as a whole: any may be among them."""
        listed = below(self._container, "envFrom")
        items = listed.items if isinstance(listed, Sequence) else ()
        return any(below(item, "configMapRef") is not None for item in items)

    def _from_variable(self, node: Node | None, *, mine: bool) -> Words:
        if isinstance(node, Scalar):
            path = (*self._path, "env", self._env_index(node) if mine else 0, "value")
            return words_of_variable(node, path, self._variables, self._told)
        if ADDITIONAL_ARGS not in self._variables.named and not self._maps():
            return Words()
        comes = "comes" if ADDITIONAL_ARGS in self._variables.named else "may come"
        what = f"{ADDITIONAL_ARGS} {comes} from another object: vLLM's arguments are not known"
        return Words(
            open=(self._told.problem(self._of.node, what, "write its value into the service", "llm-service"),)
        )

    def _from_args(self, args: Sequence | None) -> Words:
        if args is None:
            return Words()
        older = next((one.name for one in releases() if one.script == "args"), "")
        if self._of.old and older and args.items and id(args) in self._inside:
            what = f"up to {older} `args` take the place of the script that starts vLLM"
            self._told.warn(args, what, f"write them into {ADDITIONAL_ARGS}", "llm-arguments")
        return words_of_items(args, (*self._path, "args"), self._variables, self._told)

    def _given(self, release: Release, said: tuple[str, ...]) -> tuple[str, ...]:
        """What the configuration and the controller pass by themselves."""
        of = self._of
        facts = facts_of(of.own, of.names, self._variables.known.get(_SERVERS))
        facts["offloading"] = offloading(of.own, said) if release.offloading else None
        passed = preset_args(release, of.role, of.shape, facts)
        return (*passed, *self._lora(release, said, self._container))

    def _lora(self, release: Release, said: tuple[str, ...], container: Mapping) -> tuple[str, ...]:
        """What the controller puts before `args` for adapters; a script of one's own sees none of it."""
        scripted = any("/bin/" in text and text.endswith("sh") for text in _texts(container, "command")[:1])
        known = any(word.startswith("--lora-modules") for word in said)
        return self._of.lora if release.lora and not known and not scripted else ()

    def _grows(
        self, before: Node | None, args: Sequence | None, *, mine: bool, ours: bool
    ) -> tuple[Path, Mapping | None, str]:
        """Where one more argument goes. The variable is read in every release, `args` in the newer ones; what
        a configuration writes must not be replaced by it."""
        if mine:
            return (*self._path, "env", self._env_index(before) if before else 0, "value"), None, ""
        if ours:
            return (*self._path, "args"), None, ""
        if before is None and ADDITIONAL_ARGS not in self._variables.named:
            return (*self._path, "env"), self._deepest("env"), ADDITIONAL_ARGS
        if args is None and self._own is not None:
            return (*self._path, "args"), self._own, ""
        return (), None, ""

    def _deepest(self, key: str) -> Mapping | None:
        """The mapping below which a list has to be made; None where the list is there."""
        of = self._of
        if self._own is not None:
            return None if below(self._own, key) is not None else self._own
        pod = below(of.own, self._key) if of.own is not None else None
        return pod if isinstance(pod, Mapping) else of.node

    def _count_places(self, resource: str) -> tuple[CountPlace, ...]:
        return count_places(self._own, self._path, resource) if self._own is not None and resource else ()

    def _ranks(self) -> tuple[CountPlace, ...]:
        of = self._of
        node = below(of.own, "parallelism", "tensor") if of.own is not None else None
        return (CountPlace((*of.path, "parallelism", "tensor"), node),) if isinstance(node, Scalar) else ()


def _main(pod: Mapping) -> Mapping | None:
    """The container `main`, else the first."""
    found = [container for container, _ in containers_of(pod, ())]
    named = [one for one in found if text_below(one, "name") == MAIN]
    return next(iter((*named, *found)), None)


def _items(node: Node | None) -> list[dict[str, object]]:
    value = plain(node) if node is not None else None
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _variable(container: Mapping) -> Node | None:
    """The value of VLLM_ADDITIONAL_ARGS, where it stands here; the last one counts."""
    listed = below(container, "env")
    found = None
    for item in listed.items if isinstance(listed, Sequence) else ():
        if text_below(item, "name") == ADDITIONAL_ARGS:
            found = below(item, "value")
    return found


def _texts(container: Mapping, key: str) -> list[str]:
    value = plain(found) if (found := below(container, key)) is not None else None
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _has_secret(value: str) -> bool:
    words = tuple(value.split())
    return masked_arguments(words) != words


def _tellable(variables: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for name, value in variables:
        if value == clean(value) and kind_of(name) is Kind.NONE and name != ADDITIONAL_ARGS:
            yield name, value


def _is_script(args: Sequence) -> bool:
    first = deref(args.items[0]) if args.items else None
    return isinstance(first, Scalar) and not first.value.startswith("-") and "vllm serve" in first.value


def _with_shell(container: Mapping) -> Mapping:
    """A container with the shell that KServe's configuration starts a script in `args` by."""
    shell = compose_all("command: [/bin/bash, -c]").root
    assert isinstance(shell, Mapping)  # noqa: S101 - our own text
    return replace(container, pairs=[*shell.pairs, *container.pairs])
