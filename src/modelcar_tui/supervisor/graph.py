"""The supervisor as a LangGraph `StateGraph`: a hub that follows the routing table, and a node a step.

The run's own state, folded from the journal, says which steps have ended, how, and what they found out; the
hub and the nodes read it there. The graph's state, which the checkpointer writes to disk, repeats how far the
run has come: a checkpoint that says anything else than the journal is not used.
"""

from __future__ import annotations

import asyncio
import operator
import os
from collections.abc import Callable
from typing import Annotated, Any, TypeAlias, TypedDict

# Read by langgraph when it is imported: typed checkpoints only.
os.environ["LANGGRAPH_STRICT_MSGPACK"] = "true"

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command, interrupt

from modelcar_tui.core.contain import being_cancelled, hit, keeping, stopped
from modelcar_tui.core.crash import kind
from modelcar_tui.core.ends import ENDS
from modelcar_tui.core.errors import UserError
from modelcar_tui.core.shortage import shortage
from modelcar_tui.core.untraced import untraced
from modelcar_tui.supervisor import limits, routing
from modelcar_tui.supervisor.events import How, SpecialistStarted
from modelcar_tui.supervisor.joining import Guest
from modelcar_tui.supervisor.registry import is_ours
from modelcar_tui.supervisor.specialist import Context, NotItsOwnError, Specialist
from modelcar_tui.supervisor.state import RunState

GRAPH_VERSION = 2
"""Stamped into every run: a checkpoint of another shape is not resumed."""


class State(TypedDict, total=False):
    """What is checkpointed between two steps: how far the run has come, and no fact."""

    graph_version: int
    ended: Annotated[dict[str, How], operator.or_]
    """Steps that ran."""


MakeContext = Callable[[Specialist, asyncio.Timeout], Context]
"""Of a specialist, and the time limit that it runs under."""
Step: TypeAlias = Any
"""`async def step(state: State) -> State`; LangGraph's own type for it is a union of protocols."""


def build_graph(
    members: tuple[Specialist, ...],
    run: Callable[[], RunState],
    make_context: MakeContext,
    write: Step,
    summarise: Step,
    saver: BaseCheckpointSaver[Any],
) -> CompiledStateGraph[State, None, State, State]:
    """Wire the hub, the specialists, and the three steps that are not specialists; `run` is the run's state
    at that moment."""
    untraced()
    graph = StateGraph(State)
    needed = {need for member in members for need in member.needs}

    async def supervisor(state: State) -> Command[str]:
        return Command(goto=list(routing.allowed_next(routing.progress(run(), members), members)))

    graph.add_node("supervisor", supervisor)
    graph.add_edge(START, "supervisor")
    for member in members:
        graph.add_node(member.name, _specialist_node(member, make_context, member.name in needed))
        graph.add_edge(member.name, "supervisor")
    graph.add_node(routing.APPROVAL, _approval)
    graph.add_node(routing.WRITE, write)
    graph.add_node(routing.SUMMARY, summarise)
    for step in (routing.APPROVAL, routing.WRITE, routing.SUMMARY):
        graph.add_edge(step, "supervisor")
    return graph.compile(checkpointer=saver)


async def stands_at(
    graph: CompiledStateGraph[State, None, State, State],
    *,
    members: tuple[Specialist, ...],
    run: RunState,
    config: Any,
) -> State | None:
    """How to enter the graph: None goes on from its checkpoint, which says what the run says; else the input
    of a graph that begins anew, and finds by the run what is left to do.

    Raises:
        Exception: of many kinds; the checkpoint can't be read.
    """
    stands = await graph.aget_state(config)
    before = stands.values
    same = before.get("graph_version") == GRAPH_VERSION
    if same and stands.next and before.get("ended", {}) == routing.ended(run, members):
        return None
    return {"graph_version": GRAPH_VERSION}


def _approval(state: State) -> State:
    """Nothing stands before the interrupt: a node runs again from its top when it is answered. The answer is
    in the journal."""
    interrupt(routing.APPROVAL)
    return {"ended": {routing.APPROVAL: "done"}}


def _specialist_node(member: Specialist, make_context: MakeContext, needed: bool) -> Step:
    async def node(state: State) -> State:
        # A specialist of ours has a limit for each step instead.
        limit = asyncio.timeout(None if is_ours(member) else limits.GUEST_S)
        context = make_context(member, limit)
        context.emit(SpecialistStarted(specialist=member.name))
        try:
            async with limit:
                with keeping(context.crash):
                    report = await member.run(context)
                    if context.foreign:
                        context.reported(report, needed=needed)
        except UserError as error:
            if isinstance(member, Guest):
                return _failed(member, context, error)
            lines = tuple(context.redact.line(str(problem), limit=4000) for problem in error.problems)
            context.refuse(lines)
            return {"ended": {member.name: "refused"}}
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt) and ENDS.is_operators(error):
                raise
            if isinstance(error, asyncio.CancelledError) and being_cancelled():
                raise
            if hit(limit, error):
                return _failed(member, context, NotItsOwnError(stopped("it", limits.GUEST_S).what))
            if is_ours(member) and shortage(error) is not None:
                raise  # it would fail the others, too; the run can go on once there is more
            return _failed(member, context, error)
        if not context.finished:
            context.finish("it ended and told no result")
        return {"ended": {member.name: "done"}}

    node.__name__ = member.name
    return node


def _failed(member: Specialist, context: Context, error: BaseException) -> State:
    """One pane fails, the run goes on and says so."""
    own = isinstance(error, NotItsOwnError | UserError)
    text = context.redact.line(str(error) if own else kind(error), limit=500)
    context.crash(error)
    whose = "ours" if is_ours(member) else "this specialist, not of modelcar-tui"
    mend = member.mend if isinstance(member, Guest) else ""
    where = context.folder / "crash.txt"
    lines = (text, f"This is a fault of {whose}; details are in {where}")
    context.fail(text, (*lines, f"next: {mend}") if mend else lines, mend=mend)
    return {"ended": {member.name: "failed"}}
