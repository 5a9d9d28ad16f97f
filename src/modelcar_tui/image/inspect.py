"""Everything that is known of a manifest item's image, whatever is missing: one image's failure, foreseen or
not, is that image's problem and never raised."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from modelcar_tui.core.contain import Contained, not_known
from modelcar_tui.core.counting import several
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.facts import Fact, Source
from modelcar_tui.core.reference import Reference, parse_reference
from modelcar_tui.image.cache import VERSION, CachedImage, ImageCache
from modelcar_tui.image.combine import complete, first_known
from modelcar_tui.image.credentials import skopeo_authfile, teach_logins
from modelcar_tui.image.elsewhere import facts_by_name, is_elsewhere
from modelcar_tui.image.errors import ImageError, Trouble, fault
from modelcar_tui.image.options import ImageOptions
from modelcar_tui.image.registry.session import RegistrySession
from modelcar_tui.image.skopeo import SkopeoImage, skopeo_inspect
from modelcar_tui.image.types import ImageFacts
from modelcar_tui.models import ModelFacts, guess_model

if TYPE_CHECKING:
    from modelcar_tui.image.files.found import CountParameters
    from modelcar_tui.image.registry.client import RawManifest, Repository
    from modelcar_tui.image.registry.image import RegistryImage

_NO_OPTIONS = ImageOptions()


async def inspect_image(
    reference: str,
    name: str = "",
    *,
    options: ImageOptions = _NO_OPTIONS,
    session: RegistrySession | None = None,
    count_parameters: CountParameters | None = None,
) -> ImageFacts:
    """Facts of one image: skopeo's size and architectures, the model's own files, catalog and name.

    Args:
        reference: As written in the manifest; of weights that are no image (`hf://`, `pvc://`, empty) the
            name tells, and nobody is asked.
        name: The manifest item's name, for the guess of last resort.
        options: Limits, files and what may be asked.
        session: Connections shared with other images; made and closed here when None.
        count_parameters: Counts weights by config.json where headers are out of reach; with a `session` its
        own.

    Returns:
        Facts whose `problems` say what could not be read and the command that would help.
    """
    if is_elsewhere(reference):
        return facts_by_name(reference, name)
    try:
        parsed = parse_reference(reference)
    except UserError as error:
        return not_inspected(reference, name, *error.problems)
    guess = guess_model(name, parsed)
    if options.offline:
        return _offline(parsed, guess, options)
    seen = _Seen()
    try:
        async with AsyncExitStack() as stack, asyncio.timeout(options.total_timeout_s):
            shared = session
            if shared is None:
                own = RegistrySession(options, count_parameters=count_parameters)
                shared = await stack.enter_async_context(own)
            await _look(parsed, options, seen, shared)
    except TimeoutError:
        seen.problems.append(fault(Trouble.TIMEOUT, host=parsed.host, repository=parsed.repository).problem)
    except BaseException as error:  # noqa: BLE001 - the end of the run is raised again
        seen.problems.append(not_known(error, parsed.text))
    return _finish(parsed, guess, seen)


async def inspect_images(
    pairs: Iterable[tuple[str, str]],
    *,
    options: ImageOptions = _NO_OPTIONS,
    count_parameters: CountParameters | None = None,
) -> AsyncGenerator[tuple[int, ImageFacts], None]:
    """Many images side by side, at most `options.per_host` of one host at a time.

    Yields the index within `pairs` and the facts, in the order in which they become known.
    """
    items = list(pairs)
    async with RegistrySession(options, count_parameters=count_parameters) as session:
        session.skopeo_first = len(items) <= options.skopeo_up_to

        async def one(index: int, reference: str, name: str) -> tuple[int, ImageFacts]:
            with Contained(reference) as caught:
                async with session.slot(_host_of(reference)):
                    return index, await inspect_image(reference, name, options=options, session=session)
            assert caught.problem is not None  # noqa: S101 - else it has returned
            return index, not_inspected(reference, name, caught.problem)

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
        self.without_skopeo: Problem | None = None


async def _look(reference: Reference, options: ImageOptions, seen: _Seen, session: RegistrySession) -> None:
    """The cache where the registry says that nothing changed, else skopeo and the layers side by side."""
    cache = ImageCache(options)
    cached: CachedImage | None = None
    with Contained(reference.text):
        known = cache.digest_of(reference)
        cached = cache.get(known) if known else None
    opened: tuple[Repository, RawManifest] | None = None
    if cached is not None:
        with Contained(reference.text):
            opened = await session.open(reference, known=cached.digest)
            if opened[1].digest == cached.digest:
                return _take_cached(seen, cached)
    async with asyncio.TaskGroup() as group:
        client = group.create_task(_with_client(reference, options, seen, session, opened))

        async def told() -> bool:
            await asyncio.wait([client])
            return seen.architectures.known

        if session.skopeo_first or not (await told() and seen.size.known):
            await _with_skopeo(reference, options, seen, session, told)
    image = client.result()
    if image is not None and image.whole and image.digest == (seen.digest or image.digest):
        entry = CachedImage(
            version=VERSION,
            digest=image.digest,
            size=seen.size,
            architectures=seen.architectures,
            model=image.model,
            layout=image.layout,
            bytes_read=image.bytes_read,
        )
        with Contained(reference.text):
            cache.put(reference, entry)
    return None


async def _with_client(
    reference: Reference,
    options: ImageOptions,
    seen: _Seen,
    session: RegistrySession,
    opened: tuple[Repository, RawManifest] | None,
) -> RegistryImage | None:
    from modelcar_tui.image.registry.image import read_image

    try:
        repository, manifest = opened or await session.open(reference)
        image = await read_image(repository, manifest, reference, options, count=session.count_parameters)
    except BaseException as error:  # noqa: BLE001 - the end of the run is raised again
        seen.problems.append(not_known(error, reference.text))
        return None
    seen.digest = seen.digest or image.digest
    seen.size = first_known(seen.size, image.size)
    seen.architectures = first_known(seen.architectures, image.architectures)
    seen.model, seen.layout, seen.bytes_read = image.model, image.layout, image.bytes_read
    seen.problems.extend(image.problems)
    return image


async def _with_skopeo(
    reference: Reference,
    options: ImageOptions,
    seen: _Seen,
    session: RegistrySession,
    told: Callable[[], Awaitable[bool]],
) -> None:
    if not options.use_skopeo:
        return
    try:
        async with session.skopeo_slots:
            _take_skopeo(seen, await _ask_skopeo(reference, options, session, told))
    except ImageError as error:
        if error.kind is Trouble.NO_SKOPEO:
            seen.without_skopeo = error.problem
        else:
            seen.problems.append(error.problem)
    except BaseException as error:  # noqa: BLE001 - the end of the run is raised again
        seen.problems.append(not_known(error, f"{reference.text} by skopeo"))


def _take_cached(seen: _Seen, cached: CachedImage) -> None:
    seen.digest, seen.size, seen.architectures = cached.digest, cached.size, cached.architectures
    seen.model, seen.layout = cached.model, cached.layout


async def _ask_skopeo(
    reference: Reference, options: ImageOptions, session: RegistrySession, told: Callable[[], Awaitable[bool]]
) -> SkopeoImage:
    async def learn() -> None:
        """What our own client was given and what skopeo found: either may stand in the registry's words."""
        await told()
        for place in session.endpoints(reference):
            await teach_logins(place.host, place.repository, options)

    with skopeo_authfile(reference.host, reference.repository, options) as authfile:
        return await skopeo_inspect(
            reference,
            authfile=authfile,
            registries_conf=options.registries_conf,
            timeout_s=options.timeout_s,
            tls_verify=options.tls_verify,
            architecture=options.architecture,
            told=told,
            learn=learn,
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
        note=f"sum of {several(len(image.manifest.layers), 'layer')}{of}, by skopeo",
    )
    if image.architectures:
        seen.architectures = Fact(
            value=image.architectures, source=Source.IMAGE_CONFIG, at=now, note="by skopeo"
        )


def _offline(reference: Reference, guess: ModelFacts, options: ImageOptions) -> ImageFacts:
    cache = ImageCache(options)
    digest = cache.digest_of(reference)
    seen = _Seen(problems=[fault(Trouble.OFFLINE, host=reference.host).problem])
    if digest and (cached := cache.get(digest)) is not None:
        seen.problems.clear()
        _take_cached(seen, cached)
    return _finish(reference, guess, seen)


def _finish(reference: Reference, guess: ModelFacts, seen: _Seen) -> ImageFacts:
    if seen.without_skopeo is not None and not seen.size.known:
        seen.problems.append(seen.without_skopeo)
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
        problems=_once(seen.problems),
    )


def _once(problems: list[Problem]) -> tuple[Problem, ...]:
    """skopeo and our client often fail for the same reason: once is enough."""
    return tuple({(problem.code, problem.where): problem for problem in reversed(problems)}.values())[::-1]


def not_inspected(reference: str, name: str, *problems: Problem) -> ImageFacts:
    """Facts of an image that nobody could look at, or had the time to: what its name tells, and why."""
    why, model = str(problems[0]), ModelFacts()
    with Contained(reference):
        model = guess_model(name or reference)
    return ImageFacts(
        reference=reference,
        size_bytes=Fact(note=why, unit="B"),
        architectures=Fact(note=why),
        model=model,
        problems=problems,
    )


def _host_of(reference: str) -> str:
    try:
        return parse_reference(reference).host
    except UserError:
        return ""
