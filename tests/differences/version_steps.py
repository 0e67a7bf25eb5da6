"""Random steps in a bucket that keeps versions: reads, deletes and copies of generations that are named."""

import requests
from object_steps import ObjectSteps
from service import result


class VersionSteps(ObjectSteps):
    bucket, settings = "kept", {"versioning": {"enabled": True}}

    def named(self, chance=0.6, key="generation"):
        return {key: self.random.randint(1, 12)} if self.random.random() < chance else {}

    def step(self):
        return self.random.choice([self.insert, self.insert, self.insert, self.get_version, self.get_version, self.media_version,
                                   self.list_versions, self.list_versions, self.list, self.delete, self.delete_version, self.copy_version,
                                   self.patch_version])()  # fmt: skip

    def get_version(self):
        name, query = self.name(), self.named() | self.conditions(0.2)
        return ("get", name, query), lambda s: result(s, s.send("GET", self.path(name), query), "object")

    def media_version(self):
        name, query = self.name(), self.named() | {"alt": "media"}
        return ("media", name, query), lambda s: result(s, s.send("GET", self.path(name), query), "media")

    def delete_version(self):
        name, query = self.name(), self.named(1.0) | self.conditions(0.2)
        return ("delete", name, query), lambda s: result(s, s.send("DELETE", self.path(name), query), "none")

    def copy_version(self):
        source, target, query = self.name(), self.name(), self.named(0.7, "sourceGeneration")
        path = self.path(source) + f"/copyTo/b/{self.bucket}/o/" + requests.utils.quote(target, safe="")
        return ("copy", source, target, query), lambda s: result(s, s.send("POST", path, query), "object")

    def patch_version(self):
        name, query, change = self.name(), self.named(), {"metadata": {"p": self.random.choice(["1", "2"])}}
        return ("patch", name, change, query), lambda s: result(s, s.json("PATCH", self.path(name), query, change), "object")

    def list_versions(self):
        query = {"versions": "true"}
        if self.random.random() < 0.5:
            query["prefix"] = self.random.choice(["a", "a/", "d/"])
        if self.random.random() < 0.3:
            query["delimiter"] = "/"
        return ("list", query), lambda s: result(s, s.send("GET", self.objects, query), "versions")
