"""What `make vllm` reads of a release, on a small vLLM of our own, and what it read of real ones."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest
from tiny_vllm import CONFIG, FILES, FRONT, written

from modelcar_tui.vllm.release import parse_version, stand_in
from modelcar_tui.vllm.value_table import capability_table

TOOLS = Path(__file__).parents[3] / "tools"
READ = json.loads((Path(__file__).parent / "fixtures" / "min_capability.json").read_text("utf-8"))


@pytest.fixture(autouse=True)
def tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(TOOLS))


def source(folder: Path, **changes: dict[str, tuple[str, str]]):
    from vllm_judge.source import Source

    return Source.open(str(written(folder, "0.99.0", **changes)))


def test_capabilities_follow_bases_calls_and_signs(tmp_path: Path) -> None:
    from vllm_judge.source import Source
    from vllm_tables.capabilities import capabilities, minimum_capabilities

    archive = tmp_path / "vllm-0.99.0.tar.gz"
    with tarfile.open(archive, "w:gz") as file:
        file.add(written(tmp_path, "0.99.0"), arcname="vllm-0.99.0")
    read = Source.open(str(archive))
    assert read.version == "0.99.0"
    assert minimum_capabilities(read) == {"AConfig": 80, "BConfig": 80, "CConfig": -1, "DConfig": 80}
    both = ["bfloat16", "half"]
    assert capabilities(read)["act_dtypes"] == {"AConfig": both, "BConfig": both, "ModelConfig": both}
    assert capabilities(read)["experts"] == {"AConfig": ["AMoEMethod"]}


def test_methods_have_a_class_the_file_that_it_reads_and_what_it_cannot_do_without(tmp_path: Path) -> None:
    from vllm_tables.methods import methods

    found = methods(source(tmp_path))
    assert found["methods"] == {
        "a": "AConfig",
        "b": "BConfig",
        "elsewhere": "ModelConfig",
        "short": "OnlineQuantizationConfig",
    }
    assert found["online"] == {"methods": ["b", "short"]}
    assert found["config_files"] == {"AConfig": ["a.json"], "BConfig": [], "ModelConfig": ["a.json"]}
    needs = ["bits", "full"]
    assert found["constructors"] == {"AConfig": needs, "BConfig": [], "ModelConfig": needs}
    assert found["float16"] == {"refused": ["odd"]}


def test_the_kernels_of_experts_say_themselves_which_gpus_they_run_on(tmp_path: Path) -> None:
    from vllm_tables.capabilities import capabilities

    found = capabilities(source(tmp_path))
    assert found["expert_kernels"] == {"FastExperts": [90, 100, 103, 110, 120, 121]}
    assert found["expert_schemes"] == {
        "FastExperts none / none": "every",
        "FastExperts Fp8StaticTensorSym / Fp8DynamicTensorSym": [89, 90, 100, 103, 110, 120, 121],
    }


def test_arguments_are_those_of_the_releases_own_parser(tmp_path: Path) -> None:
    from vllm_tables.asked import asked

    specs = {spec.flag: spec for spec in asked(written(tmp_path, "0.99.0"), "0.99.0").specs}
    assert {flag: spec.kind for flag, spec in specs.items()} == {
        "--any-case": "option",
        "--cache-folder": "str",
        "--compilation-config": "object",
        "--fast": "flag",
        "--gpu-memory-utilization": "float",
        "--headless": "switch",
        "--kind": "choice",
        "--loose": "str",
        "--max-model-len": "tokens",
        "--max-num-batched-tokens": "human",
        "--method": "choice",
        "--names": "list",
        "--nullable": "str",
        "--number-of-kind": "choice",
        "--object": "json",
        "--old-object": "object",
        "--old-switch": "maybe",
        "--pairs": "pairs",
        "--parsed-object": "json",
        "--port": "int",
        "--seed": "int",
        "--sizes": "ints",
        "--word-or-object": "json?",
    }
    assert (specs["--kind"].choices, specs["--kind"].aliases) == (("one", "two"), ("-k",))
    assert (specs["--method"].choices, specs["--method"].none) == (("m", "n"), True)
    assert (specs["--old-switch"].choices, specs["--number-of-kind"].choices) == (
        ("false", "true"),
        ("1", "2"),
    )
    assert {flag for flag, spec in specs.items() if spec.none} == {
        "--method", "--nullable", "--parsed-object", "--seed"
    }  # fmt: skip
    assert specs["--fast"].aliases == ()


@pytest.mark.parametrize(
    ("new", "kind"),
    [
        ("human_readable_int", "human"),
        ("int", "int"),
        ("CompilationConfig.from_cli", "literal"),
        ("parse_type(lambda value: json.loads(value))", "str"),
    ],
)
def test_a_release_with_another_type_is_read_by_its_own(tmp_path: Path, new: str, kind: str) -> None:
    from tiny_vllm import ENGINE

    from vllm_tables.asked import asked

    changes = {ENGINE: ("type=human_readable_int_or_auto", f"type={new}")}
    if "from_cli" in new:
        changes[CONFIG] = ("    _private: int = 0\n", "    @classmethod\n    def from_cli(cls, value): ...\n")
    specs = asked(written(tmp_path, "0.98.0", changes), "0.98.0").specs
    assert {spec.flag: spec.kind for spec in specs}["--max-model-len"] == kind


def test_the_servers_arguments_are_found_wherever_their_file_lies(tmp_path: Path) -> None:
    from vllm_tables.asked import asked

    root = written(tmp_path, "0.99.0")
    (root / "vllm/entrypoints/launchers").mkdir()
    (root / "vllm/entrypoints/launchers/__init__.py").touch()
    (root / FRONT).rename(root / "vllm/entrypoints/launchers/cli_args.py")
    assert "--port" in {spec.flag for spec in asked(root, "0.99.0").specs}
    (root / "vllm/entrypoints/launchers/cli_args.py").unlink()
    with pytest.raises(RuntimeError, match="make_arg_parser"):
        asked(root, "0.99.1")


def test_keys_of_an_object_are_the_fields_of_its_class(tmp_path: Path) -> None:
    from vllm_tables.asked import asked
    from vllm_tables.probes import SHAPES

    found = asked(written(tmp_path, "0.99.0"), "0.99.0")
    unchecked = {"takes": "".join(SHAPES)}  # a dataclass of Python's looks at no value
    assert found.keys == {
        "--compilation-config": {
            "": {"strict": True},
            "mode": {"kind": "choice|none", "choices": ["full", "none"], **unchecked},
            "level": {"kind": "int|none", "default": 2, **unchecked},
            "sizes": {"kind": "list", **unchecked},
            "inner": {"kind": "object", **unchecked},
            "inner.depth": {"kind": "int", "default": 3, **unchecked},
        }
    }
    assert (found.tool_parsers, found.reasoning_parsers) == (("hermes",), ("granite",))


def test_defaults_are_the_parsers_the_fields_and_those_for_kinds_of_cards(tmp_path: Path) -> None:
    from vllm_tables.defaults import defaults

    found = defaults(source(tmp_path))
    assert found["arguments"] == {
        "--any-case": "x",
        "--fast": True,
        "--gpu-memory-utilization": 0.92,
        "--headless": False,
        "--kind": "one",
        "--port": 8000,
    }
    assert found["configuration"]["CacheConfig.DEFAULT_BLOCK_SIZE"] == 16
    assert found["batches"]["server 80 GiB H100"] == [8192, 256]
    assert found["batches"]["offline small"] == [8192, 256]


def test_names_come_from_registries_literals_and_enumerations(tmp_path: Path) -> None:
    from vllm_judge.source import Source
    from vllm_tables.names import names

    found = names(source(tmp_path))
    assert (found["quantization"], found["kv-cache dtypes"]) == (["a", "b"], ["auto", "fp8"])
    assert found["tool-call parsers"] == ["hermes"]
    other = {
        "vllm/kv.py": 'KVConnectorFactory.register_connector("Near", "m", "C")\n',
        "vllm/backends.py": 'class AttentionBackendEnum(Enum):\n    FAST = "x.y"\n    _HIDDEN = ""\n',
        "vllm/config/speculative.py": 'Mtp = Literal["mtp"]\nSpeculativeMethod = Literal["ngram", Mtp]\n',
        "vllm/reasoning/old.py": '@ReasoningParserManager.register_module(["one", "two"])\nclass A: ...\n',
    }
    assert names(Source(other, "1.0")) == {
        "attention backends": ["FAST"],
        "kv connectors": ["Near"],
        "reasoning parsers": ["one", "two"],
        "speculative methods": ["mtp", "ngram"],
    }


def test_architectures_are_the_registrys_without_what_it_dropped_or_leaves_to_plugins(tmp_path: Path) -> None:
    from vllm_tables.architectures import TABLE

    assert TABLE.read(source(tmp_path)) == {
        "listed": ["A", "B", "C", "CMTPModel"],
        "dropped": {"OldForCausalLM": "0.9.0"},
    }


def test_pipeline_stages_follow_the_base_classes(tmp_path: Path) -> None:
    from vllm_judge.source import Source
    from vllm_tables.pipelines import TABLE, without_pipeline

    assert without_pipeline(source(tmp_path)) == ("C",)
    assert without_pipeline(Source({}, "1.0")) == ()
    assert TABLE.read(Source({}, "1.0")) is None


def test_capture_sizes_are_what_vllms_own_function_sets(tmp_path: Path) -> None:
    from vllm_tables.graphs import capture_sizes

    found = capture_sizes(source(tmp_path))["sizes"]
    assert found["capability 9.0, 64 sequences, 2048 tokens"] == [[1, 2, 1], [4, 8, 4], [16, 128, 8]]


def test_switches_have_the_place_and_what_it_looks_at(tmp_path: Path) -> None:
    from vllm_tables.switches import switches

    found = switches(source(tmp_path))
    assert found["hybrid KV cache manager off"] == {"VllmConfig.__post_init__: kv_transfer_config": "on"}
    assert found["environment"] == {"VLLM_FAST": True}


def test_no_source_is_one_clear_line(tmp_path: Path) -> None:
    from vllm_judge.source import Source

    (tmp_path / "vllm").mkdir()
    for where in (str(tmp_path), str(tmp_path / "missing.tar.gz")):
        with pytest.raises(SystemExit, match=r"no vLLM source|no folder"):
            Source.open(where)


@pytest.mark.parametrize("release", sorted(READ["releases"]))
def test_the_table_agrees_with_vllms_own_numbers(release: str) -> None:
    table = capability_table()
    ours = {name: table.value("min_capability", name, release) for name in table.groups["min_capability"]}
    assert stand_in(parse_version(release), table.read) == release
    assert {name: value for name, value in ours.items() if value is not None} == READ["releases"][release]


def test_the_tiny_vllm_is_one_release_of_python_files() -> None:
    assert all(name.startswith("vllm/") and name.endswith(".py") for name in FILES)
