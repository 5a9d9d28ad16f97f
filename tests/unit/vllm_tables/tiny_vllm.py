"""A vLLM of a few lines that its readers find everything in: the files of one release, to be changed by a
test."""

from __future__ import annotations

from pathlib import Path

QUANTIZATION = "vllm/model_executor/layers/quantization/"
MODELS = "vllm/model_executor/models/"
ENGINE = "vllm/engine/arg_utils.py"
CONFIG = "vllm/config/__init__.py"
PLANNING = "vllm/v1/core/kv_cache_utils.py"
FRONT = "vllm/entrypoints/openai/cli_args.py"

FILES = {
    "vllm/__init__.py": "",
    "vllm/engine/__init__.py": "",
    "vllm/entrypoints/__init__.py": "",
    "vllm/entrypoints/openai/__init__.py": "",
    "vllm/platforms/__init__.py": "current_platform = None\n",
    "vllm/entrypoints/openai/api_server.py": "def setup_server(args):\n    create_server_socket(args)\n",
    "vllm/reasoning/__init__.py": """
class ReasoningParserManager:
    reasoning_parsers = {}

    @classmethod
    def list_registered(cls):
        return list(_REASONING_PARSERS_TO_REGISTER)

_REASONING_PARSERS_TO_REGISTER = {"granite": ("file", "Class")}
""",
    "vllm/tool_parsers/__init__.py": """
class ToolParserManager:
    tool_parsers = {}

    @classmethod
    def list_registered(cls):
        return list(_TOOL_PARSERS_TO_REGISTER)

_TOOL_PARSERS_TO_REGISTER = {"hermes": ("file", "Class")}
""",
    QUANTIZATION + "__init__.py": """
QuantizationMethods = Literal["b", "a"]

def get_quantization_config(quantization):
    method_to_config: dict[str, type] = {"a": AConfig, "b": BConfig, "elsewhere": ModelConfig}
    return method_to_config[quantization]
""",
    "vllm/config/quantization.py": '_ONLINE_SHORTHANDS: dict[str, Args] = {"short": Args(), "b": Args()}\n',
    MODELS + "model.py": "class ModelConfig(AConfig):\n    pass\n",
    QUANTIZATION + "a.py": """
class AConfig(Base):
    def __init__(self, bits: int, group: int = 128, *, full, half=None):
        pass

    @staticmethod
    def get_config_filenames():
        return ["a.json"]

    @classmethod
    def get_min_capability(cls) -> int:
        if current_platform.is_rocm():
            return 90
        return 80

    def get_supported_act_dtypes(self):
        return [torch.half, torch.bfloat16]

    def get_quant_method(self, layer, prefix):
        if isinstance(layer, FusedMoE):
            return AMoEMethod(self)
        return ALinearMethod(self)

class BConfig(AConfig):
    def __init__(self):
        pass

    def get_config_filenames(cls):
        return []

class CConfig(Base):
    def get_min_capability(cls):
        return -1

class DConfig(Base):
    def get_min_capability(cls):
        return AConfig.get_min_capability()
""",
    "vllm/model_executor/layers/fused_moe/experts/fast.py": """
class FastExperts:
    @staticmethod
    def _supports_current_device() -> bool:
        p = current_platform
        return p.is_cuda() and p.has_device_capability(90)

    @staticmethod
    def _supports_quant_scheme(weight_key, activation_key) -> bool:
        pairs = [(None, None)]
        if current_platform.supports_fp8():
            pairs.append((kFp8StaticTensorSym, kFp8DynamicTensorSym))
        return (weight_key, activation_key) in pairs
""",
    MODELS + "interfaces.py": "class SupportsPP(Protocol):\n    pass\n",
    MODELS + "registry.py": """
_TEXT_GENERATION_MODELS = {"A": ("a", "A"), "B": ("a", "B"), "C": ("c", "C"), "CMTPModel": ("c", "C")}
_PREVIOUSLY_SUPPORTED_MODELS = {"OldForCausalLM": "0.9.0"}
_OOT_SUPPORTED_MODELS = {"PluginForCausalLM": "a plugin"}
""",
    MODELS + "a.py": "class A(nn.Module, SupportsPP):\n    pass\n\nclass B(A):\n    pass\n",
    MODELS + "c.py": "class C(nn.Module, Generic[T]):\n    pass\n",
    CONFIG: """
from dataclasses import dataclass, field
from typing import Literal, Optional

CacheDType = Literal["auto", "fp8"]
_FLOAT16_NOT_SUPPORTED_MODELS = {"odd": "Numerical instability"}

@dataclass
class CacheConfig:
    DEFAULT_BLOCK_SIZE = 16
    gpu_memory_utilization: float = 0.92
    cache_dtype: CacheDType = "auto"

@dataclass
class InnerConfig:
    depth: int = 3

@dataclass
class CompilationConfig:
    mode: Optional[Literal["none", "full"]] = None
    level: int | None = 2
    sizes: list[int] = field(default_factory=list)
    inner: InnerConfig = field(default_factory=InnerConfig)
    _private: int = 0

@dataclass
class VllmConfig:
    def __post_init__(self):
        if self.kv_transfer_config is not None:
            self.scheduler_config.disable_hybrid_kv_cache_manager = True

    def _set_cudagraph_sizes(self):
        most = min(self.scheduler_config.max_num_seqs * 2, 512)
        sizes = [1, 2, 4] + list(range(8, most + 1, 8))
        self.compilation_config.cudagraph_capture_sizes = sizes
""",
    "vllm/envs.py": """
import os
environment_variables = {
    "VLLM_FAST": lambda: bool(int(os.getenv("VLLM_FAST", "1"))),
    "VLLM_CACHE_ROOT": lambda: os.path.expanduser("~/.cache/vllm"),
    "VLLM_NEEDS_MORE": lambda: os.environ["VLLM_NEEDS_MORE"],
}
""",
    PLANNING: '''
def get_num_blocks(vllm_config, num_layers: int, available_memory: int) -> int:
    """How many blocks."""
    logger.info("blocks")
    return max(available_memory // num_layers, 0)
''',
    ENGINE: """
import argparse, functools, json
from vllm.config import CompilationConfig, CacheConfig

GiB_bytes = 1 << 30

def nullable_str(value):
    return None if value in ("", "None") else value

def optional_type(inner):
    def _optional_type(value):
        return None if value in ("", "None") else inner(value)
    return _optional_type

def parse_type(inner):
    def _parse_type(value):
        return inner(value)
    return _parse_type

def nullable_kvs(value):
    return dict(item.split("=") for item in value.split(","))

def human_readable_int(value): ...
def human_readable_int_or_auto(value): ...
def union_dict_and_str(value): ...

def _compute_kwargs(kind):
    def parse_dataclass(value):
        return kind(**json.loads(value))
    return parse_dataclass

class StoreBoolean(argparse.Action):
    def __call__(self, parser, namespace, values, option_string=None): ...

class PoolerConfig:
    @staticmethod
    def from_json(value): ...

class EngineArgs:
    @classmethod
    def get_batch_defaults(cls, world_size):
        from vllm.usage.usage_lib import UsageContext
        if current_platform.get_device_total_memory() >= 70 * GiB_bytes:
            tokens = {UsageContext.LLM_CLASS: 16384, UsageContext.OPENAI_API_SERVER: 8192}
        else:
            tokens = {UsageContext.LLM_CLASS: 8192, UsageContext.OPENAI_API_SERVER: 2048}
        return tokens, {UsageContext.LLM_CLASS: 256, UsageContext.OPENAI_API_SERVER: 256}

    @staticmethod
    def add_cli_args(parser):
        add = parser.add_argument
        add("--gpu-memory-utilization", type=float, default=CacheConfig.gpu_memory_utilization)
        add("--max-model-len", type=human_readable_int_or_auto)
        add("--max-num-batched-tokens", type=human_readable_int)
        add("--seed", type=optional_type(int))
        add("--kind", "-k", choices=["two", "one"], default="one")
        add("--method", type=optional_type(str), choices=["m", "n", None])
        add("--number-of-kind", type=int, choices=[1, 2])
        add("--any-case", type=lambda value: value.lower(), choices=["x"], default="x")
        add("--loose", type=str)
        add("--nullable", type=nullable_str)
        add("--names", nargs="+", type=str)
        add("--sizes", nargs="+", type=int)
        add("--object", type=json.loads)
        add("--parsed-object", type=optional_type(parse_type(json.loads)))
        add("--pairs", type=nullable_kvs)
        add("--word-or-object", type=union_dict_and_str)
        add("--old-object", type=PoolerConfig.from_json)
        compilation = _compute_kwargs(CompilationConfig)
        add("--compilation-config", "-O", type=compilation, default=CompilationConfig())
        add("--old-switch", action=StoreBoolean, nargs="?", const="True")
        add("--headless", action="store_true")
        add("--fast", action=argparse.BooleanOptionalAction, default=True)
        add("--cache-folder", default="/root/somewhere")
        return parser
""",
    FRONT: """
import argparse
from vllm.engine.arg_utils import EngineArgs

class FlexibleArgumentParser(argparse.ArgumentParser):
    pass

def make_arg_parser(parser):
    parser.add_argument("model_tag", nargs="?")
    parser.add_argument("--port", type=int, default=8000)
    return EngineArgs.add_cli_args(parser)

def validate_parsed_serve_args(args): ...
""",
}


def written(folder: Path, release: str, changes: dict[str, tuple[str, str]] | None = None) -> Path:
    """The release below `folder`, with one text in a file in place of another for each of `changes`."""
    root = folder / f"vllm-{release}"
    for name, text in FILES.items():
        old, new = (changes or {}).get(name, ("", ""))
        assert old in text, (name, old)
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text.replace(old, new) if old else text, "utf-8")
    return root
