"""Raise at each port's call of a run, one at a time, and say what came of it.

`python tests/sweep/sweep.py` takes every call with every kind of error, once and for good, and every call of
a run with a NO-GO once; `--slice` every call of the first once, the kinds spread over them.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import chain
from multiprocessing import get_context

from bench import Bench, Told, bench, judge
from ports import Fault, kinds_of


def once(calls: Iterable[str]) -> list[Fault]:
    """Every call once: the first of a name for good (a retry does not save it), in turn with another kind."""
    faults = []
    for number, call in enumerate(sorted(set(calls))):
        kinds = sorted(kinds_of(call))
        faults.append(Fault(call, kinds[number % len(kinds)], lasting=number % 2 == 0))
    return faults


def everything(calls: Iterable[str]) -> list[Fault]:
    """Every call with every kind, alone and for good."""
    return [
        Fault(call, kind, lasting)
        for call in sorted(set(calls))
        for kind in sorted(kinds_of(call))
        for lasting in (False, True)
    ]


def swept(
    made: Bench, plain: Told, faults: Iterable[Fault], *, blocked: bool = False
) -> Iterator[tuple[Fault, Told, list[str]]]:
    """Each fault with what the run came to, and what is wrong with that."""
    for fault in faults:
        began = time.monotonic()
        told = made.run(fault, blocked=blocked)
        wrong = judge(told, plain, fault)
        if time.monotonic() - began > 30:
            wrong.append(f"it took {time.monotonic() - began:.0f} s")
        yield fault, told, wrong


def _share(number: int, of: int, whole: bool) -> tuple[int, Counter[str], Counter[int], list[str]]:
    """One process's part: runs in which a call raised, by port; statuses; failures."""
    with bench() as made:
        plain = made.run()
        faults = (everything if whole else once)(plain.calls)
        ports: Counter[str] = Counter()
        statuses: Counter[int] = Counter()
        failures, count = [], 0
        runs = swept(made, plain, faults[number::of])
        if whole:
            no_go = made.run(blocked=True)
            runs = chain(runs, swept(made, no_go, once(no_go.calls)[number::of], blocked=True))
        for fault, told, wrong in runs:
            count += 1
            ports[fault.call.split()[0]] += told.raised > 0
            statuses[told.status] += 1
            failures += [f"{fault.call} {fault.kind}{' for good' * fault.lasting}: {one}" for one in wrong]
        return count, ports, statuses, failures


def main() -> int:
    """The sweep of the command line; the exit status is 1 where something is wrong."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--slice", action="store_true", help="every call once")
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    began = time.monotonic()
    with ProcessPoolExecutor(given.jobs, mp_context=get_context("spawn")) as pool:
        parts = [pool.submit(_share, n, given.jobs, not given.slice) for n in range(given.jobs)]
        done = [part.result() for part in parts]
    with bench() as made:
        calls = made.run().calls
    ports: Counter[str] = sum((part[1] for part in done), Counter())
    statuses: Counter[int] = sum((part[2] for part in done), Counter())
    failures = [line for part in done for line in part[3]]
    sys.stdout.write("".join(f"{line}\n" for line in sorted(failures)))
    by_port = ", ".join(f"{port} {count}" for port, count in sorted(ports.items()))
    by_status = ", ".join(f"{status}: {count}" for status, count in sorted(statuses.items()))
    sys.stdout.write(
        f"{len(set(calls))} calls of a run, {sum(part[0] for part in done)} runs, in {sum(ports.values())} of"
        f" them a call raised ({by_port}); statuses {by_status}; {len(failures)} failures;"
        f" {time.monotonic() - began:.0f} s\n"
    )
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
