"""The whole decision on one manifest, on stated inventories and without a network."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

from modelcar_tui import judge, outcome_of
from published.readings import Reading

NOWHERE = "http://127.0.0.1:9"
"""A proxy that nobody is."""
EIGHT = ("H100-80GB-HBM3:8",)
_CARDS = {"amd.com/gpu": "MI300X"}
_NUMBER = re.compile(r"(?<![\w.-])\d+(?:[.,]\d+)*(?![\w-])")
_MOST_NODES = 16


def verdicts(data: bytes, name: str, read: Reading) -> dict[str, dict[str, str]]:
    """By request: the word on one node of eight H100 (`eight`), and on as many of the accelerators that the
    file asks for as it asks for (`asked`), each with its reason, numbers left out: they change with releases.

    Raises:
        Exception: whatever is not an answer.
    """
    found: dict[str, dict[str, str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        for key, gpus in (("eight", EIGHT), ("asked", _asked(read))):
            for model, word in _words(path, gpus, folder).items():
                found.setdefault(model, {})[key] = word
    return found


def _asked(read: Reading) -> tuple[str, ...]:
    cars = read.models.values()
    cards = {_CARDS.get(car.server.resource if car.server else "", "H100-80GB-HBM3") for car in cars}
    nodes = sum(max(car.copies, 1) * car.pods for car in cars)
    return tuple(f"{card}:8" for card in sorted(cards) for _ in range(min(nodes, _MOST_NODES)))


def _words(path: Path, gpus: tuple[str, ...], folder: str) -> dict[str, str]:
    proxies = ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy", "NO_PROXY", "no_proxy")
    kept = {name: os.environ.get(name) for name in proxies}
    os.environ.update({name: "" if name.lower() == "no_proxy" else NOWHERE for name in proxies})
    try:
        state = judge(str(path), gpus=gpus, state_dir=f"{folder}/state")
    finally:
        for name, value in kept.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})
    outcome = outcome_of(state)
    if outcome is None or not outcome.models:
        raise AssertionError(f"{path.name}: no verdict: {state.finish and state.finish.summary}")
    return {one.model: _NUMBER.sub("N", f"{one.headline}: {one.why}") for one in outcome.models}
