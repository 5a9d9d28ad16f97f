"""Everything up to the operator's word: where a try lands, what it starts, what it makes."""

from __future__ import annotations

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.secrets import Redactor
from modelcar_tui.kube import Client
from modelcar_tui.trial.asking import PreparedTrial, TrialAsk


async def prepare_trial(ask: TrialAsk, client: Client, *, redact: Redactor) -> PreparedTrial:
    """What the try would be; nothing is made.

    Raises:
        UserError: it can't be tried; one line says why, and what helps.
        ClusterError: the API server could not be asked.
    """
    what = "tries are not prepared yet"
    raise UserError(Problem(where=redact(ask.model.car.name), what=what, fix="judge it by its estimate"))
