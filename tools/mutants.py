"""Do the tests notice small faults in the modules on which the verdict hangs?

    python tools/mutants.py [--count 60] [--seed 20261128] [--module memory/kv/plan.py ...] [--jobs 2]
    python tools/mutants.py --list                     what would be tried, without running anything

Puts one random fault at a time (`mutant_sites.py`) into a copy of `src`, runs the module's own tests and,
where those pass, its room's. A fault that no test notices lives: it is printed, with its fingerprint. One
that changes no behaviour stands in tests/data/mutants.txt, `FINGERPRINT  module  old -> new  # why`. Status 1
when more than 5 % live besides those. The faults are spread over the modules in proportion to those that
could be made. The work tree is only read.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent))

from mutant_sites import Site, mutated, sites_of

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "modelcar_tui"
EQUIVALENT = ROOT / "tests" / "data" / "mutants.txt"
SEED = 20261128
ALLOWED = 0.05
"""Share of the faults that may live."""
UNIT = "tests/unit"
TESTS: dict[str, tuple[str, ...]] = {
    "memory/kv/compressed.py": (f"{UNIT}/memory/test_kv_compressed.py",),
    "memory/kv/flight.py": (f"{UNIT}/memory/test_kv_layers.py",),
    "memory/kv/grouping.py": (f"{UNIT}/memory/test_kv_grouping.py",),
    "memory/kv/layers.py": (f"{UNIT}/memory/test_kv_layers.py",),
    "memory/kv/plan.py": (f"{UNIT}/memory/test_kv_plan.py",),
    "memory/kv/specs.py": (f"{UNIT}/memory/test_kv_specs.py",),
    "memory/kv/states.py": (f"{UNIT}/memory/test_kv_states.py", f"{UNIT}/memory/test_kv_state_releases.py"),
    "memory/kv/widths.py": (f"{UNIT}/memory/test_kv_widths.py",),
    "memory/budget.py": (f"{UNIT}/memory/test_budget.py",),
    "verdict/alike.py": (f"{UNIT}/verdict/test_alike.py",),
    "verdict/candidate.py": (f"{UNIT}/verdict/test_candidates.py",),
    "verdict/accepting.py": (f"{UNIT}/verdict/test_accepting.py",),
    "verdict/asking.py": (f"{UNIT}/verdict/test_asking.py",),
    "verdict/hidden.py": (f"{UNIT}/verdict/test_hidden.py",),
    "verdict/no_gpus.py": (f"{UNIT}/verdict/test_no_gpus.py",),
    "verdict/own.py": (f"{UNIT}/verdict/test_own.py",),
    "verdict/serves.py": (f"{UNIT}/tui/test_objects_page.py",),
    "verdict/runtime.py": (f"{UNIT}/verdict/test_runtime.py",),
    "verdict/deciding.py": (f"{UNIT}/verdict/test_deciding.py", f"{UNIT}/verdict/test_accepting.py"),
    "verdict/decision.py": (f"{UNIT}/verdict/test_decision.py",),
    "verdict/kinds.py": (f"{UNIT}/verdict/test_kinds.py",),
    "verdict/landing.py": (f"{UNIT}/verdict/test_landing.py",),
    "verdict/measured.py": (f"{UNIT}/verdict/test_measured.py",),
    "verdict/measurements.py": (f"{UNIT}/verdict/test_measurements.py",),
    "verdict/remeasured.py": (f"{UNIT}/verdict/test_remeasured.py",),
    "verdict/own_start.py": (
        f"{UNIT}/supervisor/test_measured_models.py",
        "tests/seams/test_seam_measured.py",
    ),
    "verdict/other_vendors.py": (f"{UNIT}/verdict/test_other_vendors.py",),
    "verdict/one_by_one.py": (f"{UNIT}/verdict/test_one_by_one.py",),
    "verdict/outcome.py": (f"{UNIT}/verdict/test_outcome_table.py",),
    "verdict/known.py": (f"{UNIT}/verdict/test_brief.py", "tests/pilot/test_two_lines.py"),
    "verdict/brief.py": (f"{UNIT}/verdict/test_brief.py", "tests/pilot/test_two_lines.py"),
    "verdict/next_step.py": (f"{UNIT}/verdict/test_brief.py", "tests/pilot/test_two_lines.py"),
    "verdict/votes.py": (f"{UNIT}/verdict/test_outcome_table.py", f"{UNIT}/supervisor/test_votes.py"),
    "verdict/placement.py": (f"{UNIT}/verdict/test_placement.py",),
    "verdict/proposing.py": (f"{UNIT}/verdict/test_proposing.py",),
    "verdict/reports.py": (f"{UNIT}/verdict/test_deciding.py",),
    "verdict/stopping.py": (f"{UNIT}/verdict/test_stopping.py",),
    "verdict/comparing.py": (f"{UNIT}/verdict/test_comparing.py",),
    "cluster/fits.py": (f"{UNIT}/cluster/test_fits.py",),
    "cluster/taints.py": (f"{UNIT}/cluster/test_taints.py", f"{UNIT}/cluster/test_fits.py"),
    "cluster/device_classes.py": (f"{UNIT}/cluster/test_device_classes.py",),
    "cluster/kserve_config.py": (f"{UNIT}/cluster/test_kserve_config.py",),
    "cluster/llm_services.py": (f"{UNIT}/cluster/test_llm_services.py",),
    "cluster/profile_checks.py": (f"{UNIT}/cluster/test_profiles.py",),
    "cluster/free.py": (f"{UNIT}/cluster/test_cluster_free.py",),
    "manifest/edits.py": (
        f"{UNIT}/manifest/test_manifest_edits.py",
        f"{UNIT}/manifest/test_manifest_apply.py",
    ),
}
"""Each module's own tests. Its room's are those of the folder in which they are."""
_GUARD = (
    "import sys, pathlib, modelcar_tui, pytest\n"
    "here = pathlib.Path(modelcar_tui.__file__).resolve()\n"
    "if not here.is_relative_to(pathlib.Path(sys.argv[1]).resolve()): sys.exit(86)\n"
    "sys.exit(pytest.main(sys.argv[2:]))\n"
)
"""pytest, once it is sure that the copy is what runs, and not the installed package."""
_OPTIONS = ("-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--no-header", "--tb=no", "--timeout=60")
_FAILED_TEST = re.compile(r"^FAILED \S*?::(\w+)", re.MULTILINE)
_FOREIGN, _PASSED, _FAILED, _INTERRUPTED = 86, 0, 1, 2
_OWN_SECONDS, _ROOM_SECONDS = 180.0, 900.0
"""Tests that take longer than this have noticed: the fault made them hang."""


class Result(NamedTuple):
    """What became of one fault."""

    site: Site
    by: str
    """Which test noticed; empty where none did."""
    seconds: float


def main(argv: list[str] | None = None) -> int:
    """Try the faults; 1 where more than 5 % live."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=60, metavar="N", help="how many faults; 60")
    parser.add_argument("--seed", type=int, default=SEED, metavar="N", help=f"of the choice; {SEED}")
    parser.add_argument("--module", action="append", choices=tuple(TESTS), help="only this; may be repeated")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="faults tried at the same time; 2")
    parser.add_argument("--list", action="store_true", help="only say which faults would be tried")
    parser.add_argument("--own", action="store_true", help="only the modules' own tests")
    options = parser.parse_args(argv)
    reasons = equivalent()
    found = {module: sites_of(module, source_of(module)) for module in options.module or TESTS}
    chosen = sample(found, options.count, options.seed)
    print(f"seed {options.seed}: {len(chosen)} of {sum(map(len, found.values()))} faults", flush=True)
    if gone := [] if options.module else stale(reasons, found):
        raise SystemExit(f"{EQUIVALENT.name} names faults that can't be made any more: {', '.join(gone)}")
    if options.list:
        for site in chosen:
            print(in_words(site))
        return 0
    results = list(tried(chosen, reasons, jobs=options.jobs, own=options.own))
    return summed_up(results, reasons)


def source_of(module: str) -> str:
    """The text of a module below the package."""
    return (ROOT / "src" / PACKAGE / module).read_text()


def equivalent(path: Path = EQUIVALENT) -> dict[str, str]:
    """Why a fault changes no behaviour, by its fingerprint."""
    lines = path.read_text().splitlines() if path.exists() else []
    entries = [line.partition("  # ") for line in lines if line.strip() and not line.startswith("#")]
    return {told.split()[0]: reason.strip() for told, _, reason in entries}


def stale(reasons: dict[str, str], found: dict[str, list[Site]]) -> list[str]:
    """Fingerprints of faults that could not be made any more: the line has changed meanwhile."""
    known = {site.fingerprint for sites in found.values() for site in sites}
    return [fingerprint for fingerprint in reasons if fingerprint not in known]


def sample(found: dict[str, list[Site]], count: int, seed: int) -> list[Site]:
    """`count` faults, in proportion to what could be made in each module, and at least one of each."""
    chance = random.Random(seed)
    whole = sum(map(len, found.values()))
    chosen: list[Site] = []
    for sites in found.values():
        share = min(len(sites), max(1, round(count * len(sites) / whole)))
        chosen += chance.sample(sites, share)
    rest = [site for sites in found.values() for site in sites if site not in set(chosen)]
    chance.shuffle(rest)
    chosen += rest[: max(0, count - len(chosen))]
    chance.shuffle(chosen)
    return sorted(chosen[:count], key=lambda site: (site.module, site.line, site.number, site.choice))


def in_words(site: Site) -> str:
    """`memory/kv/plan.py:73: a < b -> a <= b`."""
    return f"{site.module}:{site.line}: {site.old} -> {site.new}"


def tried(chosen: list[Site], reasons: dict[str, str], *, jobs: int, own: bool) -> Iterator[Result]:
    """The fate of each fault, printed as it is known; the tests have to pass without any first."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        trees: SimpleQueue[Path] = SimpleQueue()
        for number in range(max(1, jobs)):
            trees.put(tree_in(Path(folder) / str(number)))
        rooms = {path for site in chosen for path in (TESTS[site.module] if own else (room(site.module),))}

        def sound(path: str) -> tuple[str, str]:
            with one_of(trees) as tree:
                return path, noticed(tree, (path,), _ROOM_SECONDS, sure=True)

        def fate(site: Site) -> Result:
            with one_of(trees) as tree:
                result = fate_of(tree, site, own=own)
            told = f"killed ({result.by})" if result.by else f"lived   [{site.fingerprint}]"
            if not result.by and site.fingerprint in reasons:
                told = f"lived, and changes nothing: {reasons[site.fingerprint]}"
            print(f"{result.seconds:5.1f} s  {in_words(site)}  {told}", flush=True)
            return result

        with ThreadPoolExecutor(max(1, jobs)) as pool:
            for path, failed in pool.map(sound, sorted(rooms)):
                if failed:
                    raise SystemExit(f"{path} does not pass without any fault: {failed}")
            yield from pool.map(fate, chosen)


@contextmanager
def one_of(trees: SimpleQueue[Path]) -> Iterator[Path]:
    """A tree that nobody else uses meanwhile."""
    tree = trees.get()
    try:
        yield tree
    finally:
        trees.put(tree)


def tree_in(folder: Path) -> Path:
    """A copy of `src`, compiled; what lies beside it (samples, styles) is only linked."""
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    for beside in ROOT.iterdir():
        if beside.name not in ("src", ".git"):
            (folder / beside.name).symlink_to(beside)
    compiling = (sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash")
    subprocess.run((*compiling, str(folder / "src")), check=True)
    return folder


def fate_of(tree: Path, site: Site, *, own: bool) -> Result:
    """Put the fault in, ask the tests, take it out again."""
    file = tree / "src" / PACKAGE / site.module
    source = file.read_text()
    start = time.monotonic()
    for compiled in (file.parent / "__pycache__").glob(f"{file.stem}.*.pyc"):
        compiled.unlink()
    file.write_text(mutated(source, site))
    try:
        by = noticed(tree, TESTS[site.module], _OWN_SECONDS)
        if not by and not own:
            by = noticed(tree, (room(site.module),), _ROOM_SECONDS, sure=True)
    finally:
        file.write_text(source)
    return Result(site, by, time.monotonic() - start)


def room(module: str) -> str:
    """The folder of the tests of a module's room."""
    return str(Path(TESTS[module][0]).parent)


def noticed(tree: Path, paths: tuple[str, ...], seconds: float, *, sure: bool = False) -> str:
    """Which test fails on the sources of `tree`; empty where all pass.

    Args:
        sure: asked twice where one fails: a room has tests of servers and clocks, which a busy machine fails.
    """
    environment = {
        **os.environ,
        "PYTHONPATH": str(tree / "src"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "CI": "1",  # hypothesis then draws the same examples each time
    }
    command = (sys.executable, "-c", _GUARD, str(tree), *_OPTIONS, *paths)
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        return f"more than {seconds:.0f} s"
    if done.returncode == _PASSED:
        return ""
    if done.returncode == _FOREIGN:
        raise SystemExit(f"another {PACKAGE} than the copy in {tree} would have been tested")
    if done.returncode not in (_FAILED, _INTERRUPTED):
        raise SystemExit(f"pytest gave up (status {done.returncode}):\n{done.stdout}\n{done.stderr}")
    if sure:
        return noticed(tree, paths, seconds)
    found = _FAILED_TEST.search(done.stdout)
    return found.group(1) if found else "its import"


def summed_up(results: list[Result], reasons: dict[str, str]) -> int:
    """What lives, and the exit status."""
    lived = [result.site for result in results if not result.by]
    faults = [site for site in lived if site.fingerprint not in reasons]
    for site in faults:
        print(f"lived: {site.fingerprint}  {in_words(site)}")
    killed, same = len(results) - len(lived), len(lived) - len(faults)
    share = len(faults) / len(results) if results else 0.0
    print(f"{killed} killed, {len(faults)} lived ({share:.1%}), {same} change nothing")
    return int(share > ALLOWED)


if __name__ == "__main__":
    raise SystemExit(main())
