"""The tools that re-derive the tables: on a small source of our own, and what they read from real
releases."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from modelcar_tui.vllm.quantization_table import quantization_table
from modelcar_tui.vllm.release import at, parse_version, stand_in

TOOLS = Path(__file__).parents[3] / "tools"
READ = json.loads((Path(__file__).parent / "fixtures" / "min_capability.json").read_text("utf-8"))
FILES = {
    "vllm/model_executor/layers/quantization/__init__.py": 'QuantizationMethods = Literal["b", "a"]\n',
    "vllm/model_executor/layers/quantization/a.py": """
class AConfig(Base):
    @classmethod
    def get_min_capability(cls) -> int:
        if current_platform.is_rocm():
            return 90
        return 80

class BConfig(AConfig):
    pass

class CConfig(Base):
    def get_min_capability(cls):
        return -1

class DConfig(Base):
    def get_min_capability(cls):
        return AConfig.get_min_capability()
""",
    "vllm/config/__init__.py": "from vllm.config.model import ModelConfig, Kind\n",
    "vllm/config/model.py": """
from typing import TYPE_CHECKING, Literal
if TYPE_CHECKING:
    from elsewhere import Other
else:
    Other = Any
Kind = Literal["one", "two"]

@config
class Inner:
    x: int = 1

@config
class ModelConfig:
    max_model_len: int | None = None
    kind: Kind = "one"
    loose: Kind | str = "one"
    other: Other | None = None
    on: bool = False
    names: list[str] | None = None
    sizes: list[int] = field()
    inner: Inner = field()
    anything: dict[str, Any] | Other = field()
    word_or_object: dict[str, Any] | str = field()
    quoted: Optional["Inner"] = None
    traces: list[Kind] | None = None
    ratio: Annotated[float, 1] = 0.5
""",
    "vllm/config/words.py": 'WORDS = Literal["far", "near"]\n',
    "vllm/config/all.py": "from .words import *\n",
    "vllm/engine/arg_utils.py": """
import enum
from vllm.config import ModelConfig, Kind
from vllm.config.all import WORDS

OPTIONS = ["x", *get_args(Kind)]
METHODS = {"m": object, "n": object}
PAIRS = [("--first-of-pairs", int), ("--second-of-pairs", json.loads)]

class Format(str, enum.Enum):
    AUTO = "auto"
    RAW = "raw"

def union_dict_and_str(value): ...

def _compute_kwargs(cls):
    if is_dataclass(cls):
        pass
    if name == "max_model_len":
        human_readable_int_or_auto
    kwarg = "metavar" if contains_type(type_hints, str) else "choices"

class EngineArgs:
    @staticmethod
    def add_cli_args(parser):
        for arg, type in [
            ("--looped-word", str),
            ("--looped-truth", bool),
        ]:
            parser.add_argument(arg, type=type, deprecated=True)
        for arg, type in PAIRS:
            with warnings.catch_warnings():
                parser.add_argument(arg, type=type)
        for name, kind in {"--looped-item": float}.items():
            parser.add_argument(name, type=kind)
        for name in ("--looped-name",):
            try:
                parser.add_argument(name, choices=OPTIONS, nargs="+")
            finally:
                pass
        parser.add_argument("--method", type=nullable_str, choices=[*METHODS, None])
        parser.add_argument("--format", type=str, choices=[f.value for f in Format])
        parser.add_argument("--far", choices=get_args(WORDS))
        parser.add_argument("--at-run-time", choices=list(Manager.names))
        parser.add_argument("--old-switch", action=StoreBoolean, nargs="?", const="True")
        parser.add_argument("--old-pairs", type=nullable_kvs)
        parser.add_argument("--old-object", type=PoolerConfig.from_json)
        parser.add_argument("--old-level", type=CompilationConfig.from_cli)
        parser.add_argument("--several", nargs="+", type=str)
        model_kwargs = get_kwargs(ModelConfig)
        model_kwargs["anything"]["type"] = optional_type(json.loads)
        model_kwargs["traces"]["choices"] += [",".join(p) for p in permutations(get_args(Kind), r=2)]
        parser.add_argument("--traces", **model_kwargs["traces"])
        parser.add_argument("--word-or-object", **model_kwargs["word_or_object"])
        parser.add_argument("--quoted", **model_kwargs["quoted"])
        group = parser.add_argument_group()
        group.add_argument("--max-model-len", **model_kwargs["max_model_len"])
        group.add_argument("--kind", "-k", **model_kwargs["kind"])
        group.add_argument("--loose", **model_kwargs["loose"])
        group.add_argument("--other", **model_kwargs["other"])
        group.add_argument("--on", **model_kwargs["on"])
        group.add_argument("--names", **model_kwargs["names"])
        group.add_argument("--sizes", **{**model_kwargs["sizes"], "default": None})
        group.add_argument("--inner", **model_kwargs["inner"])
        group.add_argument("--anything", **model_kwargs["anything"])
        group.add_argument("--ratio", **model_kwargs["ratio"])
        group.add_argument("--level", choices=get_args(Kind))
        return parser

class AsyncEngineArgs(EngineArgs):
    @staticmethod
    def add_cli_args(parser):
        parser.add_argument("--quiet", action="store_true")
        return parser
""",
    "vllm/entrypoints/openai/cli_args.py": """
@config
class FrontendArgs:
    port: int = 8000
    origins: list[str] = field()

    @classmethod
    def _customize_cli_kwargs(cls, frontend_kwargs):
        frontend_kwargs["origins"]["type"] = json.loads
        del frontend_kwargs["origins"]["nargs"]

def make_arg_parser(parser):
    parser.add_argument("model_tag", nargs="?")
    parser.add_argument("--headless", action="store_true")
""",
}


@pytest.fixture(autouse=True)
def tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(TOOLS))


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    root = tmp_path / "vllm-0.99.0"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    path = tmp_path / "vllm-0.99.0.tar.gz"
    with tarfile.open(path, "w:gz") as file:
        file.add(root, arcname="vllm-0.99.0")
    return path


def test_capabilities_follow_bases_calls_and_signs(archive: Path) -> None:
    from vllm_capabilities import methods, minimum_capabilities
    from vllm_judge.source import Source

    source = Source.open(str(archive))
    assert source.version == "0.99.0"
    assert minimum_capabilities(source) == {"AConfig": 80, "BConfig": 80, "CConfig": -1, "DConfig": 80}
    assert methods(source) == ("a", "b")


def test_arguments_are_put_together_as_at_run_time(archive: Path) -> None:
    from vllm_arguments import Arguments
    from vllm_judge.source import Source

    specs = {spec.flag: spec for spec in Arguments(Source.open(str(archive))).specs()}
    kinds = {flag: spec.kind for flag, spec in specs.items()}
    assert kinds == {
        "--anything": "json",
        "--at-run-time": "str",
        "--far": "choice",
        "--first-of-pairs": "int",
        "--format": "choice",
        "--headless": "switch",
        "--inner": "object",
        "--kind": "choice",
        "--level": "choice",
        "--looped-item": "float",
        "--looped-name": "list",
        "--looped-truth": "str",
        "--looped-word": "str",
        "--loose": "str",
        "--max-model-len": "tokens",
        "--method": "choice",
        "--names": "list",
        "--old-level": "literal",
        "--old-object": "object",
        "--old-pairs": "pairs",
        "--old-switch": "maybe",
        "--on": "flag",
        "--origins": "json",
        "--other": "str",
        "--port": "int",
        "--quiet": "switch",
        "--quoted": "str",
        "--ratio": "float",
        "--second-of-pairs": "json",
        "--several": "list",
        "--sizes": "ints",
        "--traces": "list",
        "--word-or-object": "json?",
    }
    assert (specs["--kind"].choices, specs["--kind"].aliases) == (("one", "two"), ("-k",))
    assert specs["--max-model-len"].none and not specs["--port"].none
    choices = {flag: spec.choices for flag, spec in specs.items() if spec.choices and spec.kind != "choice"}
    assert choices == {
        "--looped-name": ("one", "two", "x"),
        "--old-switch": ("false", "true"),
        "--traces": ("one", "one,two", "two", "two,one"),
    }
    assert (specs["--method"].choices, specs["--method"].none) == (("m", "n"), True)
    assert (specs["--format"].choices, specs["--far"].choices) == (("auto", "raw"), ("far", "near"))


@pytest.mark.parametrize(
    ("lost", "flag", "kind"),
    [
        ("human_readable_int_or_auto", "--max-model-len", "human"),
        ("if is_dataclass(cls):", "--inner", "str"),
        ("def union_dict_and_str(value): ...", "--word-or-object", "json|pairs"),
        ('"metavar" if contains_type(type_hints, str) else "choices"', "--loose", "choice"),
    ],
)
def test_an_older_release_is_read_by_its_own_rules(lost: str, flag: str, kind: str) -> None:
    from vllm_arguments import Arguments
    from vllm_judge.source import Source

    engine = "vllm/engine/arg_utils.py"
    assert lost in FILES[engine]
    instead = "if True:" if lost.startswith("if") else "0"
    source = Source(FILES | {engine: FILES[engine].replace(lost, instead)}, "1.0")
    assert {spec.flag: spec.kind for spec in Arguments(source).specs()}[flag] == kind


def test_the_servers_arguments_are_found_wherever_their_file_lies(tmp_path: Path) -> None:
    from vllm_arguments import Arguments
    from vllm_judge.source import Source

    front = "vllm/entrypoints/openai/cli_args.py"
    moved = {
        name.replace(front, "vllm/entrypoints/launchers/cli_args.py"): text for name, text in FILES.items()
    }
    assert "--port" in {spec.flag for spec in Arguments(Source(moved, "1.0")).specs()}
    gone = {name: text for name, text in FILES.items() if name != front}
    with pytest.raises(SystemExit, match="no cli_args"):
        Arguments(Source(gone, "1.0"))


def test_pipeline_stages_follow_the_base_classes() -> None:
    from vllm_judge.source import Source
    from vllm_pipelines import without_pipeline

    models = "vllm/model_executor/models/"
    files = {
        models + "registry.py": '_M = {"A": ("a", "A"), "B": ("a", "B"), "C": ("c", "C"), "CMTPModel": ("c", '
        '"C")}\n',
        models + "a.py": "class A(nn.Module, SupportsPP):\n    pass\n\nclass B(A):\n    pass\n",
        models + "c.py": "class C(nn.Module, Generic[T]):\n    pass\n",
    }
    assert without_pipeline(Source(files, "1.0")) == ("C",)
    assert without_pipeline(Source({}, "1.0")) == ()


def test_disagreements_are_reported_and_fail(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import derive_tables

    assert derive_tables.main([str(archive)]) == 1
    said = capsys.readouterr().out
    assert "Fp8Config: the table says 75, the source absent" in said
    assert "AConfig: not in the table, the source says 80" in said
    assert "--kind: the source has it, the table does not" in said


def test_the_table_is_written_from_what_was_read_and_keeps_what_no_source_says() -> None:
    from vllm_arguments import Spec
    from vllm_table import TABLE, merged

    assert merged({}) == TABLE.read_text("utf-8")
    before = {row["flag"]: row for row in json.loads(TABLE.read_bytes())["flags"]}
    new = (Spec(flag="--seed", kind="float"), Spec(flag="--quite-new", kind="int"))
    content = json.loads(merged({"9.9.0": new}))
    after = {row["flag"]: row for row in content["flags"]}
    assert content["versions"][-1] == content["forms_read"][-1] == "9.9.0"
    assert after["--quite-new"] == {
        "flag": "--quite-new",
        "first": "9.9.0",
        "forms": [{"since": "9.9.0", "kind": "int"}],
    }
    assert after["--seed"]["forms"] == [*before["--seed"]["forms"], {"since": "9.9.0", "kind": "float"}]
    assert after["--swap-space"] == before["--swap-space"]
    assert after["--host"] == before["--host"] | {"gone": "9.9.0", "forms": before["--host"]["forms"]}


def test_an_argument_that_came_back_is_told_and_nothing_is_written() -> None:
    from vllm_arguments import Spec
    from vllm_table import merged

    with pytest.raises(SystemExit, match=r"--swap-space: gone in 0\.18\.0 and back"):
        merged({"9.9.0": (Spec(flag="--swap-space", kind="float"),)})


def test_no_source_is_one_clear_line(tmp_path: Path) -> None:
    from vllm_judge.source import Source

    (tmp_path / "vllm").mkdir()
    for where in (str(tmp_path), str(tmp_path / "missing.tar.gz")):
        with pytest.raises(SystemExit, match=r"no vLLM source|no folder"):
            Source.open(where)


@pytest.mark.parametrize("release", sorted(READ["releases"]))
def test_the_table_agrees_with_vllms_own_numbers(release: str) -> None:
    table = quantization_table()
    found = READ["releases"][release]
    stand = stand_in(parse_version(release), table.versions)
    ours = {name: at(history, stand, None) for name, history in table.min_capability.items()}
    assert {name: value for name, value in ours.items() if value is not None} == found
