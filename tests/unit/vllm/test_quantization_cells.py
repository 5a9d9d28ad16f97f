"""Every cell of the quantization table against what its source says."""

from __future__ import annotations

import pytest

from modelcar_tui.hardware.vendor import Hardware, hardware
from modelcar_tui.vllm.quantization.schemes import judge, minimum_capability
from modelcar_tui.vllm.quantization.support import Support
from modelcar_tui.vllm.quantization_table import quantization_table
from modelcar_tui.vllm.release import parse_version, stand_in
from modelcar_tui.vllm.value_table import capability_table

TABLE = quantization_table()
LETTERS = {
    "N": Support.NATIVE,
    "C": Support.AT_A_COST,
    "-": Support.UNSUPPORTED,
    "?": Support.UNKNOWN,
}
COLUMNS = [
    "7.0",
    "7.5",
    "8.0",
    "8.6",
    "8.9",
    "9.0",
    "10.0",
    "10.3",
    "12.0",
    "12.1",
    "gfx90a",
    "gfx942",
    "gfx950",
    "xpu",
    "gaudi",
    "cpu",
    "tpu",
]

# vLLM 0.33.0: get_min_capability of the classes, supported_quantization of the platforms, is_supported of the
# kernels; INT8 W8A8 from the documentation (llm_compressor/int8_w8a8.md: not on compute capability >= 10.0).
MATRIX_0_33 = {
    "fp16": "- N N N N N N N N N N N N N N N N",
    "bf16": "- C N N N N N N N N N N N N N N N",
    "awq": "- N N N N N N N N N C C C N C N C",
    "gptq": "- N N N N N N N N N C C C N C N -",
    "w4a16": "- N N N N N N N N N C C C N - N -",
    "w8a16": "- N N N N N N N N N C C C N - N -",
    "w8a8-int8": "- N N N N N - - - - C C C - - N N",
    "fp8": "- C C C N N N N N N - N N C N ? N",
    "fp8-ct": "- C C C N N N N N N - N N C N ? N",
    "fp8-block": "- C C C N N N N N N - N N N C - -",
    "fp8-w8a16": "- C C C C C C C C C ? ? ? C ? ? -",
    "modelopt-fp8": "- - C C N N N N N N - N N C ? ? -",
    "nvfp4": "- C C C C C N N N N ? ? ? - - - -",
    "nvfp4-ct": "- C C C C C N N N N ? ? ? - - - -",
    "nvfp4-w4a16": "- C C C C C C C C C ? ? ? - - - -",
    "mxfp4": "- - C C C C N N C C - C N N C - -",
    "mxfp8": "- C C C C C N N N N - - N N - - -",
    "w4a8-fp8": "- - - - - N - - - - - - - - - - -",
    "sparse-24": "- - - - - - - - - - - - - - - - -",
    "gptq-marlin-24": "- - - - - - - - - - - - - - - - -",
    "bitsandbytes": "- - - - - - - - - - - - - - - - -",
    "gguf": "- - - - - - - - - - - - - - - - -",
    "torchao": "- N N N N N N N N N N N N - - - -",
    "experts-int8": "- - N N N N N N N N - - - - - - -",
    "quark-fp8": "- - - - N N N N N N - N N - - - -",
    "quark-mx": "- C C C C C C C C C C C N - - - -",
    "inc": "- N N N N N N N N N - - - N N N -",
}

# What a release between 0.8 and 0.28 says otherwise; "source" is the class whose get_min_capability decides.
BY_RELEASE = [
    ("fp8", "7.5", "0.13.0", "-", "Fp8Config 80"),
    ("fp8", "7.5", "0.14.1", "C", "Fp8Config 75"),
    ("fp8-ct", "7.5", "0.14.1", "-", "CompressedTensorsW8A16Fp8 80 until 0.16"),
    ("fp8-ct", "7.5", "0.16.0", "C", "CompressedTensorsW8A16Fp8 75"),
    ("fp8-ct", "8.0", "0.8.5", "C", "CompressedTensorsW8A16Fp8 80"),
    ("w4a16", "7.5", "0.11.2", "-", "CompressedTensorsWNA16 80"),
    ("w4a16", "7.5", "0.12.0", "N", "CompressedTensorsWNA16 75"),
    ("awq", "7.5", "0.8.5", "N", "AWQConfig 75, the plain kernel"),
    ("awq", "7.0", "0.10.2", "-", "AWQConfig 75"),
    ("fp16", "7.0", "0.10.2", "N", "compiled for 7.0"),
    ("fp16", "7.0", "0.16.0", "?", "depends on the CUDA of the build"),
    ("nvfp4", "9.0", "0.8.5", "-", "ModelOptNvFp4Config 100"),
    ("nvfp4", "9.0", "0.10.2", "C", "ModelOptNvFp4Config 80"),
    ("nvfp4", "7.5", "0.14.1", "C", "ModelOptNvFp4Config 75"),
    ("modelopt-fp8", "8.0", "0.26.0", "-", "ModelOptFp8Config 89"),
    ("modelopt-fp8", "8.0", "0.27.1", "C", "ModelOptFp8Config 80"),
    ("mxfp4", "8.0", "0.10.0", "-", "Mxfp4Config comes with 0.10.1"),
    ("mxfp4", "9.0", "0.10.1.1", "C", "Mxfp4Config 80"),
    ("mxfp8", "9.0", "0.19.1", "-", "CompressedTensorsW8A8Mxfp8 comes with 0.20"),
    ("w4a8-fp8", "9.0", "0.10.2", "N", "CompressedTensorsW4A8Fp8 90"),
    ("sparse-24", "9.0", "0.18.1", "N", "CompressedTensors24 90"),
    ("sparse-24", "8.0", "0.13.0", "N", "CompressedTensorsW4A16Sparse24 80"),
    ("sparse-24", "9.0", "0.19.1", "-", "CompressedTensors24 is gone"),
    ("gguf", "8.9", "0.23.0", "N", "GGUFConfig 60"),
    ("gguf", "8.9", "0.24.0", "-", "GGUFConfig is gone"),
    ("bitsandbytes", "9.0", "0.27.1", "N", "BitsAndBytesConfig 70"),
    ("bitsandbytes", "9.0", "0.28.0", "-", "BitsAndBytesConfig is gone"),
    ("bitsandbytes", "gfx942", "0.19.1", "N", "rocm.py lists it"),
    ("bitsandbytes", "gfx942", "0.10.2", "-", "rocm.py does not list it"),
    ("hqq", "8.0", "0.16.0", "-", "HQQMarlinConfig is gone"),
    ("aqlm", "8.0", "0.10.0", "N", "AQLMConfig 60"),
    ("aqlm", "8.0", "0.19.1", "-", "AQLMConfig is gone"),
]

# vLLM 0.33.0 docs/features/quantization/README.md: Volta, Turing, Ampere, Ada, Hopper, AMD, Intel GPU, x86
# CPU.
DOCUMENTED_COLUMNS = ("7.0", "7.5", "8.0", "8.9", "9.0", "gfx942", "xpu", "cpu")
DOCUMENTED = {
    "awq": (0, 1, 1, 1, 1, 0, 1, 1),
    "gptq": (1, 1, 1, 1, 1, 0, 1, 1),
    "w8a8-int8": (0, 1, 1, 1, 1, 0, 0, 1),
    "fp8-ct": (0, 0, 0, 1, 1, 1, 0, 0),
    "bitsandbytes": (1, 1, 1, 1, 1, 0, 0, 0),
    "gguf": (1, 1, 1, 1, 1, 1, 0, 0),
}
DIFFERS = {
    ("gptq", "7.0"): "CUDA 13 builds leave Volta out",
    ("bitsandbytes", "*"): "left the tree with 0.28",
    ("gguf", "*"): "left the tree with 0.24",
    ("awq", "gfx942"): "rocm.py lists awq",
    ("gptq", "gfx942"): "rocm.py lists gptq",
    ("w8a8-int8", "gfx942"): "Triton path of compressed-tensors",
    ("fp8-ct", "7.5"): "fp8.md: weight-only by Marlin",
    ("fp8-ct", "8.0"): "fp8.md: weight-only by Marlin",
    ("fp8-ct", "xpu"): "xpu.py lists compressed-tensors",
}


def gpu(column: str) -> Hardware:
    if column[0].isdigit():
        return hardware("nvidia", "card", column)
    if column.startswith("gfx"):
        return hardware("amd", "card", column)
    return hardware({"xpu": "intel"}.get(column, column), "card", None)


def answer(scheme: str, column: str, release: str) -> Support:
    return judge(scheme, gpu(column), parse_version(release))[0]


@pytest.mark.parametrize("scheme", MATRIX_0_33)
def test_each_cell_of_the_newest_release(scheme: str) -> None:
    said = {column: answer(scheme, column, "0.33.0") for column in COLUMNS}
    assert said == dict(
        zip(COLUMNS, (LETTERS[letter] for letter in MATRIX_0_33[scheme].split()), strict=True)
    )


@pytest.mark.parametrize(("scheme", "column", "release", "letter", "source"), BY_RELEASE)
def test_each_change_between_releases(
    scheme: str, column: str, release: str, letter: str, source: str
) -> None:
    assert answer(scheme, column, release) is LETTERS[letter], source


@pytest.mark.parametrize("scheme", DOCUMENTED)
def test_the_documented_table_except_where_the_code_is_newer(scheme: str) -> None:
    for column, works in zip(DOCUMENTED_COLUMNS, DOCUMENTED[scheme], strict=True):
        ours = answer(scheme, column, "0.33.0") in (Support.NATIVE, Support.AT_A_COST)
        differs = (scheme, column) in DIFFERS or (scheme, "*") in DIFFERS
        assert ours == bool(works) or differs, column
        assert not ((scheme, column) in DIFFERS and ours == bool(works)), f"{column} no longer differs"


def test_every_scheme_names_classes_that_the_table_has() -> None:
    for scheme in TABLE.schemes:
        for classes in scheme.classes:
            assert set(classes) <= set(capability_table().groups["min_capability"]), scheme.id
            assert any(minimum_capability(classes, release) is not None for release in TABLE.versions), (
                scheme.id
            )


def test_an_unread_release_is_answered_by_the_nearest_read_one() -> None:
    read = TABLE.versions
    for text, wanted in (
        ("0.14.0", "0.14.1"),
        ("0.15.1", "0.14.1"),
        ("0.10.1", "0.10.0"),
        ("0.18.0", "0.18.1"),
        ("0.90.0", read[-1]),
        ("0.5.0", "0.6.0"),
        ("0.9.0.1", "0.9.2"),
        ("0.10.1.1", "0.10.1.1"),
        ("0.6.6.post1", "0.6.6.post1"),
    ):
        assert stand_in(parse_version(text), read) == wanted
    assert stand_in(None, read) == read[-1]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("v0.19.1", (0, 19, 1, 0, 0)),
        ("0.16-dev", (0, 16, 0, 0, 0)),
        ("0.10.1.1+cu128", (0, 10, 1, 1, 0)),
        ("0.6.6.post1", (0, 6, 6, 0, 1)),
        ("latest", None),
        ("", None),
        (None, None),
        ("9" * 5000, None),
    ],
)
def test_versions_are_read_as_they_are_written(text: str | None, number: tuple[int, ...] | None) -> None:
    parsed = parse_version(text)
    assert parsed == number or (number is None and text and text.startswith("999") and parsed is not None)
