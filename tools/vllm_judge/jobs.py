"""A question about memory, as it stands in `tests/data/vllm/jobs.jsonl`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec


class Job(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One question."""

    id: str
    model: str
    """The name of its config.json."""
    scheme: str = "none"
    """What `quantization_config` is added to it."""
    tp: int = 1
    pp: int = 1
    args: list[str] = []
    kv_gib: float = 40.0
    """Memory that the cache gets, a GPU."""

    def flags(self) -> list[str]:
        """All arguments, the parallel sizes among them."""
        sizes = {"--tensor-parallel-size": self.tp, "--pipeline-parallel-size": self.pp}
        return [*self.args, *(item for flag, size in sizes.items() if size > 1 for item in (flag, str(size)))]


def read(path: Path) -> list[Job]:
    """One a line."""
    return [msgspec.json.decode(line, type=Job) for line in path.read_bytes().splitlines()]


def config_of(job: Job, configs: dict[str, dict[str, Any]], schemes: dict[str, Any]) -> dict[str, Any]:
    """The config.json that it asks about."""
    added = schemes[job.scheme]
    return configs[job.model] | ({"quantization_config": added} if added else {})


def schemes_in(path: Path) -> dict[str, Any]:
    """The values of `quantization_config` by name; `none` is none."""
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found
