"""What each attention backend says it can do, and which ones a release tries on an NVIDIA GPU."""

from __future__ import annotations

import ast
import contextlib
import inspect
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from vllm_judge.source import Source
from vllm_tables.kernels import CAPABILITIES
from vllm_tables.lenient import Platform, function, runnable
from vllm_tables.stores import Groups, ValueTable
from vllm_tables.syntax import definitions

_REGISTRIES = ("vllm/v1/attention/backends/registry.py", "vllm/attention/backends/registry.py")
_ENUM, _CHOICE, _PLATFORM = "AttentionBackendEnum", "_get_backend_priorities", ("vllm/platforms/cuda.py",)
_ELSEWHERE = ("ROCM", "CPU", "XPU", "AMX", "IPEX", "PALLAS", "TORCH_SDPA", "NO_ATTENTION", "CUSTOM")
_SWITCHES = {"mla": "is_mla", "sparse": "is_sparse", "sinks": "supports_sink"}
_LISTS = {
    "dtypes": ("supported_dtypes", "supports_dtype"),
    "cache": ("supported_kv_cache_dtypes", "supports_kv_cache_dtype"),
}
"""Attributes, and the tests that may narrow them."""
_CACHES = ("auto", "float16", "bfloat16", "fp8", "fp8_e4m3", "fp8_e5m2", "fp8_ds_mla", "nvfp4")
_TYPES = ("decoder", "encoder_only")


class _Capability(NamedTuple):
    major: int
    minor: int


class _Names:
    """Each attribute is its own name: an enumeration of which only the names matter."""

    def __getattr__(self, name: str) -> str:
        return name


def attention(source: Source) -> Groups:
    """`backends` by name, `choices` by `mla 90` or `plain 90`; none before backends were asked."""
    registry = next((path for path in _REGISTRIES if path in source.paths), "")
    if not registry or function(source, _PLATFORM, _CHOICE) is None:
        return {}
    found = {name: _Backend(source, kind).facts() for name, kind in _registered(source, registry)}
    return {"backends": {name: facts for name, facts in found.items() if facts}, "choices": _choices(source)}


def _registered(source: Source, registry: str) -> Iterator[tuple[str, str]]:
    """Name and class of each backend for NVIDIA GPUs."""
    for node in source.tree(registry).body:
        if isinstance(node, ast.ClassDef) and node.name == _ENUM:
            for item in node.body:
                match item:
                    case ast.Assign(targets=[ast.Name(id=name)], value=value) if not name.startswith(
                        _ELSEWHERE
                    ):
                        path = ast.literal_eval(value)
                        if isinstance(path, str) and path:
                            yield name, path.rpartition(".")[2]


def _choices(source: Source) -> dict[str, list[str]]:
    """The backends that are tried, by kind of attention and capability."""
    asked = function(source, _PLATFORM, _CHOICE)
    found: dict[str, list[str]] = {}
    if asked is None:
        return found
    for capability in CAPABILITIES:
        for kind, latent in (("mla", True), ("plain", False)):
            choose = runnable(asked, {_ENUM: _Names()})
            told = (latent, _Capability(*divmod(capability, 10)))
            with contextlib.suppress(Exception):
                found[f"{kind} {capability}"] = [str(name) for name in choose(*told)]
    return found


class _Backend:
    """One class with those that it inherits from."""

    def __init__(self, source: Source, name: str) -> None:
        self._line = list(_lineage(source, name))

    def facts(self) -> dict[str, Any]:
        """What is surely known: a key is not there where the answer hangs on more than the class."""
        found: dict[str, Any] = {}
        if not self._line:
            return found
        for key, method in _SWITCHES.items():
            if isinstance(said := self._answer(method), bool):
                found[key] = said
        for key, (attribute, test) in _LISTS.items():
            names = self._listed(attribute)
            if names and (self._bounded(test, attribute) or self._refuses_others(test, names)):
                found[key] = names
        if blocks := self._blocks():
            found["blocks"] = blocks
        heads = self._answer("get_supported_head_sizes")
        if isinstance(heads, list) and heads and self._owner("supports_head_size") == "AttentionBackend":
            found["heads"] = sorted(heads)
        runs = [one for one in CAPABILITIES if self._runs_on(one)]
        if runs != list(CAPABILITIES):
            found["capabilities"] = runs
        types = [kind for kind in _TYPES if self._answer("supports_attn_type", kind) is not False]
        if types != list(_TYPES):
            found["types"] = types
        return found

    def _method(self, name: str) -> ast.FunctionDef | None:
        for kind in self._line:
            for item in kind.body:
                if isinstance(item, ast.FunctionDef) and item.name == name:
                    return item
        return None

    def _owner(self, method: str) -> str:
        return next(
            (
                kind.name
                for kind in self._line
                if any(isinstance(item, ast.FunctionDef) and item.name == method for item in kind.body)
            ),
            "",
        )

    def _answer(self, method: str, *arguments: Any, capability: int = 90) -> Any:
        """What a method says; None where it needs what is not here."""
        found = self._method(method)
        if found is None or _asks_more(found):
            return None
        run = runnable(
            found,
            {
                "AttentionType": _Kinds(),
                "DeviceCapability": _Capability,
                "current_platform": Platform(capability),
            },
        )
        with contextlib.suppress(Exception):
            wanted = len(inspect.signature(run).parameters)
            return run(*[None] * (wanted - len(arguments)), *arguments)
        return None

    def _runs_on(self, capability: int) -> bool:
        """Whether nothing says that it does not run there."""
        asked = _Capability(*divmod(capability, 10))
        return self._answer("supports_compute_capability", asked, capability=capability) is not False

    def _bounded(self, test: str, attribute: str) -> bool:
        """Whether a test of its own still asks the list, or the class above."""
        found = self._method(test)
        text = ast.unparse(found) if found else ""
        return attribute in text or "super()" in text

    def _refuses_others(self, test: str, names: list[str]) -> bool:
        """Whether a test that does not ask the list takes what is on it and nothing else."""
        return all(self._answer(test, name) is True for name in names) and not any(
            self._answer(test, name) is not False for name in set(_CACHES) - set(names)
        )

    def _listed(self, attribute: str) -> list[str]:
        """A list of words or of `torch` types, where it is written out."""
        for kind in self._line:
            for item in kind.body:
                if isinstance(item, ast.AnnAssign) and ast.unparse(item.target) == attribute:
                    parts = item.value.elts if isinstance(item.value, ast.List) else []
                    return [ast.unparse(part).rpartition(".")[2].strip("'") for part in parts]
        return []

    def _blocks(self) -> list[int]:
        """Numbers of which one must divide the block size, of all that the method may return."""
        found = self._method("get_supported_kernel_block_sizes")
        returned = [node.value for node in ast.walk(found) if isinstance(node, ast.Return)] if found else []
        sizes = set()
        for value in returned:
            for part in value.elts if isinstance(value, ast.List) else ():
                match part:
                    case (
                        ast.Constant(value=int() as size) | ast.Call(args=[ast.Constant(value=int() as size)])
                    ):
                        sizes.add(size)
        plain = all(isinstance(value, ast.List) for value in returned)
        return sorted(sizes) if plain and 1 not in sizes else []


class _Kinds(_Names):
    def __getattr__(self, name: str) -> str:
        return name.lower()


def _asks_more(method: ast.FunctionDef) -> bool:
    """Whether it calls functions that are not here."""
    calls = (ast.unparse(node.func) for node in ast.walk(method) if isinstance(node, ast.Call))
    return any(
        not call.startswith(("DeviceCapability", "current_platform.", "kv_cache_dtype.")) for call in calls
    )


def _lineage(source: Source, name: str) -> Iterator[ast.ClassDef]:
    kind = _class(source, name)
    if kind is not None:
        yield kind
        for base in kind.bases:
            yield from _lineage(source, ast.unparse(base).partition("[")[0].rpartition(".")[2])


@lru_cache(maxsize=256)
def _class(source: Source, name: str) -> ast.ClassDef | None:
    found = definitions(source, name, ("vllm/",))
    return next((node for node in found if isinstance(node, ast.ClassDef)), None)


TABLE = ValueTable(
    name="attention",
    file="attention.json",
    about="Attention backends by name, with what each says of itself (blocks: one of them divides the block "
    "size; a key that is not there: it hangs on more), and which ones are tried, by kind of attention and "
    "compute capability x 10.",
    reader=attention,
)
