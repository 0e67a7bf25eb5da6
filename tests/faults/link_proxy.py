"""A long link on this machine: a TCP proxy that delays, limits the rate and keeps windows.

    link = Link("127.0.0.1", 4443, round_trip_s=0.030, bits_per_s=1e9)
    with link: ... link.port, link.bytes_up, link.bytes_down, link.connections ...

`tc netem` is not in every kernel and needs rights; this needs neither. Each direction is one queue for
all connections: bytes leave it at the link's rate in the order they came, and arrive half a round trip
later. A connection has at most `window` bytes under way in a direction, as TCP has: alone it is as fast
as window / round trip. A connect costs a round trip (the first bytes wait that long).
Standard library only; one thread, which takes no longer than its sockets do.
"""

import collections
import heapq
import selectors
import socket
import threading
import time

PIECE_BYTES = 256 << 10
BULK_BYTES = 8 << 10  # smaller pieces are heads and short answers
SOCKET_BUFFER_BYTES = 512 << 10


class _Way:
    """One direction of one connection: what was read and has not yet been written."""

    def __init__(self, source, target, link_direction, opens_at):
        self.source, self.target, self.direction = source, target, link_direction
        self.opens_at = opens_at      # nothing arrives earlier: the handshake
        self.under_way = 0            # bytes read here whose acknowledgement has not come back
        self.arrived = collections.deque()
        self.ended = False            # the source has no more
        self.end_arrived = False
        self.closed = False           # the target was told


class _Direction:
    """The queue of one direction of the link."""

    def __init__(self, bits_per_s):
        self.seconds_per_byte = 8 / bits_per_s
        self.free_at = 0.0
        self.bytes = 0
        self.bulk_from = self.bulk_until = None   # when bytes in bulk went, since the last forget()

    def leaves(self, now, size):
        self.free_at = max(self.free_at, now) + size * self.seconds_per_byte
        self.bytes += size
        if size >= BULK_BYTES:
            self.bulk_from = self.bulk_from or now
            self.bulk_until = self.free_at
        return self.free_at


class Link:
    def __init__(self, host, port, round_trip_s=0.030, bits_per_s=1e9, window=1 << 20):
        self.target = (host, port)
        self.half_s, self.window = round_trip_s / 2, window
        self._up, self._down = _Direction(bits_per_s), _Direction(bits_per_s)
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self._listener.setblocking(False)
        self.port = self._listener.getsockname()[1]
        self._selector = selectors.EpollSelector()
        self._selector.register(self._listener, selectors.EVENT_READ, None)
        self._events = []             # heap of (time, number, what, way, data)
        self._number = 0
        self._ways = {}               # socket -> (way it is the source of, way it is the target of)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def bytes_up(self):
        return self._up.bytes

    @property
    def bytes_down(self):
        return self._down.bytes

    def forget(self):
        """Begins to note anew when bytes in bulk go up."""
        self._up.bulk_from = self._up.bulk_until = None

    @property
    def bulk_up_s(self):
        """Seconds from the first to the last bytes that went up in bulk."""
        return self._up.bulk_until - self._up.bulk_from if self._up.bulk_from else 0.0

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        for one in list(self._ways):
            self._drop(one)
        self._listener.close()
        self._selector.close()

    def _later(self, when, what, way, data=None):
        self._number += 1
        heapq.heappush(self._events, (when, self._number, what, way, data))

    def _accept(self):
        try:
            near, _ = self._listener.accept()
            far = socket.create_connection(self.target, timeout=5)
        except OSError:
            return
        self.connections += 1
        opens_at = time.monotonic() + 2 * self.half_s
        up, down = _Way(near, far, self._up, opens_at), _Way(far, near, self._down, opens_at)
        for one, ways in ((near, (up, down)), (far, (down, up))):
            one.setblocking(False)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BUFFER_BYTES)
            self._ways[one] = ways
            self._selector.register(one, selectors.EVENT_READ, one)

    def _drop(self, one):
        ways = self._ways.pop(one, None)
        if ways is None:
            return
        try:
            self._selector.unregister(one)
        except (KeyError, ValueError):
            pass
        one.close()
        for way in ways:
            way.closed = way.ended = True
        other = ways[0].target
        if other in self._ways:
            self._drop(other)

    def _watch(self, one):
        """Reads while the window has room; writes while bytes have arrived."""
        out, into = self._ways[one]
        mask = 0
        if not out.ended and out.under_way < self.window:
            mask |= selectors.EVENT_READ
        if into.arrived:
            mask |= selectors.EVENT_WRITE
        known = self._selector.get_map().get(one.fileno())
        if mask and known is None:
            self._selector.register(one, mask, one)
        elif mask and known.events != mask:
            self._selector.modify(one, mask, one)
        elif not mask and known is not None:
            self._selector.unregister(one)

    def _read(self, one):
        way = self._ways[one][0]
        try:
            data = one.recv(min(PIECE_BYTES, self.window - way.under_way))
        except BlockingIOError:
            return
        except OSError:
            return self._drop(one)
        now = time.monotonic()
        if not data:
            way.ended = True
            self._later(max(now, way.direction.free_at) + self.half_s, "end", way)
        else:
            way.under_way += len(data)
            arrives = max(way.direction.leaves(now, len(data)) + self.half_s, way.opens_at)
            self._later(arrives, "arrive", way, data)
        self._watch(one)

    def _write(self, one):
        way = self._ways[one][1]
        try:
            while way.arrived:
                sent = one.send(way.arrived[0])
                self._later(time.monotonic() + self.half_s, "acknowledge", way, sent)
                if sent < len(way.arrived[0]):
                    way.arrived[0] = memoryview(way.arrived[0])[sent:]
                    break
                way.arrived.popleft()
        except BlockingIOError:
            pass
        except OSError:
            return self._drop(one)
        self._finish(way)
        if one in self._ways:
            self._watch(one)

    def _finish(self, way):
        if not way.end_arrived or way.arrived or way.closed:
            return
        way.closed = True
        both = way.closed and self._ways[way.target][0].closed
        if both:
            return self._drop(way.target)
        try:
            way.target.shutdown(socket.SHUT_WR)
        except OSError:
            self._drop(way.target)

    def _happen(self, what, way, data):
        if way.target not in self._ways:
            return
        if what == "arrive":
            way.arrived.append(data)
            self._write(way.target)
        elif what == "acknowledge":
            way.under_way -= data
            if way.source in self._ways:
                self._watch(way.source)
        else:
            way.end_arrived = True
            self._finish(way)

    def _run(self):
        while not self._stop.is_set():
            now = time.monotonic()
            while self._events and self._events[0][0] <= now:
                _, _, what, way, data = heapq.heappop(self._events)
                self._happen(what, way, data)
            pause = 0.1
            if self._events:
                pause = min(pause, max(0.0, self._events[0][0] - time.monotonic()))
            for key, mask in self._selector.select(pause):
                if key.data is None:
                    self._accept()
                    continue
                if mask & selectors.EVENT_WRITE and key.data in self._ways:
                    self._write(key.data)
                if mask & selectors.EVENT_READ and key.data in self._ways:
                    self._read(key.data)
