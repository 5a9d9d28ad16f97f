"""The small files of a model, as bytes: what a start of vLLM opens besides the weights."""

from __future__ import annotations

import asyncio
import posixpath
from functools import partial

import msgspec

from modelcar_tui.core.contain import not_known
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.reference import Reference, parse_reference
from modelcar_tui.core.text import clean
from modelcar_tui.image.elsewhere import files_elsewhere, is_elsewhere
from modelcar_tui.image.errors import ImageError, Trouble, fault
from modelcar_tui.image.files.found import DOCUMENTS, WEIGHTS, model_folder
from modelcar_tui.image.files.gathering import FIX, Gathering, too_much
from modelcar_tui.image.files.small import Need, is_early, need_of
from modelcar_tui.image.files.source import Budget
from modelcar_tui.image.files.survey import Survey, UnreadableError
from modelcar_tui.image.files.tree import BrokenLinkError, Place, follow
from modelcar_tui.image.local import is_local
from modelcar_tui.image.options import MIB, ImageOptions
from modelcar_tui.image.registry.session import RegistrySession
from modelcar_tui.image.types import SmallFiles

_NOT_REACHED = "stands too far inside a compressed layer, which is read from its start only"
_NOT_FOLLOWED = "its layer was not followed further"
_MOST_WEIGHTS = 2_000
_MOST_TOLD = 20


async def read_small_files(reference: str, *, options: ImageOptions, budget: int = 8 * MIB) -> SmallFiles:
    """Read what a start of vLLM opens besides the weights, for as few bytes as possible.

    Args:
        reference: As written in the manifest, or the path of a local folder.
        options: Limits, logins, mirrors and what may be asked, as for `inspect_image`.
        budget: The most bytes that are read of the layers, and the most that are kept; configurations come
            first, the largest tokenizers last.

    Returns:
        The files; what does not fit or can't be read stands in `left_out`.

    Raises:
        UserError: there are none: the weights lie elsewhere, the registry can't be asked,
            the image has no model.
    """
    if is_elsewhere(reference):
        raise UserError(files_elsewhere(reference))
    if is_local(reference):
        from modelcar_tui.image.small_local import read_folder

        return read_folder(reference, budget)
    parsed = parse_reference(reference)
    if options.offline:
        raise UserError(fault(Trouble.OFFLINE, host=parsed.host).problem)
    reading = _Reading(parsed, options, budget)
    try:
        async with asyncio.timeout(options.total_timeout_s), RegistrySession(options) as session:
            await reading.read(session)
    except TimeoutError:
        late = fault(Trouble.TIMEOUT, host=parsed.host, repository=parsed.repository)
        reading.stop(late.problem, f"was not read within {options.total_timeout_s:g} s")
    except BaseException as error:  # noqa: BLE001 - the end of the run is raised again
        reading.stop(not_known(error, parsed.pull), "was not read")
    return reading.result()


class _Reading:
    """One image: what was gathered of it stays, whatever ends the reading."""

    def __init__(self, reference: Reference, options: ImageOptions, budget: int) -> None:
        self._reference = reference
        self._options = options
        self._budget = Budget(budget)
        self._gathering = Gathering(budget)
        self._survey: Survey | None = None
        self._digest = ""
        self._root = ""
        self._problem: Problem | None = None
        self._kept: dict[str, Place] = {}
        """Whence each file was read: what a layer puts over it later takes its place."""

    async def read(self, session: RegistrySession) -> None:
        """Survey the layers, then read by need.

        Raises:
            ImageError: no manifest can be had.
        """
        from modelcar_tui.image.registry.image import choose_manifest, from_layers

        repository, named = await session.open(self._reference)
        self._digest = named.digest
        manifest, _ = await choose_manifest(repository, named, self._reference, self._options)
        self._survey = survey = Survey(manifest, from_layers(repository), self._budget)
        await survey.look()
        await self._round(survey, early=True)
        await self._round(survey)
        await survey.go_on(self._gathering.room)
        await self._round(survey, early=True)
        await self._round(survey, last=True)

    async def _round(self, survey: Survey, *, early: bool = False, last: bool = False) -> None:
        """Read what is at hand and fits: first what tells whether there is code, then all."""
        places = self._places(survey)
        self._gathering.forget(path for path, place in self._kept.items() if places.get(path) is not place)
        waiting = {path for path, place in places.items() if not survey.is_at_hand(place)}
        if last:
            sizes = {path: places[path].size for path in waiting}
            for path, size in sizes.items():
                self._gathering.leave({path: self._gathering.too_large(path, size, 0, size) or _NOT_REACHED})
        costs = {
            path: (max(place.size, 0), survey.costs(place))
            for path, place in places.items()
            if path not in waiting and (not early or is_early(path))
        }
        chosen = self._gathering.choose(costs, self._budget.left)
        await survey.side_by_side(partial(self._file, survey, path, places[path]) for path in chosen)

    def _places(self, survey: Survey) -> dict[str, Place]:
        """The files that are wanted, by their path within the model's folder, links followed."""
        tree = survey.tree()
        documents = [path for path in tree if posixpath.basename(path) in DOCUMENTS]
        weights = [path for path in tree if path.endswith(WEIGHTS)]
        self._root = root = model_folder(documents, weights)
        inside = [path for path in tree if not root or path.startswith(f"{root}/")]
        found: dict[str, Place] = {}
        for path in inside:
            name = path.removeprefix(root).lstrip("/")
            if need_of(name) is None:
                continue
            try:
                found[name] = follow(tree, path)
            except BrokenLinkError as error:
                self._gathering.leave({name: str(error)})
        return found

    async def _file(self, survey: Survey, path: str, place: Place) -> None:
        if survey.broken is not None:
            self._gathering.leave({path: survey.broken.problem.what})
            return
        try:
            data = await survey.read(path, place, self._gathering.most_of(path))
        except UnreadableError as error:
            self._gathering.leave({path: str(error)})
        except ImageError as error:
            survey.note(error)
            self._gathering.leave({path: error.problem.what})
        else:
            most = self._gathering.most_of(path)  # others were read meanwhile
            if len(data) > most:
                self._gathering.leave({path: too_much(len(data), most)})
                return
            self._gathering.keep(path, data)
            self._kept[path] = place

    def stop(self, problem: Problem, why: str) -> None:
        """What ended the reading, and what is said of the files that were not reached."""
        self._problem = problem
        if self._survey is not None:
            self._gathering.leave(dict.fromkeys(sorted(self._places(self._survey)), why))

    def result(self) -> SmallFiles:
        """What was read.

        Raises:
            UserError: no configuration was.
        """
        files = self._gathering.files()
        broken = self._survey.broken if self._survey is not None else None
        lied = broken is not None and broken.kind is Trouble.DIGEST
        if lied or not any(need_of(path) is Need.CONFIG for path in files):
            known = broken.problem if broken is not None else self._problem
            raise UserError(known or self._none())
        return SmallFiles(
            files=files,
            left_out=(*self._gathering.left_out(), *self._unknown()),
            digest=self._digest,
            root=clean(self._root, limit=500),
            weights=self._weights(),
            bytes_read=self._budget.used,
        )

    def _none(self) -> Problem:
        """Why there is no configuration, where nothing failed on the way."""
        where, code = self._reference.pull, "no-model-files"
        told = next((f"{path} {why}" for path, why in self._gathering.left_out()), "")
        faults = self._survey.faults if self._survey is not None else []
        if not told and faults:
            return msgspec.structs.replace(faults[0].problem, where=f"{where}: {faults[0].problem.where}")
        what = told or "no config.json of a model was found in this image"
        return Problem(what=what, where=where, fix=FIX, code=code)

    def _unknown(self) -> tuple[tuple[str, str], ...]:
        """Layers that are broken, or not followed to their end: nobody knows what they hold."""
        layers = self._survey.layers if self._survey is not None else []
        broken = [(layer.name, layer.fault) for layer in layers if layer.fault]
        ends = [layer.ends_after for layer in layers if self._is_inside(layer.ends_after)]
        cut = [(f"what follows {posixpath.basename(end)}", _NOT_FOLLOWED) for end in ends]
        return tuple((*broken, *cut)[:_MOST_TOLD])

    def _weights(self) -> tuple[str, ...]:
        if self._survey is None:
            return ()
        paths = (path for path in self._survey.tree() if path.endswith(WEIGHTS))
        names = [posixpath.basename(path) for path in paths if posixpath.dirname(path) == self._root]
        return tuple(sorted(clean(name, limit=300) for name in names)[:_MOST_WEIGHTS])

    def _is_inside(self, path: str) -> bool:
        return bool(path) and (not self._root or path.startswith(f"{self._root}/"))
