"""Fixtures that start and end `beringia serve` for the tests of real clients; see serving.py."""

from __future__ import annotations

import secrets

import pytest
from serving import Server, free_port
from traffic.victim import Victim


@pytest.fixture(scope="session")
def make_server(tmp_path_factory):
    """Starts further servers: make_server(name, *flags). Ends them with the session."""
    started: list[Server] = []

    def make(name: str, *extra: str) -> Server:
        server = Server(
            directory=tmp_path_factory.mktemp(name),
            s3_port=free_port(), gcs_port=free_port(), admin_port=free_port(),
            access_key="BR" + secrets.token_hex(9).upper(),
            secret_key=secrets.token_hex(20),
            extra=extra,
        )  # fmt: skip
        server.start()
        started.append(server)
        return server

    yield make
    codes = [server.stop() for server in started]
    assert all(code == 0 for code in codes), f"servers ended with {codes}"


@pytest.fixture(scope="session")
def server(make_server) -> Server:
    """The server that most tests share: each takes a bucket of its own."""
    return make_server("beringia")


@pytest.fixture
def make_victim():
    """Makes the servers of one test, as Victim(directory, ...). Kills what a failed test left running."""
    made: list[Victim] = []

    def make(*arguments, **named) -> Victim:
        made.append(Victim(*arguments, **named))
        return made[-1]

    yield make
    for victim in made:
        if victim.alive():
            victim.kill()


@pytest.fixture
def bucket_name() -> str:
    """A name that no other test uses."""
    return "t-" + secrets.token_hex(8)
