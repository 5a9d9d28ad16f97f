"""The command line of a vLLM release, as its own code builds and checks it (see `absent.py`).

It is that of `python -m vllm.entrypoints.openai.api_server`, which the runtimes start. In some releases
`vllm serve` knows a few arguments more.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, NoReturn

from vllm_judge.absent import read_from

_LAUNCHERS = ("vllm.entrypoints.launchers.launcher", "vllm.entrypoints.openai.api_server")
_MANAGERS = {
    "tool": ("vllm.tool_parsers", "vllm.entrypoints.openai.tool_parsers"),
    "reasoning": ("vllm.reasoning", "vllm.entrypoints.openai.reasoning_parsers"),
}


class Refused(Exception):  # noqa: N818 - it is an answer
    """What argparse says before it ends the process."""


class CommandLine:
    """One release's; a process has one."""

    def __init__(self, root: Path, version: str, *, whole: bool = False) -> None:
        """`whole`: the release is imported already, with all its packages (`engine.py`)."""
        self.stood_in = () if whole else read_from(root, version)
        """The packages that are not the real ones."""
        self._module = _arguments_module(root)
        self._kind: type[ArgumentParser] = self._module.FlexibleArgumentParser
        self._kind.error = _refuse
        self.parser = self.new_parser()
        """`python -m vllm.entrypoints.openai.api_server`."""
        self._start = _start_of([importlib.import_module(name) for name in _LAUNCHERS if _is_there(name)])

    def new_parser(self) -> ArgumentParser:
        """As `parser`, made anew."""
        made: ArgumentParser = self._module.make_arg_parser(self._kind(prog="api_server"))
        return made

    def check(self, options: Namespace) -> None:
        """What the server checks before it starts anything; raises what vLLM raises.

        0.6.0 checks nothing.
        """
        checks = getattr(self._module, "validate_parsed_serve_args", None)
        if checks is not None:
            checks(options)

    def start(self, options: Namespace) -> None:
        """What the server does until it opens its port, and the name that it looks up when its engine runs.

        Parsers of tools are looked up since 0.6.3. `--reasoning-parser` was a choice until 0.11.0; since then
        its name is looked up when the chat is set up, which needs an engine: here by the list alone.
        """
        self._start(options)
        name = getattr(options, "reasoning_parser", None)
        if name and not hasattr(options, "enable_reasoning") and name not in self.names("reasoning"):
            _manager("reasoning").get_reasoning_parser(name)

    def names(self, of: Literal["tool", "reasoning"]) -> tuple[str, ...]:
        """The parsers that are registered, sorted; empty before there were any."""
        manager = _manager(of)
        listed = getattr(manager, "list_registered", None)
        return tuple(sorted(listed() if listed else getattr(manager, f"{of}_parsers", ())))


def _manager(of: str) -> Any:
    """vLLM's registry; None before there was one."""
    modules = (importlib.import_module(name) for name in _MANAGERS[of] if _is_there(name))
    return next(filter(None, (getattr(one, f"{of.title()}ParserManager", None) for one in modules)), None)


def _is_there(name: str) -> bool:
    """Whether it is a file of the release: a module that it lacks would be stood in for."""
    root = Path(str(sys.modules["vllm"].__file__)).parents[1] / name.replace(".", "/")
    return root.with_suffix(".py").is_file() or (root / "__init__.py").is_file()


def _arguments_module(root: Path) -> ModuleType:
    """Where `make_arg_parser` is: it moved from `openai` to `launchers` and to `common`."""
    found = sorted((root / "vllm" / "entrypoints").glob("*/cli_args.py"))
    if len(found) != 1:
        raise RuntimeError(f"{len(found)} modules could have make_arg_parser: {found}")
    return importlib.import_module(".".join(found[0].with_suffix("").relative_to(root).parts))


def _refuse(_: ArgumentParser, message: str) -> NoReturn:
    raise Refused(message)


class _Reached(Exception):  # noqa: N818
    """The server would open its port now."""


def _stop(*_: Any, **__: Any) -> NoReturn:
    raise _Reached


def _start_of(modules: list[ModuleType]) -> Callable[[Namespace], None]:
    """`setup_server`, or before 0.9 the beginning of `run_server`, up to where a port or an engine opens."""
    found = [
        (module, getattr(module, name, None)) for module in modules for name in ("setup_server", "run_server")
    ]
    module, begin = next((one for one in found if one[1]), (None, None))
    if module is None or begin is None:
        raise RuntimeError(f"no server is started in {[module.__name__ for module in modules]}")
    for name in ("create_server_socket", "create_server_unix_socket", "build_async_engine_client"):
        if hasattr(module, name):
            setattr(module, name, _stop)
    if hasattr(module, "log_non_default_args"):  # builds the whole parser again to compare
        setattr(module, "log_non_default_args", lambda _: None)  # noqa: B010 - mypy cannot see it
    keywords = {
        name: False
        for name, one in inspect.signature(begin).parameters.items()
        if one.kind is one.KEYWORD_ONLY and one.default is one.empty
    }

    def start(options: Namespace) -> None:
        try:
            coroutine = begin(options, **keywords)
            if inspect.iscoroutine(coroutine):
                coroutine.send(None)
        except _Reached:
            return
        raise RuntimeError("the server's start ended before it opened its port")

    return start
