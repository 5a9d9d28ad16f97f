"""Secrets of Kubernetes objects: their values are masked, and what stands around them is shown."""

from __future__ import annotations

import re

import pytest

from modelcar_tui.manifest.masked import masked_text

KEY = "abcDEF123456"


def shown(text: str) -> str:
    """The text as it is shown, with one mask for all secrets."""
    found = masked_text(text)
    assert KEY not in found
    assert found.count("\n") == text.count("\n")
    return re.sub(r"\*secret(-\d+)?\*", "***", found)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (
            "args:\n- |\n  export HF_TOKEN=KEY\n  vllm serve m \\\n    --api-key KEY \\\n    --port 80\n",
            "args:\n- |\n  export HF_TOKEN=***\n  vllm serve m \\\n    --api-key *** \\\n    --port 80\n",
        ),
        (
            'command: [sh, -c, "vllm serve m --api-key=KEY --port 80"]\n',
            'command: [sh, -c, "vllm serve m --api-key=*** --port 80"]\n',
        ),
        (
            "args:\n- >-\n  API_KEY='KEY' exec vllm serve m\n  --api-key 'KEY'\n  --port 80\n",
            "args:\n- >-\n  API_KEY=*** exec vllm serve m\n  --api-key ***\n  --port 80\n",
        ),
        (
            "script: |\n  vllm serve m --api-key $KEY --hf-token ${HF:-KEY} --port 80\n",
            "script: |\n  vllm serve m --api-key $KEY --hf-token *** --port 80\n",
        ),
        (
            "env:\n- name: VLLM_ADDITIONAL_ARGS\n  value: --api-key KEY --port 80\n",
            "env:\n- name: VLLM_ADDITIONAL_ARGS\n  value: --api-key *** --port 80\n",
        ),
        ("env:\n- name: X_TOKEN\n  value: KEY\n- name: A\n  value: b\n", None),
        ("kind: Secret\nstringData:\n  a: word\n  b: |\n    KEY\n    more\nx: 1\n", None),
        ("kind: List\nitems:\n- kind: Secret\n  data: {a: KEY}\n  type: Opaque\n", None),
    ],
)
def test_the_secret_words_alone(text: str, masked: str | None) -> None:
    text = re.sub(r"(?<!\$)\bKEY\b", KEY, text)
    if masked is not None:
        assert shown(text) == masked
    else:
        assert "***" in shown(text)


def test_a_secret_holds_nothing_that_is_shown() -> None:
    text = (
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: mine\n  annotations:\n"
        '    kubectl.kubernetes.io/last-applied-configuration: \'{"data": "hidden"}\'\n'
        "data:\n  a: aGlkZGVu\n  b: ''\nstringData:\n  c: hidden\n"
    )
    masked = masked_text(text)
    assert "hidden" not in masked
    assert "aGlk" not in masked
    assert "name: mine" in masked
    assert "b: ''" in masked


def test_a_script_that_does_not_end_shows_nothing_behind_the_secret() -> None:
    text = f"args:\n- |\n  set -e\n  vllm serve --api-key {KEY} 'open\n  --port 80\n"
    assert "open" not in shown(text)
