"""The variables of a try's container: the runtime's, offline, silent to others, with room for caches.

A pod's user has no home and, on OpenShift, an id without a name: vLLM keeps compiled graphs below
VLLM_CACHE_ROOT, PyTorch's compiler asks for the user's name unless TORCHINDUCTOR_CACHE_DIR tells the place,
Triton writes below the home. All of it goes to the pod's own /tmp. The log must tell the figures, so its
level is INFO. Releases 0.11 to 0.25 say at DEBUG alone what activation and other memory take
(v1/worker/gpu_worker.py); that level for all would change compiled code (config/compilation.py,
`enable_asserts`), so it is set for the logger of that one module, by a file of `logging.config` that is lent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from modelcar_tui.cluster.types import Runtime
from modelcar_tui.core.text import clean
from modelcar_tui.trial.refusing import MODEL_PATH
from modelcar_tui.vllm import reached

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
_CACHES = frozenset(
    {
        *(
            "HF_HUB_CACHE",
            "HUGGINGFACE_HUB_CACHE",
            "HF_MODULES_CACHE",
            "HF_ASSETS_CACHE",
            "TRANSFORMERS_CACHE",
        ),
        *("VLLM_CONFIG_ROOT", "VLLM_ASSETS_CACHE", "FLASHINFER_WORKSPACE_BASE", "CUDA_CACHE_PATH", "TMPDIR"),
        *("TORCH_HOME", "TORCH_EXTENSIONS_DIR", "NUMBA_CACHE_DIR", "OUTLINES_CACHE_DIR", "MPLCONFIGDIR"),
    }
)
"""Production's places, on volumes that a try has not; without them all lies below those above."""
LOGGING_FILE = ".try-logging.json"
"""In the model's folder; no loader asks for a hidden file."""
CONFIG_PATH = "VLLM_LOGGING_CONFIG_PATH"
_QUIET = ("0.11.0", "0.26.0")
"""Releases that hide figures: the first, and the first that does not."""
_HIDING = ("vllm.v1.worker.gpu_worker",)
"""Whose DEBUG lines have them."""
_SECRET = re.compile(
    r"(?:^|_)(?:pass|passphrase|passcode|pwd|creds?|auth|cookie|session|private)(?:_|$)", re.IGNORECASE
)
_KEYS = ("VLLM_API_KEY", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
"""A try needs none."""


def tried_environment(runtime: Runtime, release: str | None) -> dict[str, str]:
    """Name -> value of all that is set."""
    never = {*_KEYS, *_CACHES, *_secrets(runtime)}
    own = {
        name: value
        for name, value in runtime.environment
        if name not in never and not name.startswith("VLLM_LOGGING_")  # our reader knows vLLM's own form
    }
    lent = {CONFIG_PATH: f"{MODEL_PATH}/{LOGGING_FILE}"} if hides_figures(release) else {}
    return {**own, **OFFLINE, **PLACES, **LOGGING, **lent}


def _secrets(runtime: Runtime) -> list[str]:
    """Names that may well hold a secret: what is not needed is not copied into another object."""
    return [name for name, _ in runtime.environment if _SECRET.search(name)]


def hides_figures(release: str | None) -> bool:
    """Whether the release says some figures at DEBUG alone."""
    first, told = _QUIET
    return release is not None and reached(first, release) and not reached(told, release)


def logging_config() -> str:
    """What VLLM_LOGGING_CONFIG_PATH names, as JSON: vLLM's own formatter and form of a line (vllm/logger.py),
    INFO, and DEBUG for modules that hide figures. Uvicorn gets it, too (entrypoints/openai/cli_args.py)."""
    line = {
        "class": "vllm.logging_utils.NewLineFormatter",
        "datefmt": "%m-%d %H:%M:%S",
        "format": "%(levelname)s %(asctime)s [%(filename)s:%(lineno)d] %(message)s",
    }
    handler = {
        "class": "logging.StreamHandler",
        "formatter": "vllm",
        "level": "DEBUG",
        "stream": "ext://sys.stdout",
    }
    usual: dict[str, Any] = {"handlers": ["vllm"], "level": "INFO", "propagate": False}
    return json.dumps(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"vllm": line},
            "handlers": {"vllm": handler},
            "loggers": {
                "vllm": usual,
                "uvicorn": usual,
                **{name: {"level": "DEBUG"} for name in _HIDING},
            },
        }
    )


def changed_environment(runtime: Runtime, release: str | None) -> Iterator[str]:
    """Where that differs from production, one sentence each."""
    yield "the Hugging Face hub is not asked, no usage statistics are sent, caches lie in the pod's own /tmp"
    told = dict(runtime.environment)
    level = told.get("VLLM_LOGGING_LEVEL", "INFO").upper()
    if hides_figures(release):
        yield "vLLM logs at level INFO, its worker at DEBUG: this release hides figures of memory there"
    elif level != "INFO" or CONFIG_PATH in told:
        yield "vLLM logs at level INFO, so that its figures can be read"
    if CONFIG_PATH in told:
        yield f"{CONFIG_PATH} is not production's: the file that it names is not lent"
    if withheld := list(dict.fromkeys((*runtime.withheld, *_secrets(runtime)))):
        names = ", ".join(clean(name, limit=100) for name in withheld[:6])
        more = f" and {len(withheld) - 6} more" if len(withheld) > 6 else ""
        yield f"variables from other objects, or secret, are not set: {names}{more}"
    if runtime.script:
        yield "the shell's script that starts vLLM is not run: vLLM is started as the script would start it"


def of_vllm(environment: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Production's variables of vLLM, for the measurement, which is found again by them; cleaned, no key."""
    return tuple(
        (clean(name, limit=200), clean(value, limit=500))
        for name, value in sorted(dict(environment).items())
        if name.startswith("VLLM_") and name not in _KEYS and not _SECRET.search(name)
    )
