"""Google's published vectors of V4 signed URLs and forms, against the front end.

The vectors are those of googleapis/conformance-tests; they come with Google's Go module, pinned by version and hash.
They are of 2019 and 2020, so that the clock must be set: what asks them is the unit test V4Vectors, over the whole
front end in its process, that lies beside the binary in the same build.
"""

import hashlib
import json
import os
import pathlib
import subprocess
import sys

import pytest
from serving import binary

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tools/gcs_emulator"))
import gcs_emulator  # noqa: E402

MODULE = "cloud.google.com/go/storage@v1.70.0"
VECTORS_SHA256 = "5da2708039e2cf17173a031838e3448509d801ba4ce1577fde79970c072178fe"


@pytest.fixture(scope="module")
def conformance() -> pathlib.Path:
    go = gcs_emulator.find_go()
    assert go, "no Go toolchain to fetch the module with"
    environment = os.environ | {"GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local"}
    done = subprocess.run([go, "mod", "download", "-json", MODULE], capture_output=True, text=True, timeout=300,
                          env=environment, check=True)  # fmt: skip
    folder = pathlib.Path(json.loads(done.stdout)["Dir"]) / "internal/test/conformance"
    digest = hashlib.sha256((folder / "v4_signatures.json").read_bytes()).hexdigest()
    assert digest == VECTORS_SHA256, "other vectors than those that were looked at"
    return folder


def test_published_v4_vectors(conformance):
    program = binary().parent / "src/protocol_gcs_test"
    if not program.exists():
        pytest.skip("the unit tests are not built beside the binary")
    environment = os.environ | {
        "BERINGIA_V4_VECTORS": str(conformance / "v4_signatures.json"),
        "BERINGIA_V4_ACCOUNT": str(conformance / "service-account"),
    }
    done = subprocess.run([str(program), "--gtest_filter=V4Vectors.*", "--gtest_brief=1"], env=environment,
                          capture_output=True, text=True, timeout=300)  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:]
    assert "SKIPPED" not in done.stdout and "PASSED  ] 2 tests" in done.stdout, done.stdout[-1000:]
