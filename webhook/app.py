"""The admission port: `POST /validate` by the shortest way, and FastAPI for whatever else is asked.

An error is never a decision: a bad call is a 4xx, a mistake of ours a 500, and the operator's failurePolicy decides
what becomes of the request. Only a verdict is answered 200.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from time import monotonic
from typing import Protocol

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from policies.config import Policy
from webhook import review
from webhook.admission import ALONE, Admitted, Context, consider
from webhook.asking import Answer as Reply
from webhook.asking import Authority, Question
from webhook.deadline import ARRIVED, WHOLE, Deadline, timeout
from webhook.grants import NOT_ASKED, Answers, Asked, Silence
from webhook.metrics import Report, Stage
from webhook.review import BadReviewError

PATH = "/validate"
_JSON = (b"content-type", b"application/json")
_VERDICT = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
_log = logging.getLogger("podgate")
#: How often others are asked in a review: answers may raise further questions.
_ROUNDS = 3


class Gate:
    """The policy that is in force, what is known of namespaces, and who can be asked.

    A reload sets another policy; a review uses the one it began with.
    """

    __slots__ = ("authority", "context", "policy")

    def __init__(self, policy: Policy, context: Context = ALONE, authority: Authority | None = None) -> None:
        self.policy = policy
        self.context = context
        self.authority = authority


class Observer(Protocol):
    """Is told of every review that was answered; it must neither wait nor raise."""

    def __call__(self, admitted: Admitted, policy: Policy, seconds: float, /) -> None: ...


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is held in memory of reviews that have not arrived whole, or wait until somebody was asked. Judging one
    never waits, so nothing else adds up. A review that arrives at once is answered even when there is no room."""

    body_bytes: int = 8 * 1024 * 1024
    total_bytes: int = 64 * 1024 * 1024
    reading: int = 256


class RefusedError(Exception):
    """An answer other than a verdict."""

    def __init__(
        self, status: int, detail: str, stage: Stage = "call", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.stage: Stage = stage
        self.headers = headers or {}


class Front:
    """The application: an ASGI callable."""

    def __init__(
        self,
        gate: Gate,
        other: ASGIApp,
        observe: Observer,
        report: Report,
        bounds: Bounds | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """`clock` is the one that tells when requests arrive."""
        self._gate = gate
        self._other = other
        self._observe = observe
        self._report = report
        self._bounds = bounds or Bounds()
        self._clock = clock
        self._reading = 0
        self._held_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == PATH:
            await self._validate(scope, receive, send)
        else:
            await self._other(scope, receive, send)

    def takes(self, scope: Scope) -> bool:
        """Whether a request with this head is a review."""
        try:
            _check(scope, self._bounds.body_bytes)
        except RefusedError:
            return False
        return bool(scope["path"] == PATH)

    def respond(self, body: bytes, query: bytes, arrived: float, whole: float) -> bytes | None:
        """The response to a review that arrived whole, with a head that is taken; None if somebody has to be asked."""
        try:
            answer = self._answer(self._bounded(body), Deadline(arrived, timeout(query), whole))
            if isinstance(answer, Asked):
                return None
        except RefusedError as refused:
            self._report(refused.stage)
            return _encode(refused.status, problem(refused.status, str(refused)), _headers(refused))
        return _VERDICT % len(answer) + answer

    async def _validate(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = scope.get("state", {})
        deadline = Deadline(state.get(ARRIVED, self._clock()), timeout(scope["query_string"]))
        try:
            _check(scope, self._bounds.body_bytes)
            body = await self._read(receive)
            if body is None:
                return
            answer = self._answer(body, deadline._replace(whole=state.get(WHOLE, float("inf"))))
            if isinstance(answer, Asked):
                answer = await self._ask(answer, body, deadline)
        except RefusedError as refused:
            self._report(refused.stage)
            await _refuse(send, refused)
        else:
            await _send(send, 200, answer)

    async def _ask(self, asked: Asked, body: bytes, deadline: Deadline) -> bytes:
        """Ask, in the time that the caller waits, and answer with what came of it.

        Answers may raise further questions: of whom nothing is known, it is first asked, and then who may override.
        """
        started = self._clock()
        answers: dict[Question, Reply] = {}
        self._held_bytes += len(body)
        try:
            # Where too much is held already, nobody is asked, and what needs an answer does not count.
            for _ in range(_ROUNDS if self._held_bytes <= self._bounds.total_bytes else 0):
                seconds = deadline.asking(self._clock())
                if seconds <= 0:
                    break
                answers |= await self._replies(asked, seconds)
                answer = self._answer(body, deadline, answers, started)
                if not isinstance(answer, Asked):
                    return answer
                asked = answer
        finally:
            self._held_bytes -= len(body)
        found = self._answer(body, deadline, Silence(answers), started, unasked=True)
        if isinstance(found, Asked):
            raise TypeError("a review asks where nobody can be asked")
        return found

    async def _replies(self, asked: Asked, seconds: float) -> dict[Question, Reply]:
        authority = self._gate.authority
        if authority is None:
            return dict.fromkeys(asked.questions)
        replies = await asyncio.gather(*(authority.ask(question, seconds) for question in asked.questions))
        return dict(zip(asked.questions, replies, strict=True))

    def _answer(
        self,
        body: bytes,
        deadline: Deadline,
        answers: Answers = NOT_ASKED,
        started: float | None = None,
        *,
        unasked: bool = False,
    ) -> bytes | Asked:
        """`started`: when it was judged for the first time; `unasked`: nobody is asked what is not answered yet."""
        policy = self._gate.policy
        now = self._clock()
        if deadline.is_crowded(now):
            raise _overload()
        spared = deadline.spares(now)
        try:
            admitted = consider(body, policy, self._gate.context, answers, ("cluster", *spared) if unasked else spared)
        except BadReviewError as error:
            _log.info("a call was refused", extra={"fields": {"detail": str(error)}})
            raise RefusedError(400, str(error)) from error
        except Exception as error:
            _log.exception("a review failed by a mistake of ours", extra={"fields": {"uid": _uid(body)}})
            raise RefusedError(500, "the review could not be completed; the log says why", "review") from error
        if isinstance(admitted, Asked):
            return admitted
        end = self._clock()
        self._observe(admitted, admitted.policy, end - (now if started is None else started))
        if deadline.is_over(end):
            self._report("late")
        return admitted.body

    async def _read(self, receive: Receive) -> bytes | None:
        """The whole body; None when the client has gone. Raises RefusedError."""
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body = message.get("body", b"") if not message.get("more_body") else await self._read_on(message, receive)
        return None if body is None else self._bounded(body)

    def _bounded(self, body: bytes) -> bytes:
        if not body:
            raise RefusedError(400, "the body is empty: send an AdmissionReview")
        if len(body) > self._bounds.body_bytes:
            raise RefusedError(413, f"the body is larger than {self._bounds.body_bytes} bytes")
        return body

    async def _read_on(self, message: Message, receive: Receive) -> bytes | None:
        if self._reading >= self._bounds.reading:
            raise _overload()
        parts: list[bytes] = []
        size = 0
        self._reading += 1
        try:
            while message["type"] == "http.request":
                part = message.get("body", b"")
                size += len(part)
                self._held_bytes += len(part)
                parts.append(part)
                if not message.get("more_body"):
                    return b"".join(parts)
                if size > self._bounds.body_bytes:
                    raise RefusedError(413, f"the body is larger than {self._bounds.body_bytes} bytes")
                if self._held_bytes > self._bounds.total_bytes:
                    raise _overload()
                message = await receive()
            return None
        finally:
            self._reading -= 1
            self._held_bytes -= size


def _check(scope: Scope, most: int) -> None:
    """Refuse what is no review before its body is read. Raises RefusedError."""
    if scope["method"] != "POST":
        raise RefusedError(405, "a review is sent with POST", headers={"allow": "POST"})
    kind = b""
    for name, value in scope["headers"]:
        if name == b"content-type":
            kind = value
        elif name == b"content-encoding" and value.strip().lower() not in (b"", b"identity"):
            raise RefusedError(415, "the body must not be compressed", headers={"accept-encoding": "identity"})
        elif name == b"content-length" and value.isdigit() and int(value) > most:
            raise RefusedError(413, f"the body is larger than {most} bytes")
    if kind != b"application/json" and kind.partition(b";")[0].strip().lower() != b"application/json":
        raise RefusedError(415, "the content type must be application/json")


def _overload() -> RefusedError:
    # The API server's client waits as long as it is told and asks again, within the webhook's timeout.
    return RefusedError(429, "too many reviews are arriving at once", "overload", {"retry-after": "1"})


async def _refuse(send: Send, refused: RefusedError) -> None:
    await _send(send, refused.status, problem(refused.status, str(refused)), _headers(refused))


def _headers(refused: RefusedError) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in refused.headers.items()]


def _encode(status: int, body: bytes, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    all_headers = [_JSON, (b"content-length", b"%d" % len(body)), *headers]
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in all_headers)
    return STATUS_LINE[status] + lines + b"\r\n" + body


async def _send(send: Send, status: int, body: bytes, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
    all_headers = [_JSON, (b"content-length", b"%d" % len(body)), *headers]
    await send({"type": "http.response.start", "status": status, "headers": all_headers})
    await send({"type": "http.response.body", "body": body})


def problem(status: int, detail: str) -> bytes:
    """The body of every answer that is not a verdict."""
    return msgspec.json.encode({"error": HTTPStatus(status).phrase.lower(), "detail": detail})


def _uid(body: bytes) -> str | None:
    try:
        return review.parse(body).uid
    except Exception:  # noqa: BLE001 - whatever went wrong may go wrong again
        return None
