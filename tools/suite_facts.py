"""Makes `qa/suite_branches.json` again: what each release branch of the suite accepts and makes.

    python tools/suite_facts.py CHECKOUT [--check]

CHECKOUT is a Git repository of opendatahub-io/opendatahub-tests, bare or not; its branches are read with `git
show` and nothing of it is run or copied. With `--check` the table is left as it is: exit status 1 and a line
for each fact in which a branch disagrees with it. A newer commit with the same facts agrees.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "src"))

from modelcar_tui.qa.suite_facts import NEWEST, SuiteFacts, branches, in_order  # noqa: E402
from modelcar_tui.qa.suite_source import ALWAYS, TEST_FILE, beside_test, read_source  # noqa: E402

TABLE = ROOT / "src" / "modelcar_tui" / "qa" / "suite_branches.json"
REPOSITORY = "https://github.com/opendatahub-io/opendatahub-tests"
ABOUT = "tools/suite_facts.py: what release branches of the suite accept and make; each with its commit"
OLDEST = (2, 23)
"""The first release whose image tests model cars."""
_BRANCH = re.compile(r"(?:origin/)?(?P<name>(?P<major>\d+)\.(?P<minor>\d+)(?:ea\d+)?|main)")


def git(checkout: Path, *words: str) -> str:
    """The output of a git command; empty where it fails, as for a file that a branch lacks."""
    done = subprocess.run(["git", "-C", str(checkout), *words], capture_output=True, check=False)
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else ""


def releases(checkout: Path) -> dict[str, str]:
    """Refs of release branches by name, the oldest first, and of `main`; local ones before a remote's."""
    found: dict[str, str] = {}
    for ref in git(
        checkout, "for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/remotes"
    ).split():
        match = _BRANCH.fullmatch(ref)
        if match and (match["name"] == NEWEST or (int(match["major"]), int(match["minor"])) >= OLDEST):
            found.setdefault(match["name"], ref)
    return {name: found[name] for name in sorted(found, key=in_order)}


def facts(checkout: Path, ref: str) -> SuiteFacts:
    """The facts of a branch."""
    tree = git(checkout, "ls-tree", "-r", "--name-only", ref).splitlines()
    test = next((path for path in tree if PurePosixPath(path).name == TEST_FILE), "")
    paths = (*ALWAYS, *beside_test(test))
    read = read_source({path: git(checkout, "show", f"{ref}:{path}") for path in paths if path in tree}, test)
    commit = git(checkout, "rev-parse", "--short=8", ref).strip()
    return msgspec.structs.replace(read, commit=commit)


def differences(name: str, now: SuiteFacts | None, was: SuiteFacts | None) -> Iterator[str]:
    """A line for each fact that differs; the commit is none."""
    if now is None or was is None:
        yield f"{name}: " + ("not in the checkout" if now is None else "not in the table")
        return
    for field in SuiteFacts.__struct_fields__:
        new, old = getattr(now, field), getattr(was, field)
        if field != "commit" and new != old:
            yield f"{name} at {now.commit}: {field} is {_shown(new)}, in the table {_shown(old)}"


def _shown(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    found = {name: facts(given.checkout, ref) for name, ref in releases(given.checkout).items()}
    if not found:
        print(
            f"{given.checkout}: no release branch of the suite; git fetch its branches first", file=sys.stderr
        )
        return 2
    table = branches() if TABLE.exists() else {}
    told = [
        line for name in {**table, **found} for line in differences(name, found.get(name), table.get(name))
    ]
    print(*told, f"{len(found)} branches, {len(told)} differences from the table", sep="\n")
    if given.check:
        return 1 if told else 0
    made = {"about": ABOUT, "repository": REPOSITORY, "branches": msgspec.to_builtins(found)}
    text = msgspec.json.format(msgspec.json.encode(made), indent=1)
    TABLE.write_bytes(text + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
