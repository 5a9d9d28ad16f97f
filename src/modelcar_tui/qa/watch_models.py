"""Which model of the manifest an object of the suite's is."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import NamedTuple

LONGEST_NAME = 20
"""Characters that the suite leaves of a name."""
_UNFIT = re.compile(r"[^a-z0-9-]")
_SCHEME = re.compile(r"^\w+://")


class Car(NamedTuple):
    """A model as the suite is given it."""

    name: str
    image: str


def service_name(model: str) -> str:
    """The name of the InferenceService that the suite makes for a model."""
    return _UNFIT.sub("-", model.lower())[:LONGEST_NAME]


def cut_model_name(model: str) -> str:
    """A model's name with no more of it than the suite leaves."""
    return model[:LONGEST_NAME]


def model_behind(name: str, images: Collection[str], cars: Sequence[Car]) -> str:
    """The manifest's name of an object; `a or b` where two models share it and their images do not tell.

    Args:
        name: the InferenceService's.
        images: that its pod has; empty where there is no pod.
    """
    mine = [car for car in cars if service_name(car.name) == name]
    if len(mine) > 1:
        plain = {_SCHEME.sub("", image) for image in images}
        mine = [car for car in mine if _SCHEME.sub("", car.image) in plain] or mine
    return " or ".join(dict.fromkeys(car.name for car in mine)) or name
