"""The shared memory of a container in which vLLM runs several GPU processes.

Without a volume at /dev/shm it is the container runtime's 64 MiB. vLLM's workers hand each other work through
it, above all under tensor parallelism (docs.vllm.ai, Using Docker; vLLM issues 1710 and 7466), and NCCL keeps
its buffers there wherever the cards have no direct way to each other (NVIDIA/nccl issue 525). OpenShift AI's
multi-node template mounts 12Gi of memory there, the QA suite 16Gi.
"""

from __future__ import annotations

from modelcar_tui.advice.lint.remarks import WARNING, Remarks
from modelcar_tui.manifest import SERVE_LINE
from modelcar_tui.vllm.arguments import Argument, pod_processes, sizes_open

DEFAULT_MIB = 64
_NOT_THERE = ("LLMInferenceService", SERVE_LINE)
"""The one's presets mount the memory, whatever the object itself says; the other is no pod."""


def lint_shared_memory(arguments: tuple[Argument, ...], remarks: Remarks) -> None:
    """A warning where several GPU processes of one pod have 64 MiB or less; none where a part of the pod that
    was not read may give more."""
    car, server = remarks.car, remarks.car.server
    if server is None or server.runtime or car.kind in _NOT_THERE or sizes_open(arguments):
        return
    have = DEFAULT_MIB if server.shm_mib is None else server.shm_mib
    processes = pod_processes(arguments, car.pods)
    if processes < 2 or not 0 < have <= DEFAULT_MIB:
        return
    whose = "no volume is mounted there" if server.shm_mib is None else "as its volume says"
    what = (
        f"{processes} GPU processes of a pod share {have} MiB of /dev/shm ({whose}): NCCL, or vLLM's "
        "workers, may stop where it is full"
    )
    fix = "mount an emptyDir with medium: Memory at /dev/shm; what it holds counts as the container's memory"
    remarks.on(None, "shm-missing", WARNING, what, fix)
