"""Finished runs, on other GPUs each, one after a write: the facts that questions are asked about."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

from modelcar_tui.demo.registry import start_demo_registry
from modelcar_tui.supervisor.settings import Approve
from modelcar_tui.supervisor.state import RunState
from modelcar_tui.supervisor.supervisor import Supervisor

VLLM = "0.11.2"
G, L = "granite-3.1-8b-instruct", "llama-3.3-70b-instruct"
W, Q, E = (
    "whisper-large-v3-turbo-quantized.w4a16",
    "llama-3.1-8b-instruct-quantized.w4a16",
    "embeddinggemma-300m",
)
SAMPLE = Path(__file__).parents[2] / "config-yaml" / "sample_modelcar_config.base.yaml"
_IMAGE = "oci://registry.redhat.io/rhelai1/modelcar"
SINGLE = f"""\
model-car:
  - name: {G}
    image: {_IMAGE}-granite-3-1-8b-instruct:1.5
    serving_arguments:
      gpu_count: 1
      args: ["--max-model-len=8192", "--max-num-seqs=16"]
"""
BIG = f"""\
model-car:
  - name: {L}
    image: {_IMAGE}-llama-3-3-70b-instruct:1.5
    serving_arguments:
      gpu_count: 2
      args: ["--max-model-len=16384", "--gpu-memory-utilization=0.92"]
  - name: {G}
    image: {_IMAGE}-granite-3-1-8b-instruct:1.5
    serving_arguments:
      gpu_count: 1
      args: ["--max-model-len=131072"]
"""
UNREAD = """\
model-car:
  - name: mistral-small-24b-instruct-fp8
    image: oci://registry.example.com/x/modelcar-mistral-small-24b-fp8:1
    serving_arguments: {gpu_count: 1, args: ["--max-model-len=8192"]}
  - name: llama-3.3-70b-instruct
    image: oci://registry.example.com/x/modelcar-llama-3-3-70b-instruct:1.5
    serving_arguments: {gpu_count: 2, args: ["--max-model-len=8192"]}
"""
"""Images that nobody can read: sizes are guesses with bounds."""
ODD = "model-car:\n" + "".join(
    f"""\
  - name: {name}
    image: {_IMAGE}-granite-3-1-8b-instruct:1.5
    serving_arguments: {{gpu_count: 1, args: ["--max-model-len=8192"]}}
"""
    for name in ("chat", "test-1", "qa-model", "whats-next", "go")
)
"""Models that are called as questions' own words are."""
SCENARIOS = {
    "base-l40s": ("", ("NVIDIA-L40S:4",)),
    "single-l40s": (SINGLE, ("NVIDIA-L40S:2",)),
    "big-h100": (BIG, ("NVIDIA-H100-80GB-HBM3:4@2",)),
    "base-mixed": ("", ("NVIDIA-L40S:4", "Tesla-T4:2@3")),
    "big-a100-l40s": (BIG, ("NVIDIA-A100-SXM4-80GB:2", "NVIDIA-L40S:8")),
    "written-l40s": ("", ("NVIDIA-L40S:4",)),
    "unread-l40s": (UNREAD, ("NVIDIA-L40S:4",)),
    "odd-names": (ODD, ("NVIDIA-L40S:4",)),
}


@lru_cache(maxsize=len(SCENARIOS))
def finished(name: str) -> RunState:
    """The state at the end of a run, without a language model."""
    text, gpus = SCENARIOS[name]
    with TemporaryDirectory() as folder, start_demo_registry() as registry:
        path = Path(folder) / "m.base.yaml"
        path.write_text(text or SAMPLE.read_text())
        supervisor = Supervisor(
            str(path),
            gpus=gpus,
            qa=False,
            approve=Approve.ALL if name.startswith("written") else Approve.SHOW,
            llm=False,
            vllm_version=VLLM,
            state_dir=f"{folder}/state",
            registries_conf=str(registry.registries_conf_path),
        )
        with ThreadPoolExecutor(1) as alone:  # a test may have a loop of its own
            alone.submit(asyncio.run, _whole(supervisor)).result()
        return supervisor.state


async def _whole(supervisor: Supervisor) -> None:
    async for _ in supervisor.run():
        pass
