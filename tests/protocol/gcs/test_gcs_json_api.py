"""The table of json_api.py against a server: every method is answered or refused by name, every parameter has an effect. None is
silently ignored. With BERINGIA_GCS_DISCOVERY=FILE (Google's discovery document of storage v1) the table is compared with that."""

import json
import os
import pathlib
import sys

import pytest

from json_api import BUCKET_FIELDS, GLOBAL_PARAMETERS, METHODS, OBJECT_FIELDS

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "events"))
from receiver import declare  # noqa: E402
from traffic.gcs import Gcs, fetch_token  # noqa: E402

JSON = [("Content-Type", "application/json")]
WEEK = {"retentionDurationSeconds": "604800"}


@pytest.fixture(scope="module")
def api(make_server):
    server = make_server("json-api", "--s3-object-ownership", "BucketOwnerEnforced")
    declare(server, orders="http://127.0.0.1:9/hook")
    callers = {}
    for name in ("root", "eve"):
        if name != "root":
            server.run("principals", "create", name)
            server.run("grants", "add", name, "--principal", name, "--prefix", "/", "--role", "owner")
        key = server.run("keys", "create", "--principal", name, "--kind", "service-account").stdout
        callers[name] = Gcs(server.gcs_port, fetch_token(server.gcs_port, key))
        callers[name].email, callers[name].server = json.loads(key)["client_email"], server
    yield callers
    for caller in callers.values():
        caller.close()


class World:
    """What the addresses of the table name. Made by the first to ask."""

    def __init__(self, api, name):
        self.gcs, self.name = api["root"], name
        self.email = self.gcs.email
        self.known = {"fresh": f"{name}-fresh", "email": self.email}

    def send(self, verb, target, body=None):
        answer = self.gcs.call(verb, "/storage/v1/" + target, body.encode() if body else b"", JSON)
        assert answer.status in (200, 204), (verb, target, answer.status, answer.body)
        return json.loads(answer.body) if answer.body else {}

    def make(self, suffix, **resource):
        self.send("POST", "b", json.dumps({"name": f"{self.name}-{suffix}", **resource}))
        return f"{self.name}-{suffix}"

    def put(self, bucket, name, /, **resource):
        return self.send("POST", f"b/{bucket}/o", json.dumps({"name": name, **resource}))

    def __getitem__(self, key):
        if key not in self.known:
            self.known[key] = getattr(self, "make_" + key)()
        return self.known[key]

    def make_empty(self):
        return self.make("empty")

    def make_retained(self):
        return self.make("retained", retentionPolicy={"retentionPeriod": "1"})

    def make_lost(self):
        name = self.make("lost", softDeletePolicy=WEEK)
        self.known["lost_generation"] = self.send("GET", f"b/{name}")["generation"]
        self.send("DELETE", f"b/{name}")
        return name

    def make_lists(self):
        everyone = [{"entity": "allUsers", "role": "READER"}]
        iam = {"uniformBucketLevelAccess": {"enabled": False}}
        name = self.make("lists", softDeletePolicy=WEEK, acl=everyone, defaultObjectAcl=everyone, iamConfiguration=iam)
        self.put(name, "k", contexts={"custom": {"c": {"value": "v"}}}, acl=everyone)
        self.known["there_generation"] = self.put(name, "there")["generation"]
        self.put(name, "d/e")
        self.known["gone_generation"] = self.put(name, "gone")["generation"]
        self.send("DELETE", f"b/{name}/o/gone")
        self.known["k_generation"] = self.send("GET", f"b/{name}/o/k")["generation"]
        return name

    def make_folders(self):
        name = self.make("folders", hierarchicalNamespace={"enabled": True})
        for folder in ("f/", "r/", "s/", "s/in/"):
            self.send("POST", f"b/{name}/folders", json.dumps({"name": folder}))
        self.put(name, "s/in/o")
        self.send("POST", f"b/{name}/managedFolders", '{"name":"m/"}')
        done = self.send("POST", f"b/{name}/folders/r%2F/renameTo/folders/q%2F")
        self.known["operation"] = done["name"].rpartition("/")[2]
        return name

    def make_operation(self):
        return self["folders"] and self["operation"]

    def make_notification(self):
        body = '{"topic":"projects/p/topics/orders","payload_format":"NONE"}'
        return self.send("POST", f"b/{self['lists']}/notificationConfigs", body)["id"]

    def make_inactive(self):
        made = self.send("POST", f"projects/p/hmacKeys?serviceAccountEmail={self.email}")
        access = made["metadata"]["accessId"]
        self.send("PUT", f"projects/p/hmacKeys/{access}", '{"state":"INACTIVE"}')
        return access

    def fill(self, text):
        if text.startswith("{}") or not text:
            return text
        for key in ("lists", "folders", "lost"):  # others are made with these
            if "{" + key in text:
                self[key]  # noqa: B018
        for key in ("empty", "lists", "folders", "lost_generation", "lost", "retained", "fresh", "operation", "notification",
                    "gone_generation", "k_generation", "there_generation", "inactive", "email"):  # fmt: skip
            if "{" + key + "}" in text:
                text = text.replace("{" + key + "}", self[key])
        return text


@pytest.fixture
def world(api, bucket_name):
    return World(api, bucket_name)


def ask(world, method, parameters="", caller=None):
    """Sends the method with these parameters, in the place of those that its address has."""
    address, _, own = world.fill(method.address).partition("?")
    named = {one.partition("=")[0] for one in parameters.split("&")}
    query = [one for one in own.split("&") if one and one.partition("=")[0] not in named]
    query += [one for one in parameters.split("&") if one]
    target = "/storage/v1/" + address + ("?" + "&".join(query) if query else "")
    return (caller or world.gcs).call(method.verb, target, world.fill(method.body).encode(), JSON)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_is_answered_or_refused_by_name(world, name):
    method = METHODS[name]
    answer = ask(world, method)
    assert answer.status == method.status, answer.body
    if method.refused():
        message = json.loads(answer.body)["error"]["message"]
        assert f"storage.{name}".startswith(message.partition(" ")[0]) and "is not offered" in message


BAD_NUMBER = {"maxResults", "pageSize", "optionsRequestedPolicyVersion", "maxBytesRewrittenPerCall"}
BAD_FLAG = {"softDeleted", "enableObjectRetention", "returnPartialSuccess", "recursive", "allowNonEmpty", "includeFoldersAsPrefixes",
            "includeTrailingDelimiter", "versions", "copySourceAcl", "showDeletedKeys"}  # fmt: skip
WRONG = {"projection": 400, "predefinedAcl": 400, "predefinedDefaultObjectAcl": 400, "destinationPredefinedAcl": 400, "kmsKeyName": 400,
         "destinationKmsKeyName": 400, "dropContextGroups": 400, "filter": 400, "rewriteToken": 400, "contextKey": 404,
         "pageToken": 400, "serviceAccountEmail": 404}  # fmt: skip
# Those that take any text; what they do is in the tests below.
TEXTS = {"delimiter", "startOffset", "endOffset", "prefix", "matchGlob", "permissions", "contentEncoding", "name", "restoreToken",
         "overrideUnlockedRetention"}  # fmt: skip
MEAN_NOTHING = {"project"}  # docs/gcs-compatibility.md


def conditions(world, name, parameter):
    """A condition that does not hold, and the statuses that say so."""
    kind = parameter.removeprefix("ifSource").removeprefix("if")
    is_source = parameter.startswith("ifSource")
    of_target = name in ("objects.copy", "objects.rewrite", "objects.move", "objects.compose") and not is_source
    if kind == "GenerationMatch":
        return "1", {412}
    if kind == "MetagenerationMatch":
        return "99", {412}
    if kind == "MetagenerationNotMatch":
        now = "1"
        if name.startswith("buckets") or name.startswith("defaultObject"):
            bucket = world["empty"] if name == "buckets.delete" else world["lists"]
            now = world.send("GET", f"b/{bucket}")["metageneration"]
        if name == "objects.restore":
            world.put(world["lists"], "gone")
        return now, {412, 304}
    if name == "objects.restore":
        return "0", {412}  # nothing is there
    return world.fill("{lists}") and world["there_generation" if of_target else "k_generation"], {412, 304}


def cases():
    for name, method in METHODS.items():
        for parameter in method.parameters:
            if method.refused() or parameter in TEXTS | MEAN_NOTHING | {"userProject"} or name == "projects.hmacKeys.list" and "Email" in parameter:
                continue
            yield pytest.param(name, parameter, id=f"{name}-{parameter}")


@pytest.mark.parametrize(("name", "parameter"), list(cases()))
def test_every_parameter_is_read(world, name, parameter):
    method = METHODS[name]
    if parameter.startswith("if"):
        value, statuses = conditions(world, name, parameter)
    elif parameter in BAD_NUMBER:
        value, statuses = "x", {400}
    elif parameter in BAD_FLAG:
        value, statuses = "maybe", {400}
    elif parameter in ("generation", "sourceGeneration"):
        value, statuses = "1", {404}
    elif name == "buckets.operations.list" and parameter == "filter":
        value, statuses = "done=true", {501}
    else:
        value, statuses = {"filter": "none"}.get(parameter, "***"), {WRONG[parameter]}
    answer = ask(world, method, f"{parameter}={value}")
    assert answer.status in statuses, (answer.status, answer.body)
    if answer.status == 400:
        assert json.loads(answer.body)["error"]["message"]


PAYS = [name for name, method in METHODS.items() if "userProject" in method.parameters and "b/{" in method.address and not method.refused()]


@pytest.mark.parametrize("name", PAYS)
def test_user_project_is_asked_for_where_the_requester_pays(api, world, name):
    method = METHODS[name]
    if name == "buckets.restore":
        pytest.skip("a bucket that is gone bills nobody")
    bucket = world.fill(method.address).split("/")[1].partition("?")[0]
    world.send("PATCH", f"b/{bucket}", '{"billing":{"requesterPays":true}}')
    extra = "ifMetagenerationMatch=2&" if name == "buckets.lockRetentionPolicy" else ""
    refused = ask(world, method, extra, api["eve"])
    assert refused.status == 400 and b"requester pays" in refused.body
    assert ask(world, method, extra + "userProject=p", api["eve"]).status == method.status


def test_parameters_of_every_method(world):
    method = METHODS["objects.get"]
    assert ask(world, method, "alt=proto").status == 400
    for name in ("oauth_token", "access_token"):
        refused = ask(world, method, f"{name}=secret-token")
        assert refused.status == 400 and b"secret-token" not in refused.body
    assert ask(world, method, "prettyPrint=maybe").status == 400
    plain, pretty = ask(world, method), ask(world, method, "prettyPrint=true")
    assert json.loads(plain.body) == json.loads(pretty.body)
    assert b'\n  "name": "k",\n' in pretty.body and b"\n" not in plain.body.strip()
    assert json.loads(ask(world, method, "fields=name,size").body) == {"name": "k", "size": "0"}
    assert ask(world, method, "fields=name(").status == 400
    assert ask(world, method, "key=a&quotaUser=b&userIp=1.2.3.4&uploadType=c").status == 200
    assert set(GLOBAL_PARAMETERS) == {"alt", "fields", "oauth_token", "prettyPrint", "key", "quotaUser", "uploadType", "userIp"}


def names_of(answer, member="items"):
    assert answer.status == 200, answer.body
    body = json.loads(answer.body)
    found = body.get(member, [])
    return [one if isinstance(one, str) else one["name"] for one in found], body.get("nextPageToken")


@pytest.mark.parametrize(("query", "items", "prefixes"), [
    ("prefix=d/", ["d/e"], []),
    ("delimiter=/", ["k", "there"], ["d/"]),
    ("startOffset=k", ["k", "there"], []),
    ("endOffset=k", ["d/e"], []),
    ("matchGlob=**e", ["d/e", "there"], []),
    ("filter=contexts.%22c%22:*", ["k"], []),
    ("softDeleted=true", ["gone"], []),
    ("versions=true", ["d/e", "k", "there"], []),
])  # fmt: skip
def test_lists_of_objects_heed_their_parameters(world, query, items, prefixes):
    answer = ask(world, METHODS["objects.list"], query)
    assert names_of(answer)[0] == items
    assert names_of(answer, "prefixes")[0] == prefixes


@pytest.mark.parametrize(("name", "size", "member"), [
    ("objects.list", "maxResults", "items"), ("folders.list", "pageSize", "items"), ("managedFolders.list", "pageSize", "items"),
    ("buckets.operations.list", "pageSize", "operations"),
])  # fmt: skip
def test_lists_come_in_pages(world, name, size, member):
    method = METHODS[name]
    world.fill(method.address)
    if name == "managedFolders.list":
        world.send("POST", f"b/{world['folders']}/managedFolders", '{"name":"n/"}')
    if name == "buckets.operations.list":
        world.send("POST", f"b/{world['folders']}/folders/q%2F/renameTo/folders/r%2F")
    whole, end = names_of(ask(world, method), member)
    assert len(whole) >= 2 and end is None
    found, token = [], None
    while True:
        page, token = names_of(ask(world, method, f"{size}=1" + (f"&pageToken={token}" if token else "")), member)
        assert len(page) <= 1
        found += page
        if token is None:
            break
    assert found == whole


def test_prefixes_of_buckets_and_folders(world):
    assert names_of(ask(world, METHODS["buckets.list"], f"prefix={world['empty']}"))[0] == [world["empty"]]
    assert names_of(ask(world, METHODS["folders.list"], "prefix=s/"))[0] == ["s/", "s/in/"]
    assert names_of(ask(world, METHODS["folders.list"], "delimiter=/"))[0] == ["f/", "q/", "s/"]
    assert names_of(ask(world, METHODS["folders.list"], "startOffset=q/&endOffset=s/"))[0] == ["q/"]
    assert ask(world, METHODS["folders.list"], "delimiter=x").status == 400
    assert names_of(ask(world, METHODS["managedFolders.list"], "prefix=m"))[0] == ["m/"]
    assert names_of(ask(world, METHODS["managedFolders.list"], "prefix=x"))[0] == []


def test_parameters_that_take_texts(world):
    insert = METHODS["objects.insert"]
    assert json.loads(ask(world, insert, "name=other&contentEncoding=gzip").body)["contentEncoding"] == "gzip"
    assert json.loads(ask(world, insert, "name=other").body)["name"] == "other"
    test = METHODS["objects.testIamPermissions"]
    assert json.loads(ask(world, test, "permissions=storage.objects.get").body)["permissions"] == ["storage.objects.get"]
    assert json.loads(ask(world, METHODS["buckets.testIamPermissions"], "permissions=storage.none").body).get("permissions", []) == []


def test_a_restore_token_names_what_was_deleted(world):
    generation = world.fill("{lists}") and world["gone_generation"]
    shown = world.send("GET", f"b/{world['lists']}/o/gone?softDeleted=true&generation={generation}")
    listed = world.send("GET", f"b/{world['lists']}/o?softDeleted=true")["items"][0]
    token = shown["restoreToken"]
    assert token and listed["restoreToken"] == token
    place = f"/storage/v1/b/{world['lists']}/o/gone"
    assert world.gcs.call("GET", f"{place}?softDeleted=true&generation={generation}&restoreToken=wrong").status == 404
    assert world.gcs.call("GET", f"{place}?softDeleted=true&generation={generation}&restoreToken={token}").status == 200
    assert world.gcs.call("POST", f"{place}/restore?generation={generation}&restoreToken=wrong").status == 404
    assert world.gcs.call("POST", f"{place}/restore?generation={generation}&restoreToken={token}").status == 200


def test_keys_are_filtered_by_their_account(world):
    inactive = world["inactive"]
    listed = METHODS["projects.hmacKeys.list"]
    mine = json.loads(ask(world, listed, f"serviceAccountEmail={world.email}").body)["items"]
    assert inactive in [one["accessId"] for one in mine]
    assert json.loads(ask(world, listed, "serviceAccountEmail=eve@x").body)["items"] == []
    page = json.loads(ask(world, listed, "maxResults=1").body)
    assert len(page["items"]) == 1 and page["nextPageToken"]
    assert ask(world, listed, "showDeletedKeys=true").status == 200


def test_a_condition_on_the_generation_holds_where_contexts_are_replaced(world):
    """The list of contexts is changed under a condition of its own, which must not hide the caller's."""
    for verb in ("objects.update", "objects.patch"):
        body = b'{"contexts":{"custom":{"d":{"value":"w"}}}}'
        target = f"/storage/v1/b/{world['lists']}/o/k?ifGenerationMatch="
        assert world.gcs.call(METHODS[verb].verb, target + "1", body, JSON).status == 412
        assert world.gcs.call(METHODS[verb].verb, target + world["k_generation"], body, JSON).status == 200


def test_an_unlocked_retention_is_overridden_on_request(world):
    bucket = f"{world.name}-held"
    world.send("POST", "b?enableObjectRetention=true", json.dumps({"name": bucket}))
    world.put(bucket, "k", retention={"mode": "Unlocked", "retainUntilTime": "2099-01-01T00:00:00Z"})
    shorter = '{"retention":{"mode":"Unlocked","retainUntilTime":"2098-01-01T00:00:00Z"}}'
    target = f"/storage/v1/b/{bucket}/o/k"
    assert world.gcs.call("PATCH", target, shorter.encode(), JSON).status == 403
    assert world.gcs.call("PATCH", target + "?overrideUnlockedRetention=maybe", shorter.encode(), JSON).status == 400
    assert world.gcs.call("PATCH", target + "?overrideUnlockedRetention=true", shorter.encode(), JSON).status == 200


def test_the_refusals_are_documented():
    text = (pathlib.Path(__file__).resolve().parents[3] / "docs" / "gcs-compatibility.md").read_text()
    for name, method in METHODS.items():
        if method.refused():
            assert name in text or name.rpartition(".")[0] + ".*" in text, name
    for name in (*MEAN_NOTHING, "quotaUser", "userIp", "oauth_token", "showDeletedKeys", "returnPartialSuccess"):
        assert f"`{name}`" in text, name


@pytest.mark.skipif("BERINGIA_GCS_DISCOVERY" not in os.environ, reason="BERINGIA_GCS_DISCOVERY names no discovery document")
def test_the_table_is_google_s():
    document = json.loads(pathlib.Path(os.environ["BERINGIA_GCS_DISCOVERY"]).read_text())

    def methods(node):
        for one in node.get("methods", {}).values():
            yield one["id"].removeprefix("storage."), one
        for one in node.get("resources", {}).values():
            yield from methods(one)

    known = {name: sorted(key for key, value in one.get("parameters", {}).items() if value["location"] == "query")
             for name, one in methods(document)}  # fmt: skip
    assert {name: sorted(method.parameters) for name, method in METHODS.items()} == known
    assert {name: method.verb for name, method in METHODS.items()} == {name: one["httpMethod"] for name, one in methods(document)}
    assert set(GLOBAL_PARAMETERS) == set(document["parameters"])
    assert sorted(BUCKET_FIELDS) == sorted(document["schemas"]["Bucket"]["properties"])
    assert sorted(OBJECT_FIELDS) == sorted(document["schemas"]["Object"]["properties"])
