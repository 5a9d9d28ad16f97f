"""A played language model: it reads the rows that it is sent and replies with their ids."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

Row = dict[str, Any]
_ROWS = re.compile(r"FACTS[A-Z -]*: (\[\{.*?\}\])(?:\n|$)", re.DOTALL)


class Seen:
    """What one request says."""

    def __init__(self, asked: dict[str, Any]) -> None:
        self.human: str = asked["human"]
        self.question = self.human.rpartition("QUESTION: ")[2].partition("\n")[0].partition("FACTS")[0]
        self.rows: list[Row] = [row for part in _ROWS.findall(self.human) for row in json.loads(part)]
        self.turn = self.human.count("FACTS OF YOUR WHAT-IFS")

    def ids(self, what: str, **fields: Any) -> list[str]:
        """Ids of the rows that are this, of these subjects and values."""
        return [
            row["id"]
            for row in self.rows
            if row.get("is") == what and all(row.get(key) == value for key, value in fields.items())
        ]

    @property
    def model(self) -> str:
        """The first model that the question names."""
        return found[0] if (found := re.findall(r"model-\d+", self.question)) else ""

    @property
    def gpu(self) -> str:
        """The product that the question names."""
        return found[0] if (found := re.findall(r"gpu-\d+", self.question)) else ""


def say(*ids: str) -> Row:
    return {"do": "say", "how": None, "ids": list(ids)}


def answer(*parts: Row, what_if: list[Row] | None = None) -> str:
    """The reply of a model that keeps to the schema."""
    return json.dumps({"what_if": what_if or [], "parts": list(parts)})


def tried(**given: Any) -> str:
    """The reply of a model that wants one what-if first."""
    keys = (
        "model gpu gpus max_model_len max_num_seqs max_num_batched_tokens gpu_memory_utilization "
        "kv_cache_dtype tensor_parallel_size enforce_eager"
    )
    return answer(what_if=[{key: given.get(key) for key in keys.split()}])


Choose = Callable[[Seen], str]


def played(choose: Choose) -> Callable[[dict[str, Any]], str]:
    """For `LlmServer(played(...))`."""
    return lambda asked: choose(Seen(asked))
