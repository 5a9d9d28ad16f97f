"""A manifest as the QA suite and KServe see it, with the position of everything."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from modelcar_tui.core.errors import Problem
from modelcar_tui.manifest.scheduling import Scheduling

MODEL_CAR = "model-car"
"""The `kind` of an item of a model-car list; any other is a Kubernetes kind, or `vllm serve`."""


PREFILL = "/prefill"
"""What the name of an LLMInferenceService's prefill ends with."""
SERVE_LINE = "vllm serve"
"""The `kind` of a command line of vLLM, which is no pod."""


class Position(msgspec.Struct, frozen=True):
    """A place in the file; both counted from 1, as editors do."""

    line: int
    column: int


class Ignore(msgspec.Struct, frozen=True, kw_only=True):
    """A comment that says which findings are not to be told, and where."""

    codes: tuple[str, ...]
    """Empty where the comment can't be read."""
    first: int
    last: int
    """The lines that it is about, both included."""
    at: Position


class ArgumentsFrom(StrEnum):
    """Which block of the manifest gave a model its serving arguments."""

    ITEM = "item"
    DEFAULT = "default block"
    """The item has none, so the whole `default.serving_arguments` is used; the two are never merged."""
    NONE = "none"


class ServingArguments(msgspec.Struct, frozen=True, kw_only=True):
    """vLLM arguments and the GPU count of one model."""

    gpu_count: int = 1
    """GPUs of one pod; 0 where a Kubernetes manifest asks for none."""
    args: tuple[str, ...] = ()
    origin: ArgumentsFrom = ArgumentsFrom.NONE
    gpu_count_at: Position | None = None
    """None when the count is the suite's default of 1."""
    args_at: tuple[Position, ...] = ()
    before: tuple[str, ...] = ()
    """What vLLM gets before `args` and is written elsewhere: by the serving runtime, by a preset. Masked."""
    by_suite: bool = True
    """Whether the QA suite passes `gpu_count` on as the tensor parallel size, as it does for a model-car.
    What a Kubernetes manifest starts has the size that its arguments name, and 1 where they name none."""
    long_context: bool = False
    """Whether the environment lets a context be longer than the model's positions."""
    variables: tuple[tuple[str, str], ...] = ()
    """vLLM's variables that may decide how it starts, as far as they are told: see `engine_variables`."""

    @property
    def whole(self) -> tuple[str, ...]:
        """All arguments as vLLM gets them; the last one of a flag counts."""
        return (*self.before, *self.args)

    @property
    def implied_size(self) -> int:
        """The tensor parallel size where the arguments name none."""
        return self.gpu_count if self.by_suite else 1


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """What a Kubernetes manifest says of the container that serves, and of its pod; every text is cleaned."""

    told_by: str = ""
    """Who says so, in words: `ServingRuntime vllm-cuda`, `container vllm`."""
    runtime: str = ""
    """The ServingRuntime that is named and is not in the file: the cluster has to tell the rest."""
    image: str = ""
    """Of vLLM; empty where only the cluster knows it."""
    version: str = ""
    """vLLM's release where an annotation of the runtime says it."""
    args: tuple[str, ...] = ()
    """Arguments that vLLM gets before the model's own and that stand elsewhere: in a ServingRuntime of this
    file, in a preset. Masked."""
    environment: tuple[tuple[str, str], ...] = ()
    """Variables with a literal value that looks like no secret."""
    resource: str = ""
    """The accelerator that a pod asks for, such as `nvidia.com/gpu`; empty where it asks for none."""
    cpu_milli: int | None = None
    """Requested thousandths of a CPU; None where nothing is said."""
    memory_mib: int | None = None
    """Requested MiB of RAM."""
    memory_limit_mib: int | None = None
    shm_mib: int | None = None
    """MiB of `/dev/shm`, where a memory volume is mounted there; 0 for one without a limit of its own."""
    scheduling: Scheduling = Scheduling()
    scheduler: str = ""
    service_account: str = ""
    pull_secrets: tuple[str, ...] = ()
    """Names alone."""
    queue: str = ""
    """Kueue's, by its label."""
    profile: str = ""
    """The hardware profile that an annotation names."""
    priority_class: str = ""
    starts: tuple[str, ...] = ()
    """The words that start vLLM, without its arguments; empty leaves it to the image. Masked."""
    script: bool = False
    """Whether a shell's script starts it; then `starts` is what the script has for it."""
    port: int | None = None
    """The first that the container tells of."""
    withheld: tuple[str, ...] = ()
    """Names of variables that stand in another object or look secret, so that no value is told."""


LONG_CONTEXT = "VLLM_ALLOW_LONG_MAX_MODEL_LEN"


def allows_long_context(environment: Iterable[tuple[str, str]]) -> bool:
    """Whether variables say so, read as vLLM does (envs.py)."""
    return dict(environment).get(LONG_CONTEXT, "").strip().lower() in ("1", "true")


class ModelCar(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to serve: an item of `model-car`, or what a Kubernetes manifest makes of vLLM; every text is
    cleaned."""

    name: str
    """Unique in its manifest; that of an LLMInferenceService's prefill is `NAME/prefill`."""
    image: str
    """Where the weights come from, as written, transport included: `oci://...`, `hf://...`, `pvc://...`;
    empty where nothing tells."""
    serving: ServingArguments = ServingArguments()
    model_output_type: str = "text"
    execution_mode: str = "sequential"
    at: Position
    name_at: Position
    image_at: Position
    kind: str = MODEL_CAR
    namespace: str = ""
    """As stated; empty where nothing says it."""
    copies: int = 1
    """Replicas that are asked for, or the least of those that scale themselves; 0 for one that is stopped."""
    pods: int = 1
    """Pods of one copy, each with `gpu_count` GPUs: the leader and its workers."""
    server: Server | None = None
    """None for a model-car: the cluster's own runtime serves it."""
    open: tuple[Problem, ...] = ()
    """What of it is not understood, so that no GO can be said; each with what would settle it."""

    @property
    def prefill(self) -> bool:
        """Whether it is the half of an LLMInferenceService that only reads prompts; what is called so in a
        namespace is none."""
        return self.kind == "LLMInferenceService" and self.name.endswith(PREFILL)


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """A manifest that could be read. `findings` are warnings; errors are raised instead."""

    path: str
    sha256: str
    """Of the file's bytes; what is approved later is checked against it."""
    shape: str
    """`list`, or `mapping` where `model-car` is a single mapping (the QA suite accepts only a list);
    `objects` for Kubernetes objects, `line` for a command line of vLLM."""
    models: tuple[ModelCar, ...]
    findings: tuple[Problem, ...] = ()
    ignores: tuple[Ignore, ...] = ()
