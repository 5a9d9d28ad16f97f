"""The namespaces of the suite, and what of this run is in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modelcar_tui.core.stamps import seconds
from modelcar_tui.kube import Client, ClusterError
from modelcar_tui.kube.jobs import is_ready
from modelcar_tui.qa.log.objects import SLACK_S
from modelcar_tui.qa.log.pipeline import Pipeline

_PAGE = "100"
_SELDOM = 3
Item = Mapping[str, Any]


class Places:
    """Reads pods and warnings, gently.

    Args:
        pipeline: of the suite's log, which says what namespace it has made.
        spaces: the namespaces that this suite works in.
        began: when the suite was started, seconds since 1970: older objects are another run's. 0 takes all.
    """

    def __init__(self, pipeline: Pipeline, spaces: Sequence[str], began: float) -> None:
        self.refused: ClusterError | None = None
        """We may not read events, only pods."""
        self._pipeline = pipeline
        self._spaces = frozenset(spaces)
        self._oldest = began - SLACK_S if began else 0.0
        self._made: tuple[str, ...] = ()
        self._empty = 0

    def names(self) -> tuple[str, ...]:
        """Those that the suite's log says it has made; before it says so, all that a suite may make."""
        named = (one.partition("/")[::2] for one in self._pipeline.parser.result.created)
        # A log is text from outside: it can't send us to another namespace.
        made = {name for kind, name in named if kind == "Namespace"} & self._spaces
        self._made = tuple(sorted(made)) or self._made
        return self._made or tuple(sorted(self._spaces))

    async def pods(self, client: Client, space: str) -> list[Item]:
        """The pods of this run; none where there is no such namespace yet.

        Raises:
            ClusterError: they can't be read.
        """
        return await self._list(client, f"/api/v1/namespaces/{space}/pods")

    async def warnings(self, client: Client, space: str, pods: Sequence[Item]) -> list[Item]:
        """The warnings of this run, where there is something to explain.

        A cluster that refuses them costs only what they say more than a pod's state.

        Raises:
            ClusterError: they can't be read for another reason.
        """
        if not self._wanted(space, pods):
            return []
        try:
            return await self._list(
                client, f"/api/v1/namespaces/{space}/events", fieldSelector="type=Warning"
            )
        except ClusterError as error:
            if not error.forbidden:
                raise
            self.refused = error
            return []

    def _wanted(self, space: str, pods: Sequence[Item]) -> bool:
        """Where all serve there is nothing to explain; where nothing is, a look now and then is enough."""
        if self.refused is not None:
            return False
        if pods:
            return not all(map(is_ready, pods))
        self._empty += 1
        return space in self._made or self._empty % _SELDOM == 0

    async def _list(self, client: Client, path: str, **query: str) -> list[Item]:
        try:
            found = await client.read(path, limit=_PAGE, resourceVersion="0", **query)
        except ClusterError as error:
            if error.missing:
                return []
            raise
        items = found.get("items")
        oldest = self._oldest - (client.ahead_s or 0.0)
        return [
            item
            for item in (items if isinstance(items, list) else [])
            if isinstance(item, dict) and isinstance(item.get("metadata"), dict) and _is_since(oldest, item)
        ]


def _is_since(oldest: float, item: Item) -> bool:
    """Whether an object, or the event that it is, is not older."""
    stamps = (item.get("lastTimestamp"), item.get("eventTime"), item["metadata"].get("creationTimestamp"))
    made = next((at for at in (seconds(str(stamp or "")) for stamp in stamps) if at), 0.0)
    return not made or made >= oldest
