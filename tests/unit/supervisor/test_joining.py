"""Specialists of other packages, right and wrong ones, through the real command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from modelcar_tui.core.errors import UserError
from modelcar_tui.core.secrets import Redactor
from modelcar_tui.report.data import envelope
from modelcar_tui.report.text import TITLES, plain
from modelcar_tui.supervisor import registry
from modelcar_tui.supervisor.events import Status, StepPlan
from modelcar_tui.supervisor.joining import RESERVED
from modelcar_tui.supervisor.pane import Pane
from modelcar_tui.supervisor.registry import team
from modelcar_tui.supervisor.settings import Approve
from modelcar_tui.supervisor.specialist import Context
from modelcar_tui.supervisor.state import RunState
from modelcar_tui.supervisor.supervisor import Supervisor

sys.path.insert(0, str(Path(__file__).parent))
from team import MANIFEST, Member, fake_team

AGENT = Path(sys.executable).parent / "agent"
EVENTS = "__import__('modelcar_tui.supervisor.events', fromlist=['x'])"
GOOD = """\
from modelcar_tui.supervisor.events import StepPlan
import msgspec


class Report(msgspec.Struct):
    denied: int = 1


class Licence:
    name = "licence"
    title = "Licence"
    steps = (StepPlan("read", "Read"),)
    needs = ("configuration",)

    async def run(self, context):
        context.step("read")
        context.finish("licences are fine", metadata={
            "verdict": "GO", "exit_status": 0, "schema": 9, "run": None, "qa": "x", "gpu_available": "no",
            "specialists": "none", "denied": 1,
        })
        return Report()
"""


class Packages:
    """A folder of packages as an installer leaves them, each with a module and one entry point."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state"

    def add(self, entry: str, code: str, *, target: str = "Licence", package: str = "") -> None:
        module = f"package_{len(list(self.folder.glob('*.py')))}"
        (self.folder / f"{module}.py").write_text(code)
        name = package or module
        info = self.folder / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[modelcar_tui.specialists]\n{entry} = {module}:{target}\n")

    def run(self, *args: object, form: str = "json") -> subprocess.CompletedProcess[str]:
        options = (
            "--gpu",
            "NVIDIA-L40S:4",
            "--no-llm",
            "--no-qa",
            "--state-dir",
            self.state,
            "--format",
            form,
        )
        config = self.folder / "x.base.yaml"
        config.write_text(MANIFEST.replace("registry.example.test", "127.0.0.1:9"))
        return subprocess.run(
            [AGENT, "--config", config, *map(str, (*options, *args))],
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
            stdin=subprocess.DEVNULL,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join((str(self.folder), os.environ.get("PYTHONPATH", ""))),
            },
        )

    def told(self) -> dict[str, Any]:
        done = self.run()
        assert "Traceback" not in done.stderr
        told: dict[str, Any] = json.loads(done.stdout)
        assert told["exit_status"] == done.returncode == self.alone
        assert told["verdict"] == self.verdict
        return told

    alone, verdict = 8, "UNKNOWN"
    """Of the manifest without any foreign specialist."""


@pytest.fixture
def packages(tmp_path: Path) -> Packages:
    return Packages(tmp_path)


def foreign(told: dict[str, Any]) -> list[tuple[str, str]]:
    ours = {path.rpartition(".")[2].partition(":")[0] for path in registry.BUILTIN}
    return [(pane["name"], pane["status"]) for pane in told["run"]["panes"] if pane["name"] not in ours]


def pane(told: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = (pane for pane in told["run"]["panes"] if pane["name"] == name)
    return found


def test_metadata_of_a_foreign_specialist_stands_under_its_name_alone(packages: Packages) -> None:
    packages.add("licence", GOOD)
    told = packages.told()
    assert told["specialists"]["licence"]["verdict"] == "GO"
    assert "denied" not in told
    assert (told["schema"], told["qa"], told["gpu_available"]) == (
        2,
        told["run"]["qa"]["outcome"]["code"],
        True,
    )
    assert told["gpu_available"] is told["specialists"]["accelerator"]["gpu_available"]
    assert foreign(told) == [("licence", "done")]


def own(name: str, **metadata: Any) -> Pane:
    return Pane(name=name, title=name, metadata=metadata)


def test_even_our_own_metadata_replaces_nothing_of_the_envelope() -> None:
    plain = envelope(RunState(panes=(own("decision"),)))
    panes = (own("decision", **dict.fromkeys(plain, "taken"), changes=3), own("qa", run=1, specialists=2))
    told = envelope(RunState(panes=panes))
    told.pop("run"), plain.pop("run"), told.pop("specialists"), plain.pop("specialists")
    assert told == {**plain, "changes": 3}


@pytest.mark.parametrize("name", ["accelerator", "licence"])
async def test_metadata_of_one_that_takes_the_place_of_ours_is_not_ours(tmp_path: Path, name: str) -> None:
    class Other(Member):
        async def run(self, context: Context):
            report = await self.other.run(context)
            context.finish("done", metadata={"gpu_available": "yes", "verdict": "GO", "mine": 1})
            return report

    members = {member.name: member for member in fake_team()}
    other = Other(name)
    other.other = members.get(name, Member(name))
    (tmp_path / "x.base.yaml").write_text(MANIFEST)
    supervisor = Supervisor(
        tmp_path / "x.base.yaml",
        specialists=(*{**members, name: other}.values(),),
        state_dir=str(tmp_path),
        approve=Approve.SHOW,
    )
    async for _ in supervisor.run():
        pass
    told = envelope(supervisor.state)
    assert told["specialists"][name]["mine"] == 1
    assert not {"mine", "gpu_available"} & told.keys()


HOSTILE = """\
class Hostile(Exception):
    def __str__(self): raise Hostile
    __cause__ = __traceback__ = property(lambda self: 1 / 0)
"""
BROKEN = {
    "no such module": ("import nothing_of_that_name\n", "ModuleNotFoundError: No module named"),
    "syntax": ("def (:\n", "SyntaxError"),
    "exit": ("raise SystemExit(3)\n", "SystemExit: 3"),
    "other exit": ("class Gone(BaseException): ...\nraise Gone('\\x1b]52;c;evil\\x07on\\nx')\n", "Gone: on"),
    "no such name": ("x = 1\n", "AttributeError: module"),
    "factory": (GOOD + "    def __init__(self): raise RuntimeError('boom')\n", "RuntimeError: boom"),
    "secret": ("raise RuntimeError('Authorization: Bearer abc-planted-def')\n", "RuntimeError"),
    "name": (GOOD.replace('name = "licence"', "pass"), "Licence has no 'name'"),
    "title": (GOOD.replace('title = "Licence"', "pass"), "Licence has no 'title'"),
    "steps": (GOOD.replace("steps = (", "stages = ("), "Licence has no 'steps'"),
    "needs": (GOOD.replace("needs = (", "wants = ("), "Licence has no 'needs'"),
    "run": (GOOD.replace("def run(", "def start("), "Licence has no 'run'"),
    "name of another type": (GOOD.replace('name = "licence"', "name = 5"), "its name 5 is not"),
    "name of a path": (GOOD.replace('name = "licence"', "name = '../x'"), "its name '../x' is not"),
    "title of another type": (GOOD.replace('title = "Licence"', "title = None"), "its title None is no text"),
    "steps of another type": (GOOD.replace('(StepPlan("read", "Read"),)', "('read',)"), "its steps are not"),
    "one step": (
        GOOD.replace('(StepPlan("read", "Read"),)', 'StepPlan("read", "Read")'),
        "its steps are not",
    ),
    "needs without a comma": (GOOD.replace('("configuration",)', '("configuration")'), "its needs 'config"),
    "needs nobody": (GOOD.replace('("configuration",)', '("nobody",)'), "needs 'nobody', which is not there"),
    "needs itself": (GOOD.replace('("configuration",)', '("licence",)'), "waits for itself"),
    "run is no function": (
        GOOD.replace("async def run(", "run = 5\n    async def go("),
        "its run is no function",
    ),
    "property": (
        GOOD.replace('title = "Licence"', "title = property(lambda self: 1 / 0)"),
        "ZeroDivisionError",
    ),
    "no end of steps": (
        GOOD.replace("steps = (", "steps = __import__('itertools').repeat("),
        "it has more than 200 steps",
    ),
    "no end of needs": (
        GOOD.replace('("configuration",)', "__import__('itertools').repeat('configuration')"),
        "it has more than 50 needs",
    ),
    "text raises": (HOSTILE + "raise Hostile\n", "can't be loaded: Hostile"),
    "text is no text": (HOSTILE.replace("raise Hostile", "return 5") + "raise Hostile\n", "loaded: Hostile"),
    "a kind of hostile name": (
        "raise type('X\x1b[31m\\nY\u202e' + 'y' * 5000, (OSError,), {})\n",
        "X\N{REPLACEMENT CHARACTER}",
    ),
    "cancelled": ("import asyncio\nraise asyncio.CancelledError\n", "can't be loaded: CancelledError"),
    "nothing": ("Licence = None\n", "NoneType has no 'name'"),
}


def named(code: str, name: str) -> str:
    return code.replace('"licence"', f'"{name}"')


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What one run says with all of `BROKEN` installed, and one that is well."""
    packages = Packages(tmp_path_factory.mktemp("broken"))
    for number, (code, _) in enumerate(BROKEN.values()):
        packages.add(f"case-{number}", named(code, f"case-{number}"), package=f"acme{number}")
    packages.add("other", named(GOOD, "other").replace('"Licence"', '"Other"'))
    return packages.told()


@pytest.mark.parametrize("case", BROKEN)
def test_one_that_cannot_join_is_a_failed_pane_and_the_run_goes_on(broken: dict[str, Any], case: str) -> None:
    number, (_, why) = list(BROKEN).index(case), BROKEN[case]
    assert dict(foreign(broken)) == {
        **{f"case-{number}": "failed" for number in range(len(BROKEN))},
        "other": "done",
    }
    found = pane(broken, f"case-{number}")
    assert why.replace("licence", f"case-{number}") in found["summary"]
    assert found["summary"].startswith(f"acme{number} 1.0 (package_{number}:Licence)")
    said = json.dumps(broken, ensure_ascii=False)
    assert not {"\x1b", "\x07", "\n"} & set(found["summary"]) and "planted" not in said and "evil" not in said
    assert broken["specialists"]["other"]["denied"] == 1


def test_a_name_that_the_product_uses_breaks_nothing(packages: Packages) -> None:
    names = [*sorted(RESERVED), "__start__", "__end__", "configuration", "qa"]
    for name in names:
        packages.add(name, named(GOOD, name))
    told = packages.told()
    panes = dict(foreign(told))
    assert len(panes) == len(names) and set(panes.values()) == {"failed"} and not panes.keys() & RESERVED
    for name in panes:
        title = pane(told, name)["title"].partition(" (")[0]
        assert title == "Licence" or title in {name.strip("_") for name in names}
    assert all(pane["status"] != "failed" for pane in told["run"]["panes"] if pane["name"] not in panes)


def test_every_name_of_the_graph_and_heading_of_the_report_is_reserved() -> None:
    from langgraph.checkpoint.memory import InMemorySaver

    from modelcar_tui.supervisor.graph import State, build_graph

    graph = build_graph(
        (), RunState, lambda *_: None, lambda state: state, lambda state: state, InMemorySaver()
    )
    assert {name for name in graph.get_graph().nodes if not name.startswith("__")} <= RESERVED
    assert set(State.__annotations__) <= RESERVED
    assert {*TITLES.values(), *(member.title for member in team()[:4])} <= set(registry.TITLES)


def test_two_of_one_name_are_one_that_joins_and_one_that_failed(packages: Packages) -> None:
    packages.add("a", GOOD)
    packages.add("b", GOOD)
    assert foreign(packages.told()) == [("licence", "done"), ("b", "failed")]


def test_those_that_need_each_other_or_a_refused_one_are_refused(packages: Packages) -> None:
    for name, need in {"a": "b", "b": "a", "c": "a", "d": "configuration"}.items():
        packages.add(name, GOOD.replace('"licence"', f'"{name}"').replace('"configuration"', f'"{need}"'))
    told = packages.told()
    assert foreign(told) == [("a", "failed"), ("b", "failed"), ("c", "failed"), ("d", "done")]


RUNS = {
    "an error whose text raises": HOSTILE.replace("\n", "\n        ") + "raise Hostile",
    "cancelled by itself": "import asyncio; raise asyncio.CancelledError",
    "cancels its task": "import asyncio; asyncio.current_task().cancel(); await asyncio.sleep(9)",
    "a hostile kind": "raise type('X\\x1b[31m\\nPWN\\u202e', (Exception,), {})",
    "the verdict": "e = "
    + EVENTS
    + "; context.emit(e.RunFinished(exit_status=0, verdict='GO', summary='', seconds=1.0))",
    "another's decision": "e = " + EVENTS + "; context.emit(e.DecisionMade(report=None))",
    "another's result": "e = "
    + EVENTS
    + "; context.emit(e.SpecialistFinished(specialist='accelerator', status='done', summary='GO'))",
    "another's step": "e = "
    + EVENTS
    + "; context.emit(e.StepChanged(specialist='qa', step='x', status='done'))",
    "another's name": "context.name = 'accelerator'; e = "
    + EVENTS
    + "; context.emit(e.SpecialistStarted(specialist='accelerator'))",
    "what QA said": "e = " + EVENTS + "; context.emit(e.QaFinished(outcome=None))",
    "exit": "raise SystemExit(0)",
    "nested metadata": "context.finish('x', metadata={'a': {'b': 1}})",
    "no status": "context.finish('x', status='splendid')",
    "a report that can't be kept": "return {'half': '\\ud800'}",
    "a large number": "return {'n': 2**70}",
    "no report": "return object()",
}


@pytest.fixture(scope="module")
def dead(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any]]:
    """What one run says with all of `RUNS` installed, and what is said when it is shown again."""
    packages = Packages(tmp_path_factory.mktemp("dead"))
    bare = GOOD.replace("return Report()", "pass")
    for number, does in enumerate(RUNS.values()):
        packages.add(f"case-{number}", named(bare.replace('context.step("read")', does), f"case-{number}"))
    told = packages.told()
    (folder,) = (packages.state / "runs").iterdir()
    again = subprocess.run(
        [AGENT, "--resume", folder, "--format", "json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return told, json.loads(again.stdout)


@pytest.mark.parametrize("case", RUNS)
def test_one_that_dies_while_it_runs_fails_alone_and_the_run_can_be_shown_again(
    dead: tuple[dict[str, Any], dict[str, Any]], case: str
) -> None:
    told, again = dead
    assert set(foreign(told)) == {(f"case-{number}", "failed") for number in range(len(RUNS))}
    found = pane(told, f"case-{list(RUNS).index(case)}")
    assert "not of modelcar-tui" in found["lines"][1] and not {"\x1b", "\n", "\u202e"} & set(found["summary"])
    assert pane(again, found["name"]) == found
    assert again["run"]["panes"] == told["run"]["panes"]


def test_the_pane_of_one_that_tells_of_another_says_what_it_told(packages: Packages) -> None:
    say = f"e = {EVENTS}; context.emit(e.SpecialistStarted(specialist='qa\\x1b[2J'))"
    packages.add("licence", GOOD.replace('context.step("read")', say))
    summary = pane(packages.told(), "licence")["summary"]
    assert summary == r"it may tell only of itself, and told SpecialistStarted of 'qa\x1b[2J'"


def test_one_that_tells_no_result_is_done_when_its_run_has_ended(packages: Packages) -> None:
    packages.add("licence", GOOD.replace("context.finish(", "dict(").replace('"licences are fine", ', ""))
    told = packages.told()
    assert foreign(told) == [("licence", "done")]
    assert pane(told, "licence")["summary"] == "it ended and told no result"


def test_a_name_that_is_a_text_of_its_own_kind_is_that_name(packages: Packages) -> None:
    odd = "\n\nclass S(str):\n    __eq__ = lambda self, other: False\n    __hash__ = lambda self: 1\n"
    packages.add(
        "licence", GOOD + odd + "Licence.name = S('licence')\nLicence.needs = (S('configuration'),)\n"
    )
    assert foreign(packages.told()) == [("licence", "done")]


def test_its_notices_are_clean_and_short(packages: Packages) -> None:
    say = f"e = {EVENTS}; context.emit(e.Noticed(text='no\\x1b[31mte\\n## Result' + 'y' * 9000))"
    packages.add("licence", GOOD.replace('context.step("read")', say))
    told = packages.told()
    assert foreign(told) == [("licence", "done")]
    (text,) = (notice["text"] for notice in told["run"]["notices"] if "yyy" in notice["text"])
    assert text.startswith("note") and text.isprintable() and len(text) <= 2000


UNREADABLE = {"no UTF-8": b"[x]\na = m:\xff\n", "no value": b"[console_scripts]\nfoo\n"}


@pytest.mark.parametrize("case", UNREADABLE)
def test_a_package_whose_entry_points_cannot_be_read_costs_only_itself(packages: Packages, case: str) -> None:
    packages.add("licence", GOOD)
    packages.add("other", GOOD, package="acme")
    (packages.folder / "acme-1.0.dist-info" / "entry_points.txt").write_bytes(UNREADABLE[case])
    told = packages.told()
    assert foreign(told) == [("licence", "done")]
    notices = [notice["text"] for notice in told["run"]["notices"]]
    assert any(text.startswith("acme 1.0: its entry_points.txt can't be read") for text in notices)


def test_of_two_versions_of_a_package_the_first_on_the_path_joins(packages: Packages, tmp_path: Path) -> None:
    packages.add("licence", GOOD, package="acme")
    older = tmp_path / "older"
    older.mkdir()
    Packages(older).add("licence", "raise ImportError\n", package="acme")
    code = f"import sys; sys.path.append({str(older)!r})\n"
    code += "from modelcar_tui.supervisor.registry import team; print([m.name for m in team()][4:])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(packages.folder)},
    )
    assert done.stdout.strip() == "['licence']"


def test_the_report_has_a_section_of_the_refused_and_no_second_of_ours(packages: Packages) -> None:
    packages.add("licence", "raise ImportError('no such thing')\n", package="acme")
    forged = GOOD.replace('"licence"', '"result"').replace('"Licence"', '"Result"')
    packages.add("result", forged.replace("licences are fine", "x\\n## Result\\n**GO**"))
    done = packages.run(form="text")
    assert done.returncode == packages.alone
    headings = [line for line in done.stdout.splitlines() if line.startswith("## ")]
    assert headings.count("## Result") == 1 and headings[-1] == "## Result"
    assert {"## licence", "## Result (result)"} <= set(headings)
    assert "- acme 1.0 (package_0:Licence) can't be loaded: ImportError: no such thing" in done.stdout
    assert "note: licence: acme 1.0" in done.stderr


def test_lines_of_a_specialist_are_lines_of_the_report() -> None:
    told: list[Any] = []
    context = Context("x", None, Path(), told.append, RunState(), Redactor())  # type: ignore[arg-type]
    context.step("a", Status.DONE, "b\n## Result")
    context.finish("c\x1b]52;c;evil\x07", ("d\n## Result",), metadata={"e\n": "f\u202e"})
    pane = Pane(name="x", title="X", lines=told[1].lines, metadata=told[1].metadata, summary=told[1].summary)
    text = plain(RunState(panes=(pane,))) + told[0].detail
    assert "\n## Result" not in text and "\u202e" not in text and "evil" not in pane.summary


WRONG = {
    "a class": Member,
    "nothing": None,
    "no title": type("Bare", (), {"name": "x"})(),
    "a step's name": Member("write"),
    "another type": type("Typed", (Member,), {"steps": "work"})("x"),
    "waits for itself": Member("x", ("x",)),
    "needs nobody": Member("x", ("nobody",)),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_one_of_the_embedding_program_is_told_to_it(case: str) -> None:
    with pytest.raises(UserError):
        Supervisor("x.yaml", specialists=(WRONG[case],))


def test_step_plans_of_a_foreign_pane_are_clean(packages: Packages) -> None:
    packages.add(
        "licence", GOOD.replace('"Read"', r'"Re\x1b[2Jad\n"').replace('"Licence"', r'"Li\u202ecence"')
    )
    found = pane(packages.told(), "licence")
    assert StepPlan(found["steps"][0]["id"], found["steps"][0]["title"]) == StepPlan("read", "Read")
    assert found["title"] == "Li\N{REPLACEMENT CHARACTER}cence"
