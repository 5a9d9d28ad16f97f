"""One question after another about one state of a run, by rules."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from modelcar_tui.core.text import clean
from modelcar_tui.supervisor.answers.choose import MOST_MODELS
from modelcar_tui.supervisor.answers.fact import RunFact, by_id
from modelcar_tui.supervisor.answers.facts import run_facts
from modelcar_tui.supervisor.answers.names import Named, named
from modelcar_tui.supervisor.answers.of_run import card_fact
from modelcar_tui.supervisor.answers.parts import Part, PartError, rendered
from modelcar_tui.supervisor.answers.question import WhatIf
from modelcar_tui.supervisor.answers.rules import by_rules, nearest
from modelcar_tui.supervisor.answers.trying import Found, what_if
from modelcar_tui.supervisor.state import RunState

MOST_QUESTION = 500


class Rules:
    """Answers of code alone; whatever it works out is kept for whoever asks next."""

    def __init__(self, state: RunState, *, vllm: str | None = None, objective: str = "minimal") -> None:
        self.state = state
        self.facts: dict[str, RunFact] = by_id(run_facts(state))
        self._vllm, self._objective = vllm, objective
        self.tried = 0

    def mention(self, question: str) -> Named:
        """Who a question names; the products that it names join the facts."""
        who = named(question, self.state)
        for gpu in (who.gpu, *who.more_gpus):
            product = gpu.partition(":")[0]
            if product and not product[0].isdigit():  # `80GB` is a size, not a product
                self.facts.setdefault(f"card/{product}", card_fact(product))
        return who

    def attempt(self, asked: WhatIf) -> Found:
        """Work out a what-if; its facts join the others.

        Raises:
            UserError: no such model, flag, value or GPU.
        """
        self.tried += 1
        found = what_if(self.state, asked, number=self.tried, vllm=self._vllm, objective=self._objective)
        self.facts |= {fact.id: fact for fact in found.facts}
        return found

    def answer(self, question: str) -> tuple[list[str], tuple[str, ...]]:
        """The lines that answer it, and the ids of the facts that they tell.

        Raises:
            UserError: a what-if that can't be tried.
        """
        question = clean(question, limit=MOST_QUESTION)
        self.mention(question)
        found = by_rules(question, self.state, self.facts, self.attempt, self._vllm)
        try:
            return rendered(found.parts, found.facts, found.models)
        except PartError:  # facts of another model than the one that is asked about
            return rendered(nearest(found.models, found.facts), found.facts, found.models)

    def form(self, asked: WhatIf) -> tuple[list[str], tuple[str, ...]]:
        """A what-if of one model, or of each where none is named.

        Raises:
            UserError: it can't be tried.
        """
        every = [model.car.name for model in self.state.models[:MOST_MODELS]]
        names: Sequence[str] = [asked.model] if asked.model else every
        each = [msgspec.structs.replace(asked, model=name) for name in names] or [asked]
        parts = [Part(ids=self.attempt(one).ids) for one in each]
        return rendered(parts, self.facts)
