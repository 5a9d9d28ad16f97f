"""A user without rights who may run podman, for tests that run as root."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support import containers

USER = "modelcar-tui-test"
NEEDED = ("msgspec", "yaml", "_yaml", "platformdirs", "urllib3")


class Unprivileged:
    """Runs programs as a user with subordinate ids, in a home of its own with a store of its own."""

    def __init__(self, user: str, home: Path) -> None:
        self.user = user
        self.home = home
        root = Path(__file__).parents[2]
        self.env = {
            "HOME": str(home),
            "USER": user,
            "LANG": "C.UTF-8",
            "PATH": "/usr/bin:/bin:/usr/sbin:/sbin",
            "XDG_RUNTIME_DIR": str(home / "xdg"),
            "PYTHONPATH": f"{home}/lib",
            "PYTHONDONTWRITEBYTECODE": "1",
            **containers.environment(home / "store"),
        }
        (home / "xdg").mkdir(mode=0o700)
        shutil.copytree(root / "src" / "modelcar_tui", home / "lib" / "modelcar_tui")
        shutil.copy(root / "tests" / "support" / "qa_driver.py", home)
        for name in NEEDED:
            spec = importlib.util.find_spec(name)
            if spec is not None and spec.origin is not None:
                shutil.copytree(Path(spec.origin).parent, home / "lib" / name)

    def argv(self, *args: str) -> list[str]:
        """`args` as that user."""
        ids = pwd.getpwnam(self.user)
        return ["setpriv", f"--reuid={ids.pw_uid}", f"--regid={ids.pw_gid}", "--init-groups", *args]

    def run(self, *args: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run to the end."""
        return subprocess.run(
            self.argv(*args),
            check=False,
            env=self.env,
            cwd=self.home,
            input=given,
            capture_output=True,
            text=True,
            timeout=100,
        )

    def own(self) -> None:
        """Give everything in the home to the user."""
        subprocess.run(["chown", "-R", f"{self.user}:", str(self.home)], check=True)


def why_not() -> str:
    """Why there is no such user here; empty when there is one (made on a CI machine)."""
    if os.getuid() != 0:
        return "the tests run without root already, so every other test here is rootless"
    version = ".".join(map(str, sys.version_info[:2]))
    if not Path(f"/usr/bin/python{version}").exists():
        return f"/usr/bin/python{version} is not there: another user can't run this Python"
    if shutil.which("newuidmap") is None:
        return "newuidmap is not installed (apt-get install uidmap)"
    if _user() is None:
        return f"no user with subordinate ids (useradd --create-home {USER})"
    return ""


@contextmanager
def unprivileged() -> Iterator[Unprivileged]:
    """The user, with a home that is removed afterwards."""
    home = Path(tempfile.mkdtemp(prefix="modelcar-tui-rootless-"))
    someone = Unprivileged(_user() or USER, home)
    someone.own()
    try:
        yield someone
    finally:
        someone.run("podman", "system", "migrate")
        shutil.rmtree(home, ignore_errors=True)


def _user() -> str | None:
    for _ in range(2):
        text = Path("/etc/subuid").read_text() if Path("/etc/subuid").exists() else ""
        for line in text.splitlines():
            name = line.partition(":")[0]
            try:
                if pwd.getpwnam(name).pw_uid:
                    return name
            except KeyError:
                continue
        if not os.environ.get("MODELCAR_TUI_NO_SKIPS"):
            return None
        subprocess.run(["useradd", "--create-home", USER], check=False, capture_output=True)
    return None
