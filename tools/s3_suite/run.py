#!/usr/bin/env python3
"""Runs the public S3 suite (ceph/s3-tests) against a Beringia of its own and counts by family.

    git clone https://github.com/ceph/s3-tests SUITE
    python3 -m venv VENV && VENV/bin/pip install -r SUITE/requirements.txt pytest-xdist
    tools/s3_suite/run.py SUITE --python VENV/bin/python --binary build/release/beringia [--tls]

The suite stays outside of this repository. Taken are the tests of test_s3.py that Amazon's S3 passes by the
suite's own marks (`not fails_on_aws`); -k and -m narrow that down. The server has a temporary directory and free
ports, ACLs and SigV2 on and days of lifecycle rules of ten seconds as the suite wants them, the two encryption keys
that it names, customers' keys also without TLS (customer_keys = any), and one principal for each account that the
suite's configuration names, each with the right to make buckets and no other.
"""

from __future__ import annotations

import argparse
import collections
import configparser
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from suite_server import SuiteServer  # noqa: E402

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
ENCRYPTION_KEYS = ("testkey-1", "testkey-2")  # the suite's kms_keyid and kms_keyid2
SERVE = (
    "--s3-object-ownership ObjectWriter --s3-signature-v2 on"
    " --lifecycle-interval 1s --lifecycle-day 10s"
)
LIFECYCLE = {"storage_classes": "GLACIER DEEP_ARCHIVE", "lc_debug_interval": "10"}
ACCOUNTS = ("s3 main", "s3 alt", "s3 tenant", "iam", "iam root", "iam alt root")


def make_certificate(directory: pathlib.Path) -> list[str]:
    certificate, key = directory / "certificate.pem", directory / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    return ["--tls-certificate", str(certificate), "--tls-key", str(key)]


def start_server(binary: pathlib.Path, directory: pathlib.Path, tls: bool, extra: list[str]) -> SuiteServer:
    server = SuiteServer(binary, directory, "https" if tls else "http")
    flags = make_certificate(directory) if tls else []
    if tls:
        server.environment["BERINGIA_CA"] = flags[1]
    flags += ["--customer-keys", "any", "--s3", f"127.0.0.1:{server.port}", "--gcs", "off", *extra]
    server.start(ENCRYPTION_KEYS, flags)
    return server


def write_configuration(server: SuiteServer, path: pathlib.Path, role: str, tls: bool) -> None:
    configuration = configparser.RawConfigParser()
    configuration["DEFAULT"] = {
        "host": "localhost", "port": str(server.port), "is_secure": str(tls), "ssl_verify": "False",
    }  # fmt: skip
    configuration["fixtures"] = {"bucket prefix": "suite-{random}-"}
    for account in ACCOUNTS:
        name = account.replace(" ", "-")
        server.run("principals", "create", name)
        server.run("grants", "add", f"suite-{name}", "--principal", name, "--prefix", "/", "--role", role)
        key = json.loads(server.run("keys", "create", "--principal", name, "--json"))
        configuration[account] = {
            "display_name": name, "user_id": name, "email": f"{name}@example.com", "api_name": "",
            "access_key": key["access_key"], "secret_key": key["secret_key"], "tenant": "tenant",
        }  # fmt: skip
    configuration["s3 main"].update(LIFECYCLE)
    with path.open("w") as file:
        configuration.write(file)


def family_of(test: str) -> str:
    words = re.sub(r"\[.*", "", test).removeprefix("test_").split("_")
    return "_".join(words[:2])


def report(results: pathlib.Path, failures: pathlib.Path | None) -> int:
    passed: collections.Counter[str] = collections.Counter()
    failed: collections.defaultdict[str, list[str]] = collections.defaultdict(list)
    skipped = 0
    lines = []
    for case in ElementTree.parse(results).iter("testcase"):
        name = case.get("name", "")
        bad = [child for child in case if child.tag in ("failure", "error")]
        if bad:
            if name not in failed[family_of(name)]:
                failed[family_of(name)].append(name)
                lines.append(f"{name}\t{(bad[0].get('message') or '').splitlines()[0][:200] if bad[0].get('message') else ''}")
        elif case.find("skipped") is not None:
            skipped += 1
        else:
            passed[family_of(name)] += 1
    print(f"{'family':<34}{'passed':>8}{'failed':>8}")
    for family in sorted(set(passed) | set(failed), key=lambda one: (-len(failed[one]), one)):
        print(f"{family:<34}{passed[family]:>8}{len(failed[family]):>8}")
    total_failed = sum(len(names) for names in failed.values())
    print(f"{'all':<34}{sum(passed.values()):>8}{total_failed:>8}   (skipped by the suite: {skipped})")
    if failures is not None:
        failures.write_text("\n".join(sorted(lines)) + "\n")
    return total_failed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("suite", type=pathlib.Path, help="a checkout of ceph/s3-tests")
    parser.add_argument("--python", default=sys.executable, help="an interpreter that has the suite's requirements")
    parser.add_argument("--binary", type=pathlib.Path, default=REPOSITORY / "build/release/beringia")
    parser.add_argument("--tls", action="store_true", help="over TLS instead of plain HTTP")
    parser.add_argument("-k", dest="keyword", default="", help="as pytest's -k")
    parser.add_argument("-m", dest="marks", default="not fails_on_aws", help="as pytest's -m")
    parser.add_argument("--workers", type=int, default=2, help="tests at once (needs pytest-xdist)")
    parser.add_argument("--timeout", type=int, default=7200, help="seconds for all of it")
    parser.add_argument("--failures", type=pathlib.Path, help="where to write the failed tests and their messages")
    parser.add_argument("--role", default="creator", help="what the suite's principals get on /")
    parser.add_argument("--serve", default=SERVE, help="further flags of serve")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="s3-suite-") as temporary:
        directory = pathlib.Path(temporary)
        server = start_server(options.binary.resolve(), directory, options.tls, options.serve.split())
        try:
            write_configuration(server, directory / "suite.conf", options.role, options.tls)
            results = directory / "results.xml"
            command = [options.python, "-m", "pytest", "-q", "--tb=line", "-p", "no:cacheprovider",
                       f"--junitxml={results}", "-m", options.marks, "s3tests/functional/test_s3.py"]  # fmt: skip
            if options.keyword:
                command += ["-k", options.keyword]
            if options.workers > 1:
                command += ["-n", str(options.workers)]
            environment = os.environ | {"S3TEST_CONF": str(directory / "suite.conf")}
            subprocess.run(command, cwd=options.suite, env=environment, timeout=options.timeout, check=False,
                           stdout=subprocess.DEVNULL)  # fmt: skip
            if not results.exists():
                raise SystemExit("the suite did not run: does the interpreter have its requirements?")
            failed = report(results, options.failures)
            if server.process.poll() is not None:
                raise SystemExit("the server ended during the run")
            return 1 if failed else 0
        finally:
            server.stop()


if __name__ == "__main__":
    sys.exit(main())
