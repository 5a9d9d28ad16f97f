"""What is lent to the container: a private folder with kubeconfig, manifest and secrets, always taken back.

    <run folder>/qa/           0700  the spool, the outcome, the lock
    <run folder>/qa/stage/     0700  mounted read-only at /run/modelcar-tui
        kubeconfig  env  modelcar.yaml   0600

`env` is a shell file that the container's entrypoint reads before it becomes the suite: a variable given with
`--env` or `--env-file`, or a podman secret of type `env`, would stand in `podman inspect` in clear.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.files import private_folder, write_private
from modelcar_tui.core.lock import try_lock
from modelcar_tui.core.secrets import Secret

IN_CONTAINER = "/run/modelcar-tui"
LABEL = "io.modelcar-tui.run"
TRIES = 30


def qa_folder(run_folder: str) -> Path:
    """The private QA folder of a run, made where it is missing."""
    return private_folder(Path(run_folder or ".") / "qa")


def stage_folder(qa: Path) -> Path:
    """Where the lent files lie."""
    return qa / "stage"


def stage(
    qa: Path, *, kubeconfig: bytes, manifest: bytes, env: Mapping[str, Secret], owner: tuple[int, int] | None
) -> Path:
    """Write the lent files.

    Args:
        owner: The container's user on this host, who must be able to read them; None when that is us.
    """
    folder = private_folder(stage_folder(qa))
    files = {"kubeconfig": kubeconfig, "modelcar.yaml": manifest, "env": env_file(env)}
    for name, data in files.items():
        write_private(folder / name, data)
    if owner is not None:
        for path in (folder, *folder.iterdir()):
            os.chown(path, *owner)
    return folder


def env_file(env: Mapping[str, Secret]) -> bytes:
    """The shell file that sets the secret variables."""
    lines = "".join(f"export {name}={shlex.quote(value.reveal())}\n" for name, value in env.items())
    return f"{lines}:\n".encode()


def read_env() -> str:
    """The shell line that reads `env_file` in the container and becomes the words that follow it."""
    return f'. {IN_CONTAINER}/env && exec "$@"'


def unstage(qa: Path) -> None:
    """Take everything back; no harm where nothing was lent."""
    for folder in (stage_folder(qa), qa / "collect"):
        shutil.rmtree(folder, ignore_errors=True)


def forget_env(qa: Path) -> None:
    """Take the secrets back once the suite has read them."""
    with suppress(OSError):
        (stage_folder(qa) / "env").unlink()


def entrypoint(image: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """podman's `--entrypoint` list and the words that go before our arguments.

    The image's own entrypoint is kept: ours reads the secrets and becomes it.
    """
    config = image.get("Config") or {}
    own = config.get("Entrypoint") or ["uv", "run", "pytest"]
    return ["/bin/sh", "-c", read_env(), "sh"], [str(word) for word in own]


def user_mapping(uid: int | None, gid: int | None) -> tuple[list[str], tuple[int, int] | None]:
    """podman's arguments and the files' owner, so that the suite's user reads 0600 files and nobody else
    does.

    Rootless: our own user becomes that user inside (`keep-id`). As root: the files are given to that user's
    id; their folder lies in a 0700 folder of ours, so on the host only root comes to them.
    """
    if not uid:
        return [], None
    group = uid if gid is None else gid
    if os.geteuid() != 0:
        return [f"--userns=keep-id:uid={uid},gid={group}"], None
    return [], (uid, group)


@asynccontextmanager
async def driving_alone(qa: Path) -> AsyncIterator[None]:
    """Be the only process that drives this QA run; the lock goes with the process, however it ends.

    Raises:
        UserError: another process drives it.
    """
    with (qa / "lock").open("w") as lock:
        (qa / "lock").chmod(0o600)
        for more in range(TRIES, -1, -1):
            if try_lock(lock.fileno()):
                break
            if not more:
                what = "another process drives the QA of this run"
                raise UserError(Problem(what=what, where=str(qa), code="busy"))
            # A child that a killed process had just forked holds its files until it becomes podman.
            await asyncio.sleep(0.1)
        yield
