"""One image read through our own client: manifest, architecture, and the model's files."""

from __future__ import annotations

import asyncio
import json
import time

import msgspec

from modelcar_tui.core.contain import Contained, not_known
from modelcar_tui.core.counting import several
from modelcar_tui.core.errors import Problem
from modelcar_tui.core.facts import Fact, Source
from modelcar_tui.core.reference import Reference
from modelcar_tui.core.text import clean
from modelcar_tui.image.errors import Trouble, fault
from modelcar_tui.image.files.found import CountParameters, Found, model_facts
from modelcar_tui.image.files.layers import FetchBlob, read_layers
from modelcar_tui.image.files.source import Budget
from modelcar_tui.image.manifests import Descriptor, ImageIndex, ImageManifest, parse_manifest
from modelcar_tui.image.options import ImageOptions
from modelcar_tui.image.registry.client import RawManifest, Repository
from modelcar_tui.models import ModelFacts

_CONFIG_LIMIT = 1 << 20


class RegistryImage(msgspec.Struct, frozen=True, kw_only=True):
    """What the registry and the layers told."""

    digest: str
    size: Fact[int]
    architectures: Fact[tuple[str, ...]]
    model: ModelFacts
    layout: str
    bytes_read: int
    problems: tuple[Problem, ...] = ()
    whole: bool = True
    """Whether nothing failed in a way that another try may mend."""


async def read_image(
    repository: Repository,
    named: RawManifest,
    reference: Reference,
    options: ImageOptions,
    *,
    count: CountParameters | None = None,
) -> RegistryImage:
    """Read one image whose manifest or index is at hand.

    Raises:
        ImageError: the manifest can't be used; what fails after that ends up in `problems`.
    """
    manifest, architectures = await choose_manifest(repository, named, reference, options)
    now = time.time()
    budget, found = Budget(options.byte_budget), Found()
    size = Fact(
        value=manifest.size,
        source=Source.LAYERS,
        at=now,
        unit="B",
        note=f"sum of {several(len(manifest.layers), 'layer')}, from the registry",
    )
    problems: list[Problem] = []
    layout, whole = "", True

    fetch = from_layers(repository)

    async def look_at_layers() -> None:
        nonlocal layout, whole
        try:
            reading = await read_layers(manifest, fetch, found, budget)
        except BaseException as error:  # noqa: BLE001 - the end of the run is raised again
            problems.append(not_known(error, reference.pull))
            whole = False
            return
        layout = reading.layout
        faults = {each.kind: each for each in reading.faults}
        problems.extend(_placed(each.problem, reference) for each in faults.values())

    machine, _ = await asyncio.gather(
        _machine(repository, manifest, architectures, problems, now), look_at_layers()
    )
    problems.extend(_note(note, reference) for note in found.notes[:5])
    model = ModelFacts()
    with Contained(f"{reference.pull}: the model's files") as caught:
        model = model_facts(found, count=count, at=now)
    if caught.problem is not None:
        problems.append(caught.problem)
        whole = False
    if model.tensors is not None:
        problems = [problem for problem in problems if problem.code != Trouble.BUDGET.value]
    return RegistryImage(
        digest=named.digest,
        size=size,
        architectures=machine,
        model=model,
        layout=layout,
        bytes_read=budget.used,
        problems=tuple(problems),
        whole=whole,
    )


def from_layers(repository: Repository) -> FetchBlob:
    """Ranges of a repository's layers; a layer that is asked for whole is checked against its digest."""

    async def fetch(layer: Descriptor, start: int, length: int) -> bytes:
        if start == 0 and length == layer.size:
            return await repository.blob(layer.digest, layer.size)
        return await repository.window(layer.digest, start, length, size=layer.size)

    return fetch


async def choose_manifest(
    repository: Repository, named: RawManifest, reference: Reference, options: ImageOptions
) -> tuple[ImageManifest, tuple[str, ...]]:
    """The manifest of the one image that is read, and all architectures where there is an index.

    Raises:
        ImageError: it is malformed, or has no Linux image.
    """
    place = {"host": reference.host, "repository": reference.repository}
    try:
        first = parse_manifest(named.raw, digest=named.digest)
        if isinstance(first, ImageManifest):
            return first, ()
        child = first.choose(options.architecture)
        if child is None:
            raise fault(Trouble.PLATFORM, **place)
        one = parse_manifest((await repository.manifest(child.digest)).raw, digest=child.digest)
    except ValueError as error:
        raise fault(Trouble.MALFORMED, **place, detail=str(error)) from None
    if isinstance(one, ImageIndex):
        raise fault(Trouble.MALFORMED, **place, detail="an index within the index")
    return one, first.architectures


async def _machine(
    repository: Repository,
    manifest: ImageManifest,
    architectures: tuple[str, ...],
    problems: list[Problem],
    now: float,
) -> Fact[tuple[str, ...]]:
    """The architectures: the index's list, else the image config's own word."""
    if architectures:
        return Fact(value=architectures, source=Source.IMAGE_CONFIG, at=now, note="the index's platforms")
    config = manifest.config
    if config is None or not 2 < config.size <= _CONFIG_LIMIT:
        return Fact(note="the image has no config that names one")
    try:
        data = json.loads(await repository.blob(config.digest, config.size))
    except (ValueError, RecursionError):
        data = None
    except BaseException as error:  # noqa: BLE001 - the end of the run is raised again
        problems.append(not_known(error, f"{config.digest[:19]}…"))
        return Fact(note=str(problems[-1]))
    name = data.get("architecture") if isinstance(data, dict) else None
    if not isinstance(name, str) or not name:
        return Fact(note="the image's config names none")
    return Fact(value=(clean(name, limit=40),), source=Source.IMAGE_CONFIG, at=now, note="the image's config")


def _placed(problem: Problem, reference: Reference) -> Problem:
    return msgspec.structs.replace(problem, where=f"{reference.pull}: {problem.where}")


def _note(note: str, reference: Reference) -> Problem:
    return Problem(what=note, where=reference.pull, code=Trouble.MALFORMED.value)
