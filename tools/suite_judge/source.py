"""A branch of the suite as a folder that a container can run, from a git checkout or a bare clone.

The suite of some branches wants a Python that a machine may not have. Then the least mechanical change lets
an older one read it: the version bound is widened, annotations are deferred and `except A, B:` gets its
brackets. `changed` says so, and the report repeats it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from modelcar_tui.qa.suite_source import bracketed

_WANTED = re.compile(r"""requires-python\s*=\s*["']==\s*(\d+)\.(\d+)\.\*["']""")
_DEFER = "from __future__ import annotations\n"


class Suite(NamedTuple):
    """A branch, ready to be installed."""

    branch: str
    commit: str
    folder: Path
    python: tuple[int, int]
    """The Python that it asks for."""
    missing: tuple[str, ...]
    """Files that the clone lists and does not hold."""


def exported(repository: Path, branch: str, folder: Path) -> Suite:
    """Write the branch's files below `folder`, anew.

    Raises:
        SystemExit: there is no such repository or branch.
    """
    commit = _git(repository, "rev-parse", "--short=8", _ref(repository, branch)).decode().strip()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    entries = [
        line.split(b"\t", 1) for line in _git(repository, "ls-tree", "-rz", commit).split(b"\0") if line
    ]
    files = [(meta.split(), path.decode()) for meta, path in entries]
    blobs = [(mode, oid, path) for (mode, kind, oid), path in files if kind == b"blob"]
    answer = _git(repository, "cat-file", "--batch", given=b"".join(oid + b"\n" for _, oid, _ in blobs))
    missing, at = [], 0
    for mode, _, path in blobs:
        end = answer.index(b"\n", at)
        words = answer[at:end].split()
        if words[-1] == b"missing":
            missing.append(path)
            at = end + 1
            continue
        size = int(words[2])
        _write(folder / path, answer[end + 1 : end + 1 + size], mode)
        at = end + size + 2
    found = _WANTED.search((folder / "pyproject.toml").read_text())
    wanted = (int(found[1]), int(found[2])) if found else sys.version_info[:2]
    return Suite(branch, commit, folder, wanted, tuple(missing))


def fitted(suite: Suite, python: tuple[int, int]) -> str:
    """Let an older Python read the suite; what was changed, empty where nothing had to be."""
    if python >= suite.python:
        return ""
    for name in ("pyproject.toml", "uv.lock"):
        path = suite.folder / name
        path.write_text(_WANTED.sub(f'requires-python = "=={python[0]}.{python[1]}.*"', path.read_text()))
    count = 0
    for path in suite.folder.rglob("*.py"):
        text = path.read_text()
        whole = bracketed(text)
        count += whole != text
        path.write_text(whole if _DEFER in whole else _deferred(whole))
    have, want = (".".join(map(str, version)) for version in (python, suite.python))
    return (
        f"Python {have} reads a suite for {want}: its version bound was changed, all annotations are "
        f"deferred, `except A, B:` got brackets in {count} files"
    )


def _deferred(text: str) -> str:
    """The import goes behind a docstring: it must be the first statement."""
    import ast

    body = ast.parse(text).body
    documented = body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)
    at = (body[0].end_lineno or 0) if documented else 0
    lines = text.splitlines(keepends=True)
    return "".join([*lines[:at], _DEFER, *lines[at:]])


def _write(path: Path, data: bytes, mode: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if mode == b"120000":
        path.symlink_to(data.decode())
        return
    path.write_bytes(data)
    path.chmod(0o755 if mode == b"100755" else 0o644)


def _ref(repository: Path, branch: str) -> str:
    """The branch, of the clone itself or of where it came from."""
    for name in (branch, f"origin/{branch}"):
        if not subprocess.run(
            ["git", "-C", str(repository), "rev-parse", "-q", "--verify", f"{name}^{{commit}}"],
            capture_output=True,
            check=False,
        ).returncode:
            return name
    raise SystemExit(f"{repository} has no branch {branch}: git clone the suite, with all its branches")


def _git(repository: Path, *words: str, given: bytes | None = None) -> bytes:
    ran = subprocess.run(
        ["git", "-C", str(repository), *words], input=given, capture_output=True, check=False
    )
    if ran.returncode and not ran.stdout:
        raise SystemExit(f"git {words[0]} in {repository}: {ran.stderr.decode(errors='replace').strip()}")
    return ran.stdout
