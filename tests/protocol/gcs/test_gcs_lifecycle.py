"""Lifecycle rules by Google's library, and the same rules as S3 sees them."""

import pytest
from google.api_core import exceptions


def test_rules_of_the_library_are_stored_and_read_back(client, bucket):
    bucket.add_lifecycle_delete_rule(age=30, matches_prefix=["logs/"])
    bucket.add_lifecycle_set_storage_class_rule("COLDLINE", age=7, matches_storage_class=["STANDARD"])
    bucket.add_lifecycle_delete_rule(number_of_newer_versions=3, days_since_noncurrent_time=1)
    bucket.add_lifecycle_abort_incomplete_multipart_upload_rule(age=1)
    bucket.patch()
    rules = [dict(rule) for rule in client.get_bucket(bucket.name).lifecycle_rules]
    assert rules == [
        {"action": {"type": "Delete"}, "condition": {"age": 30, "matchesPrefix": ["logs/"]}},
        {"action": {"type": "SetStorageClass", "storageClass": "COLDLINE"},
         "condition": {"age": 7, "matchesStorageClass": ["STANDARD"]}},
        {"action": {"type": "Delete"}, "condition": {"daysSinceNoncurrentTime": 1, "numNewerVersions": 3}},
        {"action": {"type": "AbortIncompleteMultipartUpload"}, "condition": {"age": 1}},
    ]  # fmt: skip
    bucket.reload()
    bucket.clear_lifecycle_rules()
    bucket.patch()
    assert list(client.get_bucket(bucket.name).lifecycle_rules) == []


def test_both_protocols_tell_the_same_rules(client, bucket, s3):
    s3.put_bucket_lifecycle_configuration(
        Bucket=bucket.name,
        LifecycleConfiguration={"Rules": [{"ID": "a", "Filter": {"Prefix": "logs/"}, "Status": "Enabled",
                                           "Expiration": {"Days": 9}}]},
    )  # fmt: skip
    found = [dict(rule) for rule in client.get_bucket(bucket.name).lifecycle_rules]
    assert found == [
        {"action": {"type": "Delete"}, "condition": {"age": 9, "isLive": True, "matchesPrefix": ["logs/"]}}
    ]
    bucket.reload()
    bucket.clear_lifecycle_rules()
    bucket.add_lifecycle_delete_rule(age=4, is_live=True)
    bucket.patch()
    rules = s3.get_bucket_lifecycle_configuration(Bucket=bucket.name)["Rules"]
    assert [(one["ID"], one["Expiration"]) for one in rules] == [("google-1", {"Days": 4})]


def test_rules_without_a_form_here_are_not_replaced_unseen(bucket, s3):
    s3.put_bucket_lifecycle_configuration(
        Bucket=bucket.name,
        LifecycleConfiguration={"Rules": [{"ID": "a", "Filter": {"Tag": {"Key": "k", "Value": "v"}},
                                           "Status": "Enabled", "Expiration": {"Days": 9}}]},
    )  # fmt: skip
    bucket.reload()
    bucket.add_lifecycle_delete_rule(age=4)
    with pytest.raises(exceptions.BadRequest, match="no form"):
        bucket.patch()
    bucket.reload()
    bucket.clear_lifecycle_rules()
    bucket.patch()
    bucket.add_lifecycle_delete_rule(age=4)
    bucket.patch()


def test_conditions_that_are_not_offered_say_so(bucket):
    rule = {"action": {"type": "Delete"}, "condition": {"matchesPattern": "x"}}
    bucket.lifecycle_rules = [rule]
    with pytest.raises(exceptions.BadRequest, match="matchesPattern"):
        bucket.patch()
