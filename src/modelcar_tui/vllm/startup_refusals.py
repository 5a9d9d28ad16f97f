"""What an exception that ends a start of vLLM means: vLLM's checks by their own words, releases 0.6 to 0.33.

The outcomes are values of `memory.Outcome`, which this room may not import.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from modelcar_tui.vllm.startup_stages import (
    ARGUMENTS,
    CAPTURING,
    LOADING,
    NOTHING,
    PLANNING,
    PROFILING,
    RANK,
    WARMING,
)

STARTS = "starts"
DIED = "died"
_ARGS = "refused_args"
OF_MEMORY: Final = frozenset(
    ("refused_kv", "refused_no_kv", "refused_free_memory", "oom_load", "oom_warmup", "oom_graph_capture")
)
"""Outcomes whose words hold figures of the GPU."""
_OOM = "out of memory"


class Meaning(NamedTuple):
    """What an exception means."""

    outcome: str
    stage: str = ""
    """Where it comes from, if its words or frames say so; empty leaves it to the log's order."""


class _Rule(NamedTuple):
    outcome: str
    words: re.Pattern[str]
    stage: str = ""


def _rule(outcome: str, *words: str, stage: str = "") -> _Rule:
    return _Rule(outcome, re.compile("|".join(words)), stage)


_RULES: Final = (
    # v1/core/kv_cache_utils.py, kv_cache_planning.py; worker/worker.py (V0)
    _rule(
        "refused_kv",
        r"Gi?B KV cache is needed, (?:which is )?larger",
        r"larger than the maximum number of tokens that can be stored in KV cache",
        r"Cannot auto-fit max_model_len",
        stage=PLANNING,
    ),
    _rule("refused_no_kv", r"No available memory for the cache blocks", stage=PLANNING),
    # v1/worker/gpu_worker.py, v1/worker/utils.py (request_memory)
    _rule(
        "refused_free_memory",
        r"on startup is less than desired GPU memory utilization",
        r"Available memory on node .{0,80} is less than (?:requested|desired)",
        r"Externally held weights on device .{0,80} exceed the desired",
    ),
    # v1/worker/gpu_model_runner.py, gpu/pool/pooling_runner.py
    _rule("oom_warmup", r"out of memory occurred when warming up", stage=WARMING),
    # PyTorch, by device; CUDA's and cuBLAS's own words
    _rule(
        _OOM,
        r"OutOfMemoryError",
        r"(?:CUDA|HIP|XPU|NPU|HPU)(?: error:)? out of memory",
        r"CUBLAS_STATUS_ALLOC_FAILED",
        r"cudaErrorMemoryAllocation",
        r"Cuda failure 2? ?'out of memory'",
    ),
    # model_executor/models/registry.py, model_loader/utils.py, models/transformers; transformers' AutoConfig
    _rule(
        "refused_arch",
        r"odel architectures? .{0,200}(?:not supported for now|failed to be inspected)",
        r"odel architecture .{0,200}was supported in vLLM until",
        r"does not recognize this architecture",
        r"Cannot find model module",
        r"has no vLLM implementation",
        r"implementation is not compatible with vLLM",
        r"does not dispatch through the Transformers attention interface",
    ),
    # model_executor/model_loader/weight_utils.py, config: dtypes of a method before the method itself
    _rule(
        "refused_dtype",
        r"is not supported for quantization method .{0,80}Supported dtypes",
        r"(?i:b?float16) is only supported on GPUs with compute capability",
        r"only supports? (?:dtype|float|bfloat|half)",
        r"does not support (?:torch\.)?b?float(?:16|32)",
        r"doesn't support torch\.bfloat16\.(?! Falling back)",
        r"model type .{0,80} does not support (?:float16|half)",
    ),
    # config/model.py, config/vllm.py, quantization/compressed_tensors, quark, platforms/interface.py
    _rule(
        "refused_quant",
        r"quantization method .{0,120}(?:not supported|is not supported for the current GPU)",
        r"Quantization scheme is not supported for the current GPU",
        r"Unknown quantization method",
        r"quantization is currently not supported in",
        r"Quantization method specified in the model config .{0,80}does not match",
        r"(?i:quantization).{0,80}(?:only supports|requires) .{0,40}capability",
        r"Sparse24 models are no longer supported",
    ),
    # PyTorch and Triton; platforms/cuda.py, rocm.py; fused_moe/oracle; kernels' choosers
    _rule(
        "refused_kernel",
        r"no kernel image is available",
        r"PTX was compiled with an unsupported toolchain",
        r"No valid attention backend found",
        r"Invalid attention backend",
        r"backend .{0,120}is not valid for this configuration",
        r"MoE backend supports ",
        r"Failed to find a kernel that can implement",
        r"(?:FlashMLA|FlashAttnMLA|FlashAttention MLA|Flash ?Infer).{0,60}not supported on this device",
        r"type fp8e4nv not supported in this architecture",
        r"requires (?:a )?(?:compute )?capability",
        r"capability of this device|not supported on .{0,20}\bsm_?\d+",
    ),
    # what lies elsewhere or is no file at all: no word against the arguments
    _rule(
        DIED,
        r"Invalid repository ID or local directory",
        r"does not appear to have a file named",
        r"Can't load (?:the |config|tokenizer|image|feature|processor|video)",
        r"outgoing traffic has been disabled",
        r"offline mode is enabled",
        r"(?:couldn't|can't|cannot) connect to 'https",
        r"Repo id must be",
        r"LocalEntryNotFoundError|OfflineModeIsEnabled|HFValidationError|FileNotFoundError",
        r"Cannot find any model weights",
        r"(?i:ModuleNotFoundError|ImportError|No module named)",
        r"(?i:couldn't instantiate the backend tokenizer)",
        r"NCCL error|DistBackendError|ncclUnhandled|ncclSystemError",
    ),
    # argparse; config/*.py; distributed/utils.py (divide); transformers_utils
    _rule(
        _ARGS,
        r"User-specified max_model_len",
        r"is not divisible by|must be divisible by",
        r"[Ww]orld size .{0,80}is larger than",
        r"Number of available GPUs|number of available (?:GPUs|devices)",
        r"cannot be used with|is incompatible with|mutually exclusive|not compatible with --",
    ),
)
_OF_CONFIG: Final = ("ValidationError", "ValueError", "NotImplementedError", "TypeError", "AssertionError")
"""Kinds of exception that vLLM's configuration refuses arguments with."""
_FOLLOWERS: Final = re.compile(
    r"Engine core initialization failed|WorkerProc initialization failed|Engine process failed to start"
    r"|Worker failed with error|EngineCore encountered an issue|EngineDeadError|died unexpectedly"
    r"|^(?:\w+\.)*(?:SystemExit|KeyboardInterrupt|BrokenPipeError|ConnectionResetError|EOFError|CancelledError"
    r"|ChildFailedError|ActorDiedError|RayActorError)\b|Background loop|MQEngineDeadError|Failed core proc"
)
_FRAMES: Final = (
    ("determine_available_memory", PROFILING, "oom_warmup"),
    ("determine_num_available_blocks", PROFILING, "oom_warmup"),
    ("profile_run", PROFILING, "oom_warmup"),
    ("capture_model", CAPTURING, "oom_graph_capture"),
    ("compile_or_warm_up_model", WARMING, "oom_warmup"),
    ("initialize_from_config", PLANNING, "oom_warmup"),
    ("load_model", LOADING, "oom_load"),
)
"""Functions of vLLM's workers, and what memory that runs out within them means; the first that is found."""


def is_follower(words: str) -> bool:
    """Whether a process only says that another one has ended."""
    return bool(_FOLLOWERS.search(words))


def meaning(kind: str, words: str, *, frames: Iterable[str] = (), stage: str = NOTHING) -> Meaning | None:
    """What an exception means; None for one that no check of vLLM's explains.

    Args:
        kind: the exception's class; empty for the end of argparse.
        words: what it says, its class included.
        frames: functions of its traceback.
        stage: where the log was.
    """
    if not kind:
        return Meaning(_ARGS, ARGUMENTS)
    for rule in _RULES:
        if rule.words.search(words):
            if rule.outcome == _OOM:
                return _out_of_memory(set(frames), stage)
            return Meaning(rule.outcome, rule.stage)
    if RANK[stage] <= RANK[ARGUMENTS] and kind.rpartition(".")[2] in _OF_CONFIG:
        return Meaning(_ARGS)
    return None


def _out_of_memory(frames: set[str], stage: str) -> Meaning:
    for function, where, outcome in _FRAMES:
        if function in frames:
            return Meaning(outcome, where)
    if stage == LOADING:
        return Meaning("oom_load")
    return Meaning("oom_graph_capture" if stage == CAPTURING else "oom_warmup")


_FLAG: Final = re.compile(r"(?<![\w-])--?[a-z](?:[\w-]*\w)?(?![\w-])")
_VARIABLE: Final = re.compile(r"\b(?:VLLM|HF|TRANSFORMERS|CUDA|NCCL|PYTORCH|TORCH|TRITON)_[A-Z0-9_]{3,}\b")
_FILE: Final = re.compile(r"\b[\w-]{1,80}\.(?:json|model|txt|py|jinja|tiktoken|safetensors|bin)\b")
_LACKING: Final = re.compile(
    r"(?i)no such file|does not appear to have a file|can't load"
    r"|(?:can ?not|could ?n[o']t|failed to|unable to) (?:be )?(?:find|found|load|open|read)"
    r"|is missing|not found"
)
"""Words with which a file is missed: others name one in passing (`in model's config.json`)."""
_PARAMETER: Final = re.compile(r"(?<![\w.])[a-z]+(?:_[a-z0-9]+)+(?!\w)")
_SUBJECTS: Final = (
    ("tokenizer", re.compile(r"(?i)tokeniz|vocab(?:ulary)? file|sentencepiece|tiktoken")),
    ("processor", re.compile(r"(?i)image ?processor|feature extractor|AutoProcessor|preprocessor_config")),
    ("--load-format", re.compile(r"(?i)load[_ -]format|dummy[_ -]?(?:weight|load|format)")),
    (
        "HF_HUB_OFFLINE",
        re.compile(
            r"HFValidationError|Repo id must be|Invalid repository ID|LocalEntryNotFound"
            r"|outgoing traffic has been disabled|(?i:offline ?mode)|connect to 'https"
        ),
    ),
    ("weights", re.compile(r"(?i)any model weights|\.safetensors|\.bin\b")),
    ("NCCL", re.compile(r"NCCL|nccl[A-Z]")),
)
_OF_FRAMES: Final = (
    ("--load-format", ("dummy_loader.py", "initialize_dummy_weights")),
    ("tokenizer", ("tokenizer.py", "tokenization_utils_base.py", "tokenization_auto.py", "get_tokenizer")),
    ("processor", ("processing_utils.py", "processing_auto.py", "encoder_budget.py", "get_dummy_mm_inputs")),
)
_MOST_ABOUT = 16


def subjects(words: str, frames: Iterable[str] = ()) -> tuple[str, ...]:
    """The flags, files, variables and things that a refusal names, in the order flags, variables, files,
    things. `frames` (functions and file names) are given for an exception that nothing else explains."""
    from modelcar_tui.vllm.argument_table import newest_flags  # a large table, read for a refusal alone

    flags = {flag.flag for flag in newest_flags()}
    named = [match.partition("=")[0] for match in _FLAG.findall(words)]
    named += [f for word in _PARAMETER.findall(words) if (f := f"--{word.replace('_', '-')}") in flags]
    named += _VARIABLE.findall(words)
    if _LACKING.search(words):
        named += [
            file for file in _FILE.findall(words) if not file.endswith(".py") or f"file named {file}" in words
        ]
    named += [thing for thing, form in _SUBJECTS if form.search(words)]
    seen = set(frames)
    named += [thing for thing, names in _OF_FRAMES if seen.intersection(names)]
    return tuple(dict.fromkeys(named))[:_MOST_ABOUT]
