"""vLLM's own figures in its start-up log: the one reader of them.

The forms were collected from the log calls in vLLM's sources, releases 0.6.0 to 0.33.0 (58 of them):

- weights, load (worker/model_runner.py, v1/worker/gpu_model_runner.py):
  0.6.0 to 0.9.2 `Loading model weights took 15.0 GB` (`GiB` on XPU from 0.8.3),
  0.8.0 to 0.8.2 `Model loading took 15.0 GB and 9.4 seconds`,
  0.8.3 to 0.27.1 `Model loading took 15.0 GiB and 9.4 seconds`,
  from 0.11.1 `Model loading took 15.0 GiB memory and 9.4 seconds`
- KV cache (worker/worker.py of the V0 engine, v1/worker/gpu_worker.py):
  0.6.6 to 0.10.2 `the rest of the memory reserved for KV Cache is 54.1GiB`,
  from 0.9.1 `Available KV cache memory: 54.1 GiB`
- blocks (executor/gpu_executor.py, executor/executor_base.py), V0 alone:
  0.6.0 to 0.11.0 `# GPU blocks: 5, # CPU blocks: 6` (`# cuda blocks` from 0.7.0)
- tokens, concurrency (v1/core/kv_cache_utils.py, executor/executor_base.py):
  0.8.0 to 0.27.1 `GPU KV cache size: 354,624 tokens`,
  0.6.3 to 0.27.1 `Maximum concurrency for 2,048 tokens per request: 17.1x`,
  from 0.28.0 both in one line, from 0.30.0 with the platform's name instead of `GPU`
- graphs (worker/model_runner.py, v1/worker/gpu_model_runner.py):
  from 0.6.0 `Graph capturing finished in 9 secs`, from 0.6.6 with `, took 0.9 GiB`
- engine (engine/llm_engine.py, v1/engine/core.py):
  from 0.6.6 `init engine (...) took 31.2 seconds` (`s` from 0.20.0)

"GB" of the oldest ones is 2**30 bytes, too. The V0 engine gives blocks, not tokens, and not their size.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

_WEIGHTS = r"(?:Loading model weights|Model loading) took (?P<weights_gib>[\d.]+) Gi?B"
_LOAD = r"(?: (?:memory )?and (?P<load_s>[\d.]+) seconds)?"
_FORMS: Final = (
    ("took", re.compile(_WEIGHTS + _LOAD)),
    (
        "KV ",
        re.compile(
            r"(?:Available KV cache memory: |memory reserved for KV Cache is )(?P<kv_cache_gib>-?[\d.]+) ?GiB"
        ),
    ),
    ("blocks: ", re.compile(r"# (?!CPU)\w+ blocks: (?P<kv_blocks>\d+)")),
    ("KV cache size: ", re.compile(r"KV cache size: (?P<kv_tokens>[\d,]+) tokens")),
    (
        "Maximum concurrency",
        re.compile(
            r"Maximum concurrency for (?P<max_model_len>[\d,]+) tokens per request: (?P<concurrency>[\d.]+)x"
        ),
    ),
    (
        "Graph capturing",
        re.compile(
            r"Graph capturing finished in (?P<graphs_s>\d+) secs(?:, took (?P<graphs_gib>-?[\d.]+) GiB)?"
        ),
    ),
    ("init engine (", re.compile(r"init engine \([^)]*\) took (?P<init_s>[\d.]+) s")),
)
"""What stands in every line of the form, a cheap first look; and the form."""


class Figure(NamedTuple):
    """One figure: of what, in the unit that its name ends with (`_gib` is GiB per GPU, `_s` seconds)."""

    what: str
    value: float


def startup_figures(line: str) -> Iterator[Figure]:
    """The figures of one line of the log; nothing for any other line."""
    for near, form in _FORMS:
        if near in line and (match := form.search(line)):
            for what, value in match.groupdict().items():
                if value is not None and (number := _number(value)) is not None:
                    yield Figure(what, number)


def _number(text: str) -> float | None:
    """A number as vLLM writes it; None for what only looks like one (`1.2.3`)."""
    try:
        return float(text.replace(",", "").rstrip("."))
    except ValueError:
        return None
