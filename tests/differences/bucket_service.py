"""What of the answers about buckets and access is compared, and the buckets that a sequence uses."""

import random
import secrets

from service import result

PUBLIC = ["allUsers", "allAuthenticatedUsers"]


class BucketSequence:
    """Random steps among three buckets. Each beginning has names of its own: nothing needs to be removed."""

    not_served = {}  # emulator -> kinds of steps that it does not offer

    def __init__(self, seed):
        self.random, self.begun, self.era = random.Random(seed), [], ""

    def start_anew(self, service):
        """Only the first bucket is there, without uniform access, so that lists can be set."""
        if not self.era or service in self.begun:
            self.era, self.begun = "d" + secrets.token_hex(4), []
        self.begun.append(service)
        service.generations.clear()
        service.names.clear()
        self.make(service, self.buckets()[0], {})

    def buckets(self):
        return [f"{self.era}-one", f"{self.era}-two.example", f"{self.era}_three"]

    @staticmethod
    def make(service, name, settings, query=None):
        access = {"uniformBucketLevelAccess": {"enabled": False}} | settings.get("iamConfiguration", {})
        body = {"name": name} | settings | {"iamConfiguration": access}
        return service.json("POST", "/storage/v1/b", {"project": "x"} | (query or {}), body)

    def bucket(self):
        one, *others = self.buckets()
        return self.random.choice([one, one, *others])

    def path(self, *more):
        return "/".join(["/storage/v1/b", self.bucket(), *more])

    def conditions(self, chance):
        if self.random.random() > chance:
            return {}
        name = self.random.choice(["ifMetagenerationMatch", "ifMetagenerationNotMatch"])
        return {name: str(self.random.choice([1, 1, 2, 3, 9]))}


def shown_bucket(resource):
    """What of a bucket is compared: what is set, without the times at which it was."""
    table = {key: resource.get(key) for key in ("kind", "name", "metageneration", "storageClass", "rpo")}
    for key in ("labels", "website", "cors", "lifecycle"):
        table[key] = resource.get(key) or None
    table["hold"] = bool(resource.get("defaultEventBasedHold"))
    for key, member in (("versioning", "enabled"), ("billing", "requesterPays"), ("autoclass", "enabled")):
        table[key] = bool((resource.get(key) or {}).get(member))
    table["retention"] = (resource.get("retentionPolicy") or {}).get("retentionPeriod")
    table["locked"] = bool((resource.get("retentionPolicy") or {}).get("isLocked"))
    table["softDelete"] = (resource.get("softDeletePolicy") or {}).get("retentionDurationSeconds") or "0"
    access = resource.get("iamConfiguration") or {}
    table["uniform"] = bool((access.get("uniformBucketLevelAccess") or {}).get("enabled"))
    table["prevention"] = access.get("publicAccessPrevention")
    for key in ("acl", "defaultObjectAcl"):
        table[key] = public_grants(resource[key]) if key in resource else None
    return table


def public_grants(items):
    """Of lists: who they name besides owners and projects, whom each service calls by names of its own."""
    return sorted((item["entity"], item["role"]) for item in items or [] if item["entity"] in PUBLIC)


def bucket_result(service, answer):
    out = result(service, answer, "bucket")
    return out if answer.status_code != 200 else out | {"bucket": shown_bucket(answer.json())}


def entry_result(service, answer):
    """One entry of a list of access controls."""
    out = result(service, answer, "entry")
    if answer.status_code != 200:
        return out
    entry = (answer.json() if answer.content else None) or {}  # some services end a removal with 200
    return out | {key: entry.get(key) for key in ("kind", "entity", "role", "bucket", "object")}


def list_result(service, answer):
    """A whole list of access controls."""
    out = result(service, answer, "entries")
    if answer.status_code != 200:
        return out
    return out | {"kind": answer.json().get("kind"), "grants": public_grants(answer.json().get("items"))}


def policy_result(service, answer):
    out = result(service, answer, "policy")
    if answer.status_code != 200:
        return out
    given = answer.json().get("bindings") or []
    mine = [(item["role"], sorted(set(item["members"]) & set(PUBLIC))) for item in given]
    return out | {"kind": answer.json()["kind"], "bindings": sorted(item for item in mine if item[1])}
