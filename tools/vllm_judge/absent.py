"""Stand-ins for the packages that vLLM imports, so that its command line runs where none is installed.

vLLM builds the pages about its own command line so: torch and the like are replaced by objects that have
every attribute. Here no list of packages is kept: whatever is neither the standard library's, vLLM's own nor
pydantic's is stood in for, *even where it is installed*. Else the answer would depend on who asks.

`read_from(root)` changes the whole process, once: call it in a process of its own (`apart.py`).
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import inspect
import logging
import os
import sys
import typing
from collections.abc import Iterator, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import FunctionType, MethodType, ModuleType, SimpleNamespace
from typing import Any, get_type_hints

_REAL = frozenset({"pydantic", "pydantic_core", "annotated_types", "typing_extensions", "typing_inspection"})
"""What is asked for itself: the values inside of JSON arguments are pydantic's to judge."""
_ALIKE = {"regex": "re"}
"""What the standard library does as well; numbers such as `32k` are read with it."""
_OTHER_HARDWARE = frozenset(
    {
        "amdsmi",
        "habana_frameworks",
        "intel_extension_for_pytorch",
        "libneuronxla",
        "libtpu",
        "neuronx_distributed_inference",
        "oneccl_bindings_for_pytorch",
        "torch_xla",
        "tpu_info",
        "transformers_neuronx",
        "zentorch",
    }
)
"""By these vLLM finds out that it runs on something else than NVIDIA's GPUs: they are missing here."""
_NOT_READ = frozenset({"vllm.env_override", "vllm.third_party.pynvml"})
"""Modules of vLLM's own that patch torch, or ask this machine's driver."""
_VERSIONS = {"torch": "2.99.0", "transformers": "9.99.0"}
_VERSION = "99.0.0"
"""vLLM asks for "this release or a newer one"; so what stands in is new."""


class StandIn:
    """Has every attribute; can be called, indexed, compared, added, inherited from, used as a type."""

    def __init__(self, name: str) -> None:
        self.__name__ = self.__qualname__ = name
        self._heir: type | None = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        made = _attribute(name)
        setattr(self, name, made)
        return made

    def __call__(self, *args: Any, **options: Any) -> Any:
        """A decorator gives back what it decorates; `torch.xpu.is_available()` and the like are false."""
        if len(args) == 1 and not options and isinstance(args[0], (type, FunctionType, MethodType)):
            return args[0] if isinstance(args[0], type) else _Decorated(args[0])
        return False if self.__name__.endswith("available") else StandIn("called")

    def __mro_entries__(self, _: tuple[object, ...]) -> tuple[type, ...]:
        """A plain class: with a metaclass of its own it could not be mixed with protocols."""
        if self._heir is None:
            self._heir = type(self.__name__, (_Heir,), {})
        return (self._heir,)

    def __instancecheck__(self, instance: object) -> bool:
        return self._heir is not None and isinstance(instance, self._heir)

    def __subclasscheck__(self, other: type) -> bool:
        return self._heir is not None and issubclass(other, self._heir)

    def __get_pydantic_core_schema__(self, *_: object) -> Any:
        """Pydantic takes any value where this is the type."""
        from pydantic_core import core_schema

        return core_schema.any_schema()

    def __or__(self, other: Any) -> Any:
        return typing.Union[self, other]  # noqa: UP007 - `|` would ask this method again

    def __ror__(self, other: Any) -> Any:
        return typing.Union[other, self]  # noqa: UP007

    def __eq__(self, other: object) -> bool:
        """As vLLM compares what it got by the same way twice, such as two signatures of an operator."""
        return isinstance(other, StandIn) and self.__name__ == other.__name__

    def __hash__(self) -> int:
        return hash(self.__name__)

    def __getitem__(self, _: object) -> Any:
        return self

    def __setitem__(self, _: object, value: object) -> None:
        pass

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __bool__(self) -> bool:
        return True

    def __contains__(self, _: object) -> bool:
        return False

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def __index__(self) -> int:
        return 1

    __int__ = __index__

    def __float__(self) -> float:
        return 1.0

    def _newer(self, _: object) -> bool:
        return True

    def _older(self, _: object) -> bool:
        return False

    __gt__ = __ge__ = _newer
    __lt__ = __le__ = _older

    def _itself(self, *_: object) -> Any:
        return self

    __add__ = __sub__ = __mul__ = __truediv__ = __floordiv__ = __mod__ = __pow__ = __and__ = __neg__ = _itself
    __radd__ = __rsub__ = __rmul__ = __rtruediv__ = __rfloordiv__ = __rpow__ = __rand__ = _itself


class _Decorated(StandIn):
    """A function of vLLM's under an absent decorator: itself, with attributes such as `register_fake`."""

    def __init__(self, function: Any) -> None:
        super().__init__(function.__name__)
        self.__wrapped__ = function

    def __call__(self, *args: Any, **options: Any) -> Any:
        return self.__wrapped__(*args, **options)

    def __get__(self, owner: object, kind: type | None = None) -> Any:
        return self.__wrapped__.__get__(owner, kind)


class _Heir:
    """The base of classes that vLLM derives from a stand-in."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __init_subclass__(cls, **_: Any) -> None:
        pass

    def __class_getitem__(cls, _: object) -> Any:
        return cls


def _fields(kind: type) -> tuple[Any, ...]:
    """What msgspec tells of a class: vLLM makes a schema of it."""
    return tuple(
        SimpleNamespace(name=name, default=None, default_factory=list) for name in get_type_hints(kind)
    )


def _operator_schema(function: Any, **_: Any) -> str:
    """What torch makes of an operator's annotations: vLLM counts its outputs."""
    result = get_type_hints(inspect.unwrap(function)).get("return")
    outputs = typing.get_args(result) if typing.get_origin(result) is tuple else (result,)
    return "(Tensor x) -> " + ", ".join(getattr(output, "__name__", "None") for output in outputs)


_KNOWN = {
    "iinfo": lambda *_: SimpleNamespace(min=-(2**63), max=2**63 - 1),
    "fields": _fields,
    "infer_schema": _operator_schema,
    "nvmlDeviceGetCudaComputeCapability": lambda *_: (9, 0),
}
"""What vLLM takes apart: a 64-bit number's limits, a class, an operator, the GPU's capability (an H100's)."""


def _attribute(name: str) -> Any:
    """Exceptions are real ones, since vLLM catches them."""
    if name in _KNOWN:
        return _KNOWN[name]
    if name.endswith(("Error", "Exception", "Warning")):
        return type(name, (Warning if name.endswith("Warning") else Exception,), {})
    return StandIn(name)


class _Module(ModuleType):
    """A module that stands in for an absent one."""

    def __getattr__(self, name: str) -> Any:
        if name == "__version__":
            return installed_version(self.__name__.partition(".")[0])
        if name == "__file__":
            return ""
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        made = _attribute(name)
        setattr(self, name, made)
        return made


def installed_version(package: str) -> str:
    """The version that a package, stood in for, says of itself."""
    return _VERSIONS.get(package, _VERSION)


class _Finder(MetaPathFinder, Loader):
    """Asked first: finds vLLM below `root`, leaves `_REAL` to Python, and stands in for everything else."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self.stood_in: set[str] = set()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package = fullname.partition(".")[0]
        if package in sys.stdlib_module_names or package in _REAL:
            return None
        if package in _OTHER_HARDWARE:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)
        if package == "vllm" and fullname not in _NOT_READ:
            found = PathFinder.find_spec(fullname, [self._root] if path is None else path)
            if found is not None:
                return found
        self.stood_in.add(fullname if package == "vllm" else package)
        return ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        package = spec.name.partition(".")[0]
        return importlib.import_module(_ALIKE[package]) if package in _ALIKE else _Module(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        pass


def read_from(root: Path, version: str) -> set[str]:
    """From now on `import vllm` gives the release that lies in `root`; the names of what is stood in for.

    The set grows with each import. Nothing of this machine is looked at: no installed package, no variable of
    vLLM's, no driver.

    Raises:
        RuntimeError: this process has a vLLM already.
    """
    if "vllm" in sys.modules or any(isinstance(finder, _Finder) for finder in sys.meta_path):
        raise RuntimeError("a process reads one release of vLLM")
    for name in [name for name in os.environ if name.startswith(("VLLM_", "CUDA_", "HIP_", "RAY_"))]:
        del os.environ[name]
    os.environ["VLLM_CONFIGURE_LOGGING"] = "0"
    logging.disable(logging.WARNING)
    finder = _Finder(root)
    sys.meta_path.insert(0, finder)

    def told(distribution_name: str) -> str:
        return version if distribution_name == "vllm" else installed_version(distribution_name)

    importlib.metadata.version = told
    importlib.util.find_spec = _optional
    return finder.stood_in


_python_finds = importlib.util.find_spec


def _optional(name: str, package: str | None = None) -> ModuleSpec | None:
    """Where vLLM looks whether something optional is there, it is not; what it imports is stood in for."""
    top = name.partition(".")[0]
    return _python_finds(name, package) if top in sys.stdlib_module_names or top in _REAL else None
