"""Secrets that nobody taught are masked by their shape, ordinary text stays, a mask tells only which one."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelcar_tui.core.hints import may_hold_secret
from modelcar_tui.core.masking import masked_by_shape
from modelcar_tui.core.masks import masked
from modelcar_tui.core.names import Kind, kind_of
from modelcar_tui.core.numbers import MOST, Numbers, holds_mask, is_mask, leave_out, mask_of
from modelcar_tui.core.text import clean, clean_block
from support.masks import unnumbered

C = "CANARYxx0042"
PEM = "RSA PRIVATE KEY-----"
SECRETS = [
    # addresses
    (f"https://u:{C}@host/x", "https://***@host/x"),
    (f"https://{C}@host/x", "https://***@host/x"),
    (f"oci://user:{C}@registry.redhat.io/x:1", "oci://***@registry.redhat.io/x:1"),
    (f"user:{C}@registry.redhat.io/x:1", "***@registry.redhat.io/x:1"),
    (f"postgresql://db:{C}@db:5432/x", "postgresql://***@db:5432/x"),
    (f"via u:{C}@proxy.example:3128", "via ***@proxy.example:3128"),
    (f"https://h/x?access_token={C}&a=b", "https://h/x?access_token=***&a=b"),
    (f"https://h/x?a=b&X-Amz-Signature={C}", "https://h/x?a=b&X-Amz-Signature=***"),
    (f"https://h/?sig={C}&sv=2024", "https://h/?sig=***&sv=2024"),
    (f"https://h/cb#id_token={C}", "https://h/cb#id_token=***"),
    # JSON, YAML, Python, shells
    (f'{{"password": "{C}"}}', '{"password": "***"}'),
    ('{"db_password":"correct horse battery"}', '{"db_password":"***"}'),
    (f'{{"token":"{C}"}}', '{"token":"***"}'),
    (f'{{"a":{{"secret":"{C}"}}}}', '{"a":{"secret":"***"}}'),
    (f'{{"key":"{C}"}}', '{"key":"***"}'),
    (f'{{"credential":"{C}"}}', '{"credential":"***"}'),
    (f'{{"aws_secret_access_key":"{C}","x":1}}', '{"aws_secret_access_key":"***","x":1}'),
    (f'"client-key-data": "{C}"', '"client-key-data": "***"'),
    (f'"auth": "{C}"', '"auth": "***"'),
    (f'"identitytoken":"{C}"', '"identitytoken":"***"'),
    (f'\\"password\\": \\"{C}\\", \\"a\\": 1', '\\"password\\": \\"***\\", \\"a\\": 1'),
    (f"{{'api_key': ['{C}', '{C}b'], 'model': 'x'}}", "{'api_key': ['***', '***'], 'model': 'x'}"),
    (f"Namespace(api_key='{C}', host=None)", "Namespace(api_key='***', host=None)"),
    (f"AWS_SECRET_ACCESS_KEY={C} x", "AWS_SECRET_ACCESS_KEY=*** x"),
    (f"export HF_TOKEN={C}", "export HF_TOKEN=***"),
    (f"password: {C}", "password: ***"),
    (f"clientSecret: {C}", "clientSecret: ***"),
    (f"_authToken={C}", "_authToken=***"),
    (f"AccountKey={C}==;EndpointSuffix=x", "AccountKey=***;EndpointSuffix=x"),
    (f"passphrase='{C} with blank'", "passphrase='***'"),
    # command lines
    (f"--api-key={C} --seed=1", "--api-key=*** --seed=1"),
    (f"--api-key {C} --seed 1", "--api-key *** --seed 1"),
    (f"['--api-key', '{C}']", "['--api-key', '***']"),
    (f"--ssl-keyfile-password={C}", "--ssl-keyfile-password=***"),
    (f"--my-db-password {C}", "--my-db-password ***"),
    (
        f"--kv-transfer-config.extra.aws_secret_access_key={C}",
        "--kv-transfer-config.extra.aws_secret_access_key=***",
    ),
    # headers
    (f"Authorization: Bearer {C}", "Authorization: Bearer ***"),
    (f"x-api-key: {C}", "x-api-key: ***"),
    (f"Cookie: session={C}", "Cookie: ***"),
    (f"Cookie: a=1; session={C}", "Cookie: ***"),
    (
        f"AWS4-HMAC-SHA256 SignedHeaders=host, Signature={C}",
        "AWS4-HMAC-SHA256 SignedHeaders=host, Signature=***",
    ),
    # what tools print
    (
        f"{{'name': 'AWS_SECRET_ACCESS_KEY', 'value': '{C}'}}",
        "{'name': 'AWS_SECRET_ACCESS_KEY', 'value': '***'}",
    ),
    (f"- name: X_TOKEN\n  value: {C}", "- name: X_TOKEN\n  value: ***"),
    (f"oc login -u kubeadmin -p {C} https://api:6443", "oc login -u kubeadmin -p *** https://api:6443"),
    (f"podman login -u r -p {C} quay.io", "podman login -u r -p *** quay.io"),
    (f"curl -u admin:{C} https://h", "curl -u admin:*** https://h"),
    (f"DB_PASSWORD=x7#kP{{{C}(wZ end", "DB_PASSWORD=*** end"),
    (f"connect(password=a1{C}, user=me)", "connect(password=***, user=me)"),
    (f"HF_TOKEN_2={C}", "HF_TOKEN_2=***"),
    (f'"passwords":["{C}"]', '"passwords":["***"]'),
    (f'{{"credentials":{{"robot":"{C}"}}}}', '{"credentials":{"robot":"***"}}'),
    (f"https:\\/\\/u:{C}@h.test", "https:\\/\\/***@h.test"),
    (f"next=%2Fx%3Faccess_token%3D{C}%26a", "next=%2Fx%3Faccess_token%3D***%26a"),
    (f"<password>{C}</password>", "<password>***</password>"),
    (f"| password | {C} |", "| password | *** |"),
    (f"password  {C}", "password  ***"),
    (f"password {C} rejected", "password *** rejected"),
    (f"token was {C}", "token was ***"),
    # beginnings
    (f"got hf_{C}, which", "got ***, which"),
    (f"sk-{C}", "***"),
    (f"sk-proj-{C}-x", "***"),
    (f"ghp_{C * 3}", "***"),
    (f"glpat-{C * 2}", "***"),
    (f"nvapi-{C * 2}", "***"),
    ("AKIAIOSFODNN7EXAMPLE", "***"),
    (f"eyJ{C}.eyJabc.def", "***"),
    # PEM
    (f"-----BEGIN {PEM}\n{C}\nabc\n-----END {PEM}", f"-----BEGIN {PEM}***\n\n\n-----END {PEM}"),
    (f"-----BEGIN {PEM}\\n{C}\\n-----END {PEM} x", f"-----BEGIN {PEM}***-----END {PEM} x"),
    (f"-----BEGIN {PEM}\n{C}", f"-----BEGIN {PEM}***\n"),
]
ORDINARY = """\
--max-num-batched-tokens=8192
--tokenizer=/mnt/models
--kv-cache-dtype=fp8
--api-key=$(VLLM_API_KEY)
--api-key $(KEY)
--api-key puts a secret into the manifest
--ssl-keyfile=/etc/tls/key1.pem
--ssl-keyfile /etc/tls/key1.pem
--enable-prompt-tokens-details
--kv-transfer-config={"kv_connector":"NixlConnector","kv_role":"kv_both"}
--speculative-config={"method":"eagle","num_speculative_tokens":3}
--hf-overrides={"num_key_value_heads": 8}
eos_token_id=128001
"bos_token": "<|begin_of_text|>"
"pad_token":"<pad>"
"mask_token": "[MASK]"
max_tokens=4096
GPU KV cache size: 12345 tokens
prompt_tokens=12, completion_tokens: 5
"key":"nvidia.com/gpu"
key: node-role.kubernetes.io/master
untolerated taint {nvidia.com/gpu: present}
export OCI_REGISTRY_PULL_SECRET=...
export VLLM_RUNTIME_IMAGE=IMAGE
export GEMINI_API_KEY=YOUR_KEY
secretName: my-secret-1
imagePullSecrets: rhoai-pull-1
token_type: bearer
monkey=12
pass_config=PassConfig(a=1)
PWD=/root/x1
quay.io/org/img:1.5@sha256:abcdef0123456789
oci://registry.redhat.io/rhelai1/modelcar:1.5
ssh://git@github.com/x/y
write to me@example.com
http://localhost:8000/v1/models
skopeo login registry.redhat.io
the token holds a line break (pasted over two lines?)
password: wrong
api_key: Field required
basic auth is not enabled
cannot negotiate TLS1.2 with it
tests/x.py::test[a-key=b]
sk-learn 1.5
hf_overrides={}
disk-1234567890
author=jane2024doe
--max-num-batched-tokens=131072tokens
--served-model-name=sk-telecom-ax-4
quay.io/sk-research1/modelcar-granite:1.5
Node Name: sk-gpu-node-01
/mnt/models/sk-tokenizer-v2
--lora-modules=rk-lora-adapter1=/mnt/x
Unexpected key: model.layers.12.mlp.experts.w13_weight
invalid key: rope_scaling.factor2
unknown key: max_model_len_8k
couldn't find key: hf_token2 in Secret
{"key":"dedicated-a100"}
secret: pull-secret-v2
tokens: 131072/131072
bypass=stage1b
monkey=banana12
pass: stage-1-of-2
PASS: test_granite-3.1
auth: kerberos5
[info     ] Create Secret oci-registry-pull-secret [ocp_resources Secret]
Delete Secret granite-3-1-8b-instruct-pull-2 in namespace x
10.0.0.1:5000@zone-a.example.com
https://h.test/?session=eval-2024-07
tokenizer_mode=auto1234
Get "https://api.x:6443/api?timeout=32s"
"""


@pytest.mark.parametrize(("text", "shown"), SECRETS, ids=[text for text, _ in SECRETS])
def test_a_secret_is_masked_by_its_shape_and_nothing_else_is(text: str, shown: str) -> None:
    assert may_hold_secret(text), "the quick look must not miss what the close one knows"
    assert unnumbered(masked(text)) == shown
    assert masked(masked(text)) == masked(text), "a mask is no secret"


@pytest.mark.parametrize("text", ORDINARY.splitlines())
def test_ordinary_text_stays(text: str) -> None:
    assert masked_by_shape(text) == clean(text) == text


@pytest.mark.parametrize("text", [text for text, _ in SECRETS])
@given(
    before=st.text(st.sampled_from("ab1 .\n"), max_size=8),
    after=st.text(st.sampled_from("ab1 .\n"), max_size=8),
)
def test_no_surrounding_text_hides_a_shape(text: str, before: str, after: str) -> None:
    block = clean_block(f"{before} {text} {after}")
    assert C not in block and "AKIA" not in block and "horse" not in block


def test_masks_tell_two_secrets_apart_and_know_one_again() -> None:
    one, two = f"--api-key={C}1", f'{{"token": "{C}2"}}'
    first, second = masked(one), masked(two)
    assert first.removeprefix("--api-key=") != second[11:-2]
    assert masked(f"password={C}1") == f"password={first.removeprefix('--api-key=')}"


def test_a_mask_tells_nothing_of_the_secret() -> None:
    numbers = Numbers()
    assert [numbers.mask(value) for value in ("a" * 100, "b", "a" * 100)] == [
        "*secret-1*",
        "*secret-2*",
        "*secret-1*",
    ]
    assert Numbers().mask("b") == "*secret-1*", "the number is the order, not the value"


def test_values_without_end_have_one_mask_in_common() -> None:
    numbers = Numbers()
    masks = [numbers.mask(str(value)) for value in range(MOST + 5)]
    assert masks[MOST - 1] == f"*secret-{MOST}*"
    assert set(masks[MOST:]) == {"*secret*"} and holds_mask("x *secret* y")
    assert numbers.mask("7") == "*secret-8*"


def test_a_resumed_run_gives_no_number_twice() -> None:
    leave_out('{"args": ["--api-key=*secret-700*", "*secret*", "*secret-12*"]}')
    mask = mask_of("a value that no other test has")
    assert is_mask(mask) and int(re.sub(r"\D", "", mask)) > 700


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("api_key", Kind.SURE),
        ("apiKey", Kind.SURE),
        ("X-API-KEY", Kind.SURE),
        ("db.password", Kind.SURE),
        ("clientSecret", Kind.SURE),
        ("tls.key", Kind.SURE),
        ("key", Kind.WEAK),
        ("token", Kind.MAYBE),
        ("HF_TOKEN_2", Kind.SURE),
        ("passwords", Kind.SURE),
        ("auth_tokens", Kind.WEAK),
        ("num_batched_tokens", Kind.NONE),
        ("--allow-credentials", Kind.NONE),
        ("cache_key", Kind.WEAK),
        ("password_file", Kind.NONE),
        ("secretName", Kind.NONE),
        ("imagePullSecrets", Kind.NONE),
        ("token_type", Kind.NONE),
        ("eos_token_id", Kind.NONE),
        ("tokenizer", Kind.NONE),
        ("monkey", Kind.WEAK),
    ],
)
def test_a_name_says_how_sure_it_is(name: str, kind: Kind) -> None:
    assert kind_of(name) is kind


HOSTILE = (
    "a" * 500_000,
    "key" * 150_000,
    "-" * 500_000,
    "token=" * 80_000,
    "a.b-" * 100_000,
    "://" * 150_000,
    "'key': " * 60_000,
    "\\" * 300_000 + "key",
    "x:" * 200_000,
    "-----BEGIN A-----" * 20_000,
    "--key " * 80_000,
    "key='" * 80_000,
    "eyJ" * 150_000,
    "sk-" * 100_000,
    "hf_" * 150_000,
    "u:p@" * 100_000,
)


@pytest.mark.parametrize("text", HOSTILE, ids=[text[:6] for text in HOSTILE])
def test_a_hostile_text_costs_no_more_than_its_length(text: str) -> None:
    began = time.process_time()
    masked(text)
    assert time.process_time() - began < 5.0
