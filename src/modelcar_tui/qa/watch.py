"""The suite's namespace while the suite runs: why a model does not start, after seconds.

The suite prints no pod log and no event, waits 30 minutes for an image that will never come, and then deletes
its namespace. This looks beside it, read-only and with our own credentials; it never disturbs the run: what
can't be read is said once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

from modelcar_tui.core.contain import Contained
from modelcar_tui.core.errors import Problem
from modelcar_tui.core.secrets import Redactor, quoted
from modelcar_tui.kube import Client, connect, find_credentials
from modelcar_tui.kube.jobs import is_ready
from modelcar_tui.qa import store
from modelcar_tui.qa.events import QaSaw, Warned
from modelcar_tui.qa.log.pipeline import Pipeline
from modelcar_tui.qa.manifest_file import stage_manifest
from modelcar_tui.qa.measured import figures_of
from modelcar_tui.qa.runner import OnEvent
from modelcar_tui.qa.seen import Seen
from modelcar_tui.qa.suite_facts import suite_namespaces
from modelcar_tui.qa.types import QaRequest, cluster_of
from modelcar_tui.qa.watch_bell import Bell
from modelcar_tui.qa.watch_causes import cause_of, mends_itself, words
from modelcar_tui.qa.watch_log import telling
from modelcar_tui.qa.watch_models import Car
from modelcar_tui.qa.watch_places import Places
from modelcar_tui.qa.watch_pods import Trouble
from modelcar_tui.qa.watch_reading import LogReading
from modelcar_tui.qa.watch_record import ClusterRecord, LogEnd
from modelcar_tui.qa.watch_view import View, uid_of, views

PACE_S = 3.0
SLOWEST_S = 10.0
"""The pause between two looks while all serve, or nothing is there."""
BLIND_S = 30.0
"""The longest pause after looks that failed."""
PATIENCE_S = 15.0
"""Looks fail for so long before it is said: a server may be away for a moment, and who may make the
namespace has no right in it before it is made."""
_KEPT_LINES = 20


class ClusterWatch:
    """Looks again and again; what it found is in `record`.

    Args:
        request: of the run.
        record: what was and is seen.
        pipeline: of the suite's log, which says what namespace it has made.
        on_event: told when what is seen changes.
        redact: masks texts of the cluster.
        spaces: the namespaces that this suite works in.
        began: when the suite was started, seconds since 1970 by our clock: older objects are another run's.
        pace_s: the shortest pause between two looks.
        patience_s: how long looks may fail before it is said.
    """

    def __init__(
        self,
        request: QaRequest,
        record: ClusterRecord,
        pipeline: Pipeline,
        on_event: OnEvent,
        redact: Redactor,
        *,
        spaces: Sequence[str],
        began: float,
        pace_s: float = PACE_S,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self.record = record
        self._request = request
        self._on_event = on_event
        self._redact = redact
        self._pipeline = pipeline
        self._places = Places(pipeline, spaces, began)
        self._pace = pace_s
        self._patience = patience_s
        self._cars: tuple[Car, ...] = ()
        self._reading = LogReading(redact)
        self._ends: dict[str, str] = {}
        """The telling line of each pod whose server ended, by uid."""
        self._shown: tuple[Seen, ...] = ()
        self._versions: object = None
        self._born: dict[str, str] = {}
        """When the newest pod of each object was made, by the cluster's clock."""
        self._last: dict[tuple[str, str], tuple[Trouble, int]] = {}
        """In what each model was stuck, and how much its cause tells."""
        self._told: set[str] = set()

    async def run(self, client: Client | None = None) -> None:
        """Look until cancelled; whatever goes wrong is said and costs only this.

        Args:
            client: of the cluster; None connects as the request says.
        """
        # Without it, models go by the names of their objects.
        with Contained("the manifest"):
            manifest = stage_manifest(Path(self._request.manifest_path))
            self._cars = tuple(map(Car, manifest.models, manifest.images))
        with Contained("the suite's pods") as contained:
            if client is not None:
                await self._look_on(client)
            else:
                cluster = cluster_of(self._request)
                async with connect(find_credentials(cluster), cluster) as own:
                    await self._look_on(own)
        if contained.problem is not None:
            self._cant("see the pods of the suite", contained.problem)

    async def _look_on(self, client: Client) -> None:
        bell = Bell(client, self._pipeline)
        try:
            await self._look_when(client, bell)
        finally:
            bell.stop()

    async def _look_when(self, client: Client, bell: Bell) -> None:
        pause, blind_since = self._pace, 0.0
        while True:
            soon = False
            with Contained("the suite's pods") as contained:
                soon = await self._look(client)
            if contained.problem is None:
                pause = self._pace if soon else min(pause * 1.5, max(SLOWEST_S, self._pace))
                blind_since = 0.0
            else:
                blind_since = blind_since or time.monotonic()
                if time.monotonic() - blind_since >= self._patience:
                    self._cant("see the pods of the suite", contained.problem, "list pods")
                pause = min(pause * 2, BLIND_S)
                await asyncio.sleep(pause)
                continue
            await bell.wait(self._places.names(), pause)

    async def _look(self, client: Client) -> bool:
        """One look at all namespaces; whether to look again soon.

        A server that fails is seen by the suite too, which takes it away within seconds.
        """
        shown: list[Seen] = []
        starting = False
        versions: list[tuple[str, object]] = []
        for space in self._places.names():
            pods = await self._places.pods(client, space)
            starting = starting or not all(map(is_ready, pods))
            versions += [(uid_of(pod), pod["metadata"].get("resourceVersion")) for pod in pods]
            warnings = await self._places.warnings(client, space, pods)
            for view in views(pods, warnings, self._cars, self._ends, self._born):
                await self._read_logs(client, f"/api/v1/namespaces/{space}", view)
            shown += [
                one
                for view in views(pods, warnings, self._cars, self._ends, self._born)
                if (one := self._judged(view, space)) is not None
            ]
        if self._places.refused is not None:
            self._cant("see the events of the suite", self._places.refused.problem, "list events")
        changed = versions != self._versions
        self._versions = versions
        if tuple(shown) != self._shown:
            self._shown = tuple(shown)
            self._on_event(QaSaw(seen=self._shown))
        return changed or starting

    async def _read_logs(self, client: Client, core: str, view: View) -> None:
        model = self._safe(view.model)
        for pod in view.pods[:2]:
            uid, name = uid_of(pod), quote(str(pod["metadata"].get("name") or ""), safe="")
            for log in await self._reading.read(client, f"{core}/pods/{name}", uid, pod):
                for line in log.lines:
                    for figure in figures_of(model, line):
                        self.record.measured(figure)
                if log.over and (end := telling(log.lines)):
                    self._ends[uid] = end
                    last = tuple(log.lines[-_KEPT_LINES:])
                    self.record.ended(
                        LogEnd(model=model, container=log.container, at=time.time(), lines=last)
                    )
        if self._reading.refused is not None:
            self._cant("read the logs of the suite's pods", self._reading.refused.problem, "get pods/log")

    def _judged(self, view: View, space: str) -> Seen | None:
        """What is seen of a model now, as it is kept and shown."""
        key = self._safe(view.object), self._safe(view.model)
        before = self.record.before(*key)
        if view.sighting is None:
            self.record.over(*key)
            self._last.pop(key, None)
            return None
        rank, cause = cause_of(view.sighting)
        trouble, least = self._last.get(key, (None, rank))
        if before is not None and trouble is view.sighting.trouble and least < rank:
            # A kubelet that waits before its next try says less than when the last one failed.
            return before
        self._last[key] = view.sighting.trouble, rank
        now = time.time()
        since = before.at if before is not None and before.cause == cause.code else now
        seen = Seen(
            model=key[1],
            object=key[0],
            text=self._safe(words(view.sighting)),
            cause=cause.code,
            means=cause.means,
            fix=cause.fix.replace("NAMESPACE", space),
            mends_itself=mends_itself(view.sighting, cause.code, now - since),
            at=since,
        )
        self.record.saw(seen)
        return seen

    def _safe(self, text: str) -> str:
        """Text of the cluster as it may be kept and shown."""
        return self._redact(quoted(text))

    def _cant(self, what: str, problem: Problem, verb: str = "") -> None:
        """Say once what can't be read, and how an operator can find out more."""
        if what in self._told:
            return
        self._told.add(what)
        test = f"; oc auth can-i {verb} -n {self._places.names()[0]}" if verb else ""
        text = self._redact(f"can't {what} while it runs: {problem.what}{test}")
        self._on_event(Warned(text=text))


@asynccontextmanager
async def watching(
    request: QaRequest,
    qa: Path,
    pipeline: Pipeline,
    on_event: OnEvent,
    *,
    began: float,
    client: Client | None = None,
) -> AsyncIterator[ClusterRecord]:
    """Watch the suite's namespaces while the block runs; what was seen, also by earlier processes."""
    record, places = ClusterRecord(qa), suite_namespaces(store.load_suite_facts(qa))
    watch = ClusterWatch(request, record, pipeline, on_event, pipeline.redact, spaces=places, began=began)
    task = asyncio.create_task(watch.run(client), name="cluster watch")
    try:
        yield record
    finally:
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled():
            task.exception()
