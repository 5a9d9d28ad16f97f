"""What OpenShift AI's operator writes into `status`: a condition's shape, and which say that all is not well.

opendatahub-io/odh-platform-utilities, framework/api/types.go and framework/controller/conditions: a condition
counts against an object only where its severity is empty, which is Error; a component that is not wanted is
False with severity Info and its management state as the reason. In the older form (rhods-operator's branch
rhoai-2.16, controllers/status/status.go) there is no severity, Degraded and Progressing are False when all is
well, and a component that is not wanted has no condition.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from modelcar_tui.core.secrets import quoted

READY = "Ready"
_MINOR = frozenset(("info", "warning"))
_NOT_WANTED = frozenset(("Removed", "Unmanaged"))
_OVERALL = (READY, "Degraded", "ReconcileComplete", "Available")
"""What speaks of the whole object, the most telling first. `Progressing` and `Upgradeable` mean no harm."""
_WITH_ERRORS = "ReconcileCompletedWithComponentErrors"
"""ReconcileComplete is True with this reason, and the phase Ready, although components failed (2.16)."""


class Condition(msgspec.Struct, frozen=True, rename="camel"):
    """A condition of the operator's; `observed_generation` is 0 where it is not told."""

    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""
    severity: str = ""
    observed_generation: int = 0

    @property
    def counts(self) -> bool:
        """Whether it would speak against the object if it were not True."""
        return self.severity.lower() not in _MINOR and self.reason not in _NOT_WANTED

    @property
    def says(self) -> str:
        """Its type, reason and message in one line, fit to be told."""
        words = f"{self.type} is {self.status or 'empty'}: {self.reason} {self.message}"
        return quoted(re.sub(r"\s+", " ", words).strip().removesuffix(":"))


class Release(msgspec.Struct, frozen=True):
    name: str = ""
    version: str = ""


def named(conditions: Sequence[Condition] | None, name: str) -> Condition | None:
    """The newest condition of this type, however it is written: `KserveReady`, and `kserveReady` in 2.16."""
    return next((one for one in reversed(conditions or ()) if one.type.lower() == name.lower()), None)


def worst(conditions: Sequence[Condition] | None, phase: str) -> Condition | None:
    """What speaks against the whole object; None where nothing does. A phase that says so alone is told as a
    condition of the type `phase`."""
    for name in _OVERALL:
        found = named(conditions, name)
        if found is not None and _bad(found):
            return found
    if phase not in ("", READY):
        return Condition(type="phase", status=phase)
    return None


def spoken_for(conditions: Sequence[Condition] | None, phase: str) -> bool:
    """Whether the whole object has been judged at all."""
    return bool(phase) or any(named(conditions, name) is not None for name in _OVERALL)


def _bad(condition: Condition) -> bool:
    if condition.type == "Degraded":
        return condition.status == "True"
    if condition.status == "True":
        return condition.reason == _WITH_ERRORS
    return condition.counts


def stale(conditions: Sequence[Condition] | None, observed: int, generation: int) -> bool:
    """Whether all of it was told of an older generation of the object.

    `status.observedGeneration` is written only when all is well, ProvisioningSucceeded's at each look
    (opendatahub-operator, pkg/controller/reconciler/reconciler.go): the newest of them tells.
    """
    told = max((observed, *(one.observed_generation for one in conditions or ())))
    return 0 < told < generation
