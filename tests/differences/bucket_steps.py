"""Random steps of the life of buckets: settings, conditions, lists by pages."""

from bucket_service import BucketSequence, bucket_result, shown_bucket
from known_buckets import NO_NAMES
from service import result

SETTINGS = [
    {"labels": {"team": "sales"}},
    {"labels": {"team": None, "k": "v"}},
    {"labels": None},
    {"versioning": {"enabled": True}},
    {"versioning": {"enabled": False}},
    {"storageClass": "NEARLINE"},
    {"storageClass": "NONSENSE"},
    {"defaultEventBasedHold": True},
    {"website": {"mainPageSuffix": "index.html", "notFoundPage": "404.html"}},
    {"website": {"notFoundPage": None}},
    {"lifecycle": {"rule": [{"action": {"type": "Delete"}, "condition": {"age": 30}}]}},
    {"lifecycle": {"rule": [{"action": {"type": "SetStorageClass", "storageClass": "COLDLINE"}, "condition": {"daysSinceNoncurrentTime": 5}},
                            {"action": {"type": "AbortIncompleteMultipartUpload"}, "condition": {"age": 1}}]}},
    {"lifecycle": None},
    {"cors": [{"origin": ["*"], "method": ["GET", "PUT"], "responseHeader": ["x-a"], "maxAgeSeconds": 60}]},
    {"cors": None},
    {"retentionPolicy": {"retentionPeriod": "3600"}},
    {"retentionPolicy": None},
    {"billing": {"requesterPays": False}},
    {"softDeletePolicy": {"retentionDurationSeconds": "864000"}},
    {"softDeletePolicy": {"retentionDurationSeconds": "60"}},
    {"autoclass": {"enabled": True}},
    {"iamConfiguration": {"uniformBucketLevelAccess": {"enabled": True}}},
    {"iamConfiguration": {"publicAccessPrevention": "enforced"}},
]  # fmt: skip
WRONG_NAMES = ["UPPER", "a", "-x-", "sp ace", *NO_NAMES]
PREDEFINED = ["private", "projectPrivate", "publicRead", "publicReadWrite", "authenticatedRead", "nonsense"]


def listed(setting):
    """A setting as it is named on creation: nothing there is null."""
    return {key: {k: v for k, v in value.items() if v is not None} if isinstance(value, dict) else value
            for key, value in setting.items() if value is not None}  # fmt: skip


class BucketSteps(BucketSequence):
    not_served = {"fake-gcs-server": ("bucket update", "storage layout", "lock"), "storage-testbench": ("storage layout",)}

    def step(self):
        return self.random.choice([self.insert, self.insert, self.get, self.get, self.patch, self.patch, self.patch, self.update,
                                   self.list, self.list, self.delete, self.object, self.layout, self.lock])()  # fmt: skip

    def setting(self):
        chosen = [self.random.choice(SETTINGS) for _ in range(self.random.choice([1, 1, 2]))]
        return {key: value for setting in chosen for key, value in setting.items()}

    def predefined(self):
        return {"predefinedAcl": self.random.choice(PREDEFINED)} if self.random.random() < 0.2 else {}

    def insert(self):
        name, settings, query = self.bucket(), listed(self.setting()), self.predefined()
        if self.random.random() < 0.15:
            name = self.random.choice(WRONG_NAMES)
        if self.random.random() < 0.3:
            query["projection"] = self.random.choice(["full", "noAcl"])
        return ("bucket insert", name, settings, query), lambda s: bucket_result(s, self.make(s, name, settings, query))

    def get(self):
        path, query = self.path(), self.conditions(0.3)
        if self.random.random() < 0.3:
            query["projection"] = self.random.choice(["full", "noAcl"])
        return ("bucket get", path, query), lambda s: bucket_result(s, s.send("GET", path, query))

    def patch(self):
        path, query, change = self.path(), self.conditions(0.3), self.setting()
        return ("bucket patch", path, change, query), lambda s: bucket_result(s, s.json("PATCH", path, query, change))

    def update(self):
        path, query, change = self.path(), self.conditions(0.3) | {"projection": "noAcl"}, listed(self.setting())
        return ("bucket update", path, change, query), lambda s: bucket_result(s, s.json("PUT", path, query, change))

    def delete(self):
        path, query = self.path(), self.conditions(0.4)
        return ("bucket delete", path, query), lambda s: result(s, s.send("DELETE", path, query), "none")

    def list(self):
        query = {"project": "x", "prefix": self.era + self.random.choice(["", "-", "-t", "_", "-one", "-z"])}
        size = self.random.choice([None, 1, 2])

        def run(service):
            items, pages, token = [], [], {}
            for _ in range(9 if size else 1):
                answer = service.send("GET", "/storage/v1/b", query | ({"maxResults": str(size)} if size else {}) | token)
                if answer.status_code != 200:
                    return result(service, answer, "buckets")
                page = answer.json().get("items") or []
                items, pages = items + [shown_bucket(item) for item in page], [*pages, len(page)]
                token = {"pageToken": answer.json().get("nextPageToken")}
                if not token["pageToken"]:
                    break
            return {"status": 200, "pages": pages, "items": items}

        return ("bucket list", query, size), run

    def object(self):
        name, query = self.bucket(), {"uploadType": "media", "name": "x"}
        return ("insert", name, query), lambda s: result(s, s.send("POST", f"/upload/storage/v1/b/{name}/o", query, b"x"), "object")

    def layout(self):
        path = self.path("storageLayout")

        def run(service):
            answer = service.send("GET", path)
            return result(service, answer, "layout") | ({"bucket": answer.json().get("bucket")} if answer.status_code == 200 else {})

        return ("storage layout", path), run

    def lock(self):
        path, query = self.path("lockRetentionPolicy"), {"ifMetagenerationMatch": str(self.random.choice([1, 2, 3]))}
        if self.random.random() < 0.2:
            query = {}
        return ("lock", path, query), lambda s: bucket_result(s, s.send("POST", path, query))
