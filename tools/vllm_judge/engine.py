"""vLLM's engine up to the config it would start with, on a card that is not there.

Needs PyTorch, transformers and what else vLLM imports (`environment.py`); any release's Python files serve,
as its compiled operators are never run. `prepare` comes first, once a process; jobs are answered in forks.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from vllm_judge import card as cards

T = TypeVar("T")
_QUIET = {
    "VLLM_LOGGING_LEVEL": "CRITICAL",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    "HF_HUB_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_VERBOSITY": "error",
}
_KEPT = ("architectures", "tie_word_embeddings", "torch_dtype", "dtype", "bos_token_id", "eos_token_id")
_RETRIES = 8


def prepare(tree: Path, card: cards.Card) -> None:
    """Import the release below `tree` as if `card` were in the machine."""
    os.environ.update(_QUIET)
    sys.path.insert(0, str(tree))
    import torch

    from vllm_judge import compiled

    torch.set_num_threads(1)
    compiled.install()
    cards.pretend(card)
    cards.install(card)
    _give_triton_a_config()
    _inspect_models_here()
    _count_cards()
    _give_a_tokenizer()


def config(folder: Path, args: list[str]) -> Any:
    """The `VllmConfig` of a server with these arguments.

    Raises:
        SystemExit: the parser refuses them. Whatever vLLM raises: its config refuses them.
    """
    return config_of(_parser().parse_args(flags(folder, args)), folder)


def flags(folder: Path, args: list[str]) -> list[str]:
    """A server's arguments for a model that has a config.json and nothing else."""
    given = ["--model", str(folder), "--skip-tokenizer-init", *args]
    asked = any(item.partition("=")[0] in ("--load-format", "--load_format") for item in args)
    return given if asked else [*given, "--load-format", "dummy"]


def config_of(parsed: Any, folder: Path) -> Any:
    """The `VllmConfig` of arguments that the parser has read; raises whatever vLLM raises."""
    from vllm.engine.arg_utils import AsyncEngineArgs
    from vllm.usage.usage_lib import UsageContext

    _knows_its_config(folder)
    return AsyncEngineArgs.from_cli_args(parsed).create_engine_config(UsageContext.OPENAI_API_SERVER)


def with_stand_ins(ask: Callable[[], T]) -> T:
    """Ask again with an empty module for each package of CUDA that the answer misses.

    Raises:
        ModuleNotFoundError: what is missing is no such package.
    """
    from vllm_judge.compiled import OF_CUDA, STAND_INS

    for _ in range(_RETRIES):
        try:
            return ask()
        except ModuleNotFoundError as error:
            missing = (error.name or "").partition(".")[0]
            if missing not in OF_CUDA or missing in STAND_INS.wanted:
                raise
            STAND_INS.wanted.add(missing)
    return ask()


def _parser() -> Any:
    from vllm.engine.arg_utils import AsyncEngineArgs

    try:
        from vllm.utils.argparse_utils import FlexibleArgumentParser
    except ImportError:  # before 0.12
        from vllm.utils import FlexibleArgumentParser
    return AsyncEngineArgs.add_cli_args(FlexibleArgumentParser())


def _count_cards() -> None:
    """Some releases count cards by a function that others import by name: what that calls is replaced."""
    for name in ("vllm.utils.torch_utils", "vllm.utils"):
        module = sys.modules.get(name)
        if hasattr(module, "_cuda_device_count_stateless"):
            module._cuda_device_count_stateless = lambda *_: cards.CARDS  # type: ignore[union-attr]


def _give_triton_a_config() -> None:
    """Without Triton, vLLM's placeholder lacks the class with which kernels name their variants."""
    with contextlib.suppress(ImportError):
        from vllm.triton_utils import triton

        if "laceholder" in type(triton).__name__:
            triton.Config = _TritonConfig
        if not hasattr(triton, "set_allocator"):
            triton.set_allocator = lambda *_: None


def _give_a_tokenizer() -> None:
    """Some models look up a token's number while they are built; its file lies beside the weights."""
    from vllm_judge.compiled import Anything

    with contextlib.suppress(ImportError):  # before 0.12
        import vllm.tokenizers

        vllm.tokenizers.cached_tokenizer_from_config = lambda *_, **__: Anything()


class _TritonConfig:
    def __init__(self, kwargs: dict[str, Any] | None = None, **named: Any) -> None:
        self.kwargs = kwargs or {}
        self.num_warps = named.get("num_warps", 4)
        self.num_stages = named.get("num_stages", 1)
        self.num_ctas = named.get("num_ctas", 1)
        self.maxnreg = named.get("maxnreg")
        self.pre_hook = named.get("pre_hook")


def _inspect_models_here() -> None:
    """vLLM inspects a model's class in a process of its own, which would know nothing of our card."""
    from vllm.config import ModelConfig
    from vllm.model_executor.models import registry

    registry._LazyRegisteredModel.inspect_model_cls = lambda lazy: registry._ModelInfo.from_model_cls(
        lazy.load_model_cls()
    )
    registry._try_inspect_model_cls = lambda _, model: model.inspect_model_cls()
    inputs = getattr(ModelConfig, "_supports_multimodal_inputs", None)
    if inputs:

        def supports(model: Any) -> object:
            """It asks for the processor's files, which lie beside the weights."""
            try:
                return inputs(model)
            except Exception:  # noqa: BLE001 - whatever their absence raises
                return True

        ModelConfig._supports_multimodal_inputs = supports


def _knows_its_config(folder: Path) -> bool:
    """Give a model type whose code lies beside its weights a plain config class; whether one was needed."""
    from transformers import AutoConfig
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING
    from vllm.transformers_utils.config import _CONFIG_REGISTRY

    kind = json.loads((folder / "config.json").read_text("utf-8")).get("model_type")
    if not kind or kind in CONFIG_MAPPING or kind in _CONFIG_REGISTRY:
        return False
    AutoConfig.register(kind, _plain(kind))
    return True


def _plain(kind: str) -> Any:
    from transformers import PretrainedConfig

    class Plain(PretrainedConfig):  # type: ignore[misc]
        model_type = kind

        def __init__(self, **fields: Any) -> None:
            super().__init__(**{key: value for key, value in fields.items() if key in _KEPT})
            if "hidden_size" in fields:
                fields = {"hidden_act": "silu", "rms_norm_eps": 1e-6, **fields}
            for key, value in _nested(fields, Plain):
                with contextlib.suppress(Exception):  # a property of the base class without a setter
                    setattr(self, key, value)

    return Plain


def _nested(fields: dict[str, Any], plain: Any) -> Iterator[tuple[str, Any]]:
    for key, value in fields.items():
        if key == "model_type":
            continue
        if key == "block_configs":
            yield key, json.loads(json.dumps(value), object_hook=_Attributes)
        elif key.endswith("_config") and isinstance(value, dict) and key != "quantization_config":
            yield key, _part(value, plain)
        else:
            yield key, value


def _part(fields: dict[str, Any], plain: Any) -> Any:
    """By its own class where transformers has one that takes the fields, for their defaults."""
    from transformers import AutoConfig

    kind = fields.get("model_type", "")
    try:
        return AutoConfig.for_model(
            kind, **{key: value for key, value in fields.items() if key != "model_type"}
        )
    except Exception:  # noqa: BLE001 - there is none, or it is strict about a field
        part = plain(**fields)
        if kind:
            part.model_type = kind
        return part


class _Attributes(dict[str, Any]):
    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None
