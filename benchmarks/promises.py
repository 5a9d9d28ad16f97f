"""What the estimate promises beside what real start-ups had, by card, release and family, as Markdown tables.

    python benchmarks/promises.py [--cases FILE] [--rows]

An error has its sign: above zero more KV cache is promised than there was, which is what makes a false GO.
Where an estimate is a range, its lower end is the promise and its middle the best guess. Without `--cases`
both collections of tests/accuracy are read.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from accuracy import load
from modelcar_tui.hardware.product import gpu_for, row_of
from modelcar_tui.memory.cases import answer, model_of
from modelcar_tui.models import describe_model
from modelcar_tui.vllm import profile_for

TESTS = Path(__file__).resolve().parent.parent / "tests" / "accuracy"
HEAD = "start-ups | KV tokens compared | mean size | mean | worst promise | > 2 % too much | > 5 % too much"
RELEASES = ((0, 8), (0, 11), (0, 17), (0, 20), (0, 23), (0, 28))
"""Where a column of releases begins; the first holds all before it."""


class Row(NamedTuple):
    """One start-up that came up, beside its estimate."""

    case: dict[str, Any]
    line: dict[str, Any]

    @property
    def error(self) -> float | None:
        """Of the figure that is shown; None where either is not known."""
        return self._off("kv_tokens")

    @property
    def promise(self) -> float | None:
        """Of the lower end."""
        return self._off("kv_tokens_low")

    def _off(self, name: str) -> float | None:
        logged, ours = self.case["results"].get("kv_tokens"), self.line[name]
        return ours / logged - 1 if logged and ours is not None else None


def main() -> int:
    parser = argparse.ArgumentParser(description="Promises against real start-ups, with their sign.")
    parser.add_argument("--cases", type=Path, help="a list in the form of tests/accuracy")
    parser.add_argument("--rows", action="store_true", help="one line a start-up too")
    options = parser.parse_args()
    cases = load(options.cases) if options.cases else both()
    lines = [answer(case["inputs"]) for case in cases]
    rows = [Row(case, line) for case, line in zip(cases, lines, strict=True)]
    lived = [row for row in rows if row.case["results"]["outcome"] == "started"]
    for title, key in (("card", card), ("class of cards", class_of), ("vLLM", release), ("family", family)):
        table(title, lived, key)
    print(ends(rows))
    if options.rows:
        for row in sorted(lived, key=lambda row: -(row.promise or -1.0)):
            print("|", " | ".join(cells(row)), "|")
    return 0


def both() -> list[dict[str, Any]]:
    """The start-ups of both collections."""
    return [case for name in ("startups.json", "startups-2.json") for case in load(TESTS / name)]


def table(title: str, rows: Iterable[Row], key: Callable[[Row], str]) -> None:
    """One line for each value of `key`."""
    chosen: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        chosen[key(row)].append(row)
    print(f"| {title} | {HEAD} |")
    print("|---" * 8 + "|")
    for name, found in sorted(chosen.items(), key=lambda one: (-len(one[1]), one[0])):
        print(f"| {name} | {figures(found)} |")
    print()


def figures(rows: list[Row]) -> str:
    """The cells of one line."""
    errors = [row.error for row in rows if row.error is not None]
    promises = [row.promise for row in rows if row.promise is not None]
    if not errors:
        return f"{len(rows)} | 0 | - | - | - | - | -"
    size = statistics.mean(map(abs, errors))
    above = [sum(promise > bar for promise in promises) for bar in (0.02, 0.05)]
    spread = f"{size:.2%} | {statistics.mean(errors):+.2%} | {max(promises):+.1%}"
    return f"{len(rows)} | {len(errors)} | {spread} | {above[0]} | {above[1]}"


def ends(rows: list[Row]) -> str:
    """How the verdicts compare with what happened."""
    lived = [row for row in rows if row.case["results"]["outcome"] == "started"]
    dead = [row for row in rows if row.case["results"]["outcome"] != "started"]
    said = [row.line["verdict"] for row in lived]
    alive = sum(row.line["verdict"] == "starts" for row in dead)
    return (
        f"Of {len(lived)} that started {said.count('starts')} are called `starts`, {said.count('unknown')} "
        f"`unknown`; of {len(dead)} that were refused or died {alive} are called `starts`."
    )


def card(row: Row) -> str:
    """The card's own name in our table, or as the log has it."""
    product = str(row.case["inputs"].get("gpu"))
    found = row_of(product)
    return found.name if found else product[:30]


def class_of(row: Row) -> str:
    """The class of cards for which docs/accuracy.md makes a promise."""
    gpu, given = gpu_for(str(row.case["inputs"].get("gpu"))), row.case["inputs"].get("gpu_total_gib")
    total = given or gpu.visible_gib.value
    if gpu.vendor != "nvidia":
        return gpu.vendor
    if total is None:
        return "not known"
    if gpu.unified:
        return "memory shared with the system"
    return "NVIDIA, 70 GiB and more" if total >= 70 else "NVIDIA, below 70 GiB"


def release(row: Row) -> str:
    """The span of releases, for which other rules hold."""
    found = profile_for(str(row.case["inputs"].get("vllm")))
    if not found.known:
        return "not told"
    since = [edge for edge in RELEASES if edge <= found.release]
    if not since:
        return "before 0.8"
    later = [edge for edge in RELEASES if edge > found.release]
    end = f" to 0.{later[0][1] - 1}" if later else " and later"
    return f"0.{since[-1][1]}{end}"


def family(row: Row) -> str:
    """What sets the model's memory apart."""
    model = describe_model(model_of(row.case["inputs"]), quantization=None, dtype="auto", overrides=None)
    if isinstance(model, str):
        return "no config"
    shape = model.shape
    words = ["latent attention"] if shape.mla else ["state-space hybrid"] if shape.state else []
    words += ["experts"] if any(shape.experts_at) else ["dense"]
    words += ["with a tower"] if shape.tower else []
    words += [] if model.scheme.bits >= 16 else [f"{model.scheme.bits:.0f} bits"]
    return ", ".join(words)


def cells(row: Row) -> list[str]:
    """One start-up."""
    given, logged, line = row.case["inputs"], row.case["results"], row.line
    errors = ["-" if off is None else f"{off:+.1%}" for off in (row.promise, row.error)]
    names = [str(given.get(name))[:32] for name in ("gpu", "vllm", "model")]
    kept = [logged.get("weights_gib"), line["weights_gib"], logged.get("kv_tokens"), line["kv_tokens"]]
    figures_of = ["-" if one is None else str(one) for one in kept]
    return [row.case["id"], *names, *errors, *figures_of, line["verdict"]]


if __name__ == "__main__":
    sys.exit(main())
