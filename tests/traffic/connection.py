"""One keep-alive HTTP/1.1 connection. Never repeats a request: a broken exchange is an OSError."""

import dataclasses
import socket


@dataclasses.dataclass
class Answer:
    status: int
    headers: dict  # names in lower case
    body: bytes

    def header(self, name, default=""):
        return self.headers.get(name.lower(), default)


class Broken(OSError):
    """The connection ended before the whole answer was there: what happened is not known."""


class Connection:
    def __init__(self, port, host="127.0.0.1", timeout_s=30.0):
        self.address = (host, port)
        self.timeout_s = timeout_s
        self._socket = None
        self._buffer = b""

    def close(self):
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self._buffer = b""

    def exchange(self, method, target, headers, body=b""):
        """headers: list of (name, value). Host, Content-Length are added."""
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self.address[0]}:{self.address[1]}"]
        lines += [f"{name}: {value}" for name, value in headers]
        if body or method in ("PUT", "POST"):
            lines.append(f"Content-Length: {len(body)}")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode()
        try:
            if self._socket is None:
                self._socket = socket.create_connection(self.address, self.timeout_s)
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if len(body) > 65536:
                self._socket.sendall(head)
                self._socket.sendall(body)
            else:
                self._socket.sendall(head + body)
            return self._read_answer(method)
        except OSError:
            self.close()
            raise

    def _fill(self):
        more = self._socket.recv(262144)
        if not more:
            raise Broken("the server closed the connection")
        self._buffer += more

    def _read_answer(self, method):
        while True:
            while (end := self._buffer.find(b"\r\n\r\n")) < 0:
                self._fill()
            lines = self._buffer[:end].decode("latin-1").split("\r\n")
            self._buffer = self._buffer[end + 4:]
            status = int(lines[0].split(" ", 2)[1])
            if status >= 200:
                break
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        body = b""
        if method != "HEAD" and status not in (204, 304):
            if "chunked" in headers.get("transfer-encoding", ""):
                body = self._read_chunks()
            else:
                body = self._take(int(headers.get("content-length", 0)))
        if headers.get("connection", "").lower() == "close":
            self.close()
        return Answer(status, headers, body)

    def _take(self, count):
        if len(self._buffer) < count:
            pieces = [self._buffer]
            have = len(self._buffer)
            while have < count:
                more = self._socket.recv(min(1 << 20, max(65536, count - have)))
                if not more:
                    raise Broken("the answer ended early")
                pieces.append(more)
                have += len(more)
            self._buffer = b"".join(pieces)
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken

    def _read_chunks(self):
        pieces = []
        while True:
            while (end := self._buffer.find(b"\r\n")) < 0:
                self._fill()
            size = int(self._buffer[:end].split(b";")[0], 16)
            self._buffer = self._buffer[end + 2:]
            piece = self._take(size + 2)[:size]
            if size == 0:
                return b"".join(pieces)
            pieces.append(piece)
