"""How a try of a small model may end: what is asked of vLLM for it, and what of the machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from vllm_judge import small_models

CONTEXT = 2048
"""Tokens; little enough for a GiB of cache."""
MODULE = ("python", "-m", "vllm.entrypoints.openai.api_server")
"""What the ServingRuntimes of OpenShift AI start."""
ENTRYPOINT = ("vllm", "serve")
"""What an image of vLLM starts of itself (docker/Dockerfile)."""


class End(NamedTuple):
    """One end, on purpose."""

    args: tuple[str, ...] = ()
    context: int | None = None
    """Tokens for which the model's config says that it was made; None leaves its own."""
    kv_gib: int = 1
    killed_at: bytes = b""
    """The container is killed by SIGKILL once a line of its log has this."""
    outcomes: tuple[str, ...] = ()
    """Values of `memory.Outcome` that are right."""
    without: Mapping[str, str] = {}
    """Kinds of models that can't end so, and why."""
    only: tuple[str, ...] = ()
    """The kinds that are tried so; all where it is empty."""
    command: tuple[str, ...] = MODULE
    """Of the ServingRuntime; empty leaves the start to the image."""
    large: bool = False
    """Whether the tokenizer is larger than what can be lent."""
    refused: Mapping[str, str] = {}
    """Kinds of models that are refused before anything is made, and words of why."""

    def skips(self, kind: str) -> str:
        """Why a kind is not tried so; empty where it is."""
        return self.without.get(kind, "") or (
            "tried with others" if self.only and kind not in self.only else ""
        )


_NO_CACHE = "a pooling model of this kind has no KV cache"
ENDS = {
    "starts": End((f"--max-model-len={CONTEXT}", "--enforce-eager"), outcomes=("starts",)),
    "kv": End(
        (f"--max-model-len={1 << 20}", "--enforce-eager"),
        context=1 << 20,
        outcomes=("refused_kv",),
        without={"pooling": _NO_CACHE},
    ),
    "args": End(
        (f"--max-model-len={CONTEXT}", "--no-such-flag"),
        outcomes=("refused_args",),
    ),
    "context": End((f"--max-model-len={1 << 20}",), outcomes=("refused_args",)),
    "no-memory": End(
        (f"--max-model-len={CONTEXT}", "--enforce-eager"),
        kv_gib=100_000,
        outcomes=("refused_no_kv", "refused_free_memory", "died"),
        without={"pooling": _NO_CACHE},
    ),
    "dies": End(
        (f"--max-model-len={CONTEXT}",),
        killed_at=b"Starting to load model",
        outcomes=("died", "oom_load"),
    ),
    "entrypoint": End(
        (f"--max-model-len={CONTEXT}", "--enforce-eager"), outcomes=("starts",), only=("dense",), command=()
    ),
    "large-tokenizer": End(
        (f"--max-model-len={CONTEXT}", "--enforce-eager"),
        outcomes=("starts",),
        only=("dense", "pooling", "multimodal"),
        large=True,
        refused={"pooling": "a model that pools wants one", "multimodal": "images or sound wants one"},
    ),
}
"""By the word of `--end`. Eager: what is compiled takes half a minute and decides none of the ends."""


def arguments(kind: str, end: End) -> tuple[str, ...]:
    """What the manifest says for a model of this kind; a pooling model has a context of its own."""
    own = f"--max-model-len={CONTEXT}"
    return tuple(one for one in end.args if kind != "pooling" or one != own)


def model_files(kind: str, end: End) -> dict[str, bytes]:
    """All small files of the model that is tried."""
    found = small_models.files(kind, end.context)
    return found | {"tokenizer.json": small_models.large(found["tokenizer.json"])} if end.large else found


DIES = {("0.28.0", "mla"): b"compile_flash_attn_varlen_func_from_specs"}
"""Models that a release does not start on a CPU, by release and kind, and what its log has then: what 0.28
imports for MLA is only there where a GPU is. A plain server dies as well."""


def meant(release: str, kind: str, end: End) -> tuple[str, ...]:
    """The outcomes that are right for such a model."""
    dies = (release, kind) in DIES and end.outcomes != ("refused_args",)
    return ("died",) if dies else end.outcomes
