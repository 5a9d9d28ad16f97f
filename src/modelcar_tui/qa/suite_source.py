"""Reads what a suite accepts and makes out of its own sources, with `ast`: nothing of it is imported.

One reader for the derived table (by branch) and for an image (its files, as the probe prints them), so both
tell the same of the same sources. Formatting, comments and help texts say nothing here.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import PurePosixPath
from typing import TypeVar

from modelcar_tui.qa.suite_facts import Option, Registry, SuiteFacts

T = TypeVar("T")
TEST_FILE = "test_modelvalidation.py"
MODES = "KServeDeploymentType"
ALWAYS = (
    "conftest.py",
    "pyproject.toml",
    "tests/conftest.py",
    "utilities/constants.py",
    "utilities/must_gather_collector.py",
)
"""Files that every branch has."""
BESIDE_TEST = ("conftest.py", "constant.py")
"""Files of the test's own folder."""
_TELLING = re.compile(r"registry|model_car|accelerator|vllm-runtime|sanity|must-gather|health-check")
_PYTHON = re.compile(r'^requires-python\s*=\s*["\']([^"\']+)', re.MULTILINE)
_SEVERAL = re.compile(r"^(\s*except )([\w.]+(?:\s*,\s*[\w.]+)+)(\s*:)", re.MULTILINE)
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,99}")
LIMIT = 1_000_000
"""Characters of one file that are read."""


def read_source(files: Mapping[str, str], test: str = "") -> SuiteFacts:
    """The facts of a checkout.

    Args:
        files: Text by path: those of `ALWAYS`, and of `BESIDE_TEST` in the test's folder. What is missing or
            is no Python says nothing.
        test: Path of the test; empty where the checkout has none.
    """
    trees = {path: _parse(text) for path, text in files.items() if path.endswith(".py")}
    empty = ast.Module(body=[], type_ignores=[])
    root = trees.get("conftest.py", empty)
    own, beside = (trees.get(path, empty) for path in beside_test(test) or ("",) * 2)
    constants = _texts(beside)
    words = _class_texts(trees.get("utilities/constants.py", empty), MODES)
    registries = _registries(beside, constants)
    project = files.get("pyproject.toml", "")
    makers = [one for one in _functions(own) if any(_called(call) == "param" for call in _calls(one))]
    modes = _of_each(makers, lambda one: (words.get(name, name) for name in _mode_names(one)))
    reads = _strings(_named(own, "pytest_generate_tests"))
    match = _PYTHON.search(project)
    return SuiteFacts(
        python=match[1] if match else "",
        test=test,
        options=_options(root, registries, snapshots="syrupy" in project),
        registries=registries,
        namespaces=_of_each(makers, _namespaces),
        suffixes=_of_each(makers, _suffixes),
        modes=modes,
        runtimes=_of_each(modes, partial(_runtimes, own)),
        pull_secret=constants.get("PULL_SECRET_NAME", ""),
        reads_arguments="serving_arguments" in reads,
        reads_output_type="model_output_type" in reads,
        checks_answers="keywords" in _strings(beside),
        sets_kserve=bool(_setting_kserve(root, words) & {mode.lower() for mode in modes} & _marks(own)),
        downloads=_downloads(trees.get("tests/conftest.py", empty), constants),
        log_folder=_log_folder(trees.get("utilities/must_gather_collector.py", empty)),
    )


def beside_test(test: str) -> tuple[str, ...]:
    """Paths of the files beside the test; none without one."""
    return tuple(str(PurePosixPath(test).with_name(name)) for name in BESIDE_TEST) if test else ()


def _parse(text: str) -> ast.Module:
    """The tree of a file; an empty one where it is no Python. Python 3.14's `except A, B:` is read too."""
    text = text[:LIMIT]
    for form in (text, bracketed(text)):
        try:
            with warnings.catch_warnings(
                action="ignore"
            ):  # of an odd escape: it would be written on the screen
                return ast.parse(form)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return ast.Module(body=[], type_ignores=[])


def bracketed(text: str) -> str:
    """Python 3.14's `except A, B:` as older ones read it."""
    return _SEVERAL.sub(r"\1(\2)\3", text)


def _options(root: ast.AST, registries: Mapping[str, Registry], *, snapshots: bool) -> dict[str, Option]:
    """Those that matter to a model-car run; `--snapshot-update` is a plug-in's."""
    found: dict[str, Option] = {}
    for call in _calls(root):
        name = _text(call.args[0]) if call.args and _called(call) == "addoption" else ""
        if not _TELLING.search(name):
            continue
        words = {one.arg: one.value for one in call.keywords}
        variable = next((_variable(_text(one)) for one in _environ(words.get("default"))), "")
        found[name] = Option(action=_text(words.get("action")) or "store", variable=variable)
    for registry in registries.values():
        found[registry.option] = Option(variable=registry.variable)
    if snapshots:
        found["--snapshot-update"] = Option(action="store_true")
    return dict(sorted(found.items()))


def _environ(node: ast.AST | None) -> Iterator[ast.AST]:
    """First arguments of `os.environ.get(...)` and `os.getenv(...)`."""
    for call in _calls(node):
        if call.args and _called(call) in ("get", "getenv"):
            yield call.args[0]


def _registries(tree: ast.AST, constants: Mapping[str, str]) -> dict[str, Registry]:
    found = {}
    for call in _calls(tree):
        words = {
            one.arg: constants.get(getattr(one.value, "id", ""), _text(one.value)) for one in call.keywords
        }
        if host := words.get("host") if words.get("cli_option") else "":
            found[host] = Registry(option=words["cli_option"], variable=_variable(words.get("env_var", "")))
    return found


def _variable(name: str) -> str:
    """A variable's name, since it is written into a shell file; empty for anything else."""
    return name if _VARIABLE.fullmatch(name) else ""


def _namespaces(maker: ast.AST) -> Iterator[str]:
    """A parameter set names its namespace as `{"name": "..."}`."""
    for node in ast.walk(maker):
        if isinstance(node, ast.Dict) and [_text(key) for key in node.keys] == ["name"]:
            yield from filter(_LABEL.fullmatch, [_text(node.values[0])])


def _suffixes(maker: ast.AST) -> Iterator[str]:
    """`raw` of an id that is made as `f"{name}-raw"`."""
    for node in ast.walk(maker):
        if isinstance(node, ast.JoinedStr) and len(node.values) == 2:
            dash, suffix = _text(node.values[1])[:1], _text(node.values[1])[1:]
            if dash == "-" and _LABEL.fullmatch(suffix):
                yield suffix


def _mode_names(node: ast.AST) -> Iterator[str]:
    for one in ast.walk(node):
        if isinstance(one, ast.Attribute) and getattr(one.value, "id", "") == MODES:
            yield one.attr


def _runtimes(tree: ast.AST, mode: str) -> Iterator[str]:
    """The name that is given to the ServingRuntime; what is put into it is the mode in lower case."""
    for call in _calls(tree):
        for word in call.keywords if _called(call) == "ServingRuntimeFromTemplate" else ():
            if word.arg == "name" and isinstance(word.value, ast.JoinedStr):
                yield "".join(_text(part) or mode.lower() for part in word.value.values)
            elif word.arg == "name" and _text(word.value):
                yield _text(word.value)


def _setting_kserve(root: ast.AST, words: Mapping[str, str]) -> set[str]:
    """Marks of tests for which a hook switches KServe on first."""
    found: set[str] = set()
    for node in ast.walk(root):
        if isinstance(node, ast.If) and any(
            "kserve_in_dsc" in text for part in node.body for text in _strings(part)
        ):
            found |= {words.get(name, name).lower() for name in _mode_names(node.test)}
    return found


def _marks(tree: ast.AST) -> set[str]:
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Attribute)
        and node.value.attr == "mark"
    }


def _downloads(tree: ast.AST, constants: Mapping[str, str]) -> tuple[str, ...]:
    oc = any("download_oc" in _called(call) for call in _calls(tree))
    return (*(["oc"] if oc else []), *(["audio"] if "AUDIO_FILE_URL" in constants else []))


def _log_folder(tree: ast.AST) -> str:
    base = _texts(tree).get("BASE_RESULTS_DIR", "")
    inner = [
        text for text in _strings(_named(tree, "get_base_dir")) if text and " " not in text and text != base
    ]
    return str(PurePosixPath(base, *inner[:1])) if base else ""


def _texts(tree: ast.AST) -> dict[str, str]:
    """A module's or a class's constants that are text."""
    found = {}
    for node in getattr(tree, "body", ()):
        if isinstance(node, ast.AnnAssign):
            targets: list[ast.expr] = [node.target]
        else:
            targets = node.targets if isinstance(node, ast.Assign) else []
        for target in targets:
            if isinstance(target, ast.Name) and (text := _text(node.value)):
                found[target.id] = text
    return found


def _class_texts(tree: ast.Module, name: str) -> dict[str, str]:
    return next(
        (_texts(one) for one in ast.walk(tree) if isinstance(one, ast.ClassDef) and one.name == name), {}
    )


def _functions(tree: ast.AST) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


def _named(tree: ast.AST, name: str) -> ast.AST | None:
    return next((one for one in _functions(tree) if one.name == name), None)


def _calls(tree: ast.AST | None) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call)) if tree is not None else iter(())


def _called(call: ast.Call) -> str:
    """The last part of what is called."""
    return str(getattr(call.func, "attr", "") or getattr(call.func, "id", ""))


def _strings(tree: ast.AST | None) -> set[str]:
    return {_text(node) for node in ast.walk(tree)} if tree is not None else set()


def _text(node: ast.AST | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _of_each(items: Iterable[T], read: Callable[[T], Iterator[str]]) -> tuple[str, ...]:
    """What is read of all, each text once."""
    return tuple(dict.fromkeys(text for item in items for text in read(item)))
