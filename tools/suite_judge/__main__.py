"""`python tools/suite_judge CHECKOUT [BRANCH ...]`: runs the real suite and says whether QA understood it.

CHECKOUT is a git clone of opendatahub-tests with its release branches. For each branch the suite is
installed by its own lock file and run in podman under our own runner against a stub of OpenShift's API.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # a folder that is run knows its modules, but not itself

BRANCHES = ("3.3", "3.4", "main")


def main() -> int:
    from suite_judge.environment import HOME, image, install, python_for
    from suite_judge.parts import FIXTURES, write_parts
    from suite_judge.report import judged, record, report
    from suite_judge.running import run
    from suite_judge.scenarios import SCENARIOS
    from suite_judge.shape import keep_shape
    from suite_judge.source import exported, fitted

    parser = argparse.ArgumentParser(prog="suite_judge", description=__doc__)
    parser.add_argument("checkout", type=Path)
    parser.add_argument("branches", nargs="*", default=BRANCHES)
    parser.add_argument("--scenario", action="append", help="only these; may be repeated")
    parser.add_argument("--wait", type=float, default=20.0, help="the suite's longest own wait, seconds")
    parser.add_argument("--report", type=Path, default=HOME / "report")
    parser.add_argument("--record", action="store_true", help="write the tests' fixtures anew")
    options = parser.parse_args()
    began, wrong = time.monotonic(), 0
    for branch in options.branches:
        suite = exported(options.checkout, branch, HOME / "suites" / branch)
        python = python_for(suite)
        changed = fitted(suite, python.version)
        install(suite, python)
        os.environ |= image(suite, python, wait_s=options.wait)
        folder = options.report / branch
        found = []
        for scenario in SCENARIOS:
            if options.scenario and scenario.name not in options.scenario:
                continue
            ran = run(suite, scenario, folder / scenario.name)
            faults = judged(ran, suite)
            wrong += len(faults)
            found.append((ran, faults))
            if options.record:
                keep_shape(ran.raw, FIXTURES / branch / f"{scenario.name}.log.gz")
            print(
                f"{branch:8} {scenario.name:18} {ran.outcome.code:32} {ran.seconds:6.1f} s",
                *faults,
                sep="\n    ! " if faults else " ",
                flush=True,
            )
        report(folder / "report.md", suite, changed, options.wait, found)
        if options.record:
            record(suite, [ran for ran, _ in found])
    if options.record:
        write_parts()
    print(f"{wrong} wrong, {time.monotonic() - began:.0f} s; reports below {options.report}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
