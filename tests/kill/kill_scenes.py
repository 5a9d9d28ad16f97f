"""The runs that are killed, over loopback parts that a process of their own serves."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from modelcar_tui.core import resources
from modelcar_tui.supervisor.settings import Approve, Settings

SAMPLE = "sample_modelcar_config.base.yaml"
RECORDING = "success.log"
OTHER = "out-other"
"""The folder of another package, in a run's."""
FOREIGN = b"# by another hand\nmodel-car: []\n"
"""What stands in the generated file's place in the scene `force`."""
BLOCKED = (
    b"model-car:\n  - name: granite\n"
    b"    image: oci://registry.redhat.io/rhelai1/modelcar-granite-3-1-8b-instruct:1.5\n"
    b"    serving_arguments:\n      gpu_count: 1\n      args: [--max-model-len=9999999]\n"
)
GUESTS = """\
import asyncio
import msgspec
from modelcar_tui.supervisor.events import StepPlan

class Read(msgspec.Struct):
    models: int

class Licence:
    name, title, needs = "licence", "Licence", ("configuration",)
    steps = (StepPlan("read", "Read"),)
    async def run(self, context):
        context.step("read")
        await asyncio.sleep(0.02)
        context.finish("1 may not be served", verdict="NO-GO", reason="the licence is not signed")
        return Read(models=len(context.models))

class Ticket:
    name, title, needs, steps = "ticket", "Ticket", ("licence", "qa"), (StepPlan("tell", "Tell"),)
    async def run(self, context):
        await asyncio.sleep(0.02)
        read = context.report("licence", Read)
        context.step("tell", detail=f"{read.models} told")
        context.finish("told")
        return read
"""
"""Specialists of another package, one beside ours and one that needs its report and QA."""
BROKEN = b"model-car:\n  - name: [granite\n"


class Scene(NamedTuple):
    """One run: its manifest (None is the demo's own), how it is answered, and what the end of it is."""

    name: str
    manifest: bytes | None
    status: int
    approve: Approve = Approve.ALL
    patch: bool = False
    force: bool = False
    guests: bool = False

    @property
    def writes(self) -> bool:
        """Whether a generated file is to come of it."""
        return self.approve is Approve.ALL and self.status == 0

    def first(self, rooms: Path, parts: Path) -> int:
        """Run it for the first time; the exit status."""
        from modelcar_tui.agent import main
        from modelcar_tui.commands.guard import guarded
        from modelcar_tui.commands.run import run_headless

        if self.manifest is None:
            state = ["--state-dir", str(rooms / "state"), "--no-llm", "--format", "json"]
            return main(["--demo", "--approve", str(self.approve), *state])
        settings = Settings(
            manifest=str(rooms / "a.base.yaml"),
            kubeconfig=str(parts / "kubeconfig"),
            registries_conf=str(parts / "registries.conf"),
            qa_recording=str(resources.demo_logs() / RECORDING),
            approve=self.approve,
            patch=self.patch,
            force=self.force,
            state_dir=str(rooms / "state"),
            llm=False,
        )
        return guarded(lambda: run_headless(settings, form="json"))

    def lay_out(self, rooms: Path) -> None:
        """The folder as it is before the run."""
        shutil.rmtree(rooms, ignore_errors=True)
        rooms.mkdir(parents=True)
        if self.manifest is not None:
            (rooms / "a.base.yaml").write_bytes(self.manifest)
        if self.guests:
            info = rooms / OTHER / "other-1.0.dist-info"
            info.mkdir(parents=True)
            (rooms / OTHER / "other.py").write_text(GUESTS)
            (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
            joins = "[modelcar_tui.specialists]\nlicence = other:Licence\nticket = other:Ticket\n"
            (info / "entry_points.txt").write_text(joins)
        if self.force:
            (rooms / "a.generated.yaml").write_bytes(FOREIGN)


def scenes() -> dict[str, Scene]:
    """All of them, by name."""
    sample = (resources.samples() / SAMPLE).read_bytes()
    made = (
        Scene("all", sample, 0),
        Scene("none", sample, 5, approve=Approve.NONE),
        Scene("nogo", BLOCKED, 1, approve=Approve.SHOW),
        Scene("fault", BROKEN, 2),
        Scene("demo", None, 0),
        Scene("patch", sample, 0, patch=True),
        Scene("force", sample, 0, force=True),
        Scene("guests", sample, 1, guests=True),
    )
    return {scene.name: scene for scene in made}


def resumed(rooms: Path) -> int:
    """`agent --resume last`; the exit status."""
    from modelcar_tui.agent import main

    state = ["--state-dir", str(rooms / "state"), "--no-llm", "--format", "json"]
    return main(["--resume", "last", *state])


@contextmanager
def parts(folder: Path) -> Iterator[Path]:
    """A stub cluster and a loopback registry in a process of their own, so that this one has no thread."""
    folder.mkdir(parents=True, exist_ok=True)
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(writing)
        _serve(folder, reading)
    os.close(reading)
    try:
        deadline = time.monotonic() + 60
        while not (folder / "ready").exists():
            if time.monotonic() > deadline:
                raise TimeoutError("the parts did not start")
            time.sleep(0.02)
        yield folder
    finally:
        os.close(writing)
        os.waitpid(child, 0)


def _serve(folder: Path, reading: int) -> None:
    from modelcar_tui.demo.kube import start_stub_cluster
    from modelcar_tui.demo.registry import start_demo_registry

    cluster = start_stub_cluster(folder=folder)
    registry = start_demo_registry()
    if Path(registry.registries_conf_path) != folder / "registries.conf":
        shutil.copyfile(registry.registries_conf_path, folder / "registries.conf")
    (folder / "ready").touch()
    os.read(reading, 1)
    cluster.stop()
    registry.stop()
    os._exit(0)


def in_child(work: Callable[[], int], out: Path, limit_s: float = 120.0) -> int:
    """`work` in a fork of this loaded interpreter, its words in `out`: its status, minus the
    signal; 999 where it had not ended in time."""
    child = os.fork()
    if not child:
        handle = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(handle, 1)
        os.dup2(handle, 2)
        status = 99
        try:
            status = work()
        except SystemExit as end:
            status = int(end.code or 0)
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return 999


def load() -> None:
    """Import what a run needs, once, before any fork."""

    import modelcar_tui.agent
    import modelcar_tui.commands.resuming
    import modelcar_tui.commands.run
    import modelcar_tui.demo.kube
    import modelcar_tui.demo.registry
    import modelcar_tui.manifest.reader
    import modelcar_tui.manifest.write
    import modelcar_tui.report
    import modelcar_tui.supervisor.graph
    import modelcar_tui.supervisor.steps
    import modelcar_tui.supervisor.supervisor  # noqa: F401


def alone(rooms: Path) -> None:
    """Nothing of this machine's operator reaches the run, its caches and other packages are its own."""
    if (rooms / OTHER).exists():
        sys.path.insert(0, str(rooms / OTHER))
    for name in ("KUBECONFIG", "REGISTRY_AUTH_FILE", "VLLM_RUNTIME_IMAGE", "GEMINI_API_KEY", "HF_TOKEN"):
        os.environ.pop(name, None)
    os.environ.update(HOME=str(rooms), XDG_CACHE_HOME=str(rooms / "cache"), MODELCAR_TUI_QA_SPEED="0")
