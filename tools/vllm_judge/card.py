"""A CUDA card that is not there: what vLLM and PyTorch are told when they ask for one."""

from __future__ import annotations

import types
from dataclasses import dataclass
from typing import Any

GIB = 1024**3
CARDS = 64
"""Enough for every tensor parallel size."""
_SHARED_MEMORY = 232448
"""Bytes a block may opt into on Hopper."""


@dataclass(frozen=True)
class Card:
    """What decides in vLLM's Python code."""

    name: str = "NVIDIA H100 80GB HBM3"
    capability: tuple[int, int] = (9, 0)
    memory: int = int(79.19 * GIB)
    """Bytes."""
    multiprocessors: int = 132


class _Stream:
    """A stream or an event that does nothing."""

    cuda_stream = 0

    def __init__(self, *_: object, **__: object) -> None: ...

    def __enter__(self) -> _Stream:
        return self

    def __exit__(self, *_: object) -> None: ...

    def __getattr__(self, _: str) -> Any:
        return lambda *_, **__: None


def pretend(card: Card) -> None:
    """PyTorch's questions; before vLLM is imported."""
    import torch

    properties = types.SimpleNamespace(
        total_memory=card.memory,
        multi_processor_count=card.multiprocessors,
        major=card.capability[0],
        minor=card.capability[1],
        name=card.name,
        shared_memory_per_block_optin=_SHARED_MEMORY,
        warp_size=32,
    )
    answers: dict[str, Any] = {
        "is_available": True,
        "is_initialized": False,
        "device_count": CARDS,
        "current_device": 0,
        "get_device_capability": card.capability,
        "get_device_name": card.name,
        "get_device_properties": properties,
        "mem_get_info": (card.memory - GIB // 2, card.memory),
        "current_stream": _Stream(),
    }
    for name in ("set_device", "synchronize", "empty_cache"):
        answers[name] = None
    for name, answer in answers.items():
        setattr(torch.cuda, name, _saying(answer))
    torch.cuda.Stream = torch.cuda.Event = _Stream
    generic = {
        "current_device_index": 0,
        "current_device_idx": 0,
        "device_count": CARDS,
        "is_available": True,
        "current_accelerator": torch.device("cuda"),
        "current_stream": _Stream(),
        "synchronize": None,
        "empty_cache": None,
    }
    for name, answer in generic.items():
        if hasattr(torch.accelerator, name):
            setattr(torch.accelerator, name, _saying(answer))


def install(card: Card) -> None:
    """vLLM's platform becomes this card; imports vLLM's platforms."""
    import vllm.platforms
    from vllm.platforms.cuda import CudaPlatformBase
    from vllm.platforms.interface import DeviceCapability

    def at_least(_: object, capability: tuple[int, int] | int, device_id: int = 0) -> bool:
        wanted = capability if isinstance(capability, tuple) else divmod(capability, 10)
        return card.capability >= wanted

    answers = {
        "get_device_capability": DeviceCapability(*card.capability),
        "get_device_name": card.name,
        "get_device_uuid": "GPU-0",
        "get_device_total_memory": card.memory,
        "device_count": CARDS,
        "is_fully_connected": True,
        "log_warnings": None,
        "num_compute_units": card.multiprocessors,
    }
    members: dict[str, Any] = {name: classmethod(_saying(answer)) for name, answer in answers.items()}
    members["has_device_capability"] = classmethod(at_least)
    vllm.platforms._current_platform = type("PretendedCuda", (CudaPlatformBase,), members)()


def _saying(answer: object) -> Any:
    return lambda *_, **__: answer
