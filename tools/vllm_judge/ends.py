"""How a try of a small model may end: what is asked of vLLM for it, and what of the machine."""

from __future__ import annotations

from typing import NamedTuple

CONTEXT = 2048
"""Tokens; little enough for a GiB of cache."""


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
    without: tuple[str, ...] = ()
    """Kinds of models that can't end so."""


ENDS = {
    "starts": End((f"--max-model-len={CONTEXT}", "--enforce-eager"), outcomes=("starts",)),
    "kv": End(
        (f"--max-model-len={1 << 20}", "--enforce-eager"),
        context=1 << 20,
        outcomes=("refused_kv",),
        without=("pooling",),
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
        without=("pooling",),
    ),
    "dies": End(
        (f"--max-model-len={CONTEXT}",),
        killed_at=b"Starting to load model",
        outcomes=("died", "oom_load"),
    ),
}
"""By the word of `--end`. Eager: what is compiled takes half a minute and decides none of the ends."""


def arguments(kind: str, end: End) -> tuple[str, ...]:
    """What the manifest says for a model of this kind; a pooling model has a context of its own."""
    own = f"--max-model-len={CONTEXT}"
    return tuple(one for one in end.args if kind != "pooling" or one != own)


DIES = {("0.28.0", "mla"): b"compile_flash_attn_varlen_func_from_specs"}
"""Models that a release does not start on a CPU, by release and kind, and what its log has then: what 0.28
imports for MLA is only there where a GPU is. A plain server dies as well."""


def meant(release: str, kind: str, end: End) -> tuple[str, ...]:
    """The outcomes that are right for such a model."""
    dies = (release, kind) in DIES and end.outcomes != ("refused_args",)
    return ("died",) if dies else end.outcomes
