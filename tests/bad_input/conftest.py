"""A server with something to lose, and a look at it after each test: nothing that a bad request does may change,
hide or reveal what others have."""

from __future__ import annotations

import pytest

from raw import Lake
from traffic.victim import Victim

# Short, so that a test may wait for them.
FLAGS = ("--header-timeout", "1s", "--body-idle-timeout", "1s", "--idle-timeout", "300s")


@pytest.fixture(scope="package")
def whole_lake(tmp_path_factory):
    victim = Victim(tmp_path_factory.mktemp("bad-input"), extra=FLAGS)
    victim.start()
    lake = Lake(victim)
    lake.fill()
    yield lake
    lake.close()
    assert victim.stop() == 0


@pytest.fixture
def lake(whole_lake):
    yield whole_lake
    whole_lake.check()
