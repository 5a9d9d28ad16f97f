"""Whether vLLM's engine starts with arguments and a model: its config, the model's build, the cache's plan.

The stages are asked one after the other, and the first that refuses is told: `parser`, `serve` (what the
server checks before it opens its port), `config` (`create_engine_config`), `build` (the model on the meta
device), `plan` (the KV cache in 40 GiB). All packages are the real ones, the card is pretended, and no
weights are there: a check that reads the tokenizer or the weights can't be asked.
"""

from __future__ import annotations

import json
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from vllm_judge import apart, configs, engine, environment, jobs, memory
from vllm_judge.card import Card
from vllm_judge.command_line import CommandLine, Refused
from vllm_judge.source import version_of

LISTS = configs.DATA / "engine_lists.jsonl"
_KV_GIB = 40.0


class List(msgspec.Struct, kw_only=True):
    """Arguments for one of `configs.jsonl`."""

    id: str
    config: str
    scheme: str = "none"
    args: list[str]


def record(release: str) -> int:
    """All lists of `engine_lists.jsonl`; the answers are kept beside those about memory.

    Returns:
        How many the judge could not answer.
    """
    tree = environment.enter(release)
    asked = [msgspec.json.decode(line, type=List) for line in LISTS.read_bytes().splitlines()]
    bodies, schemes = configs.read(), jobs.schemes_in(configs.DATA / "schemes.json")
    apart.without_network()
    engine.prepare(tree, Card())
    memory.warm()
    line = CommandLine(tree, version_of(release), whole=True)
    found = []
    with tempfile.TemporaryDirectory(prefix="vllm-judge-") as name:
        tempfile.tempdir = name  # the forks' own files go with it
        for one in asked:
            folder = Path(name) / one.id
            folder.mkdir()
            job = jobs.Job(id=one.id, model=one.config, scheme=one.scheme)
            (folder / "config.json").write_text(json.dumps(jobs.config_of(job, bodies, schemes)), "utf-8")
            said = apart.answered(
                partial(_asked, line, one.args, folder), seconds=memory.SECONDS, gib=memory.GIB_MOST
            )
            found.append({"id": one.id, **_readable(said, tree, folder)})
            print(f"\r{len(found)} of {len(asked)} answered", end="", file=sys.stderr, flush=True)
    target = configs.DATA / version_of(release) / "engine.jsonl"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in found), "utf-8")
    accepted, silent = (sum(row["accepts"] is word for row in found) for word in (True, None))
    print(f"\n{target}: {len(found)} answers, {accepted} accepted, {silent} without an answer")
    return silent


def _asked(line: CommandLine, args: list[str], folder: Path) -> dict[str, Any]:
    return engine.with_stand_ins(lambda: _stages(line, args, folder))


def _stages(line: CommandLine, args: list[str], folder: Path) -> dict[str, Any]:
    from vllm.config import set_current_vllm_config

    stage = "parser"
    try:
        parsed = line.parser.parse_args(engine.flags(folder, args))
        stage = "serve"
        line.check(parsed)
        line.start(parsed)
        stage = "config"
        config = engine.config_of(parsed, folder)
        stage = "build"
        with set_current_vllm_config(config):
            found = memory.figures(config, _KV_GIB)
    except (ModuleNotFoundError, MemoryError):
        raise
    except Refused as refused:
        return {"accepts": False, "stage": stage, "says": str(refused)}
    except (Exception, SystemExit) as error:  # noqa: BLE001 - each is vLLM's answer
        return {"accepts": False, "stage": stage, "says": f"{type(error).__name__}: {error}"}
    if "error" in found:
        return {"accepts": False, "stage": "plan", "says": found["error"]}
    return {"accepts": True}


def _readable(said: dict[str, Any], tree: Path, folder: Path) -> dict[str, Any]:
    if "error" in said:
        said = {"accepts": None, "says": said["error"]}
    if "says" in said:
        said["says"] = memory.plain(said["says"], tree, folder)
    return said
