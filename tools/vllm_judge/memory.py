"""What a model holds on one GPU, by vLLM's own code from its config.json: weights, pages, the KV cache.

    python tools/vllm_judge memory 0.32.0                                       what jobs.jsonl adds, recorded
    python tools/vllm_judge memory 0.32.0 --anew                                all of jobs.jsonl
    python tools/vllm_judge memory 0.32.0 --config DIR --tp 2 -- --max-model-len 8192

The model is built on PyTorch's meta device under a tensor parallel size that only the group says; specs are
the worker's own, the plan is `EngineCore`'s, for a stated memory. What this can't tell: docs/accuracy.md.
A run that is ended goes on at the next call.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import sys
import tempfile
import types
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from vllm_judge import apart, configs, engine, environment, jobs
from vllm_judge.card import GIB, Card
from vllm_judge.jobs import Job
from vllm_judge.source import version_of

_COMMON = (
    "vllm.engine.arg_utils",
    "vllm.distributed.parallel_state",
    "vllm.model_executor.model_loader.utils",
    "vllm.model_executor.models.llama",
    "vllm.model_executor.models.qwen2_moe",
    "vllm.model_executor.models.qwen2_vl",
    "vllm.v1.worker.gpu_model_runner",
    "vllm.v1.engine.core",
)
_SCRATCH = "current_workspace_manager"
SECONDS, GIB_MOST = 60, 12.0
"""Limits of one answer; models that compute while they are built took 7 GiB."""
_AT_ONCE = 20
"""Answers between two writings."""
_SMALL = (0, 2**16, 2**24)
"""Elements up to which tensors are real, tried in this order: some models compute while they are built."""


def warm() -> None:
    """Import what each job needs, once before the forks; what of it fails is each job's own error."""
    for module in _COMMON:
        with contextlib.suppress(Exception):
            engine.with_stand_ins(lambda name=module: importlib.import_module(name))  # type: ignore[misc]


def answer(job: Job, folder: Path) -> dict[str, Any]:
    """vLLM's own figures; where it raises, `stage` (config, build, plan) and its `error`.

    Args:
        folder: where the model's config.json lies.
    """
    return engine.with_stand_ins(lambda: _answer(job, folder))


def _answer(job: Job, folder: Path) -> dict[str, Any]:
    from vllm.config import set_current_vllm_config

    stage = "config"
    try:
        config = engine.config(folder, job.flags())
        stage = "build"
        with set_current_vllm_config(config):
            return figures(config, job.kv_gib)
    except (ModuleNotFoundError, MemoryError):
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 - each is vLLM's answer
        return {"stage": stage, "error": f"{type(error).__name__}: {error}"}


def figures(config: Any, kv_gib: float) -> dict[str, Any]:
    """What the engine of this `VllmConfig` holds, inside of `set_current_vllm_config`.

    Raises:
        Whatever vLLM raises while the model is built; a refusal of the plan is part of the answer.
    """
    model = config.model_config
    _pretend_ranks(config.parallel_config)
    built, small = _built(config)
    found: dict[str, Any] = {
        "dtype": str(model.dtype).removeprefix("torch."),
        "max_model_len": model.max_model_len,
        "seqs": config.scheduler_config.max_num_seqs,
        "batched": config.scheduler_config.max_num_batched_tokens,
        "quantization": model.quantization,
        "runner": model.runner_type,
        "model": type(built).__name__,
        "weights": _bytes(built),
    }
    if small:
        found["mixed"] = small
    return found | _plan(config, int(kv_gib * GIB))


def _pretend_ranks(sizes: Any) -> None:
    """One process that takes itself for the first of all ranks."""
    import vllm.distributed.parallel_state as state

    if state.model_parallel_is_initialized():
        return
    meeting = Path(tempfile.mkdtemp(prefix="vllm-judge-")) / "store"
    state.init_distributed_environment(
        world_size=1, rank=0, local_rank=0, distributed_init_method=f"file://{meeting}", backend="gloo"
    )
    state.initialize_model_parallel(1, 1)
    groups = {"_TP": sizes.tensor_parallel_size, "_PP": sizes.pipeline_parallel_size}
    if sizes.enable_expert_parallel:
        groups["_EP"] = sizes.tensor_parallel_size * sizes.data_parallel_size
    for name, size in groups.items():
        group = getattr(state, name, None)
        if group is not None:
            group.world_size, group.rank_in_group, group.ranks = size, 0, list(range(size))


def _built(config: Any) -> tuple[Any, int]:
    """The model, and up to how many elements its tensors are real.

    Raises:
        The error of the first try, which is vLLM's own word.
    """
    first: Exception | None = None
    for small in _SMALL:
        try:
            return _build(config, small), small
        except (RuntimeError, TypeError) as error:  # what meta can't do; NotImplementedError is among them
            first = first or error
    assert first is not None
    raise first


def _build(config: Any, small: int) -> Any:
    from vllm.model_executor.model_loader.utils import initialize_model

    from vllm_judge.meta import OnMeta

    _without_workspace()
    compilation = config.compilation_config
    for registry in ("static_forward_context", "static_all_moe_layers"):
        if hasattr(compilation, registry):
            getattr(compilation, registry).clear()
    with _default_dtype(config.model_config.dtype), OnMeta(small):
        return initialize_model(vllm_config=config)


def _default_dtype(dtype: Any) -> Any:
    try:
        from vllm.utils.torch_utils import set_default_torch_dtype
    except ImportError:  # before 0.12
        from vllm.model_executor.model_loader.utils import set_default_torch_dtype
    return set_default_torch_dtype(dtype)


def _without_workspace() -> None:
    """Scratch memory is the worker's, and no worker runs."""
    from vllm_judge.compiled import Anything

    with contextlib.suppress(ImportError):
        import vllm.v1.worker.workspace  # noqa: F401
    for module in list(sys.modules.values()):
        if getattr(module, "__name__", "").startswith("vllm.") and _SCRATCH in vars(module):
            setattr(module, _SCRATCH, lambda *_, **__: Anything())


def _bytes(model: Any) -> int:
    """Bytes of parameters and buffers; storage that several share counts once."""
    sizes: dict[int, int] = {}
    for _, tensor in (*model.named_parameters(), *model.named_buffers()):
        storage = tensor.untyped_storage()
        sizes[storage._cdata] = storage.nbytes()
    return sum(sizes.values())


def _plan(config: Any, available: int) -> dict[str, Any]:
    """Specs of the worker, then `EngineCore`'s plan for `available` bytes."""
    from vllm.platforms import current_platform

    if hasattr(current_platform, "update_block_size_for_backend"):
        current_platform.update_block_size_for_backend(config)
    runner = types.SimpleNamespace(
        vllm_config=config,
        model_config=config.model_config,
        cache_config=config.cache_config,
        shared_kv_cache_layers={},
        kv_cache_dtype=getattr(config.cache_config, "cache_dtype", "auto"),
    )
    from vllm.v1.worker.gpu_model_runner import GPUModelRunner

    specs = GPUModelRunner.get_kv_cache_spec(runner)
    found: dict[str, Any] = {
        "block": config.cache_config.block_size,
        "backends": _backends(config),
        "specs": {
            f"{kind}:{size}": count
            for (kind, size), count in sorted(
                Counter((type(spec).__name__, spec.page_size_bytes) for spec in specs.values()).items()
            )
        },
    }
    if not specs:
        return found
    try:
        return found | _cache(config, specs, available)
    except Exception as error:  # noqa: BLE001 - vLLM's own refusal, as too little memory for one request
        return found | {"stage": "plan", "error": f"{type(error).__name__}: {error}"}


def _backends(config: Any) -> list[str]:
    layers = config.compilation_config.static_forward_context.values()
    return sorted(
        {layer.get_attn_backend().get_name() for layer in layers if hasattr(layer, "get_attn_backend")}
    )


def _cache(config: Any, specs: dict[str, Any], available: int) -> dict[str, Any]:
    from vllm.v1.core import kv_cache_utils
    from vllm.v1.engine.core import EngineCore

    core = types.SimpleNamespace(
        model_executor=_Workers(config, specs, available), collective_rpc=lambda *_, **__: None
    )
    plan = EngineCore._initialize_kv_caches(core, config)
    found = {"blocks": plan.num_blocks, "groups": len(plan.kv_cache_groups)}
    if not plan.kv_cache_groups:
        return found
    if hasattr(kv_cache_utils, "get_kv_cache_capacity"):
        tokens, concurrency = kv_cache_utils.get_kv_cache_capacity(config, plan)
    else:
        concurrency = kv_cache_utils.get_max_concurrency_for_kv_cache_config(config, plan)
        block = min(group.kv_cache_spec.block_size for group in plan.kv_cache_groups)
        tokens = plan.num_blocks // len(plan.kv_cache_groups) * block
    return found | {
        "kv_tokens": tokens,
        "concurrency": concurrency,
        "context": config.model_config.max_model_len,
        "prefix_caching": config.cache_config.enable_prefix_caching,
    }


class _Workers:
    """All workers, as `EngineCore` speaks to them: they tell specs and memory, and allocate nothing."""

    def __init__(self, config: Any, specs: dict[str, Any], available: int) -> None:
        self._config = config
        self._specs = specs
        self._available = available

    def get_kv_cache_specs(self) -> list[dict[str, Any]]:
        return [self._specs]

    def determine_available_memory(self) -> list[int]:
        return [self._available]

    def get_supported_kv_cache_layouts(self) -> list[list[str]]:
        from vllm.v1.worker.worker_base import WorkerBase

        return [WorkerBase.get_supported_kv_cache_layouts(types.SimpleNamespace(vllm_config=self._config))]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *_, **__: None


def answers(tree: Path, asked: list[Job], folder: Path) -> Iterator[dict[str, Any]]:
    """The answers to `asked`, in their order; each job's config.json lies in a folder named as its id."""
    apart.without_network()
    engine.prepare(tree, Card())
    warm()
    with tempfile.TemporaryDirectory(prefix="vllm-judge-") as scratch:
        tempfile.tempdir = scratch  # the forks' own files go with it
        for job in asked:
            said = apart.answered(partial(answer, job, folder / job.id), seconds=SECONDS, gib=GIB_MOST)
            yield {"id": job.id, **_readable(said, tree, folder)}


def plain(text: str, tree: Path, folder: Path) -> str:
    """Without what differs from machine to machine, in one line, and no longer than needed."""
    return " ".join(text.replace(str(folder), "MODEL").replace(str(tree), "VLLM").split())[:240]


def _readable(said: dict[str, Any], tree: Path, folder: Path) -> dict[str, Any]:
    if "error" in said:
        said["error"] = plain(str(said["error"]), tree, folder)
    return said


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A release, and one model or all of the recorded questions."""
    parser.add_argument("release", help="a version, or the folder or archive of a source distribution")
    parser.add_argument("--config", type=Path, help="ask about this folder's config.json alone, and print")
    parser.add_argument("--anew", action="store_true", help="ask again what has an answer")
    parser.add_argument("--tp", type=int, default=1, help="tensor parallel size")
    parser.add_argument("--pp", type=int, default=1, help="pipeline parallel size")
    parser.add_argument("--kv-gib", type=float, default=40.0, help="memory for the KV cache of each GPU, GiB")


def run(options: argparse.Namespace) -> int:
    """Print one answer, or record all."""
    if options.config and not (options.config / "config.json").is_file():
        raise SystemExit(f"{options.config}: no config.json in it")
    tree = environment.enter(options.release)
    if options.config:
        job = Job(id=".", model="", tp=options.tp, pp=options.pp, args=options.args, kv_gib=options.kv_gib)
        (said,) = answers(tree, [job], options.config.resolve())
        print(json.dumps(said, indent=1))
        return 0
    target = configs.DATA / version_of(options.release) / "memory.jsonl"
    target.parent.mkdir(parents=True, exist_ok=True)
    kept = {} if options.anew or not target.is_file() else _kept(target)
    return _record(tree, target, kept)


def _kept(target: Path) -> dict[str, str]:
    """Recorded lines by the question's id."""
    return {json.loads(line)["id"]: line for line in target.read_text("utf-8").splitlines()}


def _record(tree: Path, target: Path, kept: dict[str, str]) -> int:
    """All questions that `kept` does not answer, into `target`: what is answered stays if the rest is not."""
    wanted = jobs.read(configs.DATA / "jobs.jsonl")
    asked = [job for job in wanted if job.id not in kept]
    bodies, schemes = configs.read(), jobs.schemes_in(configs.DATA / "schemes.json")
    with tempfile.TemporaryDirectory(prefix="vllm-judge-") as name:
        for job in asked:
            folder = Path(name) / job.id
            folder.mkdir(parents=True)
            (folder / "config.json").write_text(json.dumps(jobs.config_of(job, bodies, schemes)), "utf-8")
        for number, said in enumerate(answers(tree, asked, Path(name)), start=1):
            kept[said["id"]] = json.dumps(said)
            print(f"\r{number} of {len(asked)} answered", end="", file=sys.stderr, flush=True)
            if number % _AT_ONCE == 0 or number == len(asked):
                _write(target, [kept[job.id] for job in wanted if job.id in kept])
    refused = sum("error" in json.loads(line) for line in kept.values())
    print(f"\n{target}: {len(asked)} new of {len(wanted)} answers, {refused} of all an error")
    return 0


def _write(target: Path, lines: list[str]) -> None:
    part = target.with_suffix(".part")
    part.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    part.rename(target)
