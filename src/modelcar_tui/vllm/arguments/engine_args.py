"""A model's arguments as the engine will take them: read by the release's own parser, then for what they
mean.

Two readers would give two answers: an abbreviated, dotted or negated flag that only one of them understands
makes a verdict about another server than the one that starts.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import msgspec

from modelcar_tui.manifest import ServingArguments
from modelcar_tui.vllm.arguments.beside import beside
from modelcar_tui.vllm.arguments.faults import Judge, argument_faults
from modelcar_tui.vllm.arguments.meanings import Found, read_flag
from modelcar_tui.vllm.arguments.media import MediaOptions, media_options
from modelcar_tui.vllm.arguments.overrides import heard_overrides, rope_fault
from modelcar_tui.vllm.arguments.parsing import Argument, dotted_object, gather, parse_arguments
from modelcar_tui.vllm.arguments.variables import SIZES, unknown_here

_INTO_CONFIG = {"--rope-scaling": "rope_scaling", "--rope-theta": "rope_theta"}
"""Flags that old releases write into config.json's values, as `--hf-overrides` does (vllm config
ModelConfig)."""


class EngineArgs(msgspec.Struct, frozen=True, kw_only=True):
    """The vLLM arguments that decide about memory; None means the version's default."""

    tp: int = 1
    pp: int = 1
    dp: int = 1
    dcp: int = 1
    ep: bool = False
    dtype: str = "auto"
    quantization: str | None = None
    kv_cache_dtype: str = "auto"
    max_model_len: int | None = None
    """-1 is `auto`: the longest context that fits."""
    gpu_memory_utilization: float | None = None
    kv_cache_memory_bytes: int | None = None
    num_gpu_blocks_override: int | None = None
    block_size: int | None = None
    max_num_seqs: int | None = None
    max_num_batched_tokens: int | None = None
    enforce_eager: bool = False
    max_capture_size: int | None = None
    capture_sizes: int | None = None
    """How many batch sizes are captured, where they are listed."""
    attention_backend: str = ""
    """`--attention-backend`, in capitals."""
    moe_backend: str = ""
    """`--moe-backend`, the kernels that are asked for to run experts."""
    compilation_level: int | None = None
    """`level` of `--compilation-config`, `mode` from 0.12 on: 3 is vLLM's own compilation."""
    cudagraph_mode: str = ""
    chunked_prefill: bool | None = None
    prefix_caching: bool | None = None
    async_scheduling: bool | None = None
    executor: str = ""
    """`--distributed-executor-backend`."""
    hybrid_kv_manager: bool | None = None
    kv_connectors: tuple[str, ...] = ()
    """Of `--kv-transfer-config`; those that a MultiConnector has."""
    kv_connector_module: str = ""
    """Where a connector that is not vLLM's comes from."""
    kv_offloading_gib: float = 0.0
    kv_offloading_backend: str = ""
    kv_events: bool = False
    mamba_cache_mode: str = "none"
    mamba_dtype: str = "auto"
    mamba_ssm_dtype: str = "auto"
    enable_lora: bool = False
    max_loras: int = 1
    max_lora_rank: int = 16
    fully_sharded_loras: bool = False
    speculative: bool = False
    num_speculative_tokens: int = 0
    speculative_model: str | None = None
    speculative_method: str | None = None
    padded_drafts: bool = True
    """The drafter's batch keeps the target's shape (`disable_padded_drafter_batch`)."""
    cpu_offload_gib: float = 0.0
    pooling: bool = False
    """`--runner pooling`, `--task embed` and the like: no sampler."""
    language_model_only: bool = False
    skip_mm_profiling: bool = False
    encoder_tp_data: bool = False
    """`--mm-encoder-tp-mode data`: the vision tower is whole on every GPU."""
    whole_items: bool = False
    """`--disable-chunked-mm-input`: an image or a video goes through one step."""
    media: MediaOptions = MediaOptions()
    """How many images, videos and recordings a prompt may hold, and how large they may be."""
    logprobs_mode: str = ""
    overrides: dict[str, Any] | None = None
    """`--hf-overrides`."""
    long_context_allowed: bool = False
    """The environment sets VLLM_ALLOW_LONG_MAX_MODEL_LEN."""
    beside: tuple[tuple[str, str], ...] = ()
    """What else it is told and no other field holds, by full names: no name, no port, no secret, nothing of
    its log. It decides whether another start is the same."""
    variables: tuple[tuple[str, str], ...] = ()
    """Of the environment, those that may decide how it starts."""
    problems: tuple[str, ...] = ()
    """What vLLM's parser would refuse, one sentence each."""
    faults: tuple[str, ...] = ()
    """Of `mended` ones the problems that they had."""
    doubts: tuple[str, ...] = ()
    """The same of a release that stands in for one that is not known or was not read."""
    unknown: tuple[str, ...] = ()
    """What matters to memory and is put in by Kubernetes, one sentence each; it is left at its default."""

    @property
    def expert_shards(self) -> int:
        """GPUs that cut each expert."""
        return 1 if self.ep else self.tp * self.dp

    def mended(self) -> EngineArgs:
        """The same without what the parser refuses: what is left to ask once that is mended."""
        faults = self.problems or self.faults
        return msgspec.structs.replace(self, problems=(), doubts=(), faults=faults)


@lru_cache(maxsize=4096)
def read_engine_args(args: tuple[str, ...], gpu_count: int | None, vllm: str | None) -> EngineArgs:
    """What one model's arguments ask of the engine. Values that vLLM's parser would refuse are `problems`.

    Args:
        args: as in the manifest.
        gpu_count: wins over `--tensor-parallel-size`, as in the QA suite; without any argument nobody passes
            a size, and vLLM takes one GPU of them. None leaves the arguments' own size.
        vllm: the release whose parser reads them; None takes the newest in the table.
    """
    count = 1 if gpu_count is not None and not args else gpu_count
    arguments, judge, found = parse_arguments(args, vllm), Judge.of(vllm), Found()
    refused = [fault for _, fault in argument_faults(arguments, judge.release)]
    problems = [fault.what for fault in refused if judge.sure(fault.code)]
    unsure = [fault.what for fault in refused if not judge.sure(fault.code)]
    doubts = tuple(f"{what} (the release that will serve was not read)" for what in unsure)
    told = given(arguments)
    if written := written_overrides(arguments):
        told["--hf-overrides"] = heard_overrides(written, vllm)
        problems += [stops] if (stops := rope_fault(written, vllm)) else []
    for flag, value in told.items():
        read_flag(found, flag, value)  # what it can't read is among the faults
    found["media"] = media_options(told.get("--limit-mm-per-prompt"), told.get("--mm-processor-kwargs"))
    if found.get("num_speculative_tokens"):
        found["speculative"] = True
    if count is not None and count > 0:
        found["tp"] = count
    return EngineArgs(
        **found,
        beside=beside(told),
        problems=tuple(problems),
        doubts=doubts,
        unknown=unknown_here(arguments),
    )


def served_args(serving: ServingArguments, vllm: str | None) -> EngineArgs:
    """The server as KServe starts it, with what its runtime passes before its own arguments.

    The sizes that the arguments name count, whatever a model-car's `gpu_count` says: the QA suite would
    replace the tensor parallel size by it, KServe does not. Where they name none it is `gpu_count`, which our
    proposals write down.
    """
    named = {one.name for one in parse_arguments(serving.whole, vllm) if one.flag is not None}
    implied = serving.by_suite and not named & SIZES
    read = read_engine_args(serving.whole, serving.gpu_count if implied else None, vllm)
    return _in_environment(read, serving)


def _in_environment(read: EngineArgs, serving: ServingArguments) -> EngineArgs:
    if not serving.long_context and not serving.variables:
        return read
    return msgspec.structs.replace(
        read, long_context_allowed=serving.long_context, variables=serving.variables
    )


def tested_args(serving: ServingArguments, vllm: str | None) -> EngineArgs:
    """The same as the QA suite starts a model-car: `gpu_count` is the tensor parallel size. What a Kubernetes
    manifest serves is started as it says."""
    if not serving.by_suite:
        return _in_environment(read_engine_args(serving.whole, None, vllm), serving)
    return read_engine_args(serving.whole, serving.gpu_count, vllm)


def config_overrides(arguments: tuple[Argument, ...], vllm: str | None) -> dict[str, Any]:
    """What the arguments put in the place of config.json's own values, as far as this release hears it;
    empty where they change none.
    """
    return heard_overrides(written_overrides(arguments), vllm)


def written_overrides(arguments: tuple[Argument, ...]) -> dict[str, Any]:
    """The same as it is written, whatever comes of it."""
    known = tuple(argument for argument in arguments if argument.flag is not None or argument.separator)
    counts = given(known).items()
    values = {flag: _value(told) if isinstance(told, str) else told for flag, told in counts}
    told = values.get("--hf-overrides")
    ropes = {key: values[flag] for flag, key in _INTO_CONFIG.items() if values.get(flag) is not None}
    return (told if isinstance(told, dict) else {}) | ropes


def given(arguments: tuple[Argument, ...]) -> dict[str, str | dict[str, Any] | None]:
    """What counts of each flag, by its full name; `false` for a negated switch.

    The last one does. Dotted keys are gathered into one object for each way to write the flag, which vLLM's
    parser appends to the list (utils/argparse_utils.py), so that they win over an object given as JSON. A
    flag that this release does not know keeps the name that it has; what stands behind `--` is none.
    """
    found: dict[str, str | dict[str, Any] | None] = {}
    objects: dict[str, tuple[str, dict[str, Any]]] = {}
    for argument in arguments:
        if argument.separator:
            break
        if argument.unknown:
            found.pop(argument.name, None)
            continue
        if argument.flag is not None and argument.dotted:
            head = argument.written.partition(".")[0]
            gather(dotted_object(argument), objects.setdefault(head, (argument.name, {}))[1])
        else:
            off = argument.negated and argument.value is None
            found[argument.name] = "false" if off else argument.value
    return found | dict(objects.values())


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
