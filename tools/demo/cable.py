"""A network cable between Beringia and the cloud that the demo can cut and mend."""

import contextlib
import socket
import threading


class Cable:
    """Forwards 127.0.0.1:port to 127.0.0.1:target until cut(); counts the bytes both ways."""

    def __init__(self, target):
        self.target = target
        self.bytes_up = 0
        self.bytes_down = 0
        self.port = 0
        self._lock = threading.Lock()
        self._open = set()
        self._listener = None
        self.mend()

    def mend(self):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(256)
        self.port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def cut(self):
        """Refuses new connections and breaks those that stand."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            ends, self._open = self._open, set()
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener):
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                near.close()
                continue
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._open |= {near, far}
            threading.Thread(target=self._carry, args=(near, far, "bytes_up"), daemon=True).start()
            threading.Thread(target=self._carry, args=(far, near, "bytes_down"), daemon=True).start()

    def _carry(self, source, sink, counter):
        with contextlib.suppress(OSError):
            while piece := source.recv(256 << 10):
                sink.sendall(piece)
                with self._lock:
                    setattr(self, counter, getattr(self, counter) + len(piece))
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        with self._lock:
            self._open -= {source, sink}
        # Both directions close both ends; the second close does nothing.
        source.close()
        sink.close()
