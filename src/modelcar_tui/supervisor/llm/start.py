"""Whether a run has a language model: the one module of this room that a run without one imports."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from modelcar_tui.core.errors import UserError
from modelcar_tui.core.model_hosts import Standing, how_to_allow, standing
from modelcar_tui.core.secrets import Redactor, Secret
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.settings import Settings
from modelcar_tui.supervisor.state import RunState

if TYPE_CHECKING:
    from modelcar_tui.supervisor.answers import WhatIf
    from modelcar_tui.supervisor.llm.client import Client, Use
    from modelcar_tui.supervisor.llm.config import Choice
    from modelcar_tui.supervisor.llm.session import Session


def open_session(
    settings: Settings,
    *,
    emit: Callable[[e.AnyEvent], None],
    state: Callable[[], RunState],
    redact: Redactor,
    allowed: Collection[str] = (),
) -> Session | None:
    """The session of a run, started; None where no model can be asked, or may be.

    What is wrong with a model's name, address or key is a notice: it costs the model, not the run. A host
    that the operator has said nothing of is offered.

    Args:
        settings: The run's.
        emit: Journals and shows an event.
        state: The run as it is now.
        redact: Of the run; learns the key.
        allowed: Hosts that the operator has allowed in this run.
    """
    if settings.llm is False:
        return None
    ready = _ready(settings, allowed)
    if isinstance(ready, str):
        if ready:
            emit(e.Noticed(text=f"no language model: {redact(ready)}"))
        return None
    choice, key, word, unsafe = ready
    if word is not word.ALLOWED:
        from modelcar_tui.supervisor.llm.sent import SHARES

        emit(e.LanguageModelOffered(model=choice.label, host=choice.place, shares=SHARES, note=unsafe))
        return None
    if unsafe:
        emit(e.Noticed(text=unsafe))
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
    allowed: Collection[str] = (),
) -> e.QuestionAnswered:
    """Answer a question about a run, with the language model where one is configured.

    Args:
        settings: The run's.
        state: The run as far as it has come.
        question: In words, or a what-if, which needs no model.
        identifier: Comes back with the answer.
        redact: Learns the key.
        say: Told what is shared with a model, before it is asked, and what it cost.
        allowed: Hosts that the operator has allowed in this run.
    """
    from modelcar_tui.supervisor.llm.ask import LIMITS, PATIENCE, Asker

    used = e.QuestionAnswered(id=identifier, question="", text="")

    def count(event: e.AnyEvent) -> None:
        nonlocal used
        if isinstance(event, e.LanguageModelUsed):
            tokens = used.tokens + event.input_tokens + event.output_tokens
            used = msgspec.structs.replace(
                used, calls=used.calls + event.calls, tokens=tokens, seconds=used.seconds + event.seconds
            )
        say(event)

    client, problem = None, ""
    if isinstance(question, str):
        client, problem = _client(settings, state, redact, count, allowed)
    limits = msgspec.structs.replace(LIMITS, first_s=PATIENCE * settings.llm_wait_s)
    asker = Asker(
        state, client=client, vllm=settings.vllm_version, objective=settings.objective, limits=limits
    )
    event = await asker.answer(question, identifier=identifier)
    texts = {name: redact(getattr(event, name)) for name in ("question", "text")}
    cost = {name: getattr(used, name) for name in ("calls", "tokens", "seconds")}
    return msgspec.structs.replace(event, **texts, **cost, why=redact(event.why or problem))


class _Ready(NamedTuple):
    """A model that could be asked, and whether it may be."""

    choice: Choice
    key: Secret
    word: Standing
    """Not `REFUSED`."""
    unsafe: str
    """What is wrong with the way there; else empty."""


def _ready(settings: Settings, allowed: Collection[str]) -> _Ready | str:
    """The model of a run with its key; else why there is none, empty where nobody asked for one."""
    from modelcar_tui.supervisor.llm.config import NO_KEY, choose_model, find_key

    try:
        choice = choose_model(settings.model, settings.model_url)
        key = find_key(choice)
    except UserError as error:
        return str(error)
    named = settings.model is not None or settings.llm is True
    if key is None:
        variable = choice.provider.variable
        return f"{choice.label} needs a key in {variable} or {variable}_FILE" if named else ""
    word = Standing.ALLOWED if choice.place in allowed else standing(choice.place)
    if word is Standing.REFUSED:
        return f"{choice.place} was refused; agent config --allow {choice.place} allows it" if named else ""
    if settings.llm:
        word = Standing.ALLOWED
    unsafe = ""
    if choice.clear and key.reveal() != NO_KEY:
        unsafe = f"the key for {choice.label} goes to {choice.host} unencrypted: better https"
    return _Ready(choice, key, word, unsafe)


def _client(
    settings: Settings,
    state: RunState,
    redact: Redactor,
    say: Callable[[e.AnyEvent], object],
    allowed: Collection[str],
) -> tuple[Client | None, str]:
    ready = "" if settings.llm is False else _ready(settings, allowed)
    if isinstance(ready, str):
        return None, f"no language model: {redact(ready)}" if ready else ""
    choice, key, word, _ = ready
    if word is not Standing.ALLOWED:
        return None, how_to_allow(choice.place)
    redact.add(key)
    try:
        from modelcar_tui.supervisor.llm.client import Client
        from modelcar_tui.supervisor.llm.provider import build
        from modelcar_tui.supervisor.llm.sent import SHARES

        if not state.llm.asked or (state.llm.model, state.llm.host) != (choice.label, choice.host):
            say(e.LanguageModelJoined(model=choice.label, host=choice.host, shares=SHARES))

        def used(use: Use) -> None:
            say(e.LanguageModelUsed(**msgspec.structs.asdict(use)))

        return Client(build(choice, key), on_use=used), ""
    except UserError as error:
        return None, f"no language model: {redact(str(error))}"
    except Exception as error:  # noqa: BLE001 - a library that does not load must not cost the answer of the tools
        return None, f"no language model: {type(error).__name__}"
