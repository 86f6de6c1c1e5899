"""Everything on the admission port that is not a review: the description of the API, and what is not there."""

from typing import Any

import msgspec
from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from webhook import review
from webhook.app import PATH, problem
from webhook.report import version

_PROBLEM = {
    "type": "object",
    "required": ["error", "detail"],
    "properties": {"error": {"type": "string"}, "detail": {"type": "string"}},
}
_TEXT = {"type": "string"}
_MAYBE_TEXT = {"type": ["string", "null"]}
_REQUEST = {
    "type": "object",
    "required": ["uid", "kind", "operation"],
    "properties": {
        "uid": {"type": "string", "minLength": 1, "maxLength": review.MAX_SAID},
        "kind": {
            "type": "object",
            "required": ["kind"],
            "properties": {"group": _TEXT, "version": _TEXT, "kind": {"type": "string", "minLength": 1}},
        },
        "operation": {"enum": ["CREATE", "UPDATE", "DELETE", "CONNECT"]},
        "name": _MAYBE_TEXT,
        "namespace": _MAYBE_TEXT,
        "subResource": _MAYBE_TEXT,
        "userInfo": {
            "type": ["object", "null"],
            "properties": {
                "username": _MAYBE_TEXT,
                "groups": {"type": ["array", "null"], "items": {"type": "string"}},
                "uid": _MAYBE_TEXT,
                "extra": {
                    "type": ["object", "null"],
                    "additionalProperties": {"type": ["array", "null"], "items": {"type": "string"}},
                },
            },
        },
        "object": {"description": "The object as it would be. Always there on CREATE and UPDATE."},
        "oldObject": {"description": "The object as it is."},
        "dryRun": {"type": ["boolean", "null"]},
    },
    "if": {"properties": {"operation": {"enum": ["CREATE", "UPDATE"]}}},
    "then": {"required": ["object"], "properties": {"object": {"not": {"type": "null"}}}},
}
_REVIEW = {
    "title": "AdmissionReview",
    "type": "object",
    "required": ["apiVersion", "kind", "request"],
    "properties": {
        "apiVersion": {"const": review.API_VERSION},
        "kind": {"const": review.KIND},
        "request": _REQUEST,
    },
}
_TIMEOUT = {
    "name": "timeout",
    "in": "query",
    "required": False,
    "description": "How long the API server waits.",
    "schema": _TEXT,
    "example": "10s",
}
_REFUSALS = {
    400: "Not an AdmissionReview v1, or not HTTP.",
    405: "Not a POST.",
    408: "It did not arrive in time.",
    413: "Larger than 8 MiB.",
    415: "Not application/json, or compressed.",
    429: "Too many reviews are arriving at once; Retry-After says when to come back.",
    431: "The headers are larger than 64 KiB.",
    500: "A mistake of ours. It is no verdict: failurePolicy decides.",
}


def build() -> FastAPI:
    """The application behind the front."""
    app = FastAPI(
        title="Podgate",
        version=version(),
        summary="A Kubernetes validating admission webhook for pods.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
    )

    @app.exception_handler(HTTPException)
    async def answer(_request: Request, error: HTTPException) -> Response:
        detail = f"there is only {PATH} here" if error.status_code == 404 else str(error.detail)
        body = problem(error.status_code, detail)
        return Response(body, error.status_code, error.headers, "application/json")

    @app.post(PATH, summary="Judge what a request to the API server would change.", **_operation())
    async def validate() -> Response:
        # Only its description is used: webhook.app answers before the router is asked.
        raise HTTPException(500, "the front is missing")

    return app


def _operation() -> dict[str, Any]:
    verdict, problem_ = _json(_verdict()), _json(_PROBLEM)
    answers = {status: {"description": text, "content": problem_} for status, text in _REFUSALS.items()}
    return {
        "response_class": Response,
        "description": "What the API server sends where a ValidatingWebhookConfiguration tells it to.",
        "responses": {200: {"description": "The verdict, for or against.", "content": verdict}} | answers,
        "openapi_extra": {
            "parameters": [_TIMEOUT],
            "requestBody": {"required": True, "content": _json(_REVIEW)},
        },
    }


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _verdict() -> dict[str, Any]:
    """The schema of an answer. What is always the same is a default where it is encoded, and a promise here."""
    schema = _schema(review.Answer)
    always = {"apiVersion": {"const": review.API_VERSION}, "kind": {"const": review.KIND}}
    return schema | {
        "title": review.KIND,
        "required": [*always, *schema["required"]],
        "properties": schema["properties"] | always,
    }


def _schema(kind: type) -> dict[str, Any]:
    """The schema of a type, all in one piece: references would be looked for elsewhere in the document."""
    (found,), parts = msgspec.json.schema_components([kind], ref_template="{name}")
    schema: dict[str, Any] = _inline(found, parts)
    return schema


def _inline(node: Any, parts: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_inline(item, parts) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _inline(parts[node["$ref"]], parts)
    return {key: _inline(value, parts) for key, value in node.items()}
