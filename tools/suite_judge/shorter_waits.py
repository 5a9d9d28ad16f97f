"""A pytest plugin that the container loads: the suite's own waits end after `SUITE_JUDGE_WAIT_S` seconds.

It is the only thing that is changed in a run. The suite still prints the limits that it has, 30 minutes for
a pod and the like; it only reaches them sooner.
"""

from __future__ import annotations

import os
from typing import Any

import timeout_sampler

_WAIT_S = float(os.environ.get("SUITE_JUDGE_WAIT_S", "25"))
_make = timeout_sampler.TimeoutWatch.__init__


def _shorter(self: Any, timeout: float) -> None:
    _make(self, min(timeout, _WAIT_S))


timeout_sampler.TimeoutWatch.__init__ = _shorter
