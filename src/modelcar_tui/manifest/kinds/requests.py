"""One thing to serve, put together: what a reader of some kind found, and where it is written."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass

from modelcar_tui.core.errors import Problem
from modelcar_tui.manifest.deciding_variables import engine_variables
from modelcar_tui.manifest.kinds.objects import KubeObject
from modelcar_tui.manifest.kinds.places import ListPart, Place, TextPart
from modelcar_tui.manifest.kinds.unsure import told_words
from modelcar_tui.manifest.limits import MAX_GPUS
from modelcar_tui.manifest.masking import masked_arguments
from modelcar_tui.manifest.spans import Node
from modelcar_tui.manifest.telling import Told, position
from modelcar_tui.manifest.types import (
    ArgumentsFrom,
    ModelCar,
    Position,
    Server,
    ServingArguments,
    allows_long_context,
)


@dataclass(frozen=True, slots=True)
class File:
    """What a reader may ask of the file around its object."""

    told: Told
    objects: tuple[KubeObject, ...]

    def find(self, kinds: tuple[str, ...], name: str, namespace: str) -> KubeObject | None:
        """An object of the file by kind and name; one without a namespace of its own fits any."""
        for one in self.objects:
            same = not one.namespace or not namespace or one.namespace == namespace
            if one.kind in kinds and one.name == name and (same or one.kind.startswith("Cluster")):
                return one
        return None


@dataclass(frozen=True, slots=True)
class Read:
    """One thing to serve and where it is written."""

    request: ModelCar
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a reader found of one thing to serve; `read_of` makes a `Read` of it."""

    object: KubeObject
    name: str
    image: str
    """Where the weights come from: see `ModelCar.image`."""
    image_node: Node | None
    """The text that says so; None where nothing does."""
    place: Place
    gpus: int
    server: Server
    copies: int = 1
    pods: int = 1
    open: tuple[Problem, ...] = ()


def read_of(found: Found) -> Read:
    """The request with its arguments masked, each with its place."""
    one, place = found.object, found.place
    at = position(one.root)
    serving = ServingArguments(
        gpu_count=min(found.gpus, MAX_GPUS),
        args=masked_arguments(told_words(place) if found.open else place.words),
        origin=ArgumentsFrom.ITEM if place.words else ArgumentsFrom.NONE,
        gpu_count_at=position(place.gpus[0].node) if place.gpus else None,
        args_at=_positions(place),
        before=found.server.args,
        by_suite=False,
        long_context=allows_long_context(found.server.environment),
        variables=engine_variables(found.server.environment),
    )
    request = ModelCar(
        name=found.name,
        image=found.image,
        serving=serving,
        at=at,
        name_at=at,
        image_at=position(found.image_node) if found.image_node is not None else at,
        kind=one.kind,
        namespace=one.namespace,
        copies=found.copies,
        pods=found.pods,
        server=found.server,
        open=found.open,
    )
    return Read(request, place)


def _positions(place: Place) -> tuple[Position, ...]:
    """The place of each argument; of one in a text the line on which it stands."""
    found: list[Position] = []
    for part in place.parts:
        if isinstance(part, ListPart):
            found += [position(part.seq.items[index]) for index in part.items]
        else:
            found += _in_text(part)
    return tuple(found)


def _in_text(part: TextPart) -> list[Position]:
    """Exact in a literal block; elsewhere where the text begins."""
    if part.node.style != "|":
        return [position(part.node)] * len(part.spans)
    breaks = [match.start() for match in re.finditer("\n", part.node.value)]
    first = part.node.line + 1
    return [Position(first + bisect_left(breaks, start), 1) for start, _ in part.spans]
