"""Whether vLLM's engine starts with arguments and a model, and what our lint and estimate say of the same.

`tests/data/vllm/engine_lists.jsonl` has the lists, `<release>/engine.jsonl` vLLM's answers (`tools/vllm_judge
arguments --engine`). Where one side refuses and the other doesn't stands in `known_gaps/engine.json`. As a
program this takes off what is mended (`PYTHONPATH=tests`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path

import msgspec

from modelcar_tui.advice.finding import Stops
from modelcar_tui.advice.lint.lint import lint_model
from modelcar_tui.hardware.product import gpu_for
from modelcar_tui.manifest.types import ArgumentsFrom, ModelCar, Position, ServingArguments
from modelcar_tui.memory.estimator import estimate
from modelcar_tui.memory.types import Outcome
from modelcar_tui.vllm.arguments.engine_args import served_args
from support import vllm_data

_LIMIT = re.compile(
    r"Torch not compiled|has no attribute 'get_vocab'|tokenizer must be passed|Install via|Failed to import"
    r"|Invalid repository ID|Can't load image processor|unpack \(expected \d, got 0\)"
    r"|Linear' object has no attribute"
    r"|No module named 'flashinfer'|Reason: \['ImportError'\]|V2 requires Triton"
)
"""Not vLLM's word: it wanted a GPU, a tokenizer, a draft or a package that the judge does without."""
EXPLAINED = {
    "e022": "FlashInfer, which the judge lacks, reads an NVFP4 cache on Hopper from 0.32 on",
    "e063": "a stage without layers has blocks of no bytes, and planning its cache divides by them",
    "e104": "the KServe templates start the server without a word for `model_tag`",
    "e191": "only the second model runner, which needs Triton, has prefill context parallelism",
    "e270": "a stage without layers has blocks of no bytes, and planning its cache divides by them",
    "e276": "one process for two ranks waits for the other one for ever",
    "e284": "a cache of less than no bytes holds no block",
    "e127": "the judge loads no weights, and each loader is looked up when it does",
    "e128": "the judge loads no tokenizer, and each mode is looked up when it does",
    "e297": "the judge loads no weights, and each loader is looked up when it does",
}
"""Lists on which the judge and we differ by right: what it can't see, and what the server does later."""
_NO_MEMORY = (Outcome.OOM_LOAD, Outcome.OOM_WARMUP, Outcome.OOM_GRAPH_CAPTURE, Outcome.REFUSED_FREE_MEMORY)
_NOT_REFUSED = (Outcome.STARTS, *_NO_MEMORY)
"""That a model is too large for a card is not the judge's to say: nothing is loaded."""
_OF_A_MANIFEST = ("gpu-count", "suite-parallel")
"""Findings about `gpu_count`, which no argument is."""


class Asked(msgspec.Struct, frozen=True):
    """Arguments for a model."""

    id: str
    config: str
    args: tuple[str, ...]
    scheme: str = "none"


class Said(msgspec.Struct, frozen=True):
    """What vLLM says; `accepts` is None where the judge could not tell."""

    id: str
    accepts: bool | None
    stage: str = ""
    says: str = ""


class Gap(msgspec.Struct, frozen=True, order=True):
    """A list on which one side refuses: an empty `vllm` accepts it, an empty `ours` says nothing."""

    id: str
    vllm: str
    ours: str

    @property
    def key(self) -> tuple[str, str]:
        """The list, and which side refuses."""
        return self.id, "vllm" if self.vllm else "ours"


@cache
def lists() -> tuple[Asked, ...]:
    """Each once."""
    return tuple(msgspec.convert(row, Asked) for row in vllm_data.lines("engine_lists.jsonl"))


def releases() -> list[str]:
    """Those that were asked, the oldest first."""
    return vllm_data.releases("engine.jsonl")


@cache
def answers(release: str) -> dict[str, Said]:
    """What that release says, by list."""
    rows = (msgspec.convert(row, Said) for row in vllm_data.lines(release, "engine.jsonl"))
    return {row.id: row for row in rows}


def gaps(release: str, folder: Path) -> Iterator[Gap]:
    """Every list on which vLLM and we differ; `folder` is for config.json files."""
    for asked in lists():
        said = answers(release)[asked.id]
        if said.accepts is None or _LIMIT.search(said.says) or asked.id in EXPLAINED:
            continue
        ours = refusal(asked, release, folder)
        if said.accepts and ours:
            yield Gap(asked.id, "", ours[:160])
        elif not said.accepts and not ours:
            yield Gap(asked.id, f"{said.stage}: {said.says}"[:200], "")


def refusal(asked: Asked, release: str, folder: Path) -> str:
    """Why we say that it does not start; empty where we say nothing against it."""
    facts = vllm_data.facts(asked.config, asked.scheme, folder)
    given = any("memory-bytes" in item for item in asked.args)
    room = () if given else (f"--kv-cache-memory-bytes={40 << 30}",)
    parsed = served_args(ServingArguments(args=(*asked.args, *room)), release)
    cards = max(1, parsed.tp * parsed.pp)
    card = gpu_for(vllm_data.CARD, count=cards)
    for finding in lint_model(_car(asked.args, cards), vllm=release, facts=facts, gpu=card):
        if finding.stops is Stops.SERVER and finding.code not in _OF_A_MANIFEST:
            return f"{finding.code}: {finding.what}"
    found = estimate(facts, card, parsed, vllm=release)
    return "" if found.outcome in _NOT_REFUSED else f"{found.outcome}: {found.why}"


def known() -> dict[str, list[Gap]]:
    """The known gaps by release."""
    return vllm_data.known("engine", Gap)


def _car(args: tuple[str, ...], cards: int) -> ModelCar:
    places = tuple(Position(10 + number, 9) for number in range(len(args)))
    serving = ServingArguments(
        gpu_count=cards, args=args, origin=ArgumentsFrom.ITEM, gpu_count_at=Position(9, 5), args_at=places
    )
    return ModelCar(
        name="model",
        image="oci://quay.io/x/y:1",
        serving=serving,
        model_output_type="text",
        at=Position(2, 3),
        name_at=Position(2, 9),
        image_at=Position(3, 10),
    )


if __name__ == "__main__":
    vllm_data.renew("engine", Gap, {release: partial(gaps, release) for release in releases()})
