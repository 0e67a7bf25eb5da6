"""The admin API by hand."""

import hashlib
import json

from .connection import Connection
from .s3 import Signer


class Admin:
    """One connection that signs for the admin API. Not thread-safe."""

    def __init__(self, victim, timeout_s=60.0):
        self.connection = Connection(victim.admin_port, timeout_s=timeout_s)
        self.host = f"127.0.0.1:{victim.admin_port}"
        self.signer = Signer(victim.access_key, victim.secret_key, "local", "beringia")

    def close(self):
        self.connection.close()

    def call(self, method, path, query="", body=None):
        """(status, answer as a value)"""
        text = b"" if body is None else json.dumps(body).encode()
        headers = self.signer.sign(method, self.host, path, query, [],
                                   hashlib.sha256(text).hexdigest())
        answer = self.connection.exchange(method, path + (f"?{query}" if query else ""), headers,
                                          text)
        return answer.status, json.loads(answer.body or b"null")
