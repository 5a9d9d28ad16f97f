"""What each tool answers, as typed models. `null` is "not known", and never 0."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field


class Output(BaseModel):
    """Exactly its fields."""

    model_config = ConfigDict(extra="forbid")


class Term(Output):
    """One term of a figure."""

    label: str
    value: float
    unit: str
    source: str
    note: str


class Figure(Output):
    """A number with its unit and how it is known."""

    value: Annotated[float | None, Field(description="null: not known; see why")]
    unit: str
    source: str
    guess: Annotated[bool, Field(description="true: it lies between low and high")]
    low: float | None
    high: float | None
    why: Annotated[str | None, Field(description="why it is not known, or what was read")]
    terms: list[Term] = []


class Card(Output):
    """The GPU that was meant."""

    product: str
    vendor: str
    count: int
    memory: Figure


class KnobOut(Output):
    """What one change of an argument would give."""

    argument: str
    outcome: str
    kv_tokens: int | None
    gained_gib: float | None
    cost: str


class EstimateOutput(Output):
    """One model on one kind of GPU; figures are for one GPU."""

    source: str
    gpu: Card
    vllm: Annotated[str, Field(description="release whose rules judged; ends in ? where it was assumed")]
    starts: Annotated[bool | None, Field(description="null: not known")]
    outcome: str
    why: str
    would_say: Annotated[str | None, Field(description="what vLLM would write when it refuses")]
    figures: dict[str, Figure]
    smallest_tensor_parallel_size: Annotated[
        int | None, Field(description="null: none up to the stated count is known to start")
    ]
    changes: list[KnobOut]
    notes: list[str]


class FindingOut(Output):
    """One remark with its place."""

    code: str
    severity: str
    model: str
    what: str
    fix: str | None
    line: int | None
    column: int | None
    stops: Annotated[str | None, Field(description="server or suite: what does not run because of it")]
    also_models: Annotated[int, Field(description="how many more models share it")]


class LintOutput(Output):
    """The findings on one manifest."""

    manifest: str
    ok: Annotated[bool, Field(description="no finding is an error")]
    vllm: str
    judge: Annotated[str | None, Field(description="why that release judges")]
    findings: list[FindingOut]
    switched_off: Annotated[int, Field(description="findings that the manifest's comments switch off")]
    left_out: Annotated[int, Field(description="findings beyond the limit of this answer")]


class Kind(Output):
    """Units that are alike."""

    vendor: str
    product: str | None
    resource: str | None
    how: Annotated[str, Field(description="how cards are handed out: whole, time-sliced x4, MIG ...")]
    cards: Annotated[int | None, Field(description="null: not known of all nodes")]
    nodes: int
    units: int
    free: Annotated[int | None, Field(description="units; null: not known")]
    memory_mib: Annotated[int | None, Field(description="MiB, each; null: not known")]
    memory_source: list[str]
    memory_guarantee: str
    usable: bool
    why: Annotated[str | None, Field(description="why it is not usable")]


class InventoryOutput(Output):
    """The accelerators."""

    known: Annotated[bool, Field(description="false: nothing is known; see problems")]
    origin: str
    partial: bool
    access: str
    server: str | None
    stated: Annotated[bool, Field(description="true: as the question states, not seen on a cluster")]
    nodes: Annotated[int | None, Field(description="with accelerators; null: not known")]
    usable_nodes: int | None
    usable_units: int | None
    free: Annotated[int | None, Field(description="units on usable nodes; null: not known")]
    kinds: list[Kind]
    runtime_image: str | None
    vllm: Annotated[str | None, Field(description="of the runtime image")]
    problems: list[str]
    checks: list[str]
    left_out: int


class ConditionOut(Output):
    """What a GO hangs on."""

    text: str
    holds: str
    settles: str | None


class ModelOut(Output):
    """What one model comes to."""

    model: str
    word: str
    headline: str
    predicted: str
    measured: Annotated[str | None, Field(description="what QA says; null: not tested")]
    why: str
    next: str | None
    conditions: list[ConditionOut]


class ChangeOut(Output):
    """One proposed change."""

    id: str
    model: str
    change: str
    severity: str
    origin: str
    reason: str
    accepted: Annotated[bool | None, Field(description="null: not answered yet")]


class StepOut(Output):
    """What to do."""

    text: str
    command: str | None


class QaModelOut(Output):
    """How one model fared in QA."""

    model: str
    status: str
    cause: str | None
    means: str | None
    fix: str | None


class QaOut(Output):
    """How QA ended, or why it did not start."""

    code: str
    message: str
    fix: str | None
    models: list[QaModelOut]


class RunOutput(Output):
    """One run, explained."""

    id: str
    manifest: str
    demo: Annotated[bool, Field(description="true: a stub cluster and invented models, nothing of yours")]
    gpus: Annotated[str, Field(description="whose GPUs: a cluster's, or stated ones that none has shown")]
    began: Annotated[str | None, Field(description="UTC")]
    finished: bool
    end: Annotated[str, Field(description="how it ended, or what it waits for")]
    exit_status: int | None
    headline: Annotated[str | None, Field(description="the verdict with what it hangs on; null: none yet")]
    verdict: str | None
    predicted: str | None
    why: str | None
    next: str | None
    conditions: list[ConditionOut]
    models: list[ModelOut]
    steps: list[StepOut]
    changes: list[ChangeOut]
    written: Annotated[str | None, Field(description="path of the generated manifest")]
    not_written: Annotated[str | None, Field(description="why nothing was written")]
    qa: QaOut | None
    problems: list[str]
    left_out: int
    report: Annotated[str, Field(description="resource with the whole report")]


class RunRow(Output):
    """One run in the list."""

    id: str
    kind: Annotated[str, Field(description="run, demo, or start: it ended before a model was judged")]
    began: str | None
    end: str
    verdict: str | None
    exit_status: int | None
    manifest: str
    size_bytes: int


class RunsOutput(Output):
    """The earlier runs, newest first."""

    folder: str
    runs: list[RunRow]
    unreadable: list[str]
    older: Annotated[int, Field(description="runs beyond the limit")]


def schema(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema of a model, an object at its root."""
    return model.model_json_schema(mode="serialization")
