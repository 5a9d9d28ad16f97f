"""The runs that every branch gets, and what QA must say of each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from suite_judge.failures import FAILURES, MARK

DSC_GROUP = "datasciencecluster.opendatahub.io"


class Scenario(NamedTuple):
    """One run of the suite."""

    name: str
    models: tuple[str, ...]
    codes: frozenset[str]
    """Any of these is right."""
    cluster: Mapping[str, Any] = MappingProxyType({})
    """Arguments of `cluster.Cluster`."""
    timeout_s: float = 600.0
    grace_s: float = 30.0
    left: bool = False
    """Whether something must be left on the cluster, and named."""


def _of(*failures: str) -> tuple[str, ...]:
    return tuple(f"granite{MARK}{failure}" if failure else "granite-3.1-8b" for failure in failures)


_FAILING = tuple(name for name in FAILURES if name)
SCENARIOS = (
    Scenario("pass", _of(""), frozenset({"QA_OK"})),
    Scenario(
        "failures",
        _of("", *_FAILING),
        frozenset(f"QA_ERROR:{one.cause}" for one in FAILURES.values() if one.cause),
    ),
    Scenario("401", _of(""), frozenset({"QA_ERROR:TOKEN_EXPIRED"}), {"unauthorized": True}),
    Scenario("403", _of(""), frozenset({"QA_ERROR:FORBIDDEN"}), {"forbidden": f"/{DSC_GROUP}/"}),
    Scenario("dsc-not-ready", _of(""), frozenset({"QA_ERROR:DSC_NOT_READY"}), {"dsc_ready": False}),
    Scenario("template-missing", _of(""), frozenset({"QA_ERROR:TEMPLATE_NOT_FOUND"}), {"template": False}),
    Scenario(
        "interrupted", _of("pending", "pull", "oomk", ""), frozenset({"QA_ERROR:TIMEOUT"}), timeout_s=12.0
    ),
    Scenario(
        "killed", _of("pending"), frozenset({"QA_ERROR:TIMEOUT"}), timeout_s=12.0, grace_s=0.0, left=True
    ),
)
