"""Whether a run has a language model: the one module of this room that a run without one imports."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from modelcar_tui.core.errors import UserError
from modelcar_tui.core.secrets import Redactor
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.settings import Settings
from modelcar_tui.supervisor.state import RunState

if TYPE_CHECKING:
    from modelcar_tui.supervisor.answers import WhatIf
    from modelcar_tui.supervisor.llm.client import Client, Use
    from modelcar_tui.supervisor.llm.session import Session


def open_session(
    settings: Settings,
    *,
    emit: Callable[[e.AnyEvent], None],
    state: Callable[[], RunState],
    redact: Redactor,
) -> Session | None:
    """The session of a run, started; None where no model is configured or it is switched off.

    Raises:
        UserError: `--model` or `--model-url` names nothing that could be asked.
    """
    if not settings.llm:
        return None
    from modelcar_tui.supervisor.llm.config import NO_KEY, choose_model, find_key

    choice = choose_model(settings.model, settings.model_url)
    try:
        key = find_key(choice)
    except UserError as error:
        emit(e.Noticed(text=f"no language model: {redact(str(error))}"))
        return None
    if key is None:
        if settings.model is not None:
            variable = choice.provider.variable
            emit(
                e.Noticed(
                    text=f"no language model: {choice.label} needs a key in {variable} or {variable}_FILE"
                )
            )
        return None
    if choice.clear and key.reveal() != NO_KEY:
        emit(e.Noticed(text=f"the key for {choice.label} goes to {choice.host} unencrypted: better https"))
    from modelcar_tui.supervisor.llm.session import Session

    session = Session(choice, key, emit=emit, state=state, redact=redact, vllm=settings.vllm_version)
    session.start()
    return session


async def answer_question(
    settings: Settings,
    state: RunState,
    question: str | WhatIf,
    *,
    identifier: str = "1",
    redact: Redactor,
    say: Callable[[e.AnyEvent], object],
) -> e.QuestionAnswered:
    """Answer a question about a run, with the language model where one is configured.

    Args:
        settings: The run's.
        state: The run as far as it has come.
        question: In words, or a what-if, which needs no model.
        identifier: Comes back with the answer.
        redact: Learns the key.
        say: Told what is shared with a model, before it is asked, and what it cost.
    """
    from modelcar_tui.supervisor.llm.ask import Asker

    used = e.QuestionAnswered(id=identifier, question="", text="")

    def count(event: e.AnyEvent) -> None:
        nonlocal used
        if isinstance(event, e.LanguageModelUsed):
            tokens = used.tokens + event.input_tokens + event.output_tokens
            used = msgspec.structs.replace(
                used, calls=used.calls + event.calls, tokens=tokens, seconds=used.seconds + event.seconds
            )
        say(event)

    client, problem = (None, "") if not isinstance(question, str) else _client(settings, state, redact, count)
    asker = Asker(state, client=client, vllm=settings.vllm_version, objective=settings.objective)
    event = await asker.answer(question, identifier=identifier)
    texts = {name: redact(getattr(event, name)) for name in ("question", "text")}
    cost = {name: getattr(used, name) for name in ("calls", "tokens", "seconds")}
    return msgspec.structs.replace(event, **texts, **cost, why=redact(event.why or problem))


def _client(
    settings: Settings, state: RunState, redact: Redactor, say: Callable[[e.AnyEvent], object]
) -> tuple[Client | None, str]:
    if not settings.llm:
        return None, ""
    from modelcar_tui.supervisor.llm.config import choose_model, find_key

    try:
        choice = choose_model(settings.model, settings.model_url)
        key = find_key(choice)
        if key is None:
            return None, "no language model is configured; these facts bear on the question"
        redact.add(key)
        from modelcar_tui.supervisor.llm.client import Client
        from modelcar_tui.supervisor.llm.provider import build
        from modelcar_tui.supervisor.llm.sent import SHARES

        if state.llm.model != choice.label:
            say(e.LanguageModelJoined(model=choice.label, host=choice.host, shares=SHARES))

        def used(use: Use) -> None:
            say(e.LanguageModelUsed(**msgspec.structs.asdict(use)))

        return Client(build(choice, key), on_use=used), ""
    except UserError as error:
        return None, f"no language model: {redact(str(error))}"
    except Exception as error:  # noqa: BLE001 - a library that does not load must not cost the answer of the tools
        return None, f"no language model: {type(error).__name__}"
