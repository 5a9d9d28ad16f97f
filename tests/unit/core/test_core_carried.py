"""Secrets of a log that no line alone gives away."""

from __future__ import annotations

import pytest

from modelcar_tui.core.carried import CarriedSecrets
from support.masks import unnumbered

C = "CANARYxx0042"
BLOCKS = [
    f"-----BEGIN RSA PRIVATE KEY-----\n{C}\n{'a' * 64}\n-----END RSA PRIVATE KEY-----\n{C}",
    f"x -----BEGIN EC PRIVATE KEY-----\nlog: {C}\ndone here\n{C}",
    f"- name: X_TOKEN\n  value: {C}\n  value: {C}",
    f'"name": "DB_PASSWORD",\n"value": "{C}"',
    f"tls.key: |\n    {C}",
    f"args: --api-key\n      {C}",
]
SHOWN = [
    f"-----BEGIN RSA PRIVATE KEY-----\n***\n***\n-----END RSA PRIVATE KEY-----\n{C}",
    f"x -----BEGIN EC PRIVATE KEY-----\nlog: ***\ndone here\n{C}",
    f"- name: X_TOKEN\n  value: ***\n  value: {C}",
    '"name": "DB_PASSWORD",\n"value": "***"',
    "tls.key: |\n    ***",
    "args: --api-key\n      ***",
]
ORDINARY = """\
- name: MODEL_NAME
  value: granite31
password: |
  enter it again
- name: API_TOKEN
  valueFrom: secretKeyRef
--tokenizer
/mnt/models
"""


@pytest.mark.parametrize(("text", "shown"), list(zip(BLOCKS, SHOWN, strict=True)))
def test_what_an_earlier_line_makes_a_secret_is_masked(text: str, shown: str) -> None:
    carried = CarriedSecrets()
    assert unnumbered("\n".join(map(carried, text.split("\n")))) == shown


def test_ordinary_lines_stay() -> None:
    carried = CarriedSecrets()
    assert [carried(line) for line in ORDINARY.splitlines()] == ORDINARY.splitlines()


def test_a_block_whose_end_never_comes_ends_by_itself() -> None:
    carried = CarriedSecrets()
    carried("-----BEGIN PRIVATE KEY-----")
    lines = [carried("A1b2" * 16) for _ in range(401)]
    assert all(line.startswith("*secret-") for line in lines[:400]) and lines[400] == "A1b2" * 16
