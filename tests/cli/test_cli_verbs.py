"""Every verb: help, --json, exit codes, and what it says when something is wrong."""

import json
import subprocess
import urllib.error
import urllib.request

import pytest

from serving import binary
from processes import make_process, running  # noqa: F401

VERBS = [
    "serve", "settings", "version", "plan", "apply", "estate show", "mount ls", "mount scan", "mount scans",
    "backend ls", "backend calls", "backend check", "ls",
    "stat", "explain", "policy plan", "policy apply", "policy status", "policy lifecycle", "policy runs", "policy cancel",
    "policy variables", "keys create", "keys ls", "keys disable", "principals ls", "principals create",
    "principals remove", "grants ls", "grants add", "grants remove", "audit verify",
    "audit ingest", "inventory run", "iam plan", "iam apply",
]  # fmt: skip


def beringia(*arguments, **environment):
    return subprocess.run([str(binary()), *arguments], capture_output=True, text=True, timeout=20, check=False,
                          env={"PATH": "/usr/bin:/bin"} | environment)  # fmt: skip


def test_help_lists_every_verb_and_each_explains_itself():
    general = beringia("--help")
    assert general.returncode == 0
    for verb in VERBS:
        assert f"  {verb}" in general.stdout, verb
        done = beringia(*verb.split(), "--help")
        assert done.returncode == 0 and done.stdout.startswith(f"usage: beringia {verb}"), verb
        assert verb == "serve" or "--json" in done.stdout
    # No verb of the binary is missing here.
    listed = [line for line in general.stdout.splitlines() if line.startswith("  ")]
    assert len(listed) == len(VERBS)


@pytest.mark.parametrize("words", [["nonsense"], ["keys"], ["keys", "crate"], ["ls", "--recursiv"], ["stat"],
                                   ["keys", "create"], ["stat", "/a", "/b"], []])  # fmt: skip
def test_wrong_usage_ends_with_2(words):
    done = beringia(*words)
    assert done.returncode == 2
    assert done.stdout == ""


def test_no_server_and_no_keys_are_said_clearly():
    done = beringia("ls", "--admin", "http://127.0.0.1:1", BERINGIA_ACCESS_KEY="k", BERINGIA_SECRET_KEY="s")
    assert done.returncode == 1 and "cannot reach the server at http://127.0.0.1:1" in done.stderr
    done = beringia("ls")
    assert done.returncode == 1 and "BERINGIA_ACCESS_KEY" in done.stderr


def test_wrong_keys_are_refused(running):
    for environment in ({"BERINGIA_ACCESS_KEY": running.access_key, "BERINGIA_SECRET_KEY": "wrong"},
                        {"BERINGIA_ACCESS_KEY": "BRNOBODY", "BERINGIA_SECRET_KEY": "wrong"}):  # fmt: skip
        done = running.run("keys", "ls", check=False, **environment)
        assert done.returncode == 1 and done.stderr.startswith("what: ")
        assert "wrong" not in done.stderr and running.secret_key not in done.stderr


def test_a_signature_for_s3_is_none_for_the_admin_api(running):
    from botocore.auth import S3SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    request = AWSRequest("GET", f"http://127.0.0.1:{running.admin_port}/v1/keys")
    request.headers["x-amz-content-sha256"] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    S3SigV4Auth(Credentials(running.access_key, running.secret_key), "s3", "us-east-1").add_auth(request)
    raw = urllib.request.Request(request.url, headers=dict(request.headers.items()))
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(raw, timeout=10)
    assert refused.value.code in (400, 403)


def test_keys_of_both_kinds_work_and_can_be_disabled(running):
    made = running.json("keys", "create", "--principal", "ann")
    assert made["principal_created"] and made["kind"] == "s3"
    running.run("grants", "add", "ann-all", "--principal", "ann", "--prefix", "/", "--role", "owner")
    s3 = running.s3(made["access_key"], made["secret_key"])
    s3.create_bucket(Bucket="ann")
    file = json.loads(running.run("keys", "create", "--principal", "ann", "--kind", "service-account").stdout)
    assert file["type"] == "service_account" and file["private_key"].startswith("-----BEGIN PRIVATE KEY-----")
    assert file["token_uri"] == f"http://127.0.0.1:{running.gcs_port}/token"

    from google.cloud import storage
    from google.oauth2 import service_account

    credentials = service_account.Credentials.from_service_account_info(
        file, scopes=["https://www.googleapis.com/auth/devstorage.full_control"])
    gcs = storage.Client(project="p", credentials=credentials,
                         client_options={"api_endpoint": f"http://127.0.0.1:{running.gcs_port}"})  # fmt: skip
    assert [bucket.name for bucket in gcs.list_buckets()] == ["ann"]

    listed = {key["id"]: key for key in running.json("keys", "ls")["keys"]}
    assert listed[made["id"]]["kind"] == "s3" and listed[file["private_key_id"]]["kind"] == "service-account"
    assert made["secret_key"] not in running.run("keys", "ls", "--json").stdout
    assert running.json("keys", "disable", made["id"])["disabled"]
    with pytest.raises(s3.exceptions.ClientError):
        s3.list_buckets()
    assert {key["id"]: key["disabled"] for key in running.json("keys", "ls")["keys"]}[made["id"]]
    assert running.run("keys", "disable", "BRNOTTHERE", check=False).returncode == 1
    running.run("grants", "remove", "ann-all")


def test_principals_and_grants_come_and_go(running):
    running.run("principals", "create", "bob", "--group", "g1", "--group", "g2")
    found = {p["name"]: p for p in running.json("principals", "ls")["principals"]}
    assert found["bob"]["groups"] == ["g1", "g2"]
    running.run("grants", "add", "reads/all", "--principal", "bob", "--prefix", "/x/")
    grants = {g["name"]: g for g in running.json("grants", "ls")["grants"]}
    assert grants["reads/all"] == {"name": "reads/all", "principals": ["bob"], "prefix": "/x/", "role": "reader",
                                   "deny": False}  # fmt: skip
    refused = running.run("principals", "remove", "bob", check=False)
    assert refused.returncode == 1 and "reads/all" in refused.stderr
    running.run("grants", "remove", "reads/all")
    running.run("principals", "remove", "bob")
    assert "bob" not in {p["name"] for p in running.json("principals", "ls")["principals"]}
    assert running.run("principals", "remove", "root", check=False).returncode == 1


def test_ls_stat_and_explain(running):
    s3 = running.s3()
    s3.create_bucket(Bucket="listing")
    for number in range(1203):
        s3.put_object(Bucket="listing", Key=f"d{number % 3}/k{number:05d}", Body=b"x", Metadata={"n": str(number)})
    assert "/listing/" in running.json("ls")["directories"]
    assert running.json("ls", "/listing")["directories"] == ["/listing/d0/", "/listing/d1/", "/listing/d2/"]
    every = running.json("ls", "/listing/", "--recursive")["items"]
    assert [item["path"] for item in every] == sorted(f"/listing/d{n % 3}/k{n:05d}" for n in range(1203))
    assert len(running.json("ls", "/listing/", "--recursive", "--limit", "7")["items"]) == 7
    assert len(running.run("ls", "/listing/d0/").stdout.splitlines()) == 401

    entry = running.json("stat", "/listing/d1/k00001")
    assert entry["size"] == 1 and entry["metadata"] == {"n": "1"} and entry["owner"] == "root"
    assert "d1/k00001" in running.run("stat", "/listing/d1/k00001").stdout
    assert running.json("stat", "/listing/")["directory"]
    explained = running.json("explain", "/listing/d1/k00001")
    assert explained["copies"][0]["native_name"] == "listing/d1/k00001"
    assert "written here by root" in running.run("explain", "/listing/d1/k00001").stdout
    missing = running.run("stat", "/listing/nothing", check=False)
    assert missing.returncode == 1 and "what: " in missing.stderr


def test_json_of_what_only_shows(running):
    assert running.json("version")["version"]
    assert {one["name"] for one in running.json("settings")["settings"]} >= {"data", "mount", "log_level"}
    assert running.json("mount", "ls")["mounts"][0]["path"] == "/"
    name = running.json("backend", "ls")["backends"][0]["name"]
    assert running.json("backend", "check", name) == {"backend": name, "reachable": True, "store": []}
    assert running.json("policy", "runs") == {"runs": []}
    assert "size" in {one["name"] for one in running.json("policy", "variables")["variables"]}
    assert running.json("estate", "show")["applied"] is False
    nothing = running.run("policy", "status", check=False)
    assert nothing.returncode == 1 and "no run yet" in nothing.stderr


def test_audit_verify_is_offline_and_finds_one_changed_byte(make_process):
    process = make_process()
    process.start()
    s3 = process.s3()
    s3.create_bucket(Bucket="box")
    for number in range(10):
        s3.put_object(Bucket="box", Key=str(number), Body=b"x")
    online = process.json("audit", "verify")
    assert online["whole"] and online["records"] >= 11
    assert process.terminate() == 0
    for directory in (process.data, process.data / "audit"):
        done = beringia("audit", "verify", str(directory), "--json")
        assert done.returncode == 0 and json.loads(done.stdout)["whole"], done.stdout + done.stderr
    damaged = 0
    for path in sorted((process.data / "audit").rglob("*")):
        if not path.is_file() or b"PutObject" not in (content := path.read_bytes()):
            continue
        path.chmod(0o600)
        path.write_bytes(content.replace(b"PutObject", b"GetObject", 1))
        damaged += 1
    assert damaged >= 1
    done = beringia("audit", "verify", str(process.data))
    assert done.returncode == 1 and "damaged at record" in done.stderr, done.stderr
    told = beringia("audit", "verify", str(process.data), "--json")
    assert told.returncode == 1 and json.loads(told.stdout)["first_damaged"] is not None
    assert beringia("audit", "verify", "/nonexistent").returncode == 1


def test_what_the_admin_api_changed_is_in_the_log_before_the_answer(make_process):
    process = make_process()
    process.start()
    process.run("keys", "create", "--principal", "eve")
    process.kill()
    log = b"".join(p.read_bytes() for p in (process.data / "audit").rglob("*") if p.is_file())
    assert b"keys.create" in log
    assert json.loads(beringia("audit", "verify", str(process.data), "--json").stdout)["whole"]
