"""Connections, tokens and limits that many images share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from types import TracebackType
from typing import TYPE_CHECKING

from modelcar_tui.core.reference import Reference
from modelcar_tui.image.options import ImageOptions
from modelcar_tui.image.registry.mirrors import Endpoint, Rule, endpoints, load_rules

if TYPE_CHECKING:
    from modelcar_tui.image.files.found import CountParameters
    from modelcar_tui.image.registry.client import RawManifest, Repository
    from modelcar_tui.image.registry.http import Http
    from modelcar_tui.image.registry.tokens import Authorizer


_INTRODUCTION_S = 2.0


class RegistrySession:
    """One set of connections, tokens and per-host limits; an async context manager."""

    def __init__(self, options: ImageOptions, *, count_parameters: CountParameters | None = None) -> None:
        self._options = options
        self._slots: dict[str, asyncio.Semaphore] = {}
        self._met: dict[str, asyncio.Event] = {}
        self._rules: tuple[Rule, ...] | None = None
        self._http: Http | None = None
        self._authorizer: Authorizer | None = None
        self.skopeo_slots = asyncio.Semaphore(4)
        self.skopeo_first = True
        """False in a large run, where skopeo only fills gaps."""
        self.count_parameters = count_parameters
        """How the models room counts a model's weights by its config.json, where headers are out of reach."""

    async def __aenter__(self) -> RegistrySession:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._http is not None:
            await self._http.__aexit__(kind, value, trace)
            self._http = None

    @asynccontextmanager
    async def slot(self, host: str) -> AsyncIterator[None]:
        """Hold one of the host's places."""
        async with self._slots.setdefault(host, asyncio.Semaphore(self._options.per_host)):
            yield

    def endpoints(self, reference: Reference) -> tuple[Endpoint, ...]:
        """Where the image may be."""
        if self._rules is None:
            self._rules = load_rules(self._options)
        return endpoints(
            reference.host, reference.repository, self._rules, tls_verify=self._options.tls_verify
        )

    async def open(self, reference: Reference, *, known: str | None = None) -> tuple[Repository, RawManifest]:
        """The image's repository and manifest.

        Raises:
            ImageError: with the reason.
        """
        from modelcar_tui.image.registry.client import open_image
        from modelcar_tui.image.registry.http import Http
        from modelcar_tui.image.registry.tokens import Authorizer

        if self._http is None or self._authorizer is None:
            self._http = Http(self._options)
            self._authorizer = Authorizer(self._http, self._options)
        async with self._introduced(reference.host):
            return await open_image(
                self._http, self._authorizer, reference, self.endpoints(reference), known=known
            )

    @asynccontextmanager
    async def _introduced(self, host: str) -> AsyncIterator[None]:
        """The first image of a host goes ahead: it learns scheme and kind of login, which each of the others
        would learn by a refusal of its own. None waits long for it."""
        met = self._met.get(host)
        if met is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(met.wait(), _INTRODUCTION_S)
            yield
            return
        met = self._met[host] = asyncio.Event()
        try:
            yield
        finally:
            met.set()
