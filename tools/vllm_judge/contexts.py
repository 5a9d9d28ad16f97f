"""How long a context vLLM's own config takes, with what arguments put in the place of config.json's values.

    python tools/vllm_judge contexts 0.33.0        all of contexts.jsonl, 20 s

A row has a name, a config.json, arguments, and an answer for each release that was asked: the length that
the server would take, or 0 where vLLM refuses. Any release from 0.11 on can be asked.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from vllm_judge import apart, configs, engine, environment, memory
from vllm_judge.card import Card
from vllm_judge.source import version_of

ROWS = configs.DATA / "contexts.jsonl"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which release."""
    parser.add_argument("release", help="a version, or the folder or archive of a source distribution")


def run(options: argparse.Namespace) -> int:
    """Ask all rows and keep the answers beside those of other releases."""
    tree = environment.enter(options.release)
    rows = [json.loads(line) for line in ROWS.read_text("utf-8").splitlines()]
    apart.without_network()
    engine.prepare(tree, Card())
    memory.warm()
    failed = 0
    for row in rows:
        said = _answer(row)
        failed += "error" in said
        print(f"{row['id']}: {said}", file=sys.stderr)
        row["vllm"][version_of(options.release)] = said.get("length", 0)
    ROWS.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return min(failed, 1)


def _answer(row: dict[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="vllm-judge-") as folder:
        Path(folder, "config.json").write_text(json.dumps(row["config"]), "utf-8")
        ask = partial(_length, Path(folder), row["args"])
        return apart.answered(
            partial(engine.with_stand_ins, ask), seconds=memory.SECONDS, gib=memory.GIB_MOST
        )


def _length(folder: Path, args: list[str]) -> dict[str, Any]:
    try:
        return {"length": engine.config(folder, args).model_config.max_model_len}
    except (ModuleNotFoundError, MemoryError):
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 - each is vLLM's answer
        return {"refused": f"{type(error).__name__}: {error}"[:400]}
