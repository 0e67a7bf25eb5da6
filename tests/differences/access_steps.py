"""Random steps of access: lists of buckets, of new objects and of objects, policies, HMAC keys, notifications."""

from bucket_service import PUBLIC, BucketSequence, entry_result, list_result, policy_result
from service import result

ROLES = ["READER", "READER", "OWNER", "WRITER", "NONSENSE"]
BINDINGS = [
    [],
    [{"role": "roles/storage.objectViewer", "members": ["allUsers"]}],
    [{"role": "roles/storage.objectViewer", "members": ["allAuthenticatedUsers"]},
     {"role": "roles/storage.legacyBucketReader", "members": ["allUsers", "allAuthenticatedUsers"]}],
    [{"role": "roles/storage.objectCreator", "members": ["allUsers"]}],
]  # fmt: skip
KEYS = "/storage/v1/projects/x/hmacKeys"


class AccessSteps(BucketSequence):
    not_served = {
        "fake-gcs-server": ("policy", "permissions", "default acl", "bucket acl patch", "object acl patch", "hmac", "notification"),
    }

    def step(self):
        lists = self.random.choice([self.bucket_acl, self.default_acl, self.object_acl])
        return self.random.choice([lists, lists, lists, lists, self.object, self.object, self.insert, self.delete_object, self.policy,
                                   self.policy, self.permissions, self.hmac, self.hmac, self.notification])()  # fmt: skip

    def insert(self):
        name = self.bucket()
        return ("bucket insert", name), lambda s: {"status": self.make(s, name, {}).status_code}

    def object(self):
        name, query = self.bucket(), {"uploadType": "media", "name": "x"}
        if self.random.random() < 0.3:
            query["predefinedAcl"] = self.random.choice(["publicRead", "authenticatedRead", "private", "nonsense"])
        return ("insert", name, query), lambda s: result(
            s, s.send("POST", f"/upload/storage/v1/b/{name}/o", query, b"x", {"Content-Type": "text/plain"}), "object")

    def delete_object(self):
        path = self.path("o", "x")
        return ("delete", path), lambda s: result(s, s.send("DELETE", path), "none")

    def entries(self, kind, path):
        """Sets, shows or removes one entry of a list of access controls, or shows them all."""
        entity, role = self.random.choice(PUBLIC), self.random.choice(ROLES)
        what = self.random.choice(["insert", "insert", "insert", "get", "list", "patch", "update", "delete"])
        entry = f"{path}/{entity}"

        def run(service):
            if what == "list":
                return list_result(service, service.send("GET", path))
            if what == "insert":
                return entry_result(service, service.json("POST", path, None, {"entity": entity, "role": role}))
            if what in ("patch", "update"):
                verb = {"patch": "PATCH", "update": "PUT"}[what]
                return entry_result(service, service.json(verb, entry, None, {"entity": entity, "role": role}))
            return entry_result(service, service.send({"get": "GET", "delete": "DELETE"}[what], entry))

        return (f"{kind} {what}", path, entity, role), run

    def bucket_acl(self):
        return self.entries("bucket acl", self.path("acl"))

    def default_acl(self):
        return self.entries("default acl", self.path("defaultObjectAcl"))

    def object_acl(self):
        return self.entries("object acl", self.path("o", self.random.choice(["x", "x", "x", "none"]), "acl"))

    def policy(self):
        path, bindings = self.path("iam"), self.random.choice(BINDINGS)
        if self.random.random() < 0.4:
            return ("policy get", path), lambda s: policy_result(s, s.send("GET", path))

        def run(service):
            """The public part of the policy becomes this; who owns the bucket keeps its place."""
            before = service.send("GET", path)
            if before.status_code != 200:
                return policy_result(service, before)
            kept = [item for item in before.json().get("bindings") or [] if not set(item["members"]) & set(PUBLIC)]
            body = {"kind": "storage#policy", "bindings": kept + bindings, "etag": before.json()["etag"]}
            return policy_result(service, service.json("PUT", path, None, body))

        return ("policy set", path, bindings), run

    def permissions(self):
        path = self.path("iam", "testPermissions")
        query = {"permissions": self.random.choice(["storage.objects.get", "storage.buckets.delete", "storage.objects.list"])}

        def run(service):
            answer = service.send("GET", path, query)
            shown = {"permissions": answer.json().get("permissions")} if answer.status_code == 200 else {}
            return result(service, answer, "permissions") | shown

        return ("permissions", path, query), run

    def hmac(self):
        """A key's life; keys are known by the order in which they were made."""
        what = self.random.choice(["create", "create", "get", "update", "update", "delete", "list"])
        number, state = self.random.randint(1, 4), self.random.choice(["INACTIVE", "INACTIVE", "ACTIVE", "NONSENSE"])

        def key_result(service, answer):
            out = result(service, answer, "key")
            if answer.status_code != 200:
                return out
            key = answer.json().get("metadata", answer.json()) if answer.content else {}
            return out | {"state": key.get("state"), "secret": "secret" in answer.json() if answer.content else False}

        def run(service):
            if what == "create":
                answer = service.send("POST", KEYS, {"serviceAccountEmail": service.email})
                if answer.status_code == 200:
                    service.names.append(answer.json()["metadata"]["accessId"])
                return key_result(service, answer)
            if what == "list":
                answer = service.send("GET", KEYS)
                mine = {item["accessId"]: item["state"] for item in answer.json().get("items") or []}
                return {"status": answer.status_code, "states": [mine.get(name, "DELETED") for name in service.names]}
            known = service.names[number - 1] if number <= len(service.names) else "none@example.com:none"
            if what == "update":
                return key_result(service, service.json("PUT", f"{KEYS}/{known}", None, {"state": state}))
            return key_result(service, service.send({"get": "GET", "delete": "DELETE"}[what], f"{KEYS}/{known}"))

        return (f"hmac {what}", number, state), run

    def notification(self):
        path, what = self.path("notificationConfigs"), self.random.choice(["list", "get", "delete", "insert"])
        body = self.random.choice([{"payload_format": "NONE"}, {"topic": "//pubsub.googleapis.com/projects/p/topics/hook"}])

        def run(service):
            """Of those that are not there, and incomplete ones."""
            if what == "insert":
                return result(service, service.json("POST", path, None, body), "notification")
            answer = service.send("DELETE" if what == "delete" else "GET", path + ("" if what == "list" else "/99"))
            shown = {"items": answer.json().get("items") or []} if answer.status_code == 200 and what == "list" else {}
            return result(service, answer, "notification") | shown

        return (f"notification {what}", path, body), run
