"""The description of the admission port: it is valid, it is true, and the port keeps to it whatever it is sent."""

import asyncio
import copy
import json
import random
import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import jsonschema_rs  # what schemathesis validates with
import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema_rs import Draft202012Validator
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    positive_data_acceptance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from policies import config
from tests.conformance.pods import random_pod
from tests.reviews import RECORDED, body, pod, recorded, review
from tests.webhook.serving import Answer
from tests.webhook.test_app import JSON, Tried, ask
from webhook import app as app_module
from webhook import pages, protocol
from webhook.admission import Admitted
from webhook.app import Bounds, Front, Gate
from webhook.metrics import Metrics
from webhook.protocol import Limits, Refusal
from webhook.review import (
    API_VERSION,
    KIND,
    AdmissionReview,
    BadReviewError,
    GroupVersionKind,
    Request,
    UserInfo,
    parse,
)

DIALECT = "https://json-schema.org/draft/2020-12/schema"  # which OpenAPI 3.1 extends
METRICS = Metrics()
# Under it a random pod is allowed, warned of or denied; under `recommended` none is without a warning.
POLICY = config.parse(
    "{apiVersion: podgate.dev/v1alpha1, kind: GatePolicy,"
    " spec: {profile: pss-baseline, rules: {seccomp-unset: {action: warn}}}}"
)
FRONT = Front(Gate(POLICY), pages.build(), METRICS.review, METRICS.error)
SETTINGS = schemathesis.Config(suppress_health_check=[schemathesis.config.HealthCheck.too_slow])
SETTINGS.projects.default.generation.update(max_examples=150, deterministic=True)
# What is generated must not change with every constant of the source.
SETTINGS.projects.default.analysis.constants.enabled = False
DESCRIPTION = schemathesis.openapi.from_asgi("/openapi.json", FRONT, config=SETTINGS)
VALIDATE = DESCRIPTION["/validate"]["POST"]
OPERATION: dict[str, Any] = DESCRIPTION.raw_schema["paths"]["/validate"]["post"]

# Left out: those about headers that are required, authentication, and resources that are created and deleted, of which
# there are none; and response_headers_conformance, because no header is described.
DESCRIBED = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
CHECKS = [*DESCRIBED, negative_data_rejection, positive_data_acceptance, unsupported_method]


def schema(content: dict[str, Any]) -> dict[str, Any]:
    """The schema of a body, of which there is one kind."""
    assert list(content["content"]) == ["application/json"]
    found: dict[str, Any] = content["content"]["application/json"]["schema"]
    return found


REVIEW = Draft202012Validator(schema(OPERATION["requestBody"]))
ANSWERS = {int(status): Draft202012Validator(schema(answer)) for status, answer in OPERATION["responses"].items()}


def assert_honest(sent: bytes, status: int, answer: Any) -> None:
    """That it is a verdict for a review, which it names, or else a refusal and nothing that passes for a verdict."""
    ANSWERS[status].validate(answer)
    if status == 200:
        # What is not read is not looked at: text there may hold bytes that are not UTF-8, as for Go.
        asked = json.loads(sent.decode("utf-8", "replace"))
        REVIEW.validate(asked)
        assert (answer["apiVersion"], answer["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")
        assert answer["response"]["uid"] == asked["request"]["uid"]
        assert answer["response"]["allowed"] is ("status" not in answer["response"])
    else:
        assert status < 500
        assert set(answer) == {"error", "detail"}
        assert answer["error"] == HTTPStatus(status).phrase.lower()


# Whatever is sent.


def call(case: Case[Any], checks: list[Any]) -> tuple[int, Any]:
    """Send it, hold the answer against the description, and give it back."""
    response = case.call_and_validate(checks=checks)
    sent: Any = response.request.body or b""
    answer = response.json()
    assert_honest(sent if isinstance(sent, bytes) else sent.encode(), response.status_code, answer)
    return response.status_code, answer


@DESCRIPTION.parametrize()
def test_whatever_is_sent_is_answered_as_described(case: Case[Any]) -> None:
    call(case, CHECKS)


pods = st.integers(0, 10_000).map(lambda seed: random_pod(random.Random(seed)))
objects: st.SearchStrategy[Any] = st.one_of(
    pods, st.sampled_from([None, "", 7, [], {}, {"spec": []}, {"spec": {"containers": [{"image": 1}]}}])
)


def test_reviews_of_pods_are_answered_as_described() -> None:
    seen: set[str] = set()

    @settings(max_examples=100, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(case=VALIDATE.as_strategy(), obj=objects, operation=st.sampled_from(["CREATE", "UPDATE"]))
    def try_one(case: Case[Any], obj: Any, operation: str) -> None:
        kind = {"group": "", "version": "v1", "kind": "Pod"}
        made: Any = case.body
        made["request"] |= {"kind": kind, "operation": operation, "subResource": None, "object": obj}
        case.body = made
        status, answer = call(case, DESCRIBED)
        assert status == (200 if REVIEW.is_valid(made) else 400)
        seen.add(summary(status, answer))

    try_one()
    assert seen == {"200 allowed", "200 allowed with warnings", "200 denied 403", "200 denied 422", "400"}


def summary(status: int, answer: Any) -> str:
    if status != 200:
        return str(status)
    response = answer["response"]
    if not response["allowed"]:
        return f"200 denied {response['status']['code']}"
    return f"200 allowed{' with warnings' if 'warnings' in response else ''}"


WHOLE = body(recorded("create-pods"))
damaged = st.builds(
    lambda at, removed, put: WHOLE[:at] + put + WHOLE[at + removed :],
    st.integers(0, len(WHOLE)),
    st.integers(0, 40),
    st.one_of(
        st.binary(max_size=4), st.sampled_from([b"null", b'"', b"{", b"}", b"\xff", b"\\ud800", b"1e999", b"[" * 5000])
    ),
)
content_types = st.sampled_from(
    [b"application/json"] * 5
    + [b"application/json; charset=utf-8", b"APPLICATION/JSON", b"", b"text/plain", b"\xff", b"application/json5"]
)
encodings = st.sampled_from([None] * 5 + [b"identity", b"gzip", b""])
methods = st.sampled_from(
    ["POST"] * 10 + ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", "post", ""]
)


@settings(max_examples=400, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sent=st.one_of(damaged, st.binary(max_size=50)), kind=content_types, encoding=encodings, method=methods)
def test_bytes_of_any_kind_are_answered_as_described(
    sent: bytes, kind: bytes, encoding: bytes | None, method: str
) -> None:
    headers = [(b"content-type", kind), *([(b"content-encoding", encoding)] if encoding is not None else [])]
    answer = send(sent, method, headers=headers)

    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-length"] == str(len(answer.body))
    is_json = kind.lower().partition(b";")[0] == b"application/json" and encoding != b"gzip"
    assert answer.status in ((405,) if method != "POST" else (200, 400) if is_json else (415,))
    assert_honest(sent, answer.status, answer.json)


def send(
    sent: bytes = b"", method: str = "GET", path: str = "/validate", headers: list[tuple[bytes, bytes]] = JSON
) -> Answer:
    message = {"type": "http.request", "body": sent, "more_body": False}
    answer = asyncio.run(ask(FRONT, [message], method, path, headers, b""))
    assert answer is not None
    return answer


# What is described is what is read.

GONE = object()
ODD: list[object] = [None, "", "x", "CREATE", 0, 1, -1, 2**63, 1.5, True, False, [], {}, [None], [{}], {"": None}]


def envelopes(name: str) -> Iterator[dict[str, Any]]:
    """A recorded review, and what becomes of it when something around its objects is replaced or left out."""
    whole = recorded(name)
    for key in ("object", "oldObject"):
        if whole["request"].get(key) is not None:
            whole["request"][key] = {"kind": "any"}
    yield whole
    for path in places(whole):
        for odd in (*ODD, GONE):
            changed = copy.deepcopy(whole)
            holder: Any = changed
            for step in path[:-1]:
                holder = holder[step]
            if odd is GONE:
                del holder[path[-1]]
            else:
                holder[path[-1]] = odd
            yield changed


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in items:
        yield from places(item, (*path, step))


def is_read(content: Any) -> bool:
    try:
        parse(body(content))
    except BadReviewError:
        return False
    return True


@pytest.mark.parametrize(
    "name",
    ["create-pods", "create-pods-dry-run", "update-pods-ephemeralcontainers", "delete-pods", "connect-pods-exec"],
)
def test_a_review_is_read_exactly_when_the_description_allows_it(name: str) -> None:
    agreed = [True, False]
    for content in envelopes(name):
        allowed = REVIEW.is_valid(content)
        assert is_read(content) is allowed, content
        agreed[allowed] = True
    assert agreed == [True, True]


@pytest.mark.parametrize("name", sorted(file.stem for file in RECORDED.glob("*.json")))
def test_what_a_real_api_server_sends_is_as_described(name: str) -> None:
    content = recorded(name)

    REVIEW.validate(content)
    answer = send(body(content), "POST")
    assert_honest(body(content), answer.status, answer.json)
    assert answer.status == 200


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ((), AdmissionReview),
        (("request",), Request),
        (("request", "kind"), GroupVersionKind),
        (("request", "userInfo"), UserInfo),
    ],
    ids=["review", "request", "kind", "user"],
)
def test_every_field_that_is_read_is_described_and_no_other(path: tuple[str, ...], kind: type[msgspec.Struct]) -> None:
    described = schema(OPERATION["requestBody"])
    for step in path:
        described = described["properties"][step]

    fields = msgspec.structs.fields(kind)
    assert set(described["properties"]) == {field.encode_name for field in fields}
    assert set(described.get("required", ())) == {field.encode_name for field in fields if field.required}


# What is described is what is answered.

ANSWER: dict[str, Any] = {
    "apiVersion": "admission.k8s.io/v1",
    "kind": "AdmissionReview",
    "response": {
        "uid": "u",
        "allowed": False,
        "status": {"message": "no", "reason": "Forbidden", "code": 403, "status": "Failure"},
        "warnings": ["careful"],
        "auditAnnotations": {"decision": "deny"},
    },
}


def test_a_verdict_is_as_described() -> None:
    ANSWERS[200].validate(ANSWER)
    ANSWERS[200].validate({**ANSWER, "response": {"uid": "u", "allowed": True}})


@pytest.mark.parametrize(
    "broken",
    [
        {key: value for key, value in ANSWER.items() if key != "apiVersion"},
        {key: value for key, value in ANSWER.items() if key != "kind"},
        {key: value for key, value in ANSWER.items() if key != "response"},
        {**ANSWER, "apiVersion": "admission.k8s.io/v1beta1"},
        {**ANSWER, "kind": "Status"},
        {**ANSWER, "response": {"uid": "u"}},
        {**ANSWER, "response": {"allowed": True}},
        {**ANSWER, "response": {"uid": "u", "allowed": "true"}},
        {**ANSWER, "response": {"uid": "u", "allowed": False, "status": {"message": "no"}}},
        {**ANSWER, "response": {"uid": "u", "allowed": True, "warnings": "careful"}},
        {"error": "bad request", "detail": "no"},
    ],
    ids=[
        "no-version", "no-kind", "no-response", "another-version", "another-kind", "not-allowed-nor-denied", "no-uid",
        "allowed-is-a-string", "a-status-without-a-code", "warnings-are-a-string", "a-refusal",
    ],
)  # fmt: skip
def test_what_is_no_verdict_is_not_as_described(broken: dict[str, Any]) -> None:
    assert not ANSWERS[200].is_valid(broken)


def refusals(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, Any]]:
    """Every refusal that there is: those of the application, provoked; and those of the protocol below it."""
    whole = body(review(pod()))
    small = Tried(Bounds(body_bytes=len(whole) - 1, reading=0))
    answers = [
        Tried().ask(b""),
        Tried().ask(b"{"),
        Tried().ask(method="GET"),
        Tried().ask(headers=[(b"content-type", b"text/plain")]),
        Tried().ask(headers=[*JSON, (b"content-encoding", b"gzip")]),
        small.ask(headers=[*JSON, (b"content-length", str(len(whole)).encode())]),
        small.ask(whole),
        small.ask([whole[:9], whole[9:]]),
    ]

    def fail(*_: object) -> Admitted:
        raise ValueError

    monkeypatch.setattr(app_module, "consider", fail)
    for answer in (*answers, Tried().ask()):
        assert answer is not None
        yield answer.status, answer.json
    for found in vars(protocol).values():
        if isinstance(found, Refusal):
            yield found.status, json.loads(found.body)


def test_every_refusal_that_there_is_is_described_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = set()
    for status, problem in refusals(monkeypatch):
        ANSWERS[status].validate(problem)
        assert not ANSWERS[200].is_valid(problem)
        seen.add(status)

    # 405 is no answer to a POST: OpenAPI has no place for what a path answers to methods that it does not have.
    assert seen == {400, 405, 408, 413, 415, 429, 431, 500}
    assert {200, *seen} == set(ANSWERS)


def test_the_sizes_that_are_described_are_those_that_are_kept() -> None:
    said = {status: OPERATION["responses"][status]["description"] for status in ("413", "431")}
    sizes = {status: re.findall(r"(\d+) (\w)iB", text) for status, text in said.items()}

    assert sizes == {"413": [(str(Bounds().body_bytes >> 20), "M")], "431": [(str(Limits().header_bytes >> 10), "K")]}
    assert Limits().body_bytes == Bounds().body_bytes


# The document.


def test_it_is_openapi_3_1() -> None:
    assert re.fullmatch(r"3\.1\.\d+", DESCRIPTION.raw_schema["openapi"])
    DESCRIPTION.validate()
    # The schema of OpenAPI leaves the schemas inside of a description to JSON Schema.
    inside = [schema(OPERATION["requestBody"]), *map(schema, OPERATION["responses"].values())]
    for found in (*inside, *(parameter["schema"] for parameter in OPERATION["parameters"])):
        jsonschema_rs.meta.validate({"$schema": DIALECT, **found})


def test_it_names_the_review_and_nothing_else() -> None:
    assert {path: list(item) for path, item in DESCRIPTION.raw_schema["paths"].items()} == {"/validate": ["post"]}
    assert OPERATION["requestBody"]["required"] is True
    for found in (schema(OPERATION["requestBody"]), schema(OPERATION["responses"]["200"])):
        assert found["title"] == KIND
        assert (found["properties"]["apiVersion"], found["properties"]["kind"]) == (
            {"const": API_VERSION},
            {"const": KIND},
        )
        assert {"apiVersion", "kind"} <= set(found["required"])
    assert [(parameter["in"], parameter["name"]) for parameter in OPERATION["parameters"]] == [("query", "timeout")]


@pytest.mark.parametrize(
    "path", ["/docs", "/docs/oauth2-redirect", "/redoc", "/", "/openapi.yaml", "/validate/", "/metrics"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_there_is_nothing_else(path: str, method: str) -> None:
    # The pages that show a description would load their scripts from elsewhere.
    answer = send(body(review(pod())), method, path)

    assert (answer.status, answer.headers["content-type"]) == (404, "application/json")
    assert answer.json == {"error": "not found", "detail": "there is only /validate here"}
