"""Random sequences of requests against the model of what Amazon documents; also with a kill of the server in the middle.

BERINGIA_S3_SEQUENCES says how many there are of each kind (else a number for every test run), BERINGIA_S3_SEED where
they begin. A failure tells its seed: run that one by BERINGIA_S3_SEED=N BERINGIA_S3_SEQUENCES=1.
"""

from __future__ import annotations

import os
import re

import pytest

from sequences import Player
from traffic.s3 import S3
from traffic.victim import Victim

FIRST = int(os.environ.get("BERINGIA_S3_SEED", "1"))
COUNT = int(os.environ.get("BERINGIA_S3_SEQUENCES", "60"))
PER_RESTART = 10  # sequences that one kill interrupts
STEPS = 40


@pytest.fixture
def victim(tmp_path):
    server = Victim(tmp_path)
    server.start()
    yield server
    assert server.stop() == 0


def open_player(victim, seed: int, with_versions: bool) -> Player:
    client = S3(victim.s3_port, victim.access_key, victim.secret_key)
    player = Player(client, f"sequence-{seed}", seed, with_versions)
    assert client.make_bucket(player.bucket).status == 200
    return player


def play(player: Player, steps: int) -> None:
    for _ in range(steps):
        player.step()


@pytest.mark.parametrize("with_versions", [False, True], ids=["unversioned", "versioned"])
def test_sequences_go_as_documented(victim, with_versions):
    for seed in range(FIRST, FIRST + COUNT):
        player = open_player(victim, seed, with_versions)
        play(player, STEPS)
        player.check_all()
        player.tidy()
        player.client.close()


@pytest.mark.parametrize("with_versions", [False, True], ids=["unversioned", "versioned"])
def test_sequences_go_on_after_a_kill(victim, with_versions):
    for first in range(FIRST, FIRST + COUNT, PER_RESTART):
        players = [open_player(victim, seed, with_versions) for seed in range(first, min(first + PER_RESTART, FIRST + COUNT))]
        for player in players:
            play(player, STEPS // 2)
        victim.kill()
        victim.start()
        for player in players:
            player.client.close()
            play(player, STEPS // 2)
            player.check_all()
            player.tidy()
            player.client.close()


def test_the_model_is_not_blind(victim):
    """A server that answers wrongly is found: here the model is told something else than what was stored."""
    player = open_player(victim, FIRST, False)
    player.client.put(player.bucket, "a", b"stored behind the model's back")
    with pytest.raises(AssertionError, match=re.escape(f"seed {FIRST}")):
        player.check_all()
