"""The environment in which vLLM's engine is imported: one base, and a folder for each release.

    python tools/vllm_judge environment 0.32.0

makes what is missing: a virtual environment with PyTorch for CPUs and everything that vLLM imports (2.9 GB,
two to twenty minutes by the network), then the release's Python files and, for a release older than the
base's packages, those of its own time (half a minute, 0.3 GB). Nothing of vLLM is built: its compiled
operators are never run.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import venv
from pathlib import Path

from vllm_judge.source import HOME, unpacked

BASE = HOME / "base"
_REQUIREMENTS = Path(__file__).with_name("requirements.txt")
_TORCH = "torch==2.13.0"
_PICTURES = ("torchvision==0.28.0", "timm")
"""Models with a vision tower import them. Their compiled parts need not fit this PyTorch, so they lie where
only `enter` finds them: a real server would fail to import them."""
_OF_ITS_TIME = {
    (0, 8): ("transformers==4.51.3",),
    (0, 9): ("transformers==4.53.3",),
    (0, 10): ("transformers==4.55.4",),
    (0, 11): ("transformers==4.57.6",),
    (0, 19, 1): ("transformers==5.5.4",),
    (0, 28): (),
}
"""From this release on. Transformers renames fields that a release's models ask for by their old names;
a release that raises KeyError or AttributeError about a field of a config wants a row here."""


def python() -> Path:
    """The base's interpreter, made at the first call.

    Raises:
        SystemExit: it could not be made.
    """
    found = BASE / "bin" / "python"
    if not (BASE / "made").is_file():
        print(f"making {BASE}: 2.9 GB, two to twenty minutes", file=sys.stderr)
        venv.create(BASE, with_pip=True, clear=True)
        _pip(found, "install", "--upgrade", "pip")
        _pip(found, "install", _TORCH)
        _pip(found, "install", "-r", str(_REQUIREMENTS))
        _pip(found, "install", "--no-deps", "--target", str(HOME / "pictures"), *_PICTURES)
        (BASE / "made").touch()
    return found


def packages(release: str) -> Path | None:
    """The folder of packages that come before the base's for this release; None where the base's serve."""
    numbers = tuple(int(part) for part in release.split(".")[:3] if part.isdigit())
    wanted = [rows for since, rows in _OF_ITS_TIME.items() if since <= numbers]
    if not wanted or not wanted[-1]:
        return None
    folder = HOME / "packages" / "-".join(wanted[-1]).replace("==", "-")
    if not folder.is_dir():
        part = folder.with_suffix(".part")
        pip("install", "--no-warn-conflicts", "--target", str(part), *wanted[-1])
        part.rename(folder)
    return folder


def enter(release: str) -> Path:
    """Go on in the base's interpreter, with the release's packages; the tree that holds its `vllm`.

    Outside of the base this call does not return: the same command starts anew there.
    """
    tree, base, own = unpacked(release), python(), packages(release)
    if Path(sys.prefix).resolve() != BASE.resolve():
        os.execv(base, [str(base), str(Path(__file__).parent), *sys.argv[1:]])
    sys.path[1:1] = [str(folder) for folder in (own, HOME / "pictures") if folder is not None]
    return tree


def pip(*words: str) -> None:
    """The base's pip.

    Raises:
        SystemExit: it could not install.
    """
    _pip(python(), *words)


def _pip(interpreter: Path, *words: str) -> None:
    command = [str(interpreter), "-m", "pip", words[0], "-q", *words[1:]]
    if subprocess.run(command, check=False).returncode:
        raise SystemExit(f"pip could not install {words[-1]}; what is there stays, and the next call goes on")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which release."""
    parser.add_argument("release", help="a version, or the folder or archive of a source distribution")


def run(options: argparse.Namespace) -> int:
    """Make it."""
    tree, base, own = unpacked(options.release), python(), packages(options.release)
    print(f"vLLM {options.release}: {tree}\nPython: {base}\npackages of its time: {own or 'the base serves'}")
    return 0
