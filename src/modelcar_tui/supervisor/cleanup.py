"""What a run's suite left on the cluster: looked up and, when the operator says so, deleted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.core.files import write_private
from modelcar_tui.kube import Client, ClusterError, ClusterOptions, connect, find_credentials
from modelcar_tui.qa import Leftover, delete_leftovers, find_leftovers, left_by_log, load_suite_facts
from modelcar_tui.qa.engines import driving_alone
from modelcar_tui.supervisor.settings import Settings
from modelcar_tui.supervisor.state import RunState


class CleanUp:
    """The left-overs of one run.

    Args:
        folder: The run's folder.
        state: As its journal tells it.
        settings: For the cluster's address; the kubeconfig may be another one than the run had.
    """

    def __init__(self, folder: Path, state: RunState, settings: Settings) -> None:
        self._folder = folder
        self._state = state
        self._settings = settings

    def named(self) -> tuple[str, ...]:
        """What the log says was created and not deleted, `Kind/name`; no cluster is asked."""
        outcome = self._state.qa.outcome
        if outcome is not None:
            return outcome.leftovers
        # Cancelled or killed: nobody read the log to its end.
        return left_by_log(self._folder / "qa")

    async def look(self) -> tuple[Leftover, ...]:
        """What of it is still there.

        Raises:
            UserError: QA still runs, or the cluster can't be asked.
        """
        if not self.named() and self._settings.qa_engine != "kubernetes":
            return ()
        async with self._cluster() as client:
            return await self._look(client)

    async def delete(self, uids: frozenset[str]) -> tuple[str, ...]:
        """Delete those that the operator has seen, by their uids; one line each, also kept in the run's
        folder.

        Raises:
            UserError: as for `look`.
        """
        async with self._cluster() as client:
            items = [item for item in await self._look(client) if item.uid in uids]
            lines = await delete_leftovers(client, items)
        write_private(self._folder / "qa" / "cleanup.txt", "".join(f"{line}\n" for line in lines).encode())
        return lines

    async def _look(self, client: Client) -> tuple[Leftover, ...]:
        qa, settings, facts = self._state.qa, self._settings, load_suite_facts(self._folder / "qa")
        return await find_leftovers(
            client,
            self.named(),
            run_id=self._folder.name,
            began=qa.started.began,
            ended=qa.ended or self._state.now,
            namespace=settings.qa_namespace if settings.qa_engine == "kubernetes" else None,
            works_in=facts.namespaces if facts is not None else (),
        )

    @asynccontextmanager
    async def _cluster(self) -> AsyncIterator[Client]:
        qa = self._folder / "qa"
        if not qa.is_dir():
            raise UserError(Problem(where=str(self._folder), what="this run has started no QA"))
        options = ClusterOptions(kubeconfig=self._settings.kubeconfig, context=self._settings.kube_context)
        try:
            async with driving_alone(qa), connect(find_credentials(options), options) as client:
                yield client
        except ClusterError as error:
            problem = error.problem
            what = f"the cluster can't be asked: {problem.what}"
            told = Problem(where=problem.where, what=what, fix=problem.fix)
            raise UserError(told, status=ExitStatus.CLUSTER) from None


def clean_up(folder: Path, state: RunState, settings: Settings) -> CleanUp:
    """The left-overs of the run in `folder`; what `settings` does not say is taken from the run's own."""
    from modelcar_tui.supervisor.runs import settings_of_run

    own = settings_of_run(folder) or settings
    return CleanUp(
        folder,
        state,
        msgspec.structs.replace(
            own,
            kubeconfig=settings.kubeconfig or own.kubeconfig,
            kube_context=settings.kube_context or own.kube_context,
        ),
    )
