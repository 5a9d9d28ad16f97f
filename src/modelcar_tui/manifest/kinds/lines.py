"""Whether a text is a command line that starts vLLM, be it by way of a container engine."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from modelcar_tui.manifest.kinds.programs import SERVE, Program, base, program_of, shell_of
from modelcar_tui.manifest.kinds.shell import ShellSyntaxError, commands

_ENGINES = frozenset({"docker", "podman", "nerdctl"})
_LONE = frozenset(
    {
        *("--rm", "--detach", "--interactive", "--tty", "--privileged", "--init", "--read-only", "--quiet"),
        *(
            "--publish-all",
            "--no-healthcheck",
            "--oom-kill-disable",
            "--replace",
            "--tls-verify",
            "--no-hosts",
        ),
    }
)
_LONE_LETTERS = frozenset("ditPq")
_NO_LINE = re.compile(r"\s*(?:[-{%&!|>@]|\[\s*[\[{\"']|[\w./\"'-]+\s*:(?:\s|\Z))")
"""How YAML and JSON begin."""
_MOST = 100_000
"""Characters of a command line; a text that is longer is none."""


@dataclass(frozen=True, slots=True)
class Run:
    """`docker run OPTIONS IMAGE ARGUMENTS` as its words' indices."""

    first: int
    image: int
    options: tuple[tuple[str, str], ...]
    """Each option that has a value, by its name as it is written."""

    def values(self, *names: str) -> tuple[str, ...]:
        """The values of an option, by any of its names."""
        return tuple(value for name, value in self.options if name in names)


def run_of(words: Sequence[str]) -> Run | None:
    """The run of a container, where the words start one."""
    first = next((at for at, word in enumerate(words[:5]) if base(word) in _ENGINES), None)
    if first is None:
        return None
    at = first + 1
    at += words[at : at + 1] == ["container"]
    if list(words[at : at + 1]) != ["run"]:
        return None
    at += 1
    options: list[tuple[str, str]] = []
    while at < len(words) and words[at].startswith("-"):
        name, equals, value = words[at].partition("=")
        at += 1
        if equals:
            options.append((name, value))
        elif not _is_lone(name) and at < len(words):
            options.append((name, words[at]))
            at += 1
    return Run(first, at, tuple(options)) if at < len(words) else None


def _is_lone(name: str) -> bool:
    if name.startswith("--"):
        return name in _LONE
    return frozenset(name[1:]) <= _LONE_LETTERS


def started(words: Sequence[str]) -> Program | None:
    """vLLM's server among the words, in a container or not."""
    run = run_of(words)
    if run is None:
        return program_of(words)
    entry = run.values("--entrypoint")
    behind = [*entry[-1:], *words[run.image + 1 :]]
    found = program_of(behind)
    if found is not None:
        shift = run.image + 1 - len(entry[-1:])
        return Program(found.program, run.first, max(found.at + shift, run.image + 1))
    if not entry and shell_of(behind) is None and "vllm" in words[run.image].lower():
        return Program(SERVE, run.first, run.image + 1)
    return None


def is_serve_line(text: str) -> bool:
    """Whether a text is a command line, or a short script, that starts vLLM; never for YAML and JSON."""
    told = re.sub(r"(?m)^\s*#.*\n?", "", text)
    if len(text) > _MOST or "vllm" not in text or _NO_LINE.match(told):
        return False
    try:
        found = [[word.text for word in one.words] for one in commands(text)]
    except ShellSyntaxError:
        found = [told.split()]
    return any(started(words) is not None or run_of(words) is not None for words in found)
