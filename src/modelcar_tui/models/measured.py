"""What a model really took of a GPU: one start of vLLM that somebody let happen and whose log was read."""

from __future__ import annotations

import msgspec


class MeasuredStart(msgspec.Struct, frozen=True, kw_only=True):
    """One start of vLLM, with everything that decides whether another one is the same. Texts are cleaned and
    masked; no host, namespace or node's name stands in it."""

    id: str
    """`20261130-235107-1f3a`: the time of its end (UTC) and four random digits."""
    at: float
    """When it ended, seconds since 1970."""
    model: str
    """As the manifest calls it."""
    fingerprint: str
    """Of the model's own files: see `model_fingerprint`."""
    gpu: str
    """The product of one unit, as the node's label says it, or as the GPU table calls it."""
    memory_mib: int | None = None
    """Of one unit, as the inventory has it."""
    gpus: int = 1
    """Units of the pod."""
    vllm: str = ""
    """vLLM's release, as its log says it."""
    runtime_digest: str = ""
    """`sha256:...` of the runtime's image that ran."""
    args: tuple[str, ...] = ()
    """All arguments as the server got them, without those that only the try needs."""
    implied_size: int = 1
    """The tensor parallel size where `args` names none."""
    long_context: bool = False
    environment: tuple[tuple[str, str], ...] = ()
    """Variables of vLLM's that were set."""
    outcome: str
    """How it ended: a value of `memory.Outcome`."""
    error: str = ""
    """vLLM's own words, where it did not start."""
    figures: dict[str, float] = {}
    """By the names of `vllm.Figure.what`: GiB per GPU, tokens, seconds."""
    predicted: str = ""
    """What the estimate said before; a value of `memory.Outcome`."""
    predicted_figures: dict[str, float] = {}
    """The estimate's figures before, by the same names."""
    dummy: bool = True
    """Whether the weights were dummies."""
