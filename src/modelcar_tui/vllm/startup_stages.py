"""How far a start of vLLM has come, by the lines that it logs: the order of `LLMEngine`'s own steps."""

from __future__ import annotations

from typing import Final

NOTHING = "before its first line"
ARGUMENTS = "reading its arguments"
ENGINE = "starting the engine"
LOADING = "loading the weights"
PROFILING = "profiling its memory"
PLANNING = "planning the KV cache"
PREPARING = "preparing to serve"
CAPTURING = "capturing CUDA graphs"
WARMING = "warming up"
SERVER = "starting the server"
SERVING = "serving"
ORDER: Final = (
    NOTHING,
    ARGUMENTS,
    ENGINE,
    LOADING,
    PROFILING,
    PLANNING,
    PREPARING,
    CAPTURING,
    WARMING,
    SERVER,
    SERVING,
)
RANK: Final = {stage: at for at, stage in enumerate(ORDER)}
_BEGINS: Final = (
    ("vLLM API server version ", ARGUMENTS),
    ("vLLM server version ", ARGUMENTS),
    ("non-default args: ", ARGUMENTS),
    ("args: Namespace(", ARGUMENTS),
    ("Resolved architecture: ", ARGUMENTS),
    ("Using max model len ", ARGUMENTS),
    ("Initializing a V1 LLM engine (v", ENGINE),
    ("Initializing a V0 LLM engine (v", ENGINE),
    ("Initializing an LLM engine (v", ENGINE),
    ("Starting to load model ", LOADING),
    ("Model loading took ", PROFILING),
    ("Loading model weights took ", PROFILING),
    ("Warming up model for the compilation", PROFILING),
    ("Available KV cache memory: ", PLANNING),
    ("Memory profiling takes ", PLANNING),
    ("Explicitly set (", PLANNING),
    ("Auto set (", PLANNING),
    ("# ", PREPARING),
    ("Maximum concurrency for ", PREPARING),
    ("Capturing CUDA graph", CAPTURING),
    ("Capturing cudagraphs ", CAPTURING),
    ("Graph capturing finished ", WARMING),
    ("init engine (", SERVER),
    ("Starting vLLM API server ", SERVER),
    ("Starting vLLM server on ", SERVER),
    ("INFO:     Application startup complete.", SERVING),
)
"""What a line begins with; the stage that it begins."""
_FIRST: Final = tuple({begin[0] for begin, _ in _BEGINS})
_CACHE = " KV cache size: "


def begun_by(text: str) -> str:
    """The stage that a line (without its head) begins; empty where it begins none."""
    if text.startswith(_FIRST) and (
        found := next((of for begin, of in _BEGINS if text.startswith(begin)), "")
    ):
        return found
    return PREPARING if _CACHE in text[:40] else ""


def further(stage: str, so_far: str) -> str:
    """The later one of two stages. Graphs are captured while memory is profiled, too (from 0.18): then it is
    still that."""
    if stage == CAPTURING and RANK[so_far] < RANK[PREPARING]:
        return so_far
    return stage if RANK[stage] > RANK[so_far] else so_far
