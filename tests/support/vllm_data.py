"""What `tests/data/vllm/` keeps of vLLM's own answers, and the lists of differences that may only shrink."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from modelcar_tui.image.local import read_local
from modelcar_tui.models.facts import ModelFacts

DATA = Path(__file__).parents[1] / "data" / "vllm"
CARD = "NVIDIA-H200"
"""Of the judge's capability (9.0) and vLLM's defaults for its size, with room for weights."""


Gap = TypeVar("Gap", bound=msgspec.Struct)
"""A difference; its `key` is what it is about, whatever the figures."""


def releases(name: str) -> list[str]:
    """Those of which the file `name` is kept, the oldest first."""
    found = (path.parent.name for path in DATA.glob(f"*/{name}"))
    return sorted(found, key=lambda release: [int(part) for part in release.split(".")])


def lines(*parts: str) -> list[dict[str, Any]]:
    """The rows of a `.jsonl` file below `DATA`."""
    return [json.loads(line) for line in DATA.joinpath(*parts).read_text("utf-8").splitlines()]


@cache
def _configs() -> dict[str, dict[str, Any]]:
    return {row["id"]: row["config"] for row in lines("configs.jsonl")}


@cache
def _schemes() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DATA / "schemes.json").read_text("utf-8"))
    return found


def config_of(model: str, scheme: str) -> dict[str, Any]:
    """A model's config.json with what `scheme` adds to it."""
    added = _schemes()[scheme]
    return _configs()[model] | ({"quantization_config": added} if added else {})


def facts(model: str, scheme: str, folder: Path) -> ModelFacts:
    """What we read of it, once it lies in `folder`."""
    (folder / "config.json").write_text(json.dumps(config_of(model, scheme)), "utf-8")
    return read_local(str(folder)).model


def known(name: str, kind: type[Gap]) -> dict[str, list[Gap]]:
    """The list of known differences `known_gaps/<name>.json`, by release; empty where there is none yet."""
    path = DATA / "known_gaps" / f"{name}.json"
    return msgspec.json.decode(path.read_bytes(), type=dict[str, list[kind]]) if path.exists() else {}


def renew(name: str, kind: type[Gap], found: dict[str, Callable[[Path], Iterable[Gap]]]) -> None:
    """Take off what no longer differs; with `--add` put on what is new, which wants a look at each row."""
    parser = argparse.ArgumentParser(description=(renew.__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--add", action="store_true", help="after new answers of the judge: list new differences"
    )
    add = parser.parse_args().add
    listed = known(name, kind)
    kept: dict[str, list[Gap]] = {}
    for release, differences in found.items():
        with tempfile.TemporaryDirectory() as folder:
            rows = list(differences(Path(folder)))
        before = {row.key: row for row in listed.get(release, [])}
        kept[release] = [_explained(row, before.get(row.key)) for row in rows if add or row.key in before]
        print(f"{name} {release}: {len(kept[release])} of {len(rows)} differences are listed")
    path = DATA / "known_gaps" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_text(kept), "utf-8")
    print(f"{name}: {sum(map(len, kept.values()))} in all; the test's MOST has to be this number")


def _explained(row: Gap, before: Gap | None) -> Gap:
    """With the reason that somebody wrote into the list, if this kind of row has one."""
    why = getattr(before, "why", "")
    return msgspec.structs.replace(row, why=why) if why else row


def _text(gaps: dict[str, list[Gap]]) -> str:
    """One row a line, so that a diff shows what came and went."""
    parts = []
    for release, rows in gaps.items():
        told = ",\n".join("  " + json.dumps(msgspec.to_builtins(row), ensure_ascii=False) for row in rows)
        parts.append(f' "{release}": [\n{told}\n ]' if rows else f' "{release}": []')
    return "{\n" + ",\n".join(parts) + "\n}\n"
