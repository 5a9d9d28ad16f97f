"""Everything that is known of a manifest item's image, whatever is missing: `inspect_image` never raises for
outside faults."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.facts import Fact, Source
from modelcar_tui.image.combine import complete
from modelcar_tui.image.credentials import skopeo_authfile
from modelcar_tui.image.errors import ImageError, Trouble, fault
from modelcar_tui.image.names import guess_model
from modelcar_tui.image.options import ImageOptions
from modelcar_tui.image.reference import Reference, parse_reference
from modelcar_tui.image.skopeo import SkopeoImage, skopeo_inspect
from modelcar_tui.image.types import ImageFacts, ModelFacts

if TYPE_CHECKING:
    from modelcar_tui.image.registry.session import RegistrySession

_SKOPEO_AT_ONCE = 4
_NO_OPTIONS = ImageOptions()


async def inspect_image(
    reference: str,
    name: str = "",
    *,
    options: ImageOptions = _NO_OPTIONS,
    session: RegistrySession | None = None,
) -> ImageFacts:
    """Facts of one image: skopeo's size and architectures, the model's own files, catalog and name.

    Args:
        reference: As written in the manifest.
        name: The manifest item's name, for the guess of last resort.
        options: Limits, files and what may be asked.
        session: Connections shared with other images; made and closed here when None.

    Returns:
        Facts whose `problems` say what could not be read and the command that would help.
    """
    try:
        parsed = parse_reference(reference)
    except UserError as error:
        return _without_image(reference, name, error.problems)
    guess = guess_model(name, parsed)
    if options.offline:
        return _finish(parsed, guess, _Seen(problems=[fault(Trouble.OFFLINE, host=parsed.host).problem]))
    seen = _Seen()
    try:
        async with asyncio.timeout(options.total_timeout_s):
            await _look(parsed, options, seen, session)
    except TimeoutError:
        seen.problems.append(fault(Trouble.TIMEOUT, host=parsed.host, repository=parsed.repository).problem)
    return _finish(parsed, guess, seen)


async def inspect_images(
    pairs: Iterable[tuple[str, str]], *, options: ImageOptions = _NO_OPTIONS
) -> AsyncIterator[tuple[int, ImageFacts]]:
    """Many images side by side, at most `options.per_host` of one host at a time.

    Yields the index within `pairs` and the facts, in the order in which they become known.
    """
    from modelcar_tui.image.registry.session import RegistrySession

    items = list(pairs)
    async with RegistrySession(options) as session:

        async def one(index: int, reference: str, name: str) -> tuple[int, ImageFacts]:
            async with session.slot(_host_of(reference)):
                return index, await inspect_image(reference, name, options=options, session=session)

        tasks = [asyncio.create_task(one(index, *pair)) for index, pair in enumerate(items)]
        try:
            for done in asyncio.as_completed(tasks):
                yield await done
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


class _Seen:
    """What was found out so far; a time limit keeps what is here."""

    def __init__(self, problems: list[Problem] | None = None) -> None:
        self.digest: str | None = None
        self.size: Fact[int] = Fact(unit="B")
        self.architectures: Fact[tuple[str, ...]] = Fact()
        self.model = ModelFacts()
        self.layout = ""
        self.bytes_read = 0
        self.problems: list[Problem] = problems or []


async def _look(reference: Reference, options: ImageOptions, seen: _Seen, session: RegistrySession | None) -> None:
    if options.use_skopeo:
        try:
            _take_skopeo(seen, await _ask_skopeo(reference, options))
        except ImageError as error:
            seen.problems.append(error.problem)


async def _ask_skopeo(reference: Reference, options: ImageOptions) -> SkopeoImage:
    with skopeo_authfile(reference.host, reference.repository, options) as authfile:
        return await skopeo_inspect(
            reference,
            authfile=authfile,
            registries_conf=options.registries_conf,
            timeout_s=options.timeout_s,
            tls_verify=options.tls_verify,
            architecture=options.architecture,
        )


def _take_skopeo(seen: _Seen, image: SkopeoImage) -> None:
    now = time.time()
    of = f" of {image.size_of}" if image.size_of else ""
    seen.digest = image.digest
    seen.size = Fact(
        value=image.manifest.size,
        source=Source.LAYERS,
        at=now,
        unit="B",
        note=f"sum of {len(image.manifest.layers)} layers{of}, by skopeo",
    )
    if image.architectures:
        seen.architectures = Fact(value=image.architectures, source=Source.IMAGE_CONFIG, at=now, note="by skopeo")


def _finish(reference: Reference, guess: ModelFacts, seen: _Seen) -> ImageFacts:
    why = str(seen.problems[0]) if seen.problems else "not looked at"
    size = seen.size if seen.size.known else Fact(note=why, unit="B")
    return ImageFacts(
        reference=reference.text,
        digest=seen.digest,
        size_bytes=size,
        architectures=seen.architectures if seen.architectures.known else Fact(note=why),
        model=complete(seen.model, guess, size),
        layout=seen.layout,
        bytes_read=seen.bytes_read,
        problems=tuple(seen.problems),
    )


def _without_image(reference: str, name: str, problems: tuple[Problem, ...]) -> ImageFacts:
    why = str(problems[0])
    return ImageFacts(
        reference=reference,
        size_bytes=Fact(note=why, unit="B"),
        architectures=Fact(note=why),
        model=guess_model(name),
        problems=problems,
    )


def _host_of(reference: str) -> str:
    try:
        return parse_reference(reference).host
    except UserError:
        return ""
