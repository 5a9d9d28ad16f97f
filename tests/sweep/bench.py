"""One headless run over loopback parts: a stub API server, a registry, skopeo as a script, a recorded QA.

`Bench.run` gives what a run came to; `judge` says what of it is wrong beside the undisturbed one.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from ports import Fault, Ports

from modelcar_tui.commands.guard import guarded
from modelcar_tui.commands.run import run_headless
from modelcar_tui.core import resources
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.demo.kube import start_stub_cluster
from modelcar_tui.demo.registry import start_demo_registry
from modelcar_tui.supervisor.settings import Approve, Settings

MODELS = {
    "granite": "modelcar-granite-3-1-8b-instruct",
    "llama": "modelcar-llama-3-1-8b-instruct-quantized-w4a16",
    "whisper": "modelcar-whisper-large-v3-turbo-quantized-w4a16",
}
MANIFEST = "model-car:\n" + "".join(
    f"  - name: {name}\n    image: oci://registry.redhat.io/rhelai1/{image}:1.5\n"
    "    serving_arguments:\n      gpu_count: 1\n      args: [--uvicorn-log-level=info]\n"
    for name, image in MODELS.items()
)
BLOCKED = MANIFEST.replace("args: [", "args: [--max-model-len=9999999, ", 1)
"""Its first model is NO-GO, and no fault may make it better than that or UNKNOWN."""
SKOPEO = """#!/bin/sh
for last; do case $last in --raw) kind=raw ;; --config) kind=config ;; esac; done
exec cat "{folder}/$(basename "$last").$kind"
"""
ESSENTIAL = re.compile(
    r"x\.base\.yaml|journal\.jsonl|settings\.json|RUN/lock|checkpoint"
    r"|(?:mkdir|chmod) state|os\.open state/runs/RUN #"
)
"""Without these there is no run: it may end with a line and its status."""
LIMIT_S = 60.0


class Told(NamedTuple):
    """What one run came to."""

    status: int
    document: dict[str, Any]
    err: str
    calls: tuple[str, ...]
    raised: int
    said: str
    """All that was shown."""

    def verdicts(self) -> dict[str, tuple[str, str]]:
        """By model: what was predicted, and what stands."""
        models = (self.document.get("outcome") or {}).get("models") or {}
        return {name: (one["predicted"], one["word"]) for name, one in models.items()}

    def doubts(self) -> set[str]:
        """All that the run tells beside its verdicts."""
        run = self.document.get("run") or {}
        found = {notice["text"] for notice in run.get("notices", ())}
        for pane in run.get("panes", ()):
            found |= {pane["summary"], *(step["detail"] for step in pane["steps"])}
        return {re.sub(r"\d{8}-\d{6}-[0-9a-f]{6}|:\d{4,5}\b", "", text) for text in found}


class Bench:
    """The loopback parts, shared by many runs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        self.cluster = start_stub_cluster(folder=folder, tls=False)
        self.registry = start_demo_registry()
        self._recording = folder / "qa.log"
        for end in (".log", ".json"):
            source = resources.demo_logs() / f"success-single{end}"
            shutil.copyfile(source, self._recording.with_suffix(end))
        (folder / "bin").mkdir()
        self._skopeo()

    def _skopeo(self) -> None:
        program = self._folder / "bin" / "skopeo"
        program.write_text(SKOPEO.format(folder=self._folder))
        program.chmod(0o755)
        from modelcar_tui.demo.modelcars import demo_images

        for name, image in demo_images().items():
            last = name.rpartition("/")[2]
            (self._folder / f"{last}.raw").write_bytes(image.top)
            for digest, (raw, _) in image.manifests.items():
                one = f"{last.partition(':')[0]}@{digest}"
                (self._folder / f"{one}.raw").write_bytes(raw)
                if config := json.loads(raw).get("config"):
                    pieces = image.blobs[config["digest"]].pieces
                    made = b"".join(piece for piece in pieces if isinstance(piece, bytes))
                    (self._folder / f"{last}.config").write_bytes(made)

    def close(self) -> None:
        """Stop the servers."""
        self.cluster.stop()
        self.registry.stop()

    def run(self, fault: Fault | None = None, *, blocked: bool = False) -> Told:
        """One run in rooms of its own; `blocked` asks too much for one model, and writes nothing."""
        self._count += 1
        rooms = self._folder / f"run-{self._count}"
        rooms.mkdir()
        manifest = rooms / "x.base.yaml"
        manifest.write_text(BLOCKED if blocked else MANIFEST)
        kubeconfig = rooms / "kubeconfig"
        shutil.copyfile(self.cluster.kubeconfig_path, kubeconfig)
        settings = Settings(
            manifest=str(manifest),
            kubeconfig=str(kubeconfig),
            registries_conf=str(self.registry.registries_conf_path),
            state_dir=str(rooms / "state"),
            qa_recording=str(self._recording),
            approve=Approve.SHOW if blocked else Approve.ALL,
            llm=False,
            timeout_s=LIMIT_S,
        )
        ports = Ports(rooms, fault)
        out, err = io.StringIO(), io.StringIO()
        with _alone(self._folder, rooms), ports.watched(), redirect_stdout(out), redirect_stderr(err):
            status = guarded(lambda: run_headless(settings, form="json"))
        try:
            document = json.loads(out.getvalue())
        except ValueError:
            document = {}
        kept = "".join(
            path.read_text(errors="replace")
            for path in rooms.rglob("*")
            if path.is_file() and path.suffix in (".jsonl", ".txt", ".log")
        )
        shutil.rmtree(rooms)
        said = out.getvalue() + err.getvalue() + kept
        return Told(status, document, err.getvalue(), tuple(ports.calls), ports.raised, said)


@contextmanager
def _alone(folder: Path, rooms: Path) -> Iterator[None]:
    """Nothing of this machine's operator reaches the run, and its caches are its own."""
    own = {"HOME": str(rooms), "XDG_CACHE_HOME": str(rooms / "cache"), "MODELCAR_TUI_QA_SPEED": "0"}
    own |= {"PATH": f"{folder / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin"}
    own |= {"OCI_REGISTRY_PULL_SECRET": "c29tZW9uZTpzM2NyZXQtd29yZA=="}
    with patch.dict(os.environ, own):
        for name in ("KUBECONFIG", "REGISTRY_AUTH_FILE", "VLLM_RUNTIME_IMAGE", "GEMINI_API_KEY"):
            os.environ.pop(name, None)
        yield


@contextmanager
def bench() -> Iterator[Bench]:
    """A bench in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="sweep-") as folder:
        made = Bench(Path(folder))
        try:
            yield made
        finally:
            made.close()


def judge(told: Told, plain: Told, fault: Fault) -> list[str]:
    """What is wrong with a disturbed run; nothing where the fault cost what it was about and no more."""
    wrong = []
    essential = fault.call.startswith("file ") and ESSENTIAL.search(fault.call)
    if "planted" in told.said.replace("UnicodeEncodeError", ""):
        wrong.append("the error's own text is shown")
    if "Traceback" in told.err:
        wrong.append("a traceback is shown")
    if told.status not in {int(status) for status in ExitStatus}:
        wrong.append(f"status {told.status} is none that is documented")
    if told.status == ExitStatus.TIMED_OUT:
        wrong.append("it did not end by itself")
    if essential and not told.verdicts():
        by_system = fault.kind != "MemoryError"
        if told.status != ExitStatus.USAGE and by_system:
            wrong.append(f"ended with {told.status}: {told.err[-200:]}")
        return wrong
    if told.status == ExitStatus.INTERNAL and not (essential and fault.kind == "MemoryError"):
        finish = (told.document.get("run") or {}).get("finish") or {}
        wrong.append(f"a fault of ours: {finish.get('summary') or told.err[-200:]}")
    return wrong + _of_models(told, plain, fault, essential=bool(essential))


def _of_models(told: Told, plain: Told, fault: Fault, *, essential: bool) -> list[str]:
    """Each model as in the undisturbed run or UNKNOWN; and those that the call is not about, as there."""
    wrong = []
    before, after = plain.verdicts(), told.verdicts()
    if set(after) != set(before) and not essential:
        return [f"models {sorted(after)}, not {sorted(before)}: {told.err[-200:]}"]
    own = {name for name, image in MODELS.items() if image in fault.call}
    about_one = fault.call.startswith(("registry ", "child skopeo"))
    changed = {name for name in after if after[name][0] != before[name][0]}
    for name in changed:
        if after[name][0] != "UNKNOWN":
            wrong.append(f"{name}: predicted {after[name][0]}, not {before[name][0]}")
        if about_one and name not in own:
            wrong.append(f"{name} is {after[name][0]}, and the call was about {sorted(own)}")
    shared = re.search(r"kubeconfig|x\.base\.yaml", fault.call)
    if fault.call.startswith("file ") and len(changed) > 1 and not shared:
        wrong.append(f"one file cost {len(changed)} models")
    if changed and not told.doubts() - plain.doubts():
        wrong.append("nothing says why")
    if told.status == ExitStatus.GO and plain.status != ExitStatus.GO:
        wrong.append("a better verdict than undisturbed")
    return wrong
