"""The command lines that there are: options and commands of both programs, vLLM's and others' options."""

from __future__ import annotations

import argparse
import functools
import re
import shlex
from collections.abc import Iterator

from doc_pages import PROGRAMS, ROOT

from modelcar_tui.commands.agent_parser import agent_parser
from modelcar_tui.commands.start import parser as start_parser

OTHERS: dict[str, tuple[str, ...]] = {
    "gh": ("--body-file",),
    "loginctl": ("--property",),
    "make known-gaps": ("--add",),
    "mypy": ("--strict",),
    "nobody: misspelt on purpose": ("--max-model-lenn",),
    "oc": ("--certificate-authority", "--proxy-url", "--show-server", "--web"),
    "pip": ("--find-links", "--no-index", "--wheel-dir"),
    "podman": (
        "--all",
        "--detach",
        "--env",
        "--env-file",
        "--log-driver",
        "--memory",
        "--name",
        "--network",
        "--timestamps",
        "--type",
        "--userns",
    ),
    "skopeo": ("--config", "--raw"),
    "the QA suite (pytest)": ("--collect-only", "--log-file"),
    "usermod": ("--add-subgids", "--add-subuids"),
}
"""Options of other programs that pages name, by program."""


@functools.cache
def parsers() -> dict[tuple[str, ...], argparse.ArgumentParser]:
    """Every parser by the words that lead to it: `("agent",)`, `("agent", "lint")`, `("modelcar-tui",)`."""
    found: dict[tuple[str, ...], argparse.ArgumentParser] = {("modelcar-tui",): start_parser()}
    top = agent_parser()
    found["agent",] = top
    for name, parser in _commands(top):
        found["agent", name] = parser
    return found


def options_of(*words: str) -> set[str]:
    """The options of a command."""
    return {word for action in parsers()[words]._actions for word in action.option_strings}


@functools.cache
def own_options() -> frozenset[str]:
    """All options of both programs."""
    return frozenset(word for words in parsers() for word in options_of(*words))


@functools.cache
def vllm_arguments() -> frozenset[str]:
    """Every flag that a release of vLLM has, as its table spells them."""
    table = (ROOT / "src/modelcar_tui/vllm/vllm_arguments.json").read_text()
    named = re.findall(r'"-*([a-z][a-z0-9_-]+)"', table)
    return frozenset(f"--{word.replace('_', '-')}" for word in named) | frozenset(("--api-key", "--hf-token"))


@functools.cache
def tools_options() -> frozenset[str]:
    """The options of benchmarks/ and tools/."""
    sources = [
        path.read_text("utf-8")
        for folder in ("benchmarks", "tools", "tests/sweep")
        for path in (ROOT / folder).rglob("*.py")
    ]
    return frozenset(word for text in sources for word in re.findall(r"[\"'](--[a-z][a-z-]+)[\"']", text))


@functools.cache
def known_option(word: str) -> bool:
    """Whether an option is somebody's that pages speak of."""
    others = (one for options in OTHERS.values() for one in options)
    ours = own_options() | tools_options()
    return word in ours or word in vllm_arguments() or word in others


def calls(text: str) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """The calls of our programs in a text: the words that lead to a parser, and all words behind the program.

    Of a form (`agent lint FILE... [--vllm VERSION]`) brackets and bars are taken off.
    """
    plain = re.sub(r"\s#\s.*", "", text).replace("[-", "-").replace("]", " ").replace("\\\n", " ")
    for part in re.split(r"[|;&\n]+", plain):
        try:
            words = shlex.split(part, comments=True)
        except ValueError:
            words = part.split()
        while words and re.fullmatch(r"\w+=.*|if|then|do|!|exec", words[0]):
            words.pop(0)
        if words and words[0] in PROGRAMS:
            yield _led(words), words[1:]


def _led(words: list[str]) -> tuple[str, ...]:
    lead = tuple(words[:2]) if words[0] == "agent" and len(words) > 1 else (words[0],)
    return lead if lead in parsers() else (words[0],)


def missing(command: tuple[str, ...], words: list[str]) -> list[str]:
    """What of a call its parser does not know: the options, or a first word that is no command."""
    if command not in parsers():
        return []
    mine = words[: words.index("--")] if "--" in words else words
    told = [word.partition("=")[0] for word in mine if re.match(r"--?[a-z]", word)]
    wrong = [word for word in told if word not in options_of(*command)]
    first = mine[0] if mine else ""
    if command == ("agent",) and re.fullmatch(r"[a-z]+", first):
        wrong.append(first)
    return wrong


def _commands(top: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in top._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.items()
