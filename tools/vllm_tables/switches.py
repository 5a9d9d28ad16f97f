"""Places in vLLM that turn an engine feature on or off, and what they look at before they do."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from vllm_judge.source import Source
from vllm_tables.connectors import hybrid_connectors
from vllm_tables.environment import environment
from vllm_tables.stores import Groups, ValueTable

_WHERE = (
    "vllm/config",
    "vllm/engine/arg_utils.py",
    "vllm/platforms/cuda.py",
    "vllm/platforms/interface.py",
    "vllm/model_executor/models/config.py",
    "vllm/model_executor/models/adapters.py",
    "vllm/v1/engine/core.py",
    "vllm/v1/worker/gpu_model_runner.py",
)
SWITCHES = {
    "hybrid KV cache manager off": (
        "disable_hybrid_kv_cache_manager",
        "need_disable_hybrid_kv_cache_manager",
    ),
    "chunked prefill": ("enable_chunked_prefill", "chunked_prefill_enabled"),
    "prefix caching": ("enable_prefix_caching",),
    "async scheduling": ("async_scheduling",),
    "CUDA graphs": ("cudagraph_mode",),
    "eager": ("enforce_eager",),
    "chunked local attention in the hybrid manager": ("allow_chunked_local_attn_with_hybrid_kv_cache",),
}
"""What is set, by any of these names."""
CONNECTORS = "connectors with the hybrid KV cache manager"
_NOISE = frozenset(
    {"self", "cls", "envs", "vllm_config", "logger", "bool", "getattr", "isinstance", "len", "any", "all"}
)


def switches(source: Source) -> Groups:
    """Values by feature and `Class.method: words of the conditions around it`."""
    found: Groups = {"environment": environment(source), CONNECTORS: dict(hybrid_connectors(source))}
    for path in source.paths:
        if path.startswith(_WHERE) and any(
            name in source.text(path) for names in SWITCHES.values() for name in names
        ):
            for switch, key, value in _walk(source.tree(path).body, "", ()):
                kept = found.setdefault(switch, {}).setdefault(key, [])
                if value not in kept:
                    kept.append(value)
    for switch, places in found.items():
        if switch in SWITCHES:
            found[switch] = {key: ", ".join(sorted(values)) for key, values in places.items()}
    return found


def _walk(body: list[ast.stmt], owner: str, tests: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    for node in body:
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                yield from _walk(node.body, f"{owner}.{name}".strip("."), ())
            case ast.If(test=test, body=inner, orelse=other):
                words = _words(test)
                yield from _walk(inner, owner, (*tests, words))
                yield from _walk(other, owner, (*tests, f"not {words}"))
            case ast.Assign(targets=[target], value=value):
                switch, told = _switch(target), _value(value)
                if switch and told and owner:
                    yield switch, f"{owner}: {'; '.join(tests[-2:])}", told
            case ast.For() | ast.With() | ast.Try() | ast.While():
                yield from _walk(node.body, owner, tests)


def _switch(target: ast.expr) -> str:
    name = (
        target.attr
        if isinstance(target, ast.Attribute)
        else target.id
        if isinstance(target, ast.Name)
        else ""
    )
    return next((switch for switch, names in SWITCHES.items() if name in names), "")


def _value(value: ast.expr) -> str:
    match value:
        case ast.Constant(value=bool(state)):
            return "on" if state else "off"
        case ast.Attribute(value=ast.Name(id="CUDAGraphMode"), attr=mode):
            return str(mode)
    return ""


def _words(test: ast.expr) -> str:
    """The names that a condition looks at, in their order."""
    found: dict[str, Any] = {}
    for node in ast.walk(test):
        if isinstance(node, ast.Attribute):
            found[node.attr] = None
        elif isinstance(node, ast.Name) and node.id not in _NOISE:
            found[node.id] = None
    return " ".join(word for word in found if word not in _NOISE)


TABLE = ValueTable(
    name="switches",
    file="switches.json",
    about="What turns features of the engine on or off: defaults of vLLM's environment variables,"
    " and by feature the "
    "places that set it, each with the names that the two conditions around it look at "
    "(`not`: in their else); connectors that the hybrid KV cache manager works with.",
    reader=switches,
)
