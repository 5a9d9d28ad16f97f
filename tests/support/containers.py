"""A private container store for tests, and the fake suite's images in it, built with no network.

The store lies in one folder a user and is kept between test runs: building takes seconds, finding it none.
Nothing system-wide is touched; the product finds the store through `CONTAINERS_CONF` and
`CONTAINERS_STORAGE_CONF`, so its own argv stays what operators get.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support import suite_tree

SUITE_IMAGE = "quay.io/opendatahub/opendatahub-tests:latest"
APPLETS = ("sh", "cat", "id", "ls", "sleep", "true", "kill", "grep")
CONF = """[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
log_driver = "k8s-file"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
[network]
network_backend = "netavark"
"""


def missing() -> str:
    """Why container tests can't run here; empty when they can."""
    for program, package in (("podman", "podman"), ("runc", "runc"), ("busybox", "busybox-static")):
        if shutil.which(program) is None and not Path(f"/usr/sbin/{program}").exists():
            return f"{program} is not installed (apt-get install {package})"
    if _python() is None:
        return "no Python of the system that could be put into an image (apt-get install python3)"
    return ""


def store_folder() -> Path:
    """The folder of the store."""
    return Path(tempfile.gettempdir()) / f"modelcar-tui-test-store-{os.getuid()}"


def environment(folder: Path | None = None) -> dict[str, str]:
    """Variables that point podman at the store; the files are written where they are missing."""
    root = folder or store_folder()
    root.mkdir(mode=0o700, exist_ok=True)
    conf, storage = root / "containers.conf", root / "storage.conf"
    text = f'[storage]\ndriver = "overlay"\nrunroot = "{root}/run"\ngraphroot = "{root}/graph"\n'
    for path, content in ((conf, CONF), (storage, text)):
        if not path.exists() or path.read_text() != content:
            path.write_text(content)
    return {"CONTAINERS_CONF": str(conf), "CONTAINERS_STORAGE_CONF": str(storage)}


def suite_image(branch: str = "main", *, user: str = "odh", sources: str = "") -> str:
    """The fake suite's image of a branch, built once; that of `main` for `odh` has the real suite's name too.

    Args:
        sources: Whose sources lie in it; those of the branch's own by default.
    """
    env = os.environ | environment()
    tag = f"localhost/fake-suite-{(sources or branch).lower()}-{user}:{_digest()}"
    with _locked():
        if _podman(env, "image", "exists", tag, check=False).returncode:
            base = _base(env)
            with tempfile.TemporaryDirectory() as folder:
                _context(Path(folder), base, branch, user, sources or branch)
                _podman(env, "build", "--quiet", "--pull=never", "--tag", tag, folder)
        if branch == "main" and user == "odh" and not sources:
            _podman(env, "tag", tag, SUITE_IMAGE)
    return tag


def _context(folder: Path, base: str, branch: str, user: str, sources: str) -> None:
    for name in ("fake_suite.py", "suite_parts.json.gz"):
        shutil.copy(Path(__file__).with_name(name), folder / name)
    suite_tree.write(folder / "tree", sources)
    home = "/home/odh/opendatahub-tests"
    (folder / "Containerfile").write_text(
        f"FROM {base}\nCOPY fake_suite.py /opt/pytest\nCOPY suite_parts.json.gz /opt/\n"
        f"COPY --chown={user} tree {home}\n"
        f"ENV FAKE_BRANCH={branch} PATH=/usr/local/bin:/usr/bin:/bin\nWORKDIR {home}\nUSER {user}\n"
        'ENTRYPOINT ["uv", "run", "pytest"]\n'
    )


def _base(env: dict[str, str]) -> str:
    tag = "localhost/fake-suite-base:3"
    if not _podman(env, "image", "exists", tag, check=False).returncode:
        return tag
    with tempfile.TemporaryFile() as file:
        with tarfile.open(fileobj=file, mode="w") as tar:
            _fill(tar)
        file.seek(0)
        subprocess.run(
            ["podman", "import", "--quiet", "-", tag], env=env, stdin=file, check=True, capture_output=True
        )
    return tag


def _fill(tar: tarfile.TarFile) -> None:
    python, library = _python() or (Path(), Path())
    tar.add(shutil.which("busybox") or "/bin/busybox", "bin/busybox")
    for applet in APPLETS:
        link = tarfile.TarInfo(f"bin/{applet}")
        link.type, link.linkname = tarfile.SYMTYPE, "busybox"
        tar.addfile(link)
    tar.add(python, "usr/bin/python3")
    linked = subprocess.run(["ldd", str(python)], check=True, capture_output=True, text=True).stdout
    for path in re.findall(r"(/\S+)", linked):
        tar.add(os.path.realpath(path), path.lstrip("/"))
    keep = re.compile(
        r"/(?:__pycache__|test|idlelib|ensurepip|lib2to3|distutils|pydoc_data|config-[^/]*)(?:/|$)"
    )
    tar.add(
        library, str(library).lstrip("/"), filter=lambda info: None if keep.search("/" + info.name) else info
    )
    # As uv does: a parent that does not pass on a SIGINT which was sent to it alone.
    _text(tar, "usr/local/bin/uv", '#!/bin/sh\ntrap : INT\nshift 2\npython3 /opt/pytest "$@"\n', 0o755)
    _text(tar, "etc/passwd", "root:x:0:0::/root:/bin/sh\nodh:x:1001:1001::/home/odh:/bin/sh\n", 0o644)
    _text(tar, "etc/group", "root:x:0:\nodh:x:1001:\n", 0o644)
    folder = tarfile.TarInfo("tmp")
    folder.type, folder.mode = tarfile.DIRTYPE, 0o1777
    tar.addfile(folder)


def _text(tar: tarfile.TarFile, name: str, text: str, mode: int) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(text), mode
    tar.addfile(info, io.BytesIO(text.encode()))


def _python() -> tuple[Path, Path] | None:
    """A dynamically linked Python of the system and its library folder."""
    for name in ("/usr/bin/python3", sys.base_prefix + "/bin/python3"):
        path = Path(name).resolve()
        library = path.parent.parent / "lib" / path.name
        if path.exists() and (library / "os.py").exists():
            return path, library
    return None


def _digest() -> str:
    names = ("containers.py", "fake_suite.py", "suite_parts.json.gz", "suite_tree.py")
    parts = [Path(__file__).with_name(name) for name in names]
    return hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()[:12]


@contextmanager
def _locked() -> Iterator[None]:
    with (store_folder() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _podman(env: dict[str, str], *args: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["podman", *args], env=env, check=check, capture_output=True, text=True)
