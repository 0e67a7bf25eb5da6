"""kill -9 in the middle of deliveries, and targets that are away: what was acknowledged is told, in order."""

import threading

import botocore.exceptions

from receiver import Receiver, declare, queue, until
from s3_clients import boto_client

WRITES = 150


def start(victim, receiver, bucket):
    assert victim.start()
    declare(victim, hook=receiver.url)
    s3 = boto_client(Address(victim))
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [queue("hook", "s3:ObjectCreated:*")]}
    )
    return s3


class Address:
    """What boto_client wants to know of a server."""

    region = "us-east-1"

    def __init__(self, victim):
        self.s3_url = f"http://127.0.0.1:{victim.s3_port}"
        self.access_key, self.secret_key = victim.access_key, victim.secret_key


def write(s3, bucket, first, acknowledged):
    """Writes until the server is gone. Keys are numbers in the order of the writes."""
    for n in range(first, first + WRITES):
        try:
            s3.put_object(Bucket=bucket, Key=f"{n:06}", Body=b"x")
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError):
            return
        acknowledged.append(f"{n:06}")


def first_heard(receiver):
    """Keys in the order in which they were heard of first: repetitions are allowed."""
    return list(dict.fromkeys(key for _, key in receiver.names()))


def test_nothing_acknowledged_is_lost_over_kills(make_victim, tmp_path, bucket_name):
    receiver = Receiver()
    try:
        victim = make_victim(tmp_path)
        s3 = start(victim, receiver, bucket_name)
        acknowledged = []
        for round_number, crash_at in enumerate(["events.delivered:20", "events.delivered:70", "write.committed:40", None]):
            if round_number:
                if not victim.start(crash_at):
                    victim.start()
            elif crash_at:
                victim.kill()
                victim.start(crash_at)
            writer = threading.Thread(target=write, args=(s3, bucket_name, round_number * WRITES, acknowledged))
            writer.start()
            writer.join()
            if victim.alive():
                until(lambda: not victim.alive(), 1.0)
            if victim.alive() and crash_at:
                victim.kill()
        assert victim.alive()
        assert len(acknowledged) > WRITES
        assert until(lambda: set(acknowledged) <= set(first_heard(receiver)))
        heard = first_heard(receiver)
        assert heard == sorted(heard), "events of one target come in the order of their commits"
        # What is repeated after a kill is bounded.
        assert len(receiver.names()) - len(heard) <= 3 * 80
        assert victim.stop() == 0
    finally:
        receiver.close()


def test_a_target_that_was_away_hears_all_of_it_later(make_victim, tmp_path, bucket_name):
    receiver = Receiver()
    receiver.close()  # nobody is there
    victim = make_victim(tmp_path)
    s3 = start(victim, receiver, bucket_name)
    acknowledged = []
    write(s3, bucket_name, 0, acknowledged)
    assert len(acknowledged) == WRITES
    assert victim.stop() == 0, "a target that is away does not hold the stop"
    assert victim.start()
    receiver = Receiver(receiver.port)
    try:
        assert until(lambda: len(receiver.names()) >= WRITES)
        assert [key for _, key in receiver.names()] == acknowledged
        assert receiver.bodies()[0]["Event"] == "s3:TestEvent"
    finally:
        receiver.close()
