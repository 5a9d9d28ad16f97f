"""What the suite runs in: its own locked packages, and an image that carries it under the published name.

The image holds an almost empty tree, `uv` and a user `odh`, as the published one does. The machine's own
`/usr`, the Python that was found and the suite with its packages are mounted by the container store's
configuration, so that our own podman line stays what an operator's machine gets.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from modelcar_tui.qa.suite_facts import IMAGE
from suite_judge.source import Suite

HOME = Path(os.environ.get("SUITE_JUDGE_HOME") or Path(__file__).parents[2] / ".suite-judge").resolve()
"""Where suites, packages and container stores lie; nothing of it is committed."""
TREE = "/home/odh/opendatahub-tests"
USER = 1000
_TOOLS = "/opt/suite-judge"
_LINKED = ("bin", "lib", "lib64", "sbin")
_PYTHONS = ("3.14", "3.13")
_CONF = """[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
log_driver = "k8s-file"
volumes = [{volumes}]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
[network]
network_backend = "netavark"
"""


class Python(NamedTuple):
    """A Python of this machine that the suite can run with."""

    program: Path
    prefix: Path
    version: tuple[int, int]


def python_for(suite: Suite) -> Python:
    """The Python that the suite wants, or the newest older one that is here.

    Raises:
        SystemExit: there is none.
    """
    wanted = ".".join(map(str, suite.python))
    for version in dict.fromkeys((wanted, *_PYTHONS)):
        for program in _candidates(version):
            told = subprocess.run(
                [str(program), "-c", "import sys; print(sys.base_prefix, *sys.version_info[:2])"],
                capture_output=True,
                text=True,
                check=False,
            )
            words = told.stdout.split()
            if not told.returncode and (found := (int(words[-2]), int(words[-1]))) <= suite.python:
                return Python(Path(words[0]) / f"bin/python{version}", Path(words[0]), found)
    raise SystemExit(
        f"the suite of {suite.branch} wants Python {wanted}, and neither it nor 3.13 is here: "
        f"uv python install {wanted}"
    )


def _candidates(version: str) -> Iterator[Path]:
    if found := shutil.which(f"python{version}"):
        yield Path(found)
    for versions in (Path.home() / ".pyenv/versions", Path.home() / ".local/share/uv/python"):
        yield from sorted(versions.glob(f"*{version}*/bin/python{version}"), reverse=True)


def install(suite: Suite, python: Python) -> None:
    """Install the suite's packages into its folder: by its lock file, or, where that has no files for this
    Python, the versions that it locks.

    Raises:
        SystemExit: they could not be had.
    """
    # The container sees the folder by another path.
    _uv_runs(suite, python, "venv", "--clear", "--relocatable", ".venv")
    if python.version == suite.python:
        _uv_runs(suite, python, "sync", "--frozen", "--no-dev")
        return
    wanted = suite.folder / ".judge-requirements.txt"
    what = ("--frozen", "--no-dev", "--no-hashes", "--no-emit-project", f"--output-file={wanted}")
    _uv_runs(suite, python, "export", *what)
    _uv_runs(suite, python, "pip", "install", "--no-deps", f"--requirement={wanted}")


def _uv_runs(suite: Suite, python: Python, *words: str) -> None:
    env = os.environ | {"UV_PYTHON": str(python.program), "UV_LINK_MODE": "copy"}
    env.pop("VIRTUAL_ENV", None)
    if words[0] == "pip":
        env |= {
            "VIRTUAL_ENV": str(suite.folder / ".venv"),
            "UV_PYTHON": str(suite.folder / ".venv/bin/python"),
        }
    ran = subprocess.run(
        [str(_uv()), *words], cwd=suite.folder, env=env, check=False, capture_output=True, text=True
    )
    if ran.returncode:
        raise SystemExit(f"uv {words[0]} of what {suite.branch} locks: {ran.stderr[-2000:]}")


def image(suite: Suite, python: Python, *, wait_s: float) -> dict[str, str]:
    """Make the image of a suite; the variables by which podman finds its store.

    Args:
        wait_s: The longest that the suite itself waits for anything, seconds.
    """
    root = HOME / "stores" / suite.branch
    root.mkdir(parents=True, exist_ok=True)
    volumes = [
        "/usr:/usr:ro",
        "/etc/ssl:/etc/ssl:ro",
        f"{suite.folder}:{TREE}:rw",
        f"{Path(__file__).parent}:{_TOOLS}:ro",
    ]
    if not python.prefix.is_relative_to("/usr"):
        volumes.append(f"{python.prefix}:{python.prefix}:ro")
    (root / "containers.conf").write_text(_CONF.format(volumes=", ".join(f'"{one}"' for one in volumes)))
    (root / "storage.conf").write_text(
        f'[storage]\ndriver = "overlay"\nrunroot = "{root}/run"\ngraphroot = "{root}/graph"\n'
    )
    variables = {
        "CONTAINERS_CONF": str(root / "containers.conf"),
        "CONTAINERS_STORAGE_CONF": str(root / "storage.conf"),
    }
    env = os.environ | variables
    changes = [
        f"USER {USER}",
        f"WORKDIR {TREE}",
        'ENTRYPOINT ["uv", "run", "pytest"]',
        "ENV HOME=/home/odh",
        "ENV PATH=/home/odh/.local/bin:/usr/local/bin:/usr/bin:/bin",
        "ENV UV_NO_SYNC=1",
        "ENV UV_NO_CACHE=1",
        f"ENV UV_PYTHON={python.program}",
        f"ENV PYTHONPATH={_TOOLS}",
        "ENV PYTEST_PLUGINS=shorter_waits",
        f"ENV SUITE_JUDGE_WAIT_S={wait_s:g}",
        "ENV OC_BINARY_PATH=/usr/bin/true",
    ]
    with _tree() as file:
        words = [
            "podman",
            "import",
            "--quiet",
            *(f"--change={one}" for one in changes),
            "-",
            f"{IMAGE}:{suite.branch}",
        ]
        subprocess.run(words, env=env, stdin=file, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["podman", "image", "prune", "--force"], env=env, check=True, capture_output=True)
    return variables


@contextmanager
def _tree() -> Iterator[io.BufferedRandom]:
    """The image's own tree, as a tar file."""
    passwd = f"root:x:0:0::/root:/bin/sh\nodh:x:{USER}:{USER}::/home/odh:/bin/sh\n"
    with tempfile.TemporaryFile() as file:
        with tarfile.open(fileobj=file, mode="w") as tar:
            for name, mode, owner in (
                ("tmp", 0o1777, 0),
                ("root", 0o755, 0),
                ("usr", 0o755, 0),
                ("opt", 0o755, 0),
                ("home/odh", 0o700, USER),
                ("etc/ssl", 0o755, 0),
            ):
                folder = tarfile.TarInfo(name)
                folder.type, folder.mode, folder.uid, folder.gid = tarfile.DIRTYPE, mode, owner, owner
                tar.addfile(folder)
            for name in _LINKED:
                link = tarfile.TarInfo(name)
                link.type, link.linkname = tarfile.SYMTYPE, f"usr/{name}"
                tar.addfile(link)
            for name, text in (("etc/passwd", passwd), ("etc/group", f"odh:x:{USER}:\n")):
                entry = tarfile.TarInfo(name)
                entry.size = len(text)
                tar.addfile(entry, io.BytesIO(text.encode()))
            tar.add(_uv(), "home/odh/.local/bin/uv")
        file.seek(0)
        yield file


def _uv() -> Path:
    """uv, as the published image has it; installed once where it is not on this machine."""
    if found := shutil.which("uv"):
        return Path(found)
    folder = HOME / "uv"
    program = folder / "bin" / "uv"
    if not program.exists():
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run(
            [str(folder / "bin" / "pip"), "install", "--quiet", "uv"], check=True, stdout=sys.stderr
        )
    return program
