"""Which program a command line starts: vLLM's server, a shell, or neither; and which model it names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

SERVE, API_SERVER = "vllm serve", "api_server"
_MODULES = frozenset(
    {"vllm.entrypoints.openai.api_server", "vllm.entrypoints.api_server", "vllm_tgis_adapter"}
)
"""The last is the gRPC server of older OpenShift AI runtimes, which takes vLLM's arguments."""
_COMMANDS = frozenset({"vllm", "vllm.entrypoints.cli.main"})
_SERVER_FILE = re.compile(r"(?:\A|/)vllm/entrypoints/(?:openai/)?api_server\.py\Z")
_PYTHON = re.compile(r"python(?:\d(?:\.\d+)?)?\Z")
_ASSIGNED = re.compile(r"[A-Za-z_]\w*=")
_SHELLS = frozenset({"sh", "bash", "ash", "dash", "ksh", "zsh"})
_WRAPPERS = frozenset(
    {
        *("exec", "command", "time", "nohup", "env", "nice", "ionice", "timeout", "stdbuf", "setsid"),
        *("numactl", "taskset", "sudo", "gosu", "tini", "dumb-init", "catatonit", "nsys"),
        *("opentelemetry-instrument", "ddtrace-run", "uv", "poetry", "conda", "micromamba", "pixi", "chrt"),
        *("mpirun", "unbuffer", "tini-static"),
    }
)
"""Programs that start the one that is named behind their options."""
_FAR = 40
"""How many words of options a wrapper may have."""
_SWITCHES = frozenset(
    {"--trust-remote-code", "--enforce-eager", "--async-scheduling", "--headless", "--help"}
)
_SWITCHING = ("--enable-", "--disable-", "--no-", "--use-", "--skip-")
_NO_MODEL = re.compile(r"[\d.]+\Z|[^/]*=")
"""A number, or a pair: one more value of a flag that takes several."""
_MANY = frozenset(
    {
        *("--served-model-name", "--lora-modules", "--allowed-origins", "--middleware", "--api-key"),
        *("--cuda-graph-sizes", "--cudagraph-capture-sizes", "--prompt-adapters", "--logits-processors"),
    }
)
"""Flags that take several values, so that a word behind them is no model."""
NEUTRAL = frozenset(
    {
        *("--port", "--host", "--api-key", "--served-model-name", "--root-path", "--uds", "--hf-token"),
        *("--ssl-keyfile", "--ssl-certfile", "--ssl-ca-certs", "--uvicorn-log-level", "--log-config-file"),
        *("--allowed-origins", "--download-dir", "--otlp-traces-endpoint", "--data-parallel-address"),
        *("--data-parallel-rpc-port", "--data-parallel-rank", "--data-parallel-start-rank", "--node-rank"),
        *("--master-addr", "--master-port", "--seed", "--chat-template", "--tool-server", "--max-log-len"),
    }
)
"""Flags whose value decides nothing about whether a model can be served."""


@dataclass(frozen=True, slots=True)
class Program:
    """A server of vLLM among the words of a command line."""

    program: str
    """`vllm serve` or `api_server`."""
    first: int
    """Index of the program's own word."""
    at: int
    """Index of its first argument."""


@dataclass(frozen=True, slots=True)
class Model:
    """The model that vLLM's arguments name."""

    text: str = ""
    at: int | None = None
    """Index of the argument that holds it."""
    positional: int | None = None
    """The same where it is no flag's value."""


def program_of(words: Sequence[str]) -> Program | None:
    """vLLM's server, where the words start one, be it by way of `env`, `exec`, `python -m`, ..."""
    for at in _starts(words):
        found = _server(words, at)
        if found is not None:
            return found
    return None


def shell_of(words: Sequence[str]) -> int | None:
    """Index of the script that a shell gets by `-c`; -1 where it runs a file, None without a shell."""
    for at in _starts(words):
        if base(words[at]) in _SHELLS:
            return _script_of(words, at + 1)
    return None


def base(word: str) -> str:
    """The program's name without its folder."""
    return word.rpartition("/")[2]


def _starts(words: Sequence[str]) -> Sequence[int]:
    """Where the program may stand: first, or behind what starts another one."""
    found, wrapped = [], False
    for at, word in enumerate(words[:_FAR]):
        if _ASSIGNED.match(word):
            continue
        found.append(at)
        wrapped = wrapped or base(word) in _WRAPPERS or list(words[at : at + 2]) == ["ray", "symmetric-run"]
        if not wrapped:
            break
    return found


def _server(words: Sequence[str], at: int) -> Program | None:
    name = base(words[at])
    if name == "vllm" and list(words[at + 1 : at + 2]) == ["serve"]:
        return Program(SERVE, at, at + 2)
    if _SERVER_FILE.search(words[at]):
        return Program(API_SERVER, at, at + 1)
    return _module(words, at) if _PYTHON.match(name) else None


def _module(words: Sequence[str], first: int) -> Program | None:
    """What Python starts."""
    at = first + 1
    while at < len(words) and words[at].startswith("-"):
        option, at = words[at], at + 1
        if option.startswith("--") or option.endswith("c"):
            return None
        if option.endswith("m"):
            module, at = words[at] if at < len(words) else "", at + 1
            if module in _MODULES:
                return Program(API_SERVER, first, at)
            serves = module in _COMMANDS and list(words[at : at + 1]) == ["serve"]
            return Program(SERVE, first, at + 1) if serves else None
        at += option in ("-X", "-W")
    if at < len(words) and _SERVER_FILE.search(words[at]):
        return Program(API_SERVER, first, at + 1)
    serves = at < len(words) and base(words[at]) == "vllm" and list(words[at + 1 : at + 2]) == ["serve"]
    return Program(SERVE, first, at + 2) if serves else None


def _script_of(words: Sequence[str], at: int) -> int:
    text = False
    while at < len(words) and words[at][:1] in ("-", "+") and words[at] not in ("-", "--"):
        option, at = words[at], at + 1
        if not option.startswith("--"):
            text = text or "c" in option
            at += option.endswith(("o", "O"))
    at += words[at : at + 1] == ["--"]
    return at if text and at < len(words) else -1


def model_of(program: str, words: Sequence[str]) -> Model:
    """The model among vLLM's arguments: a positional one before `--model`, as vLLM has it."""
    at = _positional(words) if program == SERVE else None
    if at is not None:
        return Model(words[at], at, at)
    for index in reversed(range(len(words))):
        flag, equals, value = words[index].partition("=")
        if flag == "--model" and equals:
            return Model(value, index)
        if flag == "--model" and index + 1 < len(words):
            return Model(words[index + 1], index + 1)
    return Model()


def _positional(words: Sequence[str]) -> int | None:
    """Index of a word that is no flag's value; one that a flag before it may take is none."""
    flag = ""
    """The one that may still take values."""
    for at, word in enumerate(words):
        if word.startswith("-"):
            flag = "" if "=" in word or _is_switch(word) else word
        elif not flag and not _NO_MODEL.match(word):
            return at
        elif flag.replace("_", "-") not in _MANY:
            flag = ""
    return None


def _is_switch(word: str) -> bool:
    name = word.replace("_", "-")
    return name in _SWITCHES or word[:2] == "-O" != word or name.startswith(_SWITCHING)
