"""Which questions are asked of each release: every architecture, and every pair of what changes memory.

    python tools/vllm_judge cover          adds to tests/data/vllm/jobs.jsonl

Factors: tensor parallel size, scheme, cache type, further arguments. Each config.json is asked about as it
is, at one of the sizes in turn; then models that are published once or twice more, with the values that
bring the most pairs not yet asked for. What every release refuses for a plain reason (a context beyond the
model's, heads that no size divides) is asked of a few models only. Nothing is drawn by chance. Questions
that stand there stay as they are, for they have answers.
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
from vllm_judge.jobs import read as recorded

JOBS = configs.DATA / "jobs.jsonl"
SIZES = (1, 2, 4, 8)
CACHES = ("auto", "fp8", "fp8_e5m2", "bfloat16", "int8_per_token_head")
EXTRAS: dict[str, tuple[str, ...]] = {
    "": (),
    "8k": ("--max-model-len", "8192"),
    "32k": ("--max-model-len", "32768"),
    "unshared": ("--no-enable-prefix-caching",),
    "in step": ("--no-async-scheduling",),
    "experts": ("--enable-expert-parallel",),
    "blocks": ("--block-size", "32"),
    "few": ("--max-num-seqs", "64", "--max-num-batched-tokens", "2048"),
    "one kind": ("--disable-hybrid-kv-cache-manager",),
    "text": ("--language-model-only",),
}
_CONTEXT = {"8k": 8192, "32k": 32768}
_SELDOM = ("bnb4", "bnb8", "gptq-desc", "gptq8")
"""Schemes that newer releases refuse whatever the model: for the pairs alone."""
_RULES_OFF = 25
"""Each of so many models is asked what its config forbids."""
MOST = 1000
"""Questions a release."""
Row = tuple[str, int, str, str, str]
"""Config, tensor parallel size, scheme, cache type, further arguments."""


def rows(models: dict[str, dict[str, Any]], schemes: list[str], before: list[Row]) -> Iterator[Row]:
    """The questions: those of `before`, then the plain ones about models that none of them names."""
    asked = set(before)
    pairs: set[tuple[object, ...]] = set()
    told = {row[0] for row in before}
    plain = [_plain(number, *model) for number, model in enumerate(models.items()) if model[0] not in told]
    for row in (*before, *plain):
        asked.add(row)
        pairs |= _pairs(row)
        yield row
    published = {name: config for name, config in models.items() if not _fresh(name, config)}
    new = {row[0] for row in plain}
    published = dict(sorted(published.items(), key=lambda item: item[0] not in new))
    turn = 0
    while len(asked) < MOST:
        for name, config in published.items():
            turn += 1
            best = _best(name, config, schemes, turn, pairs)
            if best not in asked and len(asked) < MOST:
                asked.add(best)
                pairs |= _pairs(best)
                yield best


def _plain(number: int, name: str, config: dict[str, Any]) -> Row:
    sizes, extras = _sizes(config) or [1], _extras(config)
    extra = "8k" if "8k" in extras and number % 3 else ""
    return (name, sizes[number % len(sizes)], "none", "auto", extra)


def _best(
    name: str, config: dict[str, Any], schemes: list[str], turn: int, pairs: set[tuple[object, ...]]
) -> Row:
    """The row with most pairs not yet in `pairs`; once there is none, each factor at its own pace."""
    free = turn % _RULES_OFF == 0
    sizes = list(SIZES) if free else _sizes(config) or [1]
    extras = list(EXTRAS) if free else _extras(config)
    kept = ["none"] if "quantization_config" in config else schemes
    options = [(name, *option) for option in product(sizes, kept, CACHES, extras)]
    best = max(options, key=lambda row: len(_pairs(row) - pairs))
    if _pairs(best) - pairs:
        return best
    often = [scheme for scheme in kept if scheme not in _SELDOM]
    cache = CACHES[0] if turn % 3 else CACHES[1]
    return (name, sizes[turn % len(sizes)], often[turn % len(often)], cache, extras[turn % len(extras)])


def _fresh(name: str, config: dict[str, Any]) -> bool:
    """A fresh config of transformers is named as its architecture."""
    return name in (config.get("architectures") or [])


def _sizes(config: dict[str, Any]) -> list[int]:
    heads = _number(config, ("num_attention_heads", "n_head", "n_heads"))
    return [size for size in SIZES if heads % size == 0]


def _extras(config: dict[str, Any]) -> list[str]:
    longest = _number(config, ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length"))
    experts = any("expert" in key for key in json.dumps(config).split('"'))
    return [name for name in EXTRAS if _CONTEXT.get(name, 0) <= longest and (name != "experts" or experts)]


def _number(config: dict[str, Any], keys: tuple[str, ...]) -> int:
    """The first of the keys in the text part or the whole; 0 when none is there."""
    inner = config.get("text_config")
    for part in (inner if isinstance(inner, dict) else {}, config):
        for key in keys:
            if isinstance(part.get(key), int):
                return int(part[key])
    return 0


def _pairs(row: Row) -> set[tuple[object, ...]]:
    return set(combinations(enumerate(row[1:]), 2))


def jobs() -> list[Job]:
    """The questions as jobs, the recorded ones first."""
    schemes = list(json.loads((configs.DATA / "schemes.json").read_text("utf-8")))
    before = [_row(job) for job in recorded(JOBS)] if JOBS.is_file() else []
    return [_job(row) for row in rows(configs.read(), schemes, before)]


def _row(job: Job) -> Row:
    """What `_job` made it of."""
    args = list(job.args)
    cache = CACHES[0]
    if "--kv-cache-dtype" in args:
        at = args.index("--kv-cache-dtype")
        cache, args[at : at + 2] = args[at + 1], []
    extra = next(name for name, words in EXTRAS.items() if list(words) == args)
    return (job.model, job.tp, job.scheme, cache, extra)


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
    JOBS.write_text("\n".join(lines) + "\n", "utf-8")
    print(f"{len(lines)} questions")
    return 0
