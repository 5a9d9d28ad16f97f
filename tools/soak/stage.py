"""What a soaked run runs on: a stub cluster whose free GPUs change, a registry, a manifest, a suite."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from modelcar_tui.core.resources import demo_logs, samples
from modelcar_tui.demo.kube import start_stub_cluster
from modelcar_tui.demo.kube_objects import NODES, PODS, node, nvidia, pod
from modelcar_tui.demo.kube_scenarios import openshift_ai
from modelcar_tui.demo.kube_store import item
from modelcar_tui.demo.registry import start_demo_registry

SAMPLE = "sample_modelcar_config.base.yaml"
MANY = 500
"""Nodes that come and go."""
_HEAD = 60
"""Lines of the recorded suite before the flood."""


def recording(folder: Path, lines: int) -> Path:
    """A recorded suite of five models that pass, with so many lines of ordinary work in its middle."""
    source = demo_logs() / "success.log"
    real = source.read_text(encoding="utf-8").splitlines()
    path = folder / "flood.log"
    words = "waiting for the predictor's pod of a model that is being loaded from its model-car image"
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in real[:_HEAD])
        for at in range(lines - len(real)):
            # Times are in the lines: eight hours of them.
            second = at * 8 * 3600 // lines
            stamp = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
            file.write(
                f"2026-11-24T{stamp}.000000 utilities.infra INFO line {at:08} {words} {at * 7919 % 99991}\n"
            )
        file.writelines(f"{line}\n" for line in real[_HEAD:])
    shutil.copyfile(source.with_suffix(".json"), path.with_suffix(".json"))
    return path


class Stage:
    """Starts the servers in this process; the soaked one is another."""

    def __init__(self, folder: Path, lines: int) -> None:
        self.folder = folder
        self._cluster = start_stub_cluster(openshift_ai(), folder=folder)
        self._registry = start_demo_registry()
        shutil.copyfile(self._registry.registries_conf_path, folder / "registries.conf")
        self.recording = recording(folder, lines)
        labels = nvidia("NVIDIA-H100-80GB-HBM3", 81559, 8, "9.0", "hopper")
        self._many = [
            item(NODES, node(f"many-{at:03}", labels, {"nvidia.com/gpu": "8"})) for at in range(MANY)
        ]
        self._before = list(self._cluster.store.items[f"{NODES.group}/{NODES.plural}"])
        self._turn = 0

    def manifest(self, name: str) -> Path:
        """A copy of the sample in a folder of its own."""
        path = self.folder / name / SAMPLE
        path.parent.mkdir()
        shutil.copyfile(samples() / SAMPLE, path)
        return path

    def change(self, *, large: bool) -> None:
        """Other GPUs are free than before; `large` adds 500 nodes, the next change takes them away."""
        store = self._cluster.store
        nodes = f"{NODES.group}/{NODES.plural}"
        if large:
            store.put_items(NODES, self._many)
        elif len(store.items[nodes]) > len(self._before):
            store.items[nodes] = []
            store.put_items(NODES, self._before)
        self._turn += 1
        name = str(json.loads(self._before[self._turn % len(self._before)].whole())["metadata"]["name"])
        if self._turn % 2:
            store.put(PODS, [pod("comes-and-goes", "team-a", name, {"nvidia.com/gpu": "1"})])
        else:
            store.delete(PODS, "comes-and-goes", "team-a")
        self._cluster.requests.clear()

    def close(self) -> None:
        """Stop the servers."""
        self._cluster.stop()
        self._registry.stop()
