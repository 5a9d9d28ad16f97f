"""What comes out for one manifest: agreement with its rows, verdicts, edits that were proven."""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from modelcar_tui.core.errors import UserError
from modelcar_tui.manifest import Change, Plan
from modelcar_tui.manifest.apply import apply_changes
from published.judging import verdicts
from published.plans import plans_of
from published.proofs import faults_of
from published.readings import Reading, differences, reading_of, said
from published.sources import FOLDER, Record
from published.variants import VARIANTS

ANSWERS = FOLDER / "answers.yaml"
PLANS = 16
"""Edits of each request."""
OF_VARIANTS = 6
"""The same of each other way in which the manifest may be written."""
Answer = dict[str, Any]


def answer_of(record: Record, data: bytes, *, judged: bool = True) -> tuple[Answer, list[str]]:
    """What is kept of a manifest, and the faults."""
    read = reading_of(data, record["file"])
    faults = list(differences(read, record))
    answer: Answer = {"file": record["file"], "sha256": record["sha256"], "models": []}
    if read.problems:
        answer["problems"] = [one.code for one in read.problems]
    words: dict[str, dict[str, str]] = {}
    if judged and read.models and not read.problems:
        words = verdicts(data, record["file"], read)
    for name, car in read.models.items():
        answer["models"].append({**said(car), **words.get(name, {})})
    edits, refused, wrong = edited(data, read, seed=record["sha256"])
    faults += wrong
    more, wrong = rewritten(data, read, seed=record["sha256"], most=OF_VARIANTS)
    edits, faults = edits + more, faults + wrong
    if read.models:
        answer["edits"] = edits
    if refused:
        answer["refused"] = dict(Counter(refused))
    return answer, faults


def edited(data: bytes, read: Reading, *, seed: str, most: int = PLANS) -> tuple[int, list[str], list[str]]:
    """How many edits were proven, which ones the editor refuses, and what is wrong with others."""
    proven, refused, faults = 0, [], []
    for car in read.models.values():
        for planned in plans_of(car, seed, most):
            change = ", ".join(told(one) for one in planned.changes)
            try:
                after = apply_changes(data, plan_of(data, planned.changes))
            except UserError as error:
                refused.append(error.problems[0].what)
                continue
            wrong = list(faults_of(data, after, car, planned, read))
            faults += [f"{car.name}: {change}: {one}" for one in wrong]
            proven += not wrong
    return proven, refused, faults


def rewritten(data: bytes, read: Reading, *, seed: str, most: int) -> tuple[int, list[str]]:
    """The same of the manifest in other words, each of which has to be read as the first."""
    proven, faults = 0, []
    models = [said(car) for car in read.models.values()]
    for name, write in VARIANTS.items():
        other = write(data)
        if other is None:
            continue
        again = reading_of(other, "other.yaml")
        if [said(car) for car in again.models.values()] != models:
            faults.append(f"{name}: is read otherwise")
            continue
        edits, _, wrong = edited(other, again, seed=f"{seed}/{name}", most=most)
        proven += edits
        faults += [f"{name}: {one}" for one in wrong]
    return proven, faults


def told(change: Change) -> str:
    """A change in a few words."""
    return f"{change.operation} {change.flag} {change.new or ''}".strip()


def plan_of(data: bytes, changes: tuple[Change, ...]) -> Plan:
    """The changes as a plan for these very bytes."""
    return Plan(
        base="base.yaml", base_sha256=hashlib.sha256(data).hexdigest(), target="new.yaml", changes=changes
    )


def record(answers: list[Answer]) -> None:
    """Write what came out."""
    head = "# What our readers, our editor and our verdict come to on sources.yaml: `make published`.\n"
    text = yaml.safe_dump(answers, sort_keys=False, width=110, allow_unicode=True, default_flow_style=None)
    with tempfile.NamedTemporaryFile("w", dir=FOLDER, delete=False, encoding="utf-8") as file:
        file.write(head + text)
    Path(file.name).replace(ANSWERS)
    ANSWERS.chmod(0o644)
