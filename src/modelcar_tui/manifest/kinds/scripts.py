"""What a shell's script starts: the arguments of vLLM in it, with the variables that are known put in.

Only what stands in the script and in the container's own variables is known. What a condition, a loop or a
substitution decides is not, and is said where vLLM's arguments hang on it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from collections.abc import Mapping as Table
from dataclasses import dataclass, replace
from itertools import takewhile

from modelcar_tui.manifest.kinds.expansion import Argument, Block, Expansion, Value, joined
from modelcar_tui.manifest.kinds.places import Path
from modelcar_tui.manifest.kinds.programs import Program, base, program_of
from modelcar_tui.manifest.kinds.shell import OPAQUE, Command, ShellSyntaxError, Word, commands
from modelcar_tui.manifest.limits import shorten
from modelcar_tui.manifest.spans import Mapping, Scalar

_ASSIGNED = re.compile(r"([A-Za-z_]\w*)(\+?)=")
_DECLARE = frozenset({"export", "declare", "typeset", "local", "readonly"})
_SETTING = _DECLARE | {"set", "unset", "cd", "echo", "ulimit", "true"}
_DECIDES = re.compile(r"VLLM_|\w*VISIBLE_DEVICES\Z")
_HARMLESS = re.compile(r"\w*(?:KEY|TOKEN|HOST|_IP|PORT|CACHE|ROOT|LOG\w*)")
_IDLE = frozenset(
    {
        *("echo", "printf", "sleep", "tail", "cat", "ls", "cd", "mkdir", "cp", "mv", "rm", "ln", "chmod"),
        *("true", "export", "set", "ulimit", "trap", "wait", "exit", "test", "[", "[[", "touch", "source"),
        *(".", "ray", "pip", "pip3", "uv", "apt", "apt-get", "dnf", "yum", "git", "curl", "wget", "hf"),
        *("huggingface-cli", "nvidia-smi", "env", "date", "df", "free", "hostname", "vllm", "oc"),
        *("kubectl", "aws", "s5cmd", "rclone"),
    }
)
"""Commands that are known to serve no model: a script of these alone starts no server."""
_INSTALLERS = frozenset({"pip", "pip3", "uv", "python", "python3"})
_VLLM = re.compile(r"(?:^|/)vllm(?:$|[\[=<>~!@ .]|-\d)")


@dataclass(frozen=True, slots=True)
class Fault:
    """What can't be understood of a script."""

    what: str
    fix: str
    at: int = 0
    """Where, as an offset in the script."""


@dataclass(frozen=True, slots=True)
class Done:
    """What a script starts."""

    block: Block | None = None
    """The script as the text that holds the arguments."""
    arguments: tuple[Argument, ...] | None = None
    """The whole command of vLLM with its program; None where there is none."""
    environment: tuple[tuple[str, str], ...] = ()
    """What the script sets for it."""
    faults: tuple[Fault, ...] = ()
    idle: bool = False
    """Whether the script is known to start no server at all."""
    all_used: bool = False
    """Whether it passes the arguments on that stand behind it (`"$@"`)."""


class ScriptReader:
    """Reads one script. `arguments` are those behind it, the first being its own name (`$0`)."""

    def __init__(
        self,
        *,
        block: Block,
        known: Table[str, str],
        container: Mapping | None = None,
        path: Path = (),
        arguments: tuple[Argument, ...] = (),
        program: Callable[[list[str]], Program | None] = program_of,
    ) -> None:
        self._program = program
        self._script = block
        self._expansion = Expansion(block, known, container, path)
        self._expansion.arguments = arguments
        self._exported: dict[str, Value] = {}
        self._exports_all = False
        self._faults: list[Fault] = []

    def read(self) -> Done:
        """What the script starts, or why that can't be read."""
        text = self._script.node.value if isinstance(self._script.node, Scalar) else ""
        try:
            return self._run(commands(text))
        except ShellSyntaxError as fault:
            what = f"the script can't be read: {fault.what}"
            return Done(faults=(Fault(what, "mend it; `bash -n` finds what doesn't end", fault.index),))

    def _run(self, found: list[Command]) -> Done:
        done: Done | None = None
        idle = True
        for command, sure in self._certain(found):
            if not self._sets(command, sure=sure):
                words = [argument for word in command.words for argument in self._expansion.words(word)]
                if self._program([one.text for one in words]) is None:
                    idle = idle and _is_idle(words)
                    self._installs([one.text for one in words], command)
                elif done is not None:
                    what = "the script starts vLLM more than once"
                    self._fault(what, "keep one `vllm serve` in the container", command)
                    break
                else:
                    done = self._started(command, words)
        if done is None:
            return Done(faults=tuple(self._faults), idle=idle)
        return replace(done, faults=tuple(self._faults))

    def _certain(self, found: list[Command]) -> Iterator[tuple[Command, bool]]:
        """Each command, and whether it surely runs where vLLM does.

        Behind `&&` that is so in vLLM's own chain, and behind what only sets variables.
        """
        chain = next((one.chain for one in found if self._program([word.text for word in one.words])), -1)
        before, certain = -1, True
        for one in found:
            certain = one.chain != before or (certain and one.joined == "&&")
            before = one.chain
            yield one, (certain or one.chain == chain) and not one.inside and one.joined != "||"
            first = one.words[0]
            certain = certain and (_assignment(first) or first.text in _SETTING)

    def _sets(self, command: Command, *, sure: bool) -> bool:
        """Take over what a command sets; whether that is all that it does."""
        assigned = list(takewhile(_assignment, command.words))
        rest = command.words[len(assigned) :]
        name = rest[0].text if rest else ""
        if not rest:
            for word in assigned:
                self._assign(word, sure=sure, export=self._exports_all)
        elif name in _DECLARE:
            for word in rest[1:]:
                self._declare(word, sure=sure, export=name == "export")
        elif name == "set":
            self._set(rest[1:], sure=sure)
        elif name in ("unset", "read"):
            why = "the script reads it" if name == "read" else "a condition of the script unsets it"
            for word in rest[1:]:
                self._expansion.known[word.text] = Value("") if name == "unset" and sure else Value(None, why)
        else:
            return False
        return True

    def _started(self, command: Command, words: list[Argument]) -> Done:
        """vLLM's command; what decides whether it runs is said."""
        if command.inside:
            what = f"the script starts vLLM inside `{command.inside}`, so whether and how often is not known"
            self._fault(what, "start vLLM outside of conditions, loops and functions", command)
        elif command.joined == "||":
            what = "the script starts vLLM only where another command fails"
            self._fault(what, "start vLLM in every case", command)
        found = self._program([one.text for one in words])
        own = words[found.first :] if found else []
        environment = self._environment(words[: len(words) - len(own)], command)
        block = replace(
            self._script, end=max((one.end for one in own if one.block == self._script), default=0)
        )
        placed = tuple(replace(one, block=block) if one.block == self._script else one for one in own)
        return Done(block, placed, environment, all_used=self._expansion.passed_on)

    def _environment(self, before: list[Argument], command: Command) -> tuple[tuple[str, str], ...]:
        """What vLLM gets that the script sets: exported, or written before the command."""
        found = dict(self._exported)
        for one in before:
            if match := _ASSIGNED.match(one.text):
                found[match[1]] = Value(None if one.unsure else one.text[match.end() :], one.unsure)
        for name, value in found.items():
            if value.text is None and _DECIDES.match(name) and not _HARMLESS.match(name):
                what = f"the script sets {shorten(name)} to what is not known: {value.why}"
                self._fault(what, "write its value out", command)
        return tuple((name, one.text) for name, one in found.items() if one.text is not None)

    def _set(self, words: tuple[Word, ...], *, sure: bool) -> None:
        """`set -a` exports all that follows; `set -- X` gives the script other arguments."""
        texts = [word.text for word in words]
        self._exports_all = self._exports_all or "-a" in texts or "allexport" in texts
        if "--" in texts:
            behind = [one for word in words[texts.index("--") + 1 :] for one in self._expansion.words(word)]
            if not sure:
                behind = [replace(one, unsure="a condition of the script sets it") for one in behind]
            self._expansion.arguments = (Argument("", self._script, 0), *behind)

    def _declare(self, word: Word, *, sure: bool, export: bool) -> None:
        if _assignment(word):
            self._assign(word, sure=sure, export=export)
        elif export and word.text in self._expansion.known:
            self._exported[word.text] = self._expansion.known[word.text]

    def _assign(self, word: Word, *, sure: bool, export: bool) -> None:
        match = _ASSIGNED.match(word.text)
        if match is None:
            return
        name, more = match[1], bool(match[2])
        value = self._expansion.assigned(word, match.end())
        before = self._expansion.known.get(name)
        if more and sure:
            value = joined(before or Value(""), value)
        elif before and not sure:
            value = Value(None, "the script sets it in more than one way")
        elif not sure:
            value = Value(None, "a condition of the script sets it")
        self._expansion.known[name] = value
        if export or name in self._expansion.declared or name in self._exported:
            self._exported[name] = value

    def _installs(self, words: list[str], command: Command) -> None:
        """A release of its own, which takes the place of the image's."""
        if "install" in words and base(words[0]) in _INSTALLERS and any(map(_VLLM.search, words)):
            what = "the script installs vLLM itself, so the release that serves is not known"
            self._fault(what, "take an image of the release, and leave the installation out", command)

    def _fault(self, what: str, fix: str, command: Command) -> None:
        self._faults.append(Fault(what, fix, command.words[0].start))


def _is_idle(words: list[Argument]) -> bool:
    return not words or base(words[0].text) in _IDLE


def _assignment(word: Word) -> bool:
    head = word.pieces[0] if word.pieces else None
    return head is not None and head.kind != OPAQUE and not head.quoted and bool(_ASSIGNED.match(head.text))
