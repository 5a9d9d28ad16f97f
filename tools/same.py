"""Does the product still answer as it did? Compares thousands of its answers, byte for byte, with a baseline.

    python tools/same.py [--part PART ...] [--every N]     compare; status 1 where an answer differs
    python tools/same.py --record [--part PART ...]        write the baseline anew
    python tools/same.py --show "PART/NAME"                one answer in full, as it is now

The baseline is tests/data/same/PART.txt, one line an answer: name, hash, a few figures. It may change only on
purpose: when a commit means to change answers, record it in that same commit and say there which and why.

A run that finds all as it was keeps the answers in full in `.same/` (not in git); a later one that finds a
difference shows by them which values differ. So run it once before the work begins.
"""

from __future__ import annotations

import argparse
import gzip
import json
import platform
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from same_places import DATA, KEPT  # noqa: I001  # first: it puts this tree's sources on the path
from same_arguments import findings, proposals, readings, solutions
from same_demo import demos
from same_models import cards, counts, estimates, quantizations, startups
from same_nodes import nodes, verdicts
from same_text import Item, Named, differing, fields_that_differ, figures_only

PARTS: dict[str, Callable[[], Iterator[Named]]] = {
    "startups": startups,
    "counts": counts,
    "estimates": estimates,
    "cards": cards,
    "quantizations": quantizations,
    "nodes": nodes,
    "verdicts": verdicts,
    "readings": readings,
    "findings": findings,
    "proposals": proposals,
    "solutions": solutions,
    "demos": demos,
}
EXACT = ("3", "11")
"""From Python 3.12 on, `sum` of floats rounds otherwise; there only the figures are compared."""
SHOWN = 20


def main(argv: list[str] | None = None) -> int:
    """Compare, record or show; 1 where something differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--part", action="append", choices=tuple(PARTS), help="only this part; may be repeated"
    )
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every Nth answer")
    parser.add_argument("--record", action="store_true", help="write the baseline anew")
    parser.add_argument("--show", metavar="PART/NAME", help="print one answer as it is now")
    options = parser.parse_args(argv)
    if options.show:
        return show(options.show)
    chosen = options.part or list(PARTS)
    with ThreadPoolExecutor(
        1
    ) as pool:  # beside the rest: the demo plays its recording at the recording's pace
        running = pool.submit(answers, "demos", options.every) if "demos" in chosen else None
        found = {part: answers(part, options.every) for part in chosen if part != "demos"}
        if running is not None:
            found["demos"] = running.result()
    if options.record:
        for part, items in found.items():
            record(part, items)
            keep(part, items)
        print(f"recorded {sum(map(len, found.values()))} answers in {DATA}")
        return 0
    return compared(found, whole=options.every == 1)


def answers(part: str, every: int = 1) -> dict[str, Item]:
    """The answers of one part as they are now; with `every`, the first of each so many."""
    named = list(PARTS[part]())
    if len({name for name, _ in named}) < len(named):
        raise ValueError(f"two answers of {part} have the same name")
    with ThreadPoolExecutor(2 if part == "demos" else 1) as pool:
        running = [(name, pool.submit(ask)) for name, ask in named[::every]]
        return {name: one.result() for name, one in running}


def names(part: str) -> list[str]:
    """The names of one part's answers, in their order; nothing is asked."""
    return [name for name, _ in PARTS[part]()]


def baseline(part: str) -> dict[str, str]:
    """The recorded line of each answer of one part, by its name, in the order of the file."""
    lines = (DATA / f"{part}.txt").read_text("utf-8").splitlines()
    return {line.partition("\t")[0]: line for line in lines}


def changed(part: str, items: dict[str, Item]) -> list[str]:
    """Names of the answers that are not as they were recorded."""
    level = str if platform.python_version_tuple()[:2] == EXACT else figures_only
    recorded = baseline(part)
    return [
        name
        for name, one in items.items()
        if name not in recorded or level(recorded[name]) != level(one.line(name))
    ]


def record(part: str, items: dict[str, Item]) -> None:
    """Write one part's baseline."""
    DATA.mkdir(parents=True, exist_ok=True)
    text = "".join(f"{one.line(name)}\n" for name, one in items.items())
    (DATA / f"{part}.txt").write_text(text, "utf-8")


def compared(found: dict[str, dict[str, Item]], *, whole: bool) -> int:
    """Say what differs; 1 where something does."""
    status = 0
    for part, items in found.items():
        differ = changed(part, items)
        missing = [name for name in baseline(part) if name not in items] if whole else []
        if not differ and not missing:
            print(f"{part}: {len(items)} answers as they were")
            if whole:
                keep(part, items)
            continue
        status = 1
        print(f"{part}: {len(differ)} of {len(items)} answers differ")
        if missing:
            print(f"  {len(missing)} are no longer given: {', '.join(missing[:SHOWN])}")
        tell(part, items, differ)
    return status


def tell(part: str, items: dict[str, Item], differ: list[str]) -> None:
    """The lines that differ, and, where the recorded answers are kept in full, their values."""
    recorded, full = baseline(part), kept(part)
    known = {
        name: full[name]
        for name in differ
        if name in full
        and name in recorded
        and Item(full[name], _figures(recorded[name])).line(name) == recorded[name]
    }
    for line in fields_that_differ((text, items[name].text) for name, text in known.items()):
        print(f"  {line}")
    for name in differ[:SHOWN]:
        print(f"  - {recorded.get(name, '(new)')}\n  + {items[name].line(name)}")
        for line in differing(known[name], items[name].text) if name in known else ():
            print(f"      {line}")
    if len(differ) > SHOWN:
        print(f"  ... and {len(differ) - SHOWN} more: {', '.join(differ[SHOWN : 10 * SHOWN])}")
    if differ and not known:
        print(
            "  which values differ can be shown once a run on the recorded state has been made (see --help)"
        )


def keep(part: str, items: dict[str, Item]) -> None:
    """Keep one part's answers in full."""
    KEPT.mkdir(exist_ok=True)
    data = json.dumps({name: one.text for name, one in items.items()}).encode()
    (KEPT / f"{part}.json.gz").write_bytes(gzip.compress(data, 1))


def kept(part: str) -> dict[str, str]:
    """One part's answers as they were kept; empty where none are."""
    path = KEPT / f"{part}.json.gz"
    if not path.is_file():
        return {}
    found: dict[str, str] = json.loads(gzip.decompress(path.read_bytes()))
    return found


def show(wanted: str) -> int:
    """Print one answer, indented."""
    part, _, name = wanted.partition("/")
    for known, ask in PARTS[part]() if part in PARTS else ():
        if known == name:
            print(json.dumps(json.loads(ask().text), indent=1, ensure_ascii=False))
            return 0
    print(f"no answer is called {wanted!r}; the names stand in {DATA}", file=sys.stderr)
    return 2


def _figures(line: str) -> str:
    return line.rpartition("\t")[2]


if __name__ == "__main__":
    sys.exit(main())
