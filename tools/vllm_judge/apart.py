"""Runs a function in a process of its own: a process reads one release of vLLM (`absent.py`)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import ParamSpec, TypeVar

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")


def apart(function: Callable[Asked, Answer], *args: Asked.args, **options: Asked.kwargs) -> Answer:
    """What `function` gives back, or raises, in a fresh interpreter; all of it has to be picklable."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *args, **options).result()
