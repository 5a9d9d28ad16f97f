"""Bad manifests: one clear line each, with the exact place."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from modelcar_tui.core.errors import UserError
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.manifest.reader import inspect_manifest, parse_manifest, read_manifest
from modelcar_tui.manifest.telling import MAX_PROBLEMS
from support.masks import unnumbered
from support.ordinary import ordinary_user

HEAD = "model-car:\n  - name: a\n    image: oci://r/a:1\n"
ARGS = HEAD + "    serving_arguments:\n      args:\n"


def item(line: str) -> str:
    """A manifest whose second item holds one odd line (line 5, its value from column 5 on)."""
    return HEAD + f"  - {line}\n"


# text, place, code, a part of what and fix
BAD = [
    ("", "1:1", "empty", "the file is empty"),
    (" \n\t\n", "1:1", "empty", "the file is empty"),
    ("# only\n", "1:1", "empty", "only comments"),
    ("---\n", "2:1", "empty", "the file is empty"),
    ("- a\n", "1:1", "root-type", "not a list"),
    ("text\n", "1:1", "root-type", "not a text"),
    ("a: b\n", "1:1", "model-car-missing", "there is no `model-car`"),
    ("model_car: []\n", "1:1", "model-car-missing", "rename `model_car` to `model-car`"),
    ("model-car:\n", "1:11", "model-car-empty", "model-car is empty"),
    ("model-car: []\n", "1:12", "model-car-empty", "model-car is empty"),
    ("model-car: {}\n", "1:12", "model-car-empty", "model-car is empty"),
    ("model-car: 5\n", "1:12", "model-car-type", "not a number"),
    ("model-car:\n  - text\n", "2:5", "item-type", "not a text"),
    ("model-car:\n  -\n", "2:4", "item-type", "not a null"),
    (HEAD + "  - - x\n", "4:5", "item-type", "not a list"),
    (item("name: b"), "4:5", "image-missing", "no image"),
    (item("image: oci://r/b"), "4:5", "name-missing", "no name"),
    (item("{name: , image: oci://r/b}"), "4:12", "name-missing", "name is empty"),
    (item("{name: ~, image: oci://r/b}"), "4:12", "name-missing", "name is empty"),
    (item("{name: '  ', image: oci://r/b}"), "4:12", "name-missing", "name is empty"),
    (item("{name: 3, image: oci://r/b}"), "4:12", "name-type", 'write name: "3"'),
    (item("{name: 1.5, image: oci://r/b}"), "4:12", "name-type", "YAML reads 1.5 as a number"),
    (item("{name: on, image: oci://r/b}"), "4:12", "name-type", "YAML reads on as a boolean"),
    (item("{name: 2026-01-01, image: oci://r/b}"), "4:12", "name-type", "as a timestamp"),
    (item("{name: [b], image: oci://r/b}"), "4:12", "name-type", "not a list"),
    (item("{name: a, image: oci://r/b}"), "4:12", "duplicate-name", "used twice (first in line 2)"),
    (item("{name: b, image: }"), "4:22", "image-missing", "image is empty"),
    (item("{name: b, image: oci://}"), "4:22", "image-missing", "names no image"),
    (item("{name: b, image: 'oci://r/x y'}"), "4:22", "image-blank", "holds a blank"),
    (item("{name: b, image: 's3://bucket/x'}"), "4:22", "transport-not-oci", "s3:// is an S3 bucket"),
    (item("{name: b, image: 'pvc://claim/x'}"), "4:22", "transport-not-oci", "persistent volume"),
    (item("{name: b, image: 'hf://org/x'}"), "4:22", "transport-not-oci", "Hugging Face"),
    (item("{name: b, image: 'ocl://r/x'}"), "4:22", "transport-unknown", "did you mean oci://?"),
    (item("{name: b, image: 'OCI://r/x'}"), "4:22", "transport-unknown", "did you mean oci://?"),
    (item("{name: b, image: 'ftp://r/x'}"), "4:22", "transport-unknown", "use oci://"),
    (item('{name: "b\\u202e", image: oci://r/b}'), "4:12", "hidden-character", "<U+202E>"),
    (item('{name: "b\\x1b[2J", image: oci://r/b}'), "4:12", "hidden-character", "<U+001B>"),
    (item('{name: b, image: "oci://r/\\u200bb"}'), "4:22", "hidden-character", "<U+200B>"),
    (item("{name: b\u00a0c, image: oci://r/b}"), "4:12", "hidden-character", "<U+00A0>"),
    (
        item("{name: b, image: oci://r/b, model_output_type: video}"),
        "4:52",
        "model_output_type-unknown",
        "use one of",
    ),
    (
        item("{name: b, image: oci://r/b, execution_mode: paralel}"),
        "4:49",
        "execution_mode-unknown",
        "parallel?",
    ),
    (HEAD + "    serving_arguments: fast\n", "4:24", "serving-type", "not a text"),
    (HEAD + "    serving_arguments: {gpu_count: 0644}\n", "4:36", "gpu-count", "reads gpu_count 0644 as 420"),
    (HEAD + "    serving_arguments: {gpu_count: 12:30}\n", "4:36", "gpu-count", "as 750"),
    (HEAD + "    serving_arguments: {gpu_count: 1_0}\n", "4:36", "gpu-count", "as 10"),
    (HEAD + "    serving_arguments: {gpu_count: 0x2}\n", "4:36", "gpu-count", "as 2"),
    (HEAD + "    serving_arguments: {gpu_count: on}\n", "4:36", "gpu-count", "on is a boolean"),
    (HEAD + "    serving_arguments: {gpu_count: 0}\n", "4:36", "gpu-count", "at least 1, not 0"),
    (HEAD + "    serving_arguments: {gpu_count: -2}\n", "4:36", "gpu-count", "at least 1, not -2"),
    (HEAD + "    serving_arguments: {gpu_count: 2.0}\n", "4:36", "gpu-count", "2.0 is a number"),
    (HEAD + "    serving_arguments: {gpu_count: '2'}\n", "4:36", "gpu-count", "without quotes: gpu_count: 2"),
    (HEAD + "    serving_arguments: {gpu_count: two}\n", "4:36", "gpu-count", "two is a text"),
    (HEAD + "    serving_arguments: {gpu_count: [2]}\n", "4:36", "gpu-count", "not a list"),
    (HEAD + "    serving_arguments: {gpu_count: }\n", "4:36", "gpu-count", "gpu_count is empty"),
    (
        HEAD + "    serving_arguments: {gpu_count: 99999999999999999999}\n",
        "4:36",
        "gpu-count",
        "more than 4096",
    ),
    (HEAD + "    serving_arguments: {args: --x}\n", "4:31", "args-type", "`- --flag=value`"),
    (HEAD + "    serving_arguments: {args: {--x: 1}}\n", "4:31", "args-type", "not a mapping"),
    (ARGS + "        - --max-model-len\n        - 4096\n", "7:11", "args-type", "--max-model-len=4096"),
    (ARGS + "        - true\n", "6:11", "args-type", 'YAML reads true as a boolean; write "true"'),
    (ARGS + "        - 0.9\n", "6:11", "args-type", 'write "0.9"'),
    (ARGS + "        - --a: 5\n", "6:11", "args-type", 'write "--a=5"'),
    (ARGS + "        - [--a]\n", "6:11", "args-type", "not a list"),
    (ARGS + "        -\n", "6:10", "args-type", "is empty"),
    (ARGS + "        - ''\n", "6:11", "args-type", "is empty"),
    (ARGS + "        - |\n          --a=1\n", "6:11", "hidden-character", "`|-` or `>-`"),
    (ARGS + f"        - --a={'x' * 5000}\n", "6:11", "too-long", "4000"),
    ("default: 5\n" + HEAD, "1:10", "default-type", "must be a mapping"),
    ("default: {serving_arguments: {gpu_count: no}}\n" + HEAD, "1:42", "gpu-count", "no is a boolean"),
    (
        HEAD + "    name: b\n",
        "4:5",
        "duplicate-key",
        "the key name stands in this mapping twice (first",
    ),
    ("model-car: [{name: a, image: b}]\nmodel-car: []\n", "2:1", "duplicate-key", "first in line 1"),
    ("x-other: {a: 1, a: 2}\n" + HEAD, "1:17", "duplicate-key", "twice"),
    (HEAD + "---\n" + HEAD, "4:1", "yaml-documents", "second YAML document"),
    (HEAD + "   x: [\n", "4:4", "yaml-syntax", "this is no YAML"),
    (HEAD + "    x: 'open\n", "5:1", "yaml-syntax", "this is no YAML"),
    (HEAD + "    x: }\n", "4:8", "yaml-syntax", "this is no YAML"),
    (HEAD + "\tx: 1\n", "4:1", "yaml-tab", "tab"),
    ("model-car:\n\t- name: a\n", "2:1", "yaml-tab", "use blanks"),
    (HEAD + "    x: !!python/object/apply:os.system ['true']\n", "4:8", "yaml-tag", "python/object"),
    (HEAD + "    x: !secret y\n", "4:8", "yaml-tag", "!secret"),
    (HEAD + "    x: *nothing\n", "4:8", "yaml-alias", "&nothing"),
    ("model-car: &a\n  - *a\n", "2:5", "yaml-alias", "inside its own anchor"),
    (HEAD + "    ? [a, b]\n    : c\n", "4:7", "yaml-key", "a key must be a plain text"),
    (HEAD + "    <<: 5\n", "4:9", "merge-key", "`<<` needs a mapping"),
    ("model-car: \x00\n", "1:12", "binary", "binary"),
    ("model-car: \x07\n", "1:12", "control-character", "<U+0007>"),
]


@pytest.mark.parametrize(("text", "place", "code", "part"), BAD)
def test_one_line_with_place_and_fix(text: str, place: str, code: str, part: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_manifest(text.encode(), "m.yaml")
    first = caught.value.problems[0]
    assert caught.value.status is ExitStatus.USAGE
    assert first.where == f"m.yaml:{place}"
    assert first.code.startswith(code)
    assert part in str(first)
    assert first.fix
    assert "\n" not in str(first)
    assert str(first).isprintable()


@pytest.mark.parametrize("eol", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    ("encoding", "bom"), [("utf-8", b"\xef\xbb\xbf"), ("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff")]
)
def test_places_hold_in_every_encoding(eol: str, encoding: str, bom: bytes) -> None:
    text = "# ü 漢字 \U0001f600\n" + HEAD + "    serving_arguments: {gpu_count: 'ü'}\n"
    with pytest.raises(UserError) as caught:
        parse_manifest(bom + text.replace("\n", eol).encode(encoding), "m.yaml")
    assert caught.value.problems[0].where == "m.yaml:5:36"


@pytest.mark.parametrize(
    ("data", "where", "code"),
    [
        (b"model-car:\n  - n\xff", "m.yaml:2:6", "encoding"),
        (b"\xff\xfea", "m.yaml:1:1", "encoding"),
        (b"\xff\xfe\x00\x00a\x00\x00\x00", "m.yaml", "encoding"),
        (b"\x7fELF\x02\x01\x01\x00\x00", "m.yaml:1:8", "binary"),
        ("model-car: []".encode("utf-16-le"), "m.yaml:1:2", "binary"),
    ],
)
def test_other_bytes(data: bytes, where: str, code: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_manifest(data, "m.yaml")
    assert (caught.value.problems[0].where, caught.value.problems[0].code) == (where, code)


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("[" * 100_000, {"yaml-depth"}),
        ("{a: " * 100_000, {"yaml-depth"}),
        ("- " * 100_000, {"yaml-depth"}),
        ("? " * 100_000, {"yaml-depth", "yaml-key"}),
        ("&a " * 100_000, {"yaml-syntax"}),
        ("\n".join(" " * depth + "a:" for depth in range(3000)), {"yaml-depth"}),
        ("[" * 100_000 + "]" * 100_000, {"yaml-depth"}),
        (
            "a: &a0 x\n" + "".join(f"b{n}: &a{n} [{f'*a{n - 1},' * 9}]\n" for n in range(1, 40)),
            {"yaml-alias-bomb"},
        ),
        ("a: &a0 x\n" + "".join(f"b{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 4000)), {"yaml-depth"}),
        ("a: &a0 {}\n" + "".join(f"b{n}: &a{n} {{<<: *a{n - 1}}}\n" for n in range(1, 4000)), {"yaml-depth"}),
        ("x: [" + "a," * 200_000 + "]\n", {"yaml-too-many"}),
        ("model-car:\n" + "  - {name: a, image: b}\n" * 20_000, {"too-many-models", "yaml-too-many"}),
        ("model-car:\n" + "  - {name: a, image: b}\n" * 999, {"duplicate-name"}),
        ("x: " + "y" * 9_000_000, {"model-car-missing"}),
        ("#" + "y" * 9_000_000, {"empty"}),
        ("# x\n" * 2_000_000, {"empty"}),
        ("'" * 1_000_000, {"yaml-syntax", "root-type"}),
    ],
)
def test_hostile_sizes_are_refused_quickly(text: str, codes: set[str]) -> None:
    begun = time.process_time()
    with pytest.raises(UserError) as caught:
        parse_manifest(text.encode(), "m.yaml")
    assert caught.value.problems[0].code in codes
    assert time.process_time() - begun < 5


def test_up_to_twenty_errors_at_once() -> None:
    text = "model-car:\n" + "".join(f"  - {{name: {n}, image: s3://x}}\n" for n in range(30))
    with pytest.raises(UserError) as caught:
        parse_manifest(text.encode(), "m.yaml")
    problems = caught.value.problems
    assert len(problems) == MAX_PROBLEMS
    assert problems[0].where == "m.yaml:2:12"
    assert problems[1].where == "m.yaml:2:22"
    assert problems[-1].what == "41 more errors"


def test_warnings_are_bounded_too() -> None:
    findings = parse_manifest(
        (HEAD + "".join(f"    key{n}: 1\n" for n in range(90))).encode(), "m.yaml"
    ).findings
    assert len(findings) == MAX_PROBLEMS
    assert findings[0].where == "m.yaml:4:5"
    assert findings[-1].what == "71 more warnings"


def test_an_error_in_a_shared_block_is_told_once() -> None:
    text = "x-args: &x [true]\nmodel-car:\n" + "".join(
        f"  - {{name: m{n}, image: oci://r/x, serving_arguments: {{args: *x}}}}\n" for n in range(9)
    )
    with pytest.raises(UserError) as caught:
        parse_manifest(text.encode(), "m.yaml")
    assert [problem.where for problem in caught.value.problems] == ["m.yaml:1:13"]


def _refusal(path: Path) -> tuple[str, str]:
    with pytest.raises(UserError) as caught:
        read_manifest(path)
    assert caught.value.problems[0].fix
    return caught.value.problems[0].where, caught.value.problems[0].code


def test_paths_that_are_no_manifest(tmp_path: Path) -> None:
    assert _refusal(tmp_path / "none.yaml") == (str(tmp_path / "none.yaml"), "file-missing")
    assert _refusal(tmp_path)[1] in ("file-is-folder", "not-a-file")
    assert _refusal(tmp_path / "a\x1b[2J.yaml")[0].endswith("a<U+001B>[2J.yaml")
    assert _refusal(Path("/dev/zero"))[1] == "not-a-file"
    assert _refusal(tmp_path / ("x" * 300))[1] == "file-unreadable"
    os.mkfifo(tmp_path / "fifo")
    assert _refusal(tmp_path / "fifo")[1] == "not-a-file"
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert _refusal(tmp_path / "loop")[1] == "file-unreadable"


@pytest.mark.parametrize("text", [None, "", "# only\n", "---\n"])
def test_the_folder_of_samples_that_is_named_is_there(text: str | None, tmp_path: Path) -> None:
    path = tmp_path / "one.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UserError) as caught:
        read_manifest(path)
    folder = Path(caught.value.problems[0].fix.rpartition("samples are in ")[2]).expanduser()
    assert folder.is_absolute() and list(folder.glob("*.base.yaml"))


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.yaml"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    begun = time.process_time()
    assert _refusal(path)[1] == "file-too-large"
    assert time.process_time() - begun < 1


def test_an_unreadable_file(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(HEAD)
    path.chmod(0)
    with ordinary_user(tmp_path):
        assert _refusal(path)[1] == "file-unreadable"


def test_what_the_default_block_has_and_a_model_lacks_is_said_and_the_sound_models_are_read(
    tmp_path: Path,
) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(
        "default: {serving_arguments: {gpu_count: 2, args: [--seed=1]}}\n"
        "model-car:\n"
        "  - {name: a, image: oci://r/x, serving_arguments: {args: [--seed=2]}}\n"
        "  - {name: b, image: oci://r/x, serving_arguments: {gpu_count: 1}}\n"
        "  - {name: c, image: oci://r/x, serving_arguments: {gpu_count: '2'}}\n"
        "  - {name: d, image: oci://r/x}\n"
    )
    manifest, errors = inspect_manifest(path)
    assert [car.name for car in manifest.models] == ["a", "b", "d"]
    assert [(problem.where[-4:], problem.code) for problem in errors] == [("5:64", "gpu-count")]
    told = [problem.what for problem in manifest.findings if problem.code == "default-unmerged"]
    assert [text.partition(" not used")[0] for text in told] == [
        "the default block's gpu_count 2 is",
        "the default block's args are",
        "the default block's args are",
    ]


@pytest.mark.parametrize(
    "written", ["--api-key\\tsk-abc", "--api\\u200b-key=sk-abc", "--hf-token\\u00a0sk-abc"]
)
def test_a_secret_beside_what_can_not_be_seen_is_not_shown(written: str) -> None:
    args = f'serving_arguments: {{gpu_count: 1, args: ["{written}"]}}'
    text = f"model-car:\n  - {{name: a, image: oci://r/b, {args}}}\n"
    with pytest.raises(UserError) as caught:
        parse_manifest(text.encode(), "m.yaml")
    said = str(caught.value.problems)
    assert "***" in unnumbered(said) and "sk-" not in said


def test_however_many_warnings_there_are_an_error_stays_one() -> None:
    """No error is a manifest that can be served: of no models, here."""
    many = "".join(f"a{number}: 1\n" for number in range(5001))
    with pytest.raises(UserError) as error:
        parse_manifest(many.encode(), "many.yaml")
    assert [problem.code for problem in error.value.problems] == ["model-car-missing"]
