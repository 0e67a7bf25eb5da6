"""gsutil, Google's older command line for storage, over TLS: trees, parallel composite uploads, versions, access, settings."""

from __future__ import annotations

import json
import pathlib
import re
import ssl
import subprocess
import sys
import urllib.request

from command_steps import Program, Step, failed_of, make_tree, tree_of
from lake import Lake

GSUTIL = "gsutil==5.38"
TLS = True  # it speaks nothing else
TOTAL = 33
B = "gs://gsutil-check"
INSTALL_TIMEOUT_S = 900


def program(work: pathlib.Path) -> pathlib.Path:
    directory = work / "gsutil"
    path = directory / "bin" / "gsutil"
    if not path.is_file():
        subprocess.run([sys.executable, "-m", "venv", str(directory)], check=True)
        subprocess.run([str(directory / "bin" / "pip"), "install", "--quiet", GSUTIL], check=True, timeout=INSTALL_TIMEOUT_S)
    return path


def settings(lake: Lake) -> pathlib.Path:
    """Its file of settings: the address, the key file, who signed the certificate."""
    path = lake.directory / "boto"
    path.write_text(
        f"[Credentials]\ngs_service_key_file = {lake.key_file()}\n"
        f"gs_json_host = localhost\ngs_json_port = {lake.server.gcs_port}\ngs_host = localhost\ngs_port = {lake.server.gcs_port}\n"
        f"[Boto]\nca_certificates_file = {lake.certificate}\nnum_retries = 1\n"
        f"[OAuth2]\nprovider_token_uri = {lake.gcs_url}/token\n"
        f"[GSUtil]\nstate_dir = {lake.directory / 'state'}\ndefault_project_id = lake\nsoftware_update_check_period = 0\n"
        "parallel_composite_upload_threshold = 8M\nparallel_composite_upload_component_size = 4M\n"
        "parallel_thread_count = 2\nparallel_process_count = 1\n"
    )
    return path


def signed_read(lake: Lake, printed: str) -> bytes:
    """Reads by the address that signurl printed; it leaves the port out, and fails then when it tries it."""
    address = re.search(r"https://\S+", printed).group().replace("https://localhost/", f"{lake.gcs_url}/")
    with urllib.request.urlopen(address, context=ssl.create_default_context(cafile=str(lake.certificate)), timeout=30) as answer:
        return answer.read()


def objects(lake: Lake, run: Program) -> list[Step]:
    tree = make_tree(lake.directory / "tree")
    names = sorted(f"{B}/tree/{name}" for name in tree)
    back, moved = lake.directory / "back", f"{B}/moved ü.txt"
    back.mkdir()
    (lake.directory / "two").write_text("two")
    stat = [f"{B}/tree/d/large:", "Content-Length:         20971520", "Content-Type:           application/octet-stream"]
    return [
        ("mb", lambda: run("mb", B), ""),
        ("cp -r, in parts", lambda: (run("-m", "cp", "-r", "tree", B), sorted(run.lines("ls", f"{B}/**")))[1], names),
        ("stat", lambda: [line.strip() for line in run.lines("stat", f"{B}/tree/d/large") if line.strip() in stat], stat),
        ("ls -L", lambda: any("Hash (crc32c):" in line for line in run.lines("ls", "-L", f"{B}/tree/d/large")), True),
        ("ls of a directory", lambda: run.lines("ls", f"{B}/tree/"), [f"{B}/tree/a.txt", f"{B}/tree/d/"]),
        ("hash", lambda: run.lines("hash", "-c", f"{B}/tree/d/large")[1], run.lines("hash", "-c", "tree/d/large")[1]),
        ("rsync down", lambda: (run("rsync", "-r", f"{B}/tree", "back"), tree_of(back) == tree)[1], True),
        ("rsync up", lambda: (run("rsync", "-r", "tree", f"{B}/sync"), len(run.lines("ls", f"{B}/sync/**")))[1], 4),
        ("rsync -d", lambda: (run("rm", f"{B}/sync/a.txt"), run("rsync", "-r", "-d", f"{B}/sync", "back"), (back / "a.txt").exists())[2], False),
        ("mv", lambda: (run("mv", f"{B}/tree/a.txt", moved), run("cat", moved), run.fails("stat", f"{B}/tree/a.txt"))[1:], ("hello\n", True)),
        ("cat of a range", lambda: run("cat", "-r", "1-3", moved), "ell"),
        ("cp within", lambda: (run("cp", moved, f"{B}/b.txt"), run("cat", f"{B}/b.txt"))[1], "hello\n"),
        ("compose", lambda: (run("compose", moved, f"{B}/b.txt", f"{B}/sum"), run("cat", f"{B}/sum"))[1], "hello\nhello\n"),
        ("du", lambda: run.lines("du", "-s", f"{B}/tree")[0].split()[0], str((20 << 20) + 1)),
        ("cp -n does not replace", lambda: (run("cp", "-n", "two", f"{B}/b.txt"), run("cat", f"{B}/b.txt"))[1], "hello\n"),
        ("a condition that fails", lambda: run.fails("-h", "x-goog-if-generation-match:1", "cp", "two", f"{B}/b.txt"), True),
        ("setmeta", lambda: (run("setmeta", "-h", "Cache-Control:no-cache", f"{B}/b.txt"),
                             any("no-cache" in line for line in run.lines("stat", f"{B}/b.txt")))[1], True),
        ("rewrite -s", lambda: (run("rewrite", "-O", "-s", "NEARLINE", f"{B}/b.txt"),
                                any("NEARLINE" in line for line in run.lines("stat", f"{B}/b.txt")))[1], True),
        ("signurl", lambda: signed_read(lake, run.printed("signurl", str(lake.key_file()), f"{B}/b.txt")), b"hello\n"),
    ]  # fmt: skip


def administration(lake: Lake, run: Program) -> list[Step]:
    def told(*arguments: str):
        return json.loads(run(*arguments))

    def file_of(value) -> str:
        (lake.directory / "value.json").write_text(json.dumps(value))
        return "value.json"

    rules = {"rule": [{"action": {"type": "Delete"}, "condition": {"age": 30}}]}
    cors = [{"maxAgeSeconds": 60, "method": ["GET"], "origin": ["*"]}]
    reader = {"entity": "allUsers", "role": "READER"}
    return [
        ("versioning", lambda: (run("versioning", "set", "on", B), run("cp", "two", f"{B}/b.txt"), len(run.lines("ls", "-a", f"{B}/b.txt")))[2], 2),
        ("lifecycle", lambda: (run("lifecycle", "set", file_of(rules), B), told("lifecycle", "get", B))[1], rules),
        ("cors", lambda: (run("cors", "set", file_of(cors), B), told("cors", "get", B))[1], cors),
        ("label", lambda: (run("label", "ch", "-l", "team:x", B), told("label", "get", B))[1], {"team": "x"}),
        ("web", lambda: (run("web", "set", "-m", "index.html", B), told("web", "get", B))[1], {"mainPageSuffix": "index.html"}),
        ("iam", lambda: (run("iam", "ch", "allUsers:objectViewer", B),
                         {"role": "roles/storage.objectViewer", "members": ["allUsers"]} in told("iam", "get", B)["bindings"])[1], True),
        ("iam back", lambda: (run("iam", "ch", "-d", "allUsers:objectViewer", B), "allUsers" in run("iam", "get", B))[1], False),
        ("ubla off and acl", lambda: (run("ubla", "set", "off", B), run("acl", "ch", "-u", "AllUsers:R", f"{B}/b.txt"),
                                      reader in told("acl", "get", f"{B}/b.txt"))[2], True),
        ("defacl", lambda: (run("defacl", "ch", "-u", "AllUsers:R", B), reader in told("defacl", "get", B))[1], True),
        ("retention", lambda: (run("retention", "set", "1d", B), "1 Day(s)" in run("retention", "get", B), run("retention", "clear", B))[1], True),
        ("pap", lambda: (run("pap", "set", "enforced", B), run("pap", "get", B).split()[-1])[1], "enforced"),
        ("hmac", lambda: run("hmac", "create", "root@lake.beringia.local").splitlines()[0].split()[0], "Access"),
        ("rm -a", lambda: (run("-m", "rm", "-a", f"{B}/b.txt"), run.fails("ls", "-a", f"{B}/b.txt"))[1], True),
        ("rm -r", lambda: (run("-m", "rm", "-r", B), run.lines("ls"))[1], []),
    ]  # fmt: skip


def run(lake: Lake, work: pathlib.Path, java: str) -> list[str]:
    gsutil = Program([str(program(work))], {"BOTO_CONFIG": str(settings(lake))}, lake.directory)
    return failed_of(objects(lake, gsutil) + administration(lake, gsutil))
