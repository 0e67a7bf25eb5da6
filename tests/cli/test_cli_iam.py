"""`beringia iam plan|apply` against a stand-in of the policy calls of Cloud Storage, with etags as they are there."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

import pytest

from processes import make_process  # noqa: F401

VIEWER, USER, ADMIN = (f"roles/storage.object{word}" for word in ("Viewer", "User", "Admin"))

ESTATE = """\
[[backend]]
name = "cloud"
url = "gs://archive/lake"
endpoint = "{endpoint}"
credentials = "none"

[[mount]]
path = "/sales/"
locations = ["cloud"]
freshness = "exclusive"

[[principal]]
name = "etl"

[[principal]]
name = "unmapped"

[[grant]]
name = "readers"
principals = ["group:analysts", "unmapped"]
prefix = "/sales/"
role = "reader"

[[grant]]
name = "etl"
principals = ["etl"]
prefix = "/sales/2026/"
role = "writer"
"""
MEMBERS = """\
[members]
etl = "serviceAccount:etl@acme.iam.gserviceaccount.com"
"group:analysts" = "group:analysts@acme.com"
"""


class Bucket:
    """Policies of one bucket and its managed folders."""

    def __init__(self):
        self.policies = {}  # folder -> {"etag", "bindings"}
        self.puts = []
        self.race_once = False
        self.lock = threading.Lock()

    def put(self, folder, policy):
        self.policies[folder] = {"etag": f"e{len(self.puts)}", "bindings": policy.get("bindings", [])}


def handler_of(bucket):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def answer(self, status, body):
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def refuse(self, status, message):
            self.answer(status, {"error": {"code": status, "message": message, "errors": [{"reason": "x"}]}})

        def folder(self):
            path = urlsplit(self.path).path
            found = re.fullmatch(r"/storage/v1/b/archive(?:/managedFolders/([^/]+))?/iam", path)
            return unquote(found.group(1) or "") if found else None

        def do_GET(self):
            with bucket.lock:
                path = urlsplit(self.path).path
                if path == "/storage/v1/b/archive/managedFolders":
                    return self.answer(200, {"items": [{"name": name} for name in bucket.policies if name]})
                if path == "/storage/v1/b/archive/o":
                    return self.answer(200, {})
                folder = self.folder()
                if folder is None or folder not in bucket.policies:
                    return self.refuse(404, "no such thing")
                self.answer(200, bucket.policies[folder])

        def body(self):
            return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

        def do_POST(self):
            body = self.body()
            with bucket.lock:
                assert urlsplit(self.path).path == "/storage/v1/b/archive/managedFolders"
                bucket.puts.append(("folder", body["name"]))
                bucket.put(body["name"], {})
                self.answer(200, body)

        def do_PUT(self):
            body = self.body()
            with bucket.lock:
                folder = self.folder()
                if bucket.race_once:  # somebody else was first
                    bucket.race_once = False
                    bucket.policies[folder]["bindings"].append({"role": ADMIN, "members": ["user:other@acme.com"]})
                    bucket.policies[folder]["etag"] = "raced"
                if body.get("etag") != bucket.policies[folder]["etag"]:
                    return self.refuse(412, "etag")
                bucket.puts.append((folder, body))
                bucket.put(folder, body)
                self.answer(200, bucket.policies[folder])

    return Handler


@pytest.fixture
def bucket():
    made = Bucket()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(made))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    made.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def process(make_process, bucket):  # noqa: F811
    made = make_process()
    made.start()
    (made.directory / "lake.toml").write_text(ESTATE.format(endpoint=bucket.endpoint))
    (made.directory / "members.toml").write_text(MEMBERS)
    made.run("apply", "lake.toml")
    return made


def plan(process):
    told = process.json("iam", "plan", "cloud", "--members", "members.toml")
    return [(row["change"], row["folder"], row["role"], row["member"]) for row in told["rows"]], told["notes"]


def test_the_difference_is_shown_made_and_then_none(process, bucket):
    stranger = {"role": VIEWER, "members": ["user:stranger@acme.com"]}
    conditional = {"role": USER, "members": ["group:analysts@acme.com"], "condition": {"title": "t", "expression": "true"}}
    bucket.put("lake/", {"bindings": [stranger, conditional]})
    bucket.put("lake/old/", {"bindings": [{"role": ADMIN, "members": ["serviceAccount:etl@acme.iam.gserviceaccount.com"]}]})
    rows, notes = plan(process)
    assert rows == [
        ("add", "lake/", VIEWER, "group:analysts@acme.com"),
        ("add", "lake/2026/", USER, "serviceAccount:etl@acme.iam.gserviceaccount.com"),
        ("remove", "lake/old/", ADMIN, "serviceAccount:etl@acme.iam.gserviceaccount.com"),
    ]
    assert any("unmapped" in note for note in notes)
    assert bucket.puts == []

    bucket.race_once = True
    shown = process.run("iam", "apply", "cloud", "--members", "members.toml").stdout
    assert "lake/2026/" in shown and "+" in shown
    assert ("folder", "lake/2026/") in bucket.puts
    kept = bucket.policies["lake/"]["bindings"]
    assert conditional in kept and {"role": ADMIN, "members": ["user:other@acme.com"]} in kept, "others' rights stay, also of a race"
    assert any(b["role"] == VIEWER and set(b["members"]) == {"user:stranger@acme.com", "group:analysts@acme.com"} for b in kept)
    assert bucket.policies["lake/old/"]["bindings"] == []
    assert plan(process)[0] == []


def test_errors_say_what_to_do(process, bucket):
    done = process.run("iam", "plan", "nothing", "--members", "members.toml", check=False)
    assert done.returncode == 1 and "no backend" in done.stderr
    done = process.run("iam", "plan", "cloud", check=False)
    assert done.returncode == 1 and "--members" in done.stderr
    (process.directory / "members.toml").write_text('[members]\netl = "etl@acme.com"\n')
    done = process.run("iam", "plan", "cloud", "--members", "members.toml", check=False)
    assert done.returncode == 1 and "serviceAccount:" in done.stderr
