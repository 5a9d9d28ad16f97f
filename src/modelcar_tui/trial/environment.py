"""The variables of a try's container: the runtime's, offline, silent to others, with room for caches.

A pod's user has no home and, on OpenShift, an id without a name: vLLM keeps compiled graphs below
VLLM_CACHE_ROOT, PyTorch's compiler asks for the user's name unless TORCHINDUCTOR_CACHE_DIR tells the place,
Triton writes below the home. All of it goes to the pod's own /tmp. The log must tell the figures, so its
level is INFO.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from modelcar_tui.cluster.types import Runtime
from modelcar_tui.core.text import clean

SCRATCH = "/tmp"  # noqa: S108 - in the pod, whose /tmp is its own
OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
}
PLACES = {
    "HOME": SCRATCH,
    "USER": "vllm",
    "XDG_CACHE_HOME": f"{SCRATCH}/cache",
    "XDG_CONFIG_HOME": f"{SCRATCH}/config",
    "HF_HOME": f"{SCRATCH}/cache/huggingface",
    "VLLM_CACHE_ROOT": f"{SCRATCH}/cache/vllm",
    "TORCHINDUCTOR_CACHE_DIR": f"{SCRATCH}/cache/inductor",
    "TRITON_CACHE_DIR": f"{SCRATCH}/cache/triton",
}
LOGGING = {
    "VLLM_CONFIGURE_LOGGING": "1",
    "VLLM_LOGGING_LEVEL": "INFO",
    "NO_COLOR": "1",
    "PYTHONUNBUFFERED": "1",
}
_NEVER = ("VLLM_LOGGING_CONFIG_PATH", "VLLM_API_KEY", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
"""A file that is not there; keys, which a try needs none of."""


def tried_environment(runtime: Runtime) -> dict[str, str]:
    """Name -> value of all that is set."""
    own = {name: value for name, value in runtime.environment if name not in _NEVER}
    return {**own, **OFFLINE, **PLACES, **LOGGING}


def changed_environment(runtime: Runtime) -> Iterator[str]:
    """Where that differs from production, one sentence each."""
    yield "the Hugging Face hub is not asked, no usage statistics are sent, caches lie in the pod's own /tmp"
    told = dict(runtime.environment)
    level = told.get("VLLM_LOGGING_LEVEL", "INFO").upper()
    if level != "INFO" or "VLLM_LOGGING_CONFIG_PATH" in told:
        yield "vLLM logs at level INFO, so that its figures can be read"
    if runtime.withheld:
        names = ", ".join(clean(name, limit=100) for name in runtime.withheld[:6])
        more = f" and {len(runtime.withheld) - 6} more" if len(runtime.withheld) > 6 else ""
        yield f"variables from other objects, or secret, are not set: {names}{more}"
    if runtime.script:
        yield "the shell's script that starts vLLM is not run: vLLM is started as the script would start it"


def of_vllm(environment: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Those of vLLM's own, for the measurement; cleaned."""
    return tuple(
        (clean(name, limit=200), clean(value, limit=500))
        for name, value in sorted(environment.items())
        if name.startswith("VLLM_") and name not in {**OFFLINE, **PLACES, **LOGGING}
    )
