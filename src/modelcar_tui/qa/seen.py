"""What the cluster itself says of a model while the suite waits for it."""

from __future__ import annotations

import msgspec


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """Why a model does not start, by its pod, its events or its server's log; cleaned and redacted."""

    model: str
    """The manifest's name; `a or b` where the suite gives two models one object and nothing tells which."""
    object: str
    """The InferenceService's name, which the suite makes of the model's."""
    text: str
    """One line: `waiting for the image: unauthorized`; empty where the model is well again."""
    cause: str = ""
    """A code of `qa_failures.yaml`."""
    means: str = ""
    fix: str = ""
    mends_itself: bool = True
    """False where waiting can't help: a refused pull secret, a wrong argument, a quota that stays full."""
    at: float = 0.0
    """When it was first seen, seconds since 1970."""

    @property
    def line(self) -> str:
        """`granite: waiting for the image: unauthorized`."""
        return f"{self.model}: {self.text}"


def hopeless_models(seen: tuple[Seen, ...]) -> tuple[Seen, ...]:
    """Those that waiting does not mend."""
    return tuple(one for one in seen if not one.mends_itself)
