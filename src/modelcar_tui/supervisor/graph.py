"""The supervisor as a LangGraph `StateGraph`: a hub that follows the routing table, and a node a step.

Graph state is plain JSON data: reports as `msgspec.to_builtins` gives them, checked again when a node reads
them. Nothing secret is in it, for the checkpointer writes all of it to disk.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeAlias, TypedDict

# Read by langgraph and langsmith when they are imported: typed checkpoints only, nothing leaves the machine.
os.environ["LANGGRAPH_STRICT_MSGPACK"] = "true"
os.environ["LANGSMITH_TRACING"] = os.environ["LANGCHAIN_TRACING_V2"] = "false"

import msgspec
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command, interrupt

from modelcar_tui.core.contain import being_cancelled, hit, keeping, stopped
from modelcar_tui.core.crash import kind
from modelcar_tui.core.ends import ENDS
from modelcar_tui.core.errors import UserError
from modelcar_tui.core.shortage import shortage
from modelcar_tui.supervisor import limits, routing
from modelcar_tui.supervisor.events import SpecialistStarted, Status
from modelcar_tui.supervisor.joining import Guest
from modelcar_tui.supervisor.registry import is_ours
from modelcar_tui.supervisor.specialist import Context, NotItsOwnError, Specialist

GRAPH_VERSION = 1
"""Stamped into every run: a checkpoint of another shape is not resumed."""


def _merge(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    return {**old, **new}


class State(TypedDict, total=False):
    """What is checkpointed between two steps."""

    graph_version: int
    reports: Annotated[dict[str, dict[str, Any]], _merge]
    """Each specialist's report as plain data."""
    finished: Annotated[dict[str, str | None], _merge]
    """Steps that ran: the empty text, or what went wrong; None for one that is to run again."""
    again: Annotated[dict[str, bool], _merge]
    """Specialists that were asked a second time."""
    fatal: str
    """One line a problem of the manifest; the run ends."""
    answer: dict[str, Any]
    """The operator's `Decision`."""
    written: dict[str, Any]


Choose = Callable[[tuple[routing.Way, ...]], Awaitable[routing.Way]]
"""Picks one of several ways; never fails."""
MakeContext = Callable[[Specialist, State, asyncio.Timeout], Context]
"""Of a specialist, the graph's state, and the time limit that the specialist runs under."""
Step: TypeAlias = Any
"""`async def step(state: State) -> State`; LangGraph's own type for it is a union of protocols."""


def build_graph(
    members: tuple[Specialist, ...],
    make_context: MakeContext,
    write: Step,
    summarise: Step,
    saver: BaseCheckpointSaver[Any],
    choose: Choose | None = None,
) -> CompiledStateGraph[State, None, State, State]:
    """Wire the hub, the specialists, and the three steps that are not specialists."""
    graph = StateGraph(State)

    async def supervisor(state: State) -> Command[str]:
        ways = routing.ways(_progress(state), members)
        way = ways[0]
        if choose is not None and len(ways) > 1:
            way = await choose(ways)
        update: State = {
            "finished": {**dict.fromkeys(way.again), **dict.fromkeys(way.skipped, routing.SKIPPED)},
            "again": dict.fromkeys(way.again, True),
        }
        return Command(goto=list(way.steps), update=update if way.again or way.skipped else None)

    graph.add_node("supervisor", supervisor)
    graph.add_edge(START, "supervisor")
    for member in members:
        graph.add_node(member.name, _specialist_node(member, make_context))
        graph.add_edge(member.name, "supervisor")
    graph.add_node(routing.APPROVAL, _approval)
    graph.add_node(routing.WRITE, write)
    graph.add_node(routing.SUMMARY, summarise)
    for step in (routing.APPROVAL, routing.WRITE, routing.SUMMARY):
        graph.add_edge(step, "supervisor")
    return graph.compile(checkpointer=saver)


def _approval(state: State) -> State:
    """Nothing stands before the interrupt: a node runs again from its top when it is answered."""
    answer = interrupt({"plan": state["reports"][routing.DECISION]["plan"]})
    return {"answer": answer}


def _specialist_node(member: Specialist, make_context: MakeContext) -> Step:
    async def node(state: State) -> State:
        # A specialist of ours has a limit for each step instead.
        limit = asyncio.timeout(None if is_ours(member) else limits.GUEST_S)
        context = make_context(member, state, limit)
        context.emit(SpecialistStarted(specialist=member.name))
        try:
            async with limit:
                with keeping(context.crash):
                    report = plain(await member.run(context))
        except UserError as error:
            if isinstance(member, Guest):
                return _failed(member, context, error)
            lines = tuple(context.redact.line(str(problem), limit=4000) for problem in error.problems)
            context.finish(lines[0], lines, status=Status.FAILED)
            return {"finished": {member.name: lines[0]}, "fatal": "\n".join(lines)}
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
        return {"finished": {member.name: ""}, "reports": {member.name: report}}

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
    return {"finished": {member.name: text}}


def plain(report: Any) -> Any:
    """A report as the checkpoint keeps it.

    Raises:
        TypeError, ValueError, OverflowError: it can't be kept: a text with half a character, a number of 65
        bits.
    """
    data = msgspec.to_builtins(report)
    msgspec.msgpack.encode(data)
    return data


def _progress(state: State) -> routing.Progress:
    decision = state.get("reports", {}).get(routing.DECISION, {})
    inventory = state.get("reports", {}).get(routing.ACCELERATOR, {}).get("inventory", {})
    return routing.Progress(
        finished=frozenset(name for name, how in state.get("finished", {}).items() if how is not None),
        fatal=bool(state.get("fatal")),
        has_changes=bool(decision.get("plan", {}).get("changes")),
        answer=state.get("answer"),
        verdict=str(decision.get("verdict", "")),
        blind=not inventory.get("known", True),
        asked_again=frozenset(state.get("again", {})),
    )
