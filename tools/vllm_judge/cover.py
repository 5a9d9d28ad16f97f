"""Which questions are asked of each release: every architecture, and every pair of what changes memory.

    python tools/vllm_judge cover          writes tests/data/vllm/jobs.jsonl

Factors: tensor parallel size, scheme, cache type, further arguments. Each config.json is asked about as it
is, at one of the sizes in turn, and once more with the values that bring the most pairs not yet asked for.
Nothing is drawn by chance: the same configs give the same questions.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from itertools import combinations, product
from typing import Any

import msgspec

from vllm_judge import configs
from vllm_judge.jobs import Job

SIZES = (1, 2, 4, 8)
CACHES = ("auto", "fp8", "fp8_e5m2", "bfloat16", "int8_per_token_head")
EXTRAS: dict[str, tuple[str, ...]] = {
    "": (),
    "8k": ("--max-model-len", "8192"),
    "32k": ("--max-model-len", "32768"),
    "unshared": ("--max-model-len", "16384", "--no-enable-prefix-caching"),
    "in step": ("--max-model-len", "16384", "--no-async-scheduling"),
    "experts": ("--max-model-len", "8192", "--enable-expert-parallel"),
    "blocks": ("--max-model-len", "8192", "--block-size", "32"),
    "few": ("--max-num-seqs", "64", "--max-num-batched-tokens", "2048"),
    "one kind": ("--max-model-len", "8192", "--disable-hybrid-kv-cache-manager"),
    "text": ("--max-model-len", "8192", "--language-model-only"),
}
MOST = 600
"""Questions a release."""
Row = tuple[str, int, str, str, str]
"""Config, tensor parallel size, scheme, cache type, further arguments."""


def rows(models: dict[str, dict[str, Any]], schemes: list[str]) -> Iterator[Row]:
    """The questions, the plain ones first."""
    open_pairs = {pair for row in product(SIZES, schemes, CACHES, EXTRAS) for pair in _pairs(("", *row))}
    for number, name in enumerate(models):
        row = (name, SIZES[number % len(SIZES)], "none", "auto", "8k" if number % 3 else "")
        open_pairs -= _pairs(row)
        yield row
    asked = len(models)
    for number, (name, config) in enumerate(_public_first(models).items()):
        if asked == MOST:
            return
        kept = ["none"] if "quantization_config" in config else schemes
        turn = number % len(kept)
        options = product(SIZES, [*kept[turn:], *kept[:turn]], CACHES, EXTRAS)
        best = max(((name, *option) for option in options), key=lambda row: len(_pairs(row) & open_pairs))
        if not _pairs(best) & open_pairs:
            best = _turned(name, kept, number)
        open_pairs -= _pairs(best)
        asked += 1
        yield best


def _turned(name: str, kept: list[str], number: int) -> Row:
    """Once all pairs are asked for: each factor at its own pace."""
    extras = list(EXTRAS)
    return (
        name,
        SIZES[(number + 1) % len(SIZES)],
        kept[number % len(kept)],
        CACHES[number % 2],
        extras[number % len(extras)],
    )


def _pairs(row: Row) -> set[tuple[object, ...]]:
    return set(combinations(enumerate(row[1:]), 2))


def jobs() -> list[Job]:
    """The questions as jobs."""
    schemes = list(json.loads((configs.DATA / "schemes.json").read_text("utf-8")))
    return [_job(row) for row in rows(configs.read(), schemes)]


def _public_first(models: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What people serve brings the pairs; a fresh config of transformers is named as its architecture."""
    return dict(sorted(models.items(), key=lambda item: item[0] in (item[1].get("architectures") or [])))


def _job(row: Row) -> Job:
    name, tp, scheme, cache, extra = row
    words = [f"tp{tp}", *(word for word in (scheme, cache, extra) if word not in ("none", "auto", ""))]
    args = [*EXTRAS[extra], *(() if cache == "auto" else ("--kv-cache-dtype", cache))]
    return Job(id=" ".join([name, *words]), model=name, scheme=scheme, tp=tp, args=args)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """None."""


def run(_: argparse.Namespace) -> int:
    """Write the questions."""
    lines = [json.dumps(msgspec.to_builtins(job)) for job in jobs()]
    (configs.DATA / "jobs.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    print(f"{len(lines)} questions")
    return 0
