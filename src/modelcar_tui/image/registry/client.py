"""Pull only: manifests, whole small blobs, and ranges of large ones, by OCI distribution v2."""

from __future__ import annotations

import asyncio
import hashlib
import random
import re

import msgspec

from modelcar_tui.core.reference import Reference
from modelcar_tui.core.secrets import Secret
from modelcar_tui.image.errors import ImageError, Trouble
from modelcar_tui.image.manifests import ACCEPT, MANIFEST_LIMIT, digest_of
from modelcar_tui.image.registry.http import Answer, Http, retry_after
from modelcar_tui.image.registry.mirrors import Endpoint
from modelcar_tui.image.registry.tokens import Authorizer

_TRIES, _THROTTLED_TRIES = 4, 10
"""How often a server that is not ready is asked, and one that has too many requests; the image's time limit
ends it sooner."""
_LONGEST_WAIT_S = 20.0
_WITHOUT_TLS = (Trouble.PLAIN_HTTP, Trouble.TLS, Trouble.REFUSED, Trouble.DNS, Trouble.NETWORK)
"""After these an insecure registry is asked again without TLS, as skopeo does."""
_RANGE = re.compile(r"^bytes (\d+)-(\d+)/(\d+|\*)$")


class RawManifest(msgspec.Struct, frozen=True, kw_only=True):
    """A manifest's bytes, checked against every digest that was claimed for them; none of a known one."""

    raw: bytes
    digest: str


class Repository:
    """One repository at one endpoint."""

    def __init__(self, http: Http, authorizer: Authorizer, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._http = http
        self._authorizer = authorizer
        self._final: dict[str, str] = {}
        """Where a blob was redirected to, so that its next range costs one request."""

    async def manifest(self, target: str, *, known: str | None = None) -> RawManifest:
        """GET a manifest or an index; with `known` conditionally, by its digest.

        Raises:
            ImageError: with the reason.
        """
        headers = {"Accept": ACCEPT}
        if known:
            headers["If-None-Match"] = f'"{known}"'
        answer = await self._get(f"manifests/{target}", headers, limit=MANIFEST_LIMIT)
        if answer.status == 304 and known:
            return RawManifest(raw=b"", digest=known)
        if answer.status != 200:
            raise self._failed(answer)
        if answer.cut:
            raise self.endpoint.fault(Trouble.TOO_LARGE, "a manifest")
        digest = digest_of(answer.body)
        claims = [target if ":" in target else "", answer.headers.get("docker-content-digest", "")]
        for claim in claims:
            if claim and not _matches(answer.body, claim):
                raise self.endpoint.fault(Trouble.DIGEST, f"manifest {claim[:19]}…")
        return RawManifest(raw=answer.body, digest=digest)

    async def blob(self, digest: str, size: int) -> bytes:
        """A whole small blob, checked against its digest."""
        answer = await self._blob(digest, {}, limit=size)
        if answer.status != 200:
            raise self._failed(answer)
        if answer.cut or len(answer.body) != size or not _matches(answer.body, digest):
            raise self.endpoint.fault(Trouble.DIGEST, f"blob {digest[:19]}…")
        return answer.body

    async def window(self, digest: str, start: int, length: int, *, size: int) -> bytes:
        """`length` bytes from `start` of a blob of `size` bytes, less at its end.

        Raises:
            ImageError: also where the server gives other bytes than it was asked for.
        """
        length = min(length, size - start)
        if length <= 0:
            return b""
        last = start + length - 1
        answer = await self._blob(digest, {"Range": f"bytes={start}-{last}"}, limit=length)
        if answer.status == 200 and start == 0:
            return self._whole(answer, digest, length, size)
        if answer.status == 200:
            raise self.endpoint.fault(Trouble.PROTOCOL, "it ignores Range")
        if answer.status == 416:
            raise self.endpoint.fault(Trouble.MALFORMED, "a layer is shorter than the manifest says")
        if answer.status != 206:
            raise self._failed(answer)
        match = _RANGE.match(answer.headers.get("content-range", ""))
        told = (int(match[1]), int(match[2])) if match else None
        if match and match[3] not in ("*", str(size)):
            raise self.endpoint.fault(Trouble.MALFORMED, "a layer has another size than the manifest says")
        if told != (start, last) or answer.cut or len(answer.body) != length:
            raise self.endpoint.fault(Trouble.PROTOCOL, "it answers another range than it was asked for")
        return answer.body

    def _whole(self, answer: Answer, digest: str, length: int, size: int) -> bytes:
        """A server without Range sent the blob from its start: as good, when it is as long as it should
        be."""
        told = answer.headers.get("content-length")
        if (told and told.isdigit() and int(told) != size) or len(answer.body) < length:
            raise self.endpoint.fault(Trouble.MALFORMED, "a layer has another size than the manifest says")
        if length == size and not _matches(answer.body, digest):
            raise self.endpoint.fault(Trouble.DIGEST, f"blob {digest[:19]}…")
        return answer.body

    async def _blob(self, digest: str, headers: dict[str, str], *, limit: int) -> Answer:
        if url := self._final.get(digest):
            try:
                answer = await self._http.get(url, self.endpoint, headers=headers, limit=limit)
            except ImageError:
                answer = None
            if answer is not None and answer.status in (200, 206):
                return answer
            self._final.pop(digest, None)  # signed addresses expire
        answer = await self._get(f"blobs/{digest}", headers, limit=limit)
        if answer.status in (200, 206) and f"/v2/{self.endpoint.repository}/blobs/{digest}" not in answer.url:
            self._final[digest] = answer.url
        return answer

    async def _get(self, path: str, headers: dict[str, str], *, limit: int) -> Answer:
        stale: Secret | None = None
        broken = False
        for attempt in range(_THROTTLED_TRIES + 2):
            scheme = self._http.scheme(self.endpoint)
            url = f"{scheme}://{self.endpoint.api_host}/v2/{self.endpoint.repository}/{path}"
            header = await self._authorizer.header(self.endpoint)
            extra = {"Authorization": header.reveal()} if header else {}
            try:
                answer = await self._http.get(url, self.endpoint, headers=headers | extra, limit=limit)
            except ImageError as error:
                if error.kind in _WITHOUT_TLS and self._http.fall_back(self.endpoint, scheme):
                    continue
                if error.kind is Trouble.NETWORK and not broken:
                    broken = True  # a kept connection that the server had closed
                    continue
                raise
            if answer.status == 401:
                if header is not None and stale is not None:
                    raise self.endpoint.fault(Trouble.AUTH, "its answer to our login is no")
                challenge, stale = answer.headers.get("www-authenticate", ""), header
                await self._authorizer.answer(
                    self.endpoint, challenge, stale=header, secure=scheme == "https"
                )
            elif (pause := _pause(answer, attempt)) is None:
                return answer
            else:
                await asyncio.sleep(pause)
        return answer

    def _failed(self, answer: Answer) -> ImageError:
        status = answer.status
        kind = {
            401: Trouble.AUTH,
            403: Trouble.DENIED,
            404: Trouble.NOT_FOUND,
            429: Trouble.RATE_LIMIT,
        }.get(status, Trouble.SERVER if status >= 500 else Trouble.PROTOCOL)
        return self.endpoint.fault(kind, "" if kind is Trouble.NOT_FOUND else f"HTTP {status}")


def _pause(answer: Answer, attempt: int) -> float | None:
    """Seconds after which to ask a throttled server again, or one that is not ready; None where its answer
    counts."""
    asked = answer.headers.get("retry-after")
    tries = _THROTTLED_TRIES if answer.status == 429 else _TRIES if answer.status == 503 and asked else 0
    if attempt >= tries - 1:
        return None
    # All that were refused together would come back together.
    return retry_after(asked, default=2.0**attempt, longest=_LONGEST_WAIT_S) * random.uniform(1.0, 1.5)  # noqa: S311


async def open_image(
    http: Http,
    authorizer: Authorizer,
    reference: Reference,
    places: tuple[Endpoint, ...],
    *,
    known: str | None = None,
) -> tuple[Repository, RawManifest]:
    """The first endpoint that has the image, mirrors before the registry itself; the last one's fault
    counts."""
    last: ImageError | None = None
    for endpoint in places:
        repository = Repository(http, authorizer, endpoint)
        try:
            return repository, await repository.manifest(reference.target, known=known)
        except ImageError as error:
            last = error
    assert last is not None  # noqa: S101  endpoints() never gives an empty tuple
    raise last


def _matches(body: bytes, digest: str) -> bool:
    algorithm, _, value = digest.partition(":")
    if algorithm not in ("sha256", "sha512"):
        return False
    return hashlib.new(algorithm, body).hexdigest() == value
