"""No module needs itself by way of others, neither for types nor when a function is called."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import modelcar_tui

SOURCE = Path(modelcar_tui.__file__).parent.parent


def test_no_module_imports_itself_by_way_of_others() -> None:
    assert circles(imports(SOURCE)) == set()


def test_a_circle_is_found_by_its_types_and_inside_functions(tmp_path: Path) -> None:
    package = tmp_path / "modelcar_tui"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "one.py").write_text("if TYPE_CHECKING:\n    from modelcar_tui.two import x\n")
    (package / "two.py").write_text("def f():\n    from modelcar_tui import three\n")
    (package / "three.py").write_text("import modelcar_tui.one\n")
    (package / "four.py").write_text("import modelcar_tui.one\n")
    assert circles(imports(tmp_path)) == {
        frozenset(f"modelcar_tui.{name}" for name in ("one", "two", "three"))
    }


def imports(source: Path) -> dict[str, set[str]]:
    """Every module of the package, and the modules of the package that it names in an import anywhere."""
    files = {_name(path.relative_to(source)): path for path in (source / "modelcar_tui").rglob("*.py")}
    return {
        name: {found for found in _imported(path, set(files)) if found != name}
        for name, path in files.items()
    }


def _name(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def _imported(path: Path, known: set[str]) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            # `from package import name` is of the package itself only where the name is no module.
            names |= whole & known | ({node.module} if whole - known else set())
    return names & known


def circles(graph: dict[str, set[str]]) -> set[frozenset[str]]:
    """The groups of modules each of which reaches all others of its group."""
    graph, found = dict(graph), set()
    while True:
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            start = error.args[1][0]
            ahead = _reached(graph, start)
            group = frozenset(name for name in ahead if start in _reached(graph, name))
            found.add(group)
            graph = {name: to - group for name, to in graph.items() if name not in group}
        else:
            return found


def _reached(graph: dict[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    todo = [start]
    while todo:
        new = graph.get(todo.pop(), set()) - seen
        seen |= new
        todo += new
    return seen
