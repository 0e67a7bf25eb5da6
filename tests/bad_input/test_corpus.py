"""Over two thousand bad requests in one go: each is answered, with S3's error document, never by 500, and at the end
everything that was there before is there unchanged."""

from __future__ import annotations

import collections
import contextlib
import os

import pytest

from corpus import SCRATCH, Request, all_requests, headers_of, target_of
from raw import s3_code, status_of, talk
from traffic.connection import Answer

AT_LEAST = 2000  # refused ones
# What stands for "not here", "not now", "full": never the server's own mistake.
ALLOWED_ABOVE_500 = {501, 503, 507}


class Sender:
    def __init__(self, lake):
        self.lake = lake
        self.connection = lake.connection("s3")

    def send(self, request: Request) -> Answer | None:
        """None: the connection was closed without an answer, which only unreadable heads may have."""
        if request.raw is not None:
            received = talk(self.lake.server.s3_port, request.raw, half_close=True)
            return Answer(status_of(received), {}, received.partition(b"\r\n\r\n")[2]) if received else None
        for _ in range(2):  # a kept connection may have been closed by the server after a refusal
            with contextlib.suppress(ConnectionError):
                return self.connection.exchange(request.method, target_of(request), headers_of(request, self.lake.s3), request.body)
        return None


def judge(request: Request, answer: Answer | None) -> str:
    """How it ended: "done", the error's code, or "closed"."""
    if answer is None:
        assert request.raw is not None or any(byte < " " or byte == "\x7f" for _, value in request.headers for byte in value), request
        return "closed"
    assert answer.status < 500 or answer.status in ALLOWED_ABOVE_500, (request, answer)
    if answer.status < 400:
        return "done"
    if request.method == "HEAD" or request.raw is not None or answer.headers.get("content-type") == "text/plain":
        return str(answer.status)  # refused before it was known to be a request of S3
    code = s3_code(answer)
    assert code != "InternalError", (request, answer)
    return code


@pytest.mark.timeout(900)
def test_a_corpus_of_bad_requests_is_refused(lake):
    assert lake.s3.make_bucket(SCRATCH).status == 200
    sender = Sender(lake)
    ends = collections.Counter()
    for request in all_requests(lake.s3):
        end = judge(request, sender.send(request))
        ends["done" if end == "done" else "refused"] += 1
        if os.environ.get("BERINGIA_SHOW_CORPUS"):
            print(end, request.what)
        assert lake.server.alive(), request
    assert ends["refused"] >= AT_LEAST, ends
    # Even what happened to be good changed nothing but the scratch bucket.
    for item in lake.s3.list_all(SCRATCH):
        assert lake.s3.delete(SCRATCH, item).status == 204
