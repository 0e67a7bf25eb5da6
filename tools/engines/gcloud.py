"""`gcloud storage` over TLS, told the address, who signed the certificate and the key file. Needs the Google Cloud CLI, which is in no registry."""

from __future__ import annotations

import json
import pathlib

from command_steps import Program, Step, failed_of, make_tree, tree_of
from lake import Lake

TLS = True
TOTAL = 21
B = "gs://gcloud-check"


def environment(lake: Lake) -> dict[str, str]:
    return {
        "CLOUDSDK_CONFIG": str(lake.directory / "gcloud"),
        "CLOUDSDK_CORE_PROJECT": "lake",
        "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
        "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE": str(lake.certificate),
        "REQUESTS_CA_BUNDLE": str(lake.certificate),  # of the requests for tokens
        "CLOUDSDK_AUTH_TOKEN_HOST": f"{lake.gcs_url}/token",
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE": f"{lake.gcs_url}/storage/v1/",
        "CLOUDSDK_STORAGE_PARALLEL_COMPOSITE_UPLOAD_ENABLED": "true",
        "CLOUDSDK_STORAGE_PARALLEL_COMPOSITE_UPLOAD_THRESHOLD": "8M",
        "CLOUDSDK_STORAGE_PROCESS_COUNT": "1",
        "CLOUDSDK_STORAGE_THREAD_COUNT": "4",
    }


def steps(lake: Lake, run: Program) -> list[Step]:
    tree = make_tree(lake.directory / "tree")
    names = sorted(f"{B}/tree/{name}" for name in tree)
    back, moved = lake.directory / "back", f"{B}/moved.txt"
    back.mkdir()
    (lake.directory / "two").write_text("two")
    (lake.directory / "rules.json").write_text(json.dumps({"rule": [{"action": {"type": "Delete"}, "condition": {"age": 30}}]}))

    def bucket(*changes: str) -> dict:
        if changes:
            run("buckets", "update", B, *changes)
        return json.loads(run("buckets", "describe", B, "--format=json"))

    def described(name: str) -> dict:
        return json.loads(run("objects", "describe", name, "--format=json"))

    return [
        ("buckets create", lambda: run("buckets", "create", B, "--no-uniform-bucket-level-access"), ""),
        ("cp -r, in parts", lambda: (run("cp", "-r", "tree", B), sorted(run.lines("ls", f"{B}/**")))[1], names),
        ("objects describe", lambda: described(f"{B}/tree/d/large")["size"], 20 << 20),
        ("ls of a directory", lambda: run.lines("ls", f"{B}/tree/"), [f"{B}/tree/a.txt", f"{B}/tree/d/"]),
        ("hash", lambda: described(f"{B}/tree/d/large")["crc32c_hash"],
         json.loads(run("hash", "tree/d/large", "--format=json", "--skip-md5"))[0]["crc32c_hash"]),
        ("rsync down", lambda: (run("rsync", "-r", f"{B}/tree", "back"), tree_of(back) == tree)[1], True),
        ("rsync up", lambda: (run("rsync", "-r", "tree", f"{B}/sync"), len(run.lines("ls", f"{B}/sync/**")))[1], 4),
        ("mv", lambda: (run("mv", f"{B}/tree/a.txt", moved), run("cat", moved), run.fails("objects", "describe", f"{B}/tree/a.txt"))[1:],
         ("hello\n", True)),
        ("cat of a range", lambda: run("cat", "--range=1-3", moved), "ell"),
        ("compose", lambda: (run("objects", "compose", moved, moved, f"{B}/sum"), run("cat", f"{B}/sum"))[1], "hello\nhello\n"),
        ("du", lambda: run.lines("du", "-s", f"{B}/tree")[0].split()[0], str((20 << 20) + 1)),
        ("a condition that fails", lambda: run.fails("cp", "--if-generation-match=1", "two", moved), True),
        ("objects update", lambda: (run("objects", "update", moved, "--cache-control=no-cache", "--update-custom-metadata=k=v"),
                                    described(moved)["custom_fields"])[1], {"k": "v"}),
        ("storage class", lambda: (run("objects", "update", moved, "--storage-class=NEARLINE"), described(moved)["storage_class"])[1], "NEARLINE"),
        ("versioning", lambda: (bucket("--versioning"), run("cp", "two", moved), len(run.lines("ls", "-a", moved)))[2], 2),
        ("lifecycle", lambda: bucket("--lifecycle-file=rules.json")["lifecycle_config"]["rule"][0]["condition"]["age"], 30),
        ("labels", lambda: bucket("--update-labels=team=x")["labels"], {"team": "x"}),
        ("access of all", lambda: (run("objects", "update", moved, "--add-acl-grant=entity=allUsers,role=READER"),
                                   any(one["entity"] == "allUsers" for one in described(moved)["acl"]))[1], True),
        ("policy", lambda: (run("buckets", "add-iam-policy-binding", B, "--member=allUsers", "--role=roles/storage.objectViewer"),
                            "allUsers" in run("buckets", "get-iam-policy", B))[1], True),
        ("soft delete", lambda: bucket("--soft-delete-duration=8d")["soft_delete_policy"]["retentionDurationSeconds"], str(8 * 86400)),
        ("rm -r", lambda: (run("rm", "-r", B), run.fails("ls"))[1], True),
    ]  # fmt: skip


def run(lake: Lake, work: pathlib.Path, java: str) -> list[str]:
    settings = environment(lake)
    Program(["gcloud"], settings, lake.directory)("auth", "activate-service-account", f"--key-file={lake.key_file()}")
    return failed_of(steps(lake, Program(["gcloud", "storage"], settings, lake.directory)))
