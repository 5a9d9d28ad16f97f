"""The facts of a run as an operator calls them: their ids are for machines and for the language model."""

from __future__ import annotations

from typing import Final

MEASURES: Final = {
    "required": "memory that one GPU must have",
    "kv_cache": "memory left for the KV cache",
    "longest_context": "longest context that fits",
    "concurrency": "requests of the full context at once",
    "required_vram": "weights + 10 %",
    "parameters": "parameters",
    "weights": "size of the weights",
    "quantization": "quantization",
    "gpu_count": "gpu_count",
}
"""What is known of a model, by the last part of an id."""
_ALONE: Final = {
    "verdict": "the verdict",
    "verdict/with_changes": "the verdict with the proposed changes",
    "changes": "the number of proposed changes",
    "all_at_once": "whether they fit together",
    "manifest/models": "the number of models",
    "gpu/available": "whether there are GPUs",
    "gpu/nodes": "the number of GPU nodes",
    "runtime/vllm": "the vLLM version",
    "qa/outcome": "QA's result",
    "qa/passed": "tests that passed",
    "qa/failed": "tests that failed",
}


def fact_words(identifier: str) -> str:
    """`verdict on granite` for `verdict/granite`, `L40S` for `gpu/L40S`; what is none of ours stays."""
    if identifier in _ALONE:
        return _ALONE[identifier]
    group, _, rest = identifier.partition("/")
    if group.startswith("what-if-"):
        return f"what-if {group.removeprefix('what-if-')}"
    name, _, measure = rest.rpartition("/")
    match group if rest else "":
        case "verdict" if measure != "would_help" or not name:
            return f"verdict on {rest}"
        case "verdict":
            return f"what would help {name}"
        case "model" | "estimate" if name:
            return f"{MEASURES.get(measure, measure)} of {name}"
        case "gpu":
            return rest
        case "finding" | "change":
            return f"{group} {rest}"
        case "vote" | "specialist":
            return rest.replace("/", ": ")
    return identifier


def cited(identifiers: tuple[str, ...], most: int = 4) -> str:
    """The first of several facts, each once, and how many more."""
    told = list(dict.fromkeys(map(fact_words, identifiers)))
    more = f" and {len(told) - most} more" if len(told) > most else ""
    return ", ".join(told[:most]) + more
