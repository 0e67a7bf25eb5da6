"""A webhook on a local port: keeps what it is sent, and answers as it is told to."""

import http.server
import json
import threading
import time


class Receiver:
    """`status`: what is answered; a list is worked off first."""

    def __init__(self, port=0):
        self.status = 200
        self.statuses = []
        self.requests = []  # (path, headers, body)
        self.lock = threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with outer.lock:
                    status = outer.statuses.pop(0) if outer.statuses else outer.status
                    if status < 300:
                        outer.requests.append((self.path, dict(self.headers), json.loads(body)))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        class Quiet(http.server.ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, *_):
                pass

        self.server = Quiet(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/hook?a=b"

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def bodies(self):
        with self.lock:
            return [body for _, _, body in self.requests]

    def clear(self):
        with self.lock:
            self.requests.clear()

    def records(self):
        """S3's event records, in the order in which they came."""
        return [record for body in self.bodies() for record in body.get("Records", [])]

    def names(self):
        return [(record["eventName"], record["s3"]["object"]["key"]) for record in self.records()]

    def messages(self):
        """Pub/Sub push messages."""
        return [body["message"] for body in self.bodies() if "message" in body]


def until(condition, seconds=30.0):
    deadline = time.monotonic() + seconds
    while not (met := condition()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return met


def declare(server, **targets):
    """Applies an estate in which these targets are declared: name=url, or name={...}."""
    lines = []
    for name, target in targets.items():
        fields = target if isinstance(target, dict) else {"url": target}
        lines += ["[[notification_target]]", f'name = "{name}"']
        lines += [f'{key} = "{value}"' for key, value in fields.items()]
    path = server.directory / "targets.toml"
    path.write_text("\n".join(lines) + "\n")
    return server.run("apply", "--yes", str(path))


def arn(name, service="sqs"):
    return f"arn:beringia:{service}::{name}:webhook"


def queue(name, *events, prefix=None, suffix=None, identity="q"):
    rule = {"Id": identity, "QueueArn": arn(name), "Events": list(events)}
    rules = [{"Name": key, "Value": value} for key, value in (("prefix", prefix), ("suffix", suffix)) if value]
    if rules:
        rule["Filter"] = {"Key": {"FilterRules": rules}}
    return rule
