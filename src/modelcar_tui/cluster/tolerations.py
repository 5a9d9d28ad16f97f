"""Tolerations as ServingRuntimes and profiles write them."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from modelcar_tui.core.text import clean
from modelcar_tui.manifest import Toleration


class Written(msgspec.Struct, frozen=True):
    """core/v1 Toleration."""

    key: str | None = None
    operator: str | None = None
    value: str | None = None
    effect: str | None = None


def tolerations_of(written: Iterable[Written] | None) -> tuple[Toleration, ...]:
    """The same, cleaned; without an operator it is `Equal`."""
    return tuple(
        Toleration(
            key=clean(one.key or "", limit=320),
            operator=clean(one.operator or "", limit=20) or "Equal",
            value=clean(one.value or "", limit=63),
            effect=clean(one.effect or "", limit=20),
        )
        for one in written or ()
    )
