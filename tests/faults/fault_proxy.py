"""A TCP proxy that breaks HTTP on purpose, between a client and a server that are both sound.

It understands just enough of HTTP/1.1 to act on the n-th request that matches: `Content-Length` and
chunked bodies, one request at a time per connection. Rules are matched in order; each acts `times`
times and is then spent.

    proxy = FaultProxy("127.0.0.1", 4443)
    proxy.add(Rule(method="PUT", path="/upload/", kind="drop_reply", times=1))
    with proxy: ... proxy.port, proxy.log ...

Kinds:
    refuse        the connection is closed before the request is read on
    status        answers `status` itself (with `retry_after`); the server never sees the request
    drop_request  passes on the first `bytes` of the request's body, then closes both sides
    drop_reply    passes the request on, reads the whole answer, and closes without sending it
    status_after  passes the request on, reads the answer, and sends `status` instead
    cut_reply     passes on the first `bytes` of the answer's body, then closes
    slow          passes the answer on in pieces of `bytes` with `delay_s` between them
    pass          nothing: for rules that only have `before`
`when` (a function of the request) narrows a rule down further; `before` (a function of method and target)
runs on a thread before the request is passed on: what an outsider does in just that moment.
`headers` are added to every request that is passed on; `answers` has what the server answered: (method, target,
status), also when the client is not told.
Standard library only. Runs its own event loop on a thread.
"""

import asyncio
import random
import re
import threading
from dataclasses import dataclass, field

MAX_HEAD_BYTES = 128 << 10
PIECE_BYTES = 64 << 10


@dataclass
class Rule:
    kind: str
    method: str = ""        # "" = any
    path: str = ""          # regular expression, searched in the target
    times: int = 1          # how often it acts
    skip: int = 0           # lets this many matches pass first
    status: int = 503
    retry_after: str = ""
    bytes: int = 0
    delay_s: float = 0.02
    chance: float = 1.0     # of acting on a match
    when: object = None     # request -> bool
    before: object = None   # (method, target) -> None
    acted: int = 0

    def matches(self, request, dice):
        method, target = request.start[0], request.start[1]
        if self.acted >= self.times or (self.method and self.method != method):
            return False
        if self.when is not None and not self.when(request):
            return False
        if not re.search(self.path, target) or dice.random() >= self.chance:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.acted += 1
        return True


class Broken(Exception):
    """The exchange was broken on purpose, or by a peer."""


@dataclass
class Message:
    head: bytes
    start: list
    headers: dict
    body: bytes = b""


async def read_head(reader):
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
        raise Broken from None
    lines = head.decode("latin-1").split("\r\n")
    headers = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    return Message(head, lines[0].split(" ", 2), headers)


async def body_pieces(reader, message, has_body=True):
    """Yields the raw bytes of the body, framing included."""
    if not has_body:
        return
    try:
        if message.headers.get("transfer-encoding", "").lower() == "chunked":
            while True:
                line = await reader.readline()
                size = int(line.split(b";")[0], 16)
                yield line + await reader.readexactly(size + 2)
                if size == 0:
                    return
        left = message.headers.get("content-length")
        if left is None:
            if not message.start[0].startswith("HTTP/"):
                return
            while piece := await reader.read(PIECE_BYTES):
                yield piece
            return
        left = int(left)
        while left > 0:
            piece = await reader.read(min(left, PIECE_BYTES))
            if not piece:
                raise Broken
            left -= len(piece)
            yield piece
    except (asyncio.IncompleteReadError, ConnectionError, ValueError):
        raise Broken from None


@dataclass
class FaultProxy:
    host: str
    server_port: int
    rules: list = field(default_factory=list)
    log: list = field(default_factory=list)
    answers: list = field(default_factory=list)
    headers: dict = field(default_factory=dict)
    port: int = 0
    seed: int = 1

    def __post_init__(self):
        self._dice = random.Random(self.seed)

    def add(self, rule):
        self.rules.append(rule)
        return rule

    def clear(self):
        self.rules.clear()
        self.log.clear()
        self.answers.clear()

    def __enter__(self):
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        ready.wait()
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self, ready):
        asyncio.run(self._serve(ready))

    async def _serve(self, ready):
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self._connections = set()
        server = await asyncio.start_server(self._accept, self.host, self.port,
                                            limit=MAX_HEAD_BYTES)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await self._stop.wait()
        server.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, reader, writer):
        task = asyncio.current_task()
        self._connections.add(task)
        upstream = None
        try:
            upstream = await asyncio.open_connection(self.host, self.server_port,
                                                     limit=MAX_HEAD_BYTES)
            while await self._exchange(reader, writer, *upstream):
                pass
        except (Broken, ConnectionError, OSError, asyncio.CancelledError):
            pass
        finally:
            self._connections.discard(task)
            # abort(): the peers must see a broken connection, not a polite end.
            for stream in [writer] + ([upstream[1]] if upstream else []):
                stream.transport.abort()

    async def _exchange(self, reader, writer, server_reader, server_writer):
        request = await read_head(reader)
        method, target = request.start[0], request.start[1]
        rule = next((r for r in self.rules if r.matches(request, self._dice)), None)
        kind = rule.kind if rule else "pass"
        self.log.append((method, target, kind))
        if rule and rule.before:
            await asyncio.to_thread(rule.before, method, target)
        if kind == "refuse":
            raise Broken
        if kind == "status":
            async for _ in body_pieces(reader, request):
                pass
            await self._answer(writer, rule)
            return True
        await self._forward_request(reader, writer, server_writer, request, rule)
        reply = await read_head(server_reader)
        while reply.start[1] == "100":
            reply = await read_head(server_reader)
        self.answers.append((method, target, int(reply.start[1])))
        has_body = method != "HEAD" and reply.start[1] not in ("204", "304")
        if kind in ("drop_reply", "status_after"):
            async for _ in body_pieces(server_reader, reply, has_body):
                pass
            if kind == "drop_reply":
                raise Broken
            await self._answer(writer, rule)
            return True
        await self._forward_reply(server_reader, writer, reply, rule, has_body)
        return reply.headers.get("connection", "").lower() != "close"

    async def _answer(self, writer, rule):
        body = b"fault injected"
        head = f"HTTP/1.1 {rule.status} Fault\r\nContent-Length: {len(body)}\r\n"
        if rule.retry_after:
            head += f"Retry-After: {rule.retry_after}\r\n"
        writer.write(head.encode() + b"\r\n" + body)
        await writer.drain()

    async def _forward_request(self, reader, writer, server_writer, request, rule):
        if request.headers.get("expect", "").lower() == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        head = re.sub(rb"(?i)\r\nexpect:[^\r]*", b"", request.head)
        more = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        server_writer.write(head[:-2] + more.encode() + b"\r\n")
        limit = rule.bytes if rule and rule.kind == "drop_request" else None
        async for piece in body_pieces(reader, request):
            if limit is not None and len(piece) >= limit:
                server_writer.write(piece[:limit])
                await server_writer.drain()
                raise Broken
            if limit is not None:
                limit -= len(piece)
            server_writer.write(piece)
            await server_writer.drain()
        if limit is not None:
            raise Broken

    async def _forward_reply(self, server_reader, writer, reply, rule, has_body):
        kind = rule.kind if rule else "pass"
        writer.write(reply.head)
        limit = rule.bytes if kind == "cut_reply" else None
        async for piece in body_pieces(server_reader, reply, has_body):
            if limit is not None and len(piece) >= limit:
                writer.write(piece[:limit])
                await writer.drain()
                raise Broken
            if limit is not None:
                limit -= len(piece)
            step = rule.bytes if kind == "slow" and rule.bytes > 0 else len(piece)
            for at in range(0, len(piece), step):
                writer.write(piece[at:at + step])
                await writer.drain()
                if kind == "slow":
                    await asyncio.sleep(rule.delay_s)
        await writer.drain()
        if limit is not None:
            raise Broken
