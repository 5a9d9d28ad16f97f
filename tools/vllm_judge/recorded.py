"""The tests' data about arguments: `tests/data/vllm/lists.jsonl`, and what each release says of them.

`<release>/arguments.jsonl` has one line about the release, `{"release", "asked", "accepts", "tags",
"chance"}`: ids of lists, by id a stray word that is taken for the model, and `BY_CHANCE`. Then
a line for each list that it refuses, `{"id", "stage", "says"}`. To add lists, append them to
`lists.jsonl` and record all releases again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vllm_judge.arguments import Answer

DATA = Path(__file__).parents[2] / "tests" / "data" / "vllm"
LISTS = DATA / "lists.jsonl"
BY_CHANCE = {"0.8.5": ("argument-201", "value-109")}
"""Lists that a release refuses at one start and accepts at the next: 0.8.5 takes one of two groups of choices
for `--guided-decoding-backend`, the first of a Python set whose order differs from process to process."""


def write(release: str, answers: Sequence[Answer]) -> None:
    """All answers of one release.

    Raises:
        SystemExit: the judge could not tell something; nothing is written then.
    """
    unknown = [answer for answer in answers if answer["accepts"] is None]
    if unknown:
        raise SystemExit(
            f"{release}: no answer to {unknown[0]['id']} ({unknown[0].get('says')}), "
            f"and to {len(unknown) - 1} more"
        )
    chance = BY_CHANCE.get(release, ())
    answers = [answer for answer in answers if answer["id"] not in chance]
    about: dict[str, object] = {
        "release": release,
        "asked": answers[0]["asked"],
        "accepts": [answer["id"] for answer in answers if answer["accepts"]],
        "tags": {answer["id"]: answer["tag"] for answer in answers if "tag" in answer},
        "chance": chance,
    }
    refused: list[dict[str, object]] = [
        {"id": answer["id"], "stage": answer["stage"], "says": answer["says"]}
        for answer in answers
        if not answer["accepts"]
    ]
    path = DATA / release / "arguments.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(_line(row) for row in [about, *refused]), "utf-8")


def _line(row: Mapping[str, object]) -> str:
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n"
