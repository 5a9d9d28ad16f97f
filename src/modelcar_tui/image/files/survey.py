"""Where the small files of a model stand in an image's layers, and their bytes; weights are never read.

A layer that an annotation names is opened where its file is wanted. Others are walked by their headers: of a
plain tar any file can be read later, of a compressed one what is small is kept on the way, and a large file
is waited at.
"""

from __future__ import annotations

import asyncio
import hashlib
import posixpath
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial

from modelcar_tui.core.contain import not_known
from modelcar_tui.core.text import clean
from modelcar_tui.image.errors import ImageError, Trouble, fault
from modelcar_tui.image.files.found import WEIGHTS
from modelcar_tui.image.files.gathering import too_much
from modelcar_tui.image.files.layers import (
    SOFT,
    UNPROMISING,
    FetchBlob,
    annotated_path,
    members,
    sensible,
)
from modelcar_tui.image.files.small import may_be_small, tells_a_model
from modelcar_tui.image.files.source import Budget, Packed, Plain, Source, open_blob
from modelcar_tui.image.files.tar import MOST_ENTRIES, TarEntry, is_tar, walk
from modelcar_tui.image.files.tree import LayerFiles, Place, merged
from modelcar_tui.image.manifests import Descriptor, ImageManifest

_AT_ONCE = 6
_WINDOW = 16 * 1024
_SMALL_LAYER = 64 * 1024
_PIECE = 4 * 1024 * 1024
"""One request's most: a line of 200 KiB/s brings it within the time limit of one."""
_BY_THE_WAY = 256 * 1024
_PATIENCE = 4 * 1024 * 1024
"""The largest file that a compressed layer is followed past, in decoded bytes; where weights begin, less."""
_MOST_UNANNOTATED = 400
_MOST_WAITING = 8
"""Compressed layers that may stand at a large file at once: each holds what its stream has decoded, and a
kilobyte of zstd makes 8 MiB."""
_MOST_MEMBERS = 50_000
"""Of all layers that are walked; a compressed name costs the registry next to nothing."""
_HEADERS = 3
"""One member may have: a long name's, a long link's, its own."""
_UNLIMITED = 1 << 62
_CARD = "io.opendatahub.modelcar.layer.type"
_KIND = "olot.layer.content.type"


class UnreadableError(Exception):
    """A file that is there and can't be had; its text says why, as what is said of the file."""


class Layer:
    """One layer, and how far it was looked at."""

    def __init__(self, number: int, descriptor: Descriptor) -> None:
        self.number = number
        self.descriptor = descriptor
        self.files = LayerFiles()
        self.source: Source | None = None
        self.lock = asyncio.Lock()
        """A source has one window."""
        self.name = f"layer {descriptor.digest[:19]}…"
        self.walking: AsyncIterator[TarEntry] | None = None
        self.waits_at: Place | None = None
        self.ends_after = ""
        """The file after which the layer was not followed any further; empty where it was read to its end."""
        self.members = 0
        self.has_weights = False
        self.fault = ""
        """Why the layer could not be walked."""

    def close(self) -> None:
        """It is not followed any further. A compressed stream gives up what it has decoded; of a plain tar
        any file can be read later."""
        self.walking = self.waits_at = None
        if isinstance(self.source, Packed):
            self.source = None


class Survey:
    """All layers of one image."""

    def __init__(self, manifest: ImageManifest, fetch: FetchBlob, budget: Budget) -> None:
        self.layers = [Layer(number, each) for number, each in enumerate(manifest.layers)]
        self.faults: list[ImageError] = []
        self.broken: ImageError | None = None
        """The registry's own failure, after which it is not asked again."""
        self._fetch = fetch
        self._budget = budget
        self._room = budget.left
        self._members = 0
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def look(self) -> None:
        """Find the files: by annotations where those tell any, else by the headers of each layer's tar."""
        walked = sorted(self._unnamed(), key=lambda layer: layer.descriptor.size)[:_MOST_UNANNOTATED]
        window = max(1024, min(_WINDOW, self._budget.left // (4 * len(walked) or 1)))
        opening = [(layer, partial(self._open, layer, window)) for layer in walked]
        await self.side_by_side(partial(self._contained, layer, job) for layer, job in opening)

    def _unnamed(self) -> Iterator[Layer]:
        """The layers whose files only they themselves can tell; annotated files are noted by the way."""
        named = [(layer, annotated_path(layer.descriptor)) for layer in self.layers]
        told = [layer.number for layer, path in named if may_be_small(path) or path.endswith(WEIGHTS)]
        for layer, path in named:
            if told and path and not _is_folder(layer.descriptor):
                if sensible(path):
                    layer.files.add(path, Place(layer=layer.number, size=layer.descriptor.size))
            elif not told or path or (layer.number > told[0] and not _is_card(layer.descriptor)):
                yield layer  # of a base below annotated layers nothing is wanted

    async def side_by_side(self, jobs: Iterable[Callable[[], Awaitable[None]]]) -> None:
        """Run what asks the registry, a few at a time."""

        async def one(job: Callable[[], Awaitable[None]]) -> None:
            async with self._slots:
                await job()

        async with asyncio.TaskGroup() as group:
            for job in jobs:
                group.create_task(one(job))

    def tree(self) -> dict[str, Place]:
        """The image's files as far as they are known."""
        return merged([layer.files for layer in self.layers])

    def is_at_hand(self, place: Place) -> bool:
        """Whether a file can be read, or is: of a compressed layer only what was kept on the way."""
        return place.data is not None or place.start < 0 or isinstance(self._source(place), Plain)

    def costs(self, place: Place) -> int:
        """Bytes that reading a file asks of the registry."""
        if place.data is not None:
            return 0
        return place.size if place.start >= 0 else self.layers[place.layer].descriptor.size

    async def read(self, path: str, place: Place, most: int) -> bytes:
        """The whole file, at most `most` bytes.

        Raises:
            UnreadableError: with what is said of the file.
            ImageError: the registry failed, or the layer is broken.
        """
        if place.odd:
            raise UnreadableError("is no regular file")
        if place.data is not None:
            return place.data
        layer = self.layers[place.layer]
        async with layer.lock:
            if place.start < 0:
                return await self._read_alone(layer, path, most)
            assert layer.source is not None  # noqa: S101 - a place within a tar has been walked to
            if isinstance(layer.source, Plain):
                layer.source.window = 512
            return await _content(layer.source, place.start, place.size)

    async def go_on(self, room: int) -> None:
        """Follow the compressed layers that wait at a large file, the smallest first; `room` bytes may be
        kept."""
        self._room = room
        waiting = [(layer.waits_at.size, layer.number) for layer in self.layers if layer.waits_at is not None]
        for _, number in sorted(waiting):
            layer = self.layers[number]
            while layer.waits_at is not None and self.broken is None:
                await self._contained(layer, partial(self._follow, layer))

    async def _follow(self, layer: Layer) -> None:
        place, layer.waits_at = layer.waits_at, None
        if place is not None and place.size <= self._room:
            await self._keep(layer, place)
        await self._walk(layer)

    async def _keep(self, layer: Layer, place: Place) -> None:
        """Read a file of a compressed layer while its stream stands there: it does not go back."""
        assert layer.source is not None  # noqa: S101 - opened
        with suppress(UnreadableError):
            place.data = await _content(layer.source, place.start, place.size)
            self._room -= place.size

    async def _contained(self, layer: Layer, job: Callable[[], Awaitable[None]]) -> None:
        """A broken layer costs its own files; a registry that fails is not asked again."""
        if self.broken is not None:
            return
        try:
            await job()
        except ImageError as error:
            self.note(error)
            layer.fault = error.problem.what
            layer.close()
        except BaseException as error:  # noqa: BLE001 - the end of the run is raised again
            self.faults.append(ImageError(Trouble.SURPRISE, not_known(error, layer.name)))
            layer.fault = self.faults[-1].problem.what
            layer.close()

    def note(self, error: ImageError) -> None:
        """Keep a fault; one of the registry itself ends the asking."""
        self.faults.append(error)
        if error.kind not in SOFT:
            self.broken = self.broken or error

    async def _open(self, layer: Layer, window: int) -> None:
        size = layer.descriptor.size
        if size == 0:
            return

        async def fetch(start: int, length: int) -> bytes:
            return await self._fetch(layer.descriptor, start, length)

        first = size if size <= min(_SMALL_LAYER, 4 * window) else window
        source, _ = await open_blob(fetch, size, self._budget, first=first, patience=UNPROMISING)
        if isinstance(source, Plain):
            source.window = window
        if await is_tar(source):
            layer.source = source
            layer.walking = members(
                source,
                layer.descriptor,
                one=False,
                belongs=lambda name: tells_a_model(name) or name.endswith(WEIGHTS),
                patience=lambda: UNPROMISING if layer.has_weights else _PATIENCE,
            )
            await self._walk(layer)

    async def _walk(self, layer: Layer) -> None:
        """Note a layer's members until its end, or until a large file of a compressed one."""
        assert layer.walking is not None and layer.source is not None  # noqa: S101 - opened
        packed, last = isinstance(layer.source, Packed), None
        async for entry in layer.walking:
            last = entry
            layer.members += 1
            self._members += 1
            path = posixpath.normpath(entry.path)
            layer.has_weights |= path.endswith(WEIGHTS)
            if path != clean(path, limit=500):
                continue  # cleaned, it could take the place of a file with a plain name
            if not layer.files.mark(path) and sensible(path):
                place = _place(layer.number, path, entry)
                if place is not None:
                    layer.files.add(path, place)
                if packed and place is not None and place.start >= 0 and may_be_small(path):
                    if place.size > min(_BY_THE_WAY, self._room):
                        self._wait(layer, path, place)
                        return
                    await self._keep(layer, place)
            if self._members >= _MOST_MEMBERS:
                break
        if last is not None and await self._is_cut(layer, layer.source, last):
            layer.ends_after = posixpath.normpath(clean(last.path, limit=500))
        layer.close()

    def _wait(self, layer: Layer, path: str, place: Place) -> None:
        """Stand at a large file until it is known whether it fits; where too many layers do, give up."""
        if sum(each.waits_at is not None for each in self.layers) < _MOST_WAITING:
            layer.waits_at = place
        else:
            layer.ends_after = path
            layer.close()

    async def _is_cut(self, layer: Layer, source: Source, last: TarEntry) -> bool:
        """Whether more may follow the last member; a layer of one large file holds nothing else."""
        if layer.members >= MOST_ENTRIES // _HEADERS or self._members >= _MOST_MEMBERS:
            return any(await source.read(last.end, 512))
        stopped = not source.reaches(last.end) and (isinstance(source, Packed) or self._budget.left <= 0)
        return stopped and len(layer.files.places) > 1

    def _source(self, place: Place) -> Source | None:
        return self.layers[place.layer].source

    async def _read_alone(self, layer: Layer, path: str, most: int) -> bytes:
        """The one file of an annotated layer: a tar or the file itself, checked against its digest."""
        raw = await self._whole(layer.descriptor)

        async def fetch(start: int, length: int) -> bytes:
            return raw[start : start + length]

        at_hand = Budget(_UNLIMITED)
        source, packing = await open_blob(fetch, len(raw), at_hand, first=_SMALL_LAYER, patience=_UNLIMITED)
        if not await is_tar(source):
            if packing:
                raise UnreadableError("is packed in a way that is not read")
            return _short_enough(raw, most)
        async for entry in walk(source):
            if entry.folder or posixpath.basename(entry.path) != posixpath.basename(path):
                continue
            if not entry.regular:
                raise UnreadableError("is no regular file")
            if entry.size > most:
                raise UnreadableError(too_much(entry.size, most))
            return await _content(source, entry.start, entry.size)
        raise UnreadableError("is not in the layer that is said to hold it")

    async def _whole(self, layer: Descriptor) -> bytes:
        self._budget.take(layer.size)
        raw = bytearray()
        while len(raw) < layer.size:
            piece = await self._fetch(layer, len(raw), min(_PIECE, layer.size - len(raw)))
            raw += piece
        algorithm, _, value = layer.digest.partition(":")
        if hashlib.new(algorithm, raw).hexdigest() != value:
            raise fault(Trouble.DIGEST, host="", where=f"layer {layer.digest[:19]}…")
        return bytes(raw)


def _short_enough(raw: bytes, most: int) -> bytes:
    if len(raw) > most:
        raise UnreadableError(too_much(len(raw), most))
    return raw


def _is_folder(layer: Descriptor) -> bool:
    return layer.annotations.get(_KIND) == "directory"


def _is_card(layer: Descriptor) -> bool:
    """The README, which olot adds last, in its first releases without a name."""
    return layer.annotations.get(_CARD) == "modelcard"


def _place(number: int, path: str, entry: TarEntry) -> Place | None:
    """None for folders, and for what has a wanted name and is nothing that could be read."""
    if entry.link:
        return Place(layer=number, size=0, link=entry.link)
    if entry.regular:
        return Place(layer=number, size=entry.size, start=entry.start)
    if entry.folder or not may_be_small(path):
        return None
    return Place(layer=number, size=0, odd=True)


async def _content(source: Source, start: int, size: int) -> bytes:
    raw = b""
    if isinstance(source, Plain):
        steps = range(start, start + size, _PIECE)
        raw = b"".join([await source.read(at, min(_PIECE, start + size - at)) for at in steps])
    else:
        raw = await source.read(start, size)
    if len(raw) != size:
        raise UnreadableError("is cut short, or stands too far inside a compressed layer")
    return raw
