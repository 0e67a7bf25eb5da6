// Google's client for Node (@google-cloud/storage), told nothing but the address and the key file. Prints "ok NAME" or "failed NAME: WHY".
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const [modules, endpoint, keyFile, directory] = process.argv.slice(2);
const require = createRequire(modules + "/");
const { Storage } = require("@google-cloud/storage");

// Its uploads forget the credential at an endpoint of no universe, and it asks Google's own address for tokens: in a
// universe of its own it keeps the credential and signs its tokens itself.
const key = JSON.parse(readFileSync(keyFile, "utf8"));
const universeDomain = new URL(endpoint).hostname;
const storage = new Storage({
  apiEndpoint: endpoint, universeDomain, projectId: "lake", credentials: { ...key, universe_domain: universeDomain },
  useAuthWithCustomEndpoint: true, retryOptions: { maxRetries: 1 },
});
const bucket = storage.bucket("node-check");
const large = randomBytes(9 << 20);

async function check(name, run) {
  try {
    await run();
    console.log("ok " + name);
  } catch (error) {
    console.log("failed " + name + ": " + String(error.stack ?? error).replaceAll("\n", " ").slice(0, 400));
  }
}
const names = async (query) => (await bucket.getFiles(query))[0].map((file) => file.name);
const read = async (name, options) => (await bucket.file(name).download(options))[0].toString();
const code = async (promise) => promise.then(() => 0, (error) => error.code);

await check("a bucket is made and listed", async () => {
  await bucket.create({ storageClass: "NEARLINE", iamConfiguration: { uniformBucketLevelAccess: { enabled: false } } });
  assert.ok((await storage.getBuckets())[0].some((one) => one.name === "node-check"));
});
await check("save and download", async () => {
  await bucket.file("a.txt").save("hello", { resumable: false, contentType: "text/plain", metadata: { metadata: { k: "v" } } });
  assert.equal(await read("a.txt"), "hello");
  assert.equal(await read("a.txt", { start: 1, end: 3 }), "ell");
});
await check("metadata", async () => {
  const [metadata] = await bucket.file("a.txt").getMetadata();
  assert.deepEqual([metadata.contentType, metadata.metadata.k, Number(metadata.size)], ["text/plain", "v", 5]);
  await bucket.file("a.txt").setMetadata({ cacheControl: "no-cache", metadata: { k: null, n: "1" } });
  const [changed] = await bucket.file("a.txt").getMetadata();
  assert.deepEqual([changed.cacheControl, changed.metadata], ["no-cache", { n: "1" }]);
});
await check("a resumable upload in chunks", async () => {
  writeFileSync(directory + "/large", large);
  await bucket.upload(directory + "/large", { destination: "d/large", resumable: true, chunkSize: 2 << 20, validation: "crc32c" });
  const [back] = await bucket.file("d/large").download({ validation: "crc32c" });
  assert.ok(back.equals(large));
});
await check("streams", async () => {
  await new Promise((resolve, reject) =>
    bucket.file("d/stream ü").createWriteStream({ resumable: true }).on("error", reject).on("finish", resolve).end(large.subarray(0, 3 << 20)));
  let size = 0;
  for await (const chunk of bucket.file("d/stream ü").createReadStream()) size += chunk.length;
  assert.equal(size, 3 << 20);
});
await check("the parallel download of the transfer manager", async () => {
  const { TransferManager } = require("@google-cloud/storage");
  const settings = { destination: directory + "/back", chunkSizeBytes: 3 << 20, validation: "crc32c" };
  await new TransferManager(bucket).downloadFileInChunks("d/large", settings);
  assert.ok(readFileSync(directory + "/back").equals(large));
});
await check("lists", async () => {
  assert.deepEqual(await names({ prefix: "d/" }), ["d/large", "d/stream ü"]);
  const [files, , answer] = await bucket.getFiles({ delimiter: "/", autoPaginate: false });
  assert.deepEqual([files.map((file) => file.name), answer.prefixes], [["a.txt"], ["d/"]]);
  assert.equal((await bucket.getFiles({ maxResults: 1, autoPaginate: false }))[0].length, 1);
  assert.deepEqual(await names({ matchGlob: "**/l*" }), ["d/large"]);
});
await check("copies, moves and composes", async () => {
  await bucket.file("a.txt").copy("b.txt");
  await bucket.file("b.txt").move("c.txt");
  await bucket.file("c.txt").rename("e.txt");
  await bucket.combine(["a.txt", "e.txt"], "sum.txt");
  assert.equal(await read("sum.txt"), "hellohello");
  assert.equal((await bucket.file("b.txt").exists())[0], false);
});
await check("preconditions", async () => {
  const none = { preconditionOpts: { ifGenerationMatch: 0 }, resumable: false };
  assert.equal(await code(bucket.file("a.txt").save("x", none)), 412);
  const [metadata] = await bucket.file("a.txt").getMetadata();
  await bucket.file("a.txt").save("two", { preconditionOpts: { ifGenerationMatch: metadata.generation }, resumable: false });
  assert.equal(await code(bucket.file("none").download()), 404);
});
await check("access lists", async () => {
  await bucket.file("a.txt").makePublic();
  assert.equal((await fetch(`${endpoint}/node-check/a.txt`)).status, 200);
  assert.deepEqual((await bucket.file("a.txt").acl.get({ entity: "allUsers" }))[0].role, "READER");
  await bucket.file("a.txt").makePrivate();
  assert.equal((await fetch(`${endpoint}/node-check/a.txt`)).status, 401);
  await bucket.acl.default.add({ entity: "allUsers", role: "READER" });
  await bucket.acl.default.delete({ entity: "allUsers" });
});
await check("policies", async () => {
  const [policy] = await bucket.iam.getPolicy({ requestedPolicyVersion: 3 });
  policy.bindings.push({ role: "roles/storage.objectViewer", members: ["allUsers"] });
  await bucket.iam.setPolicy(policy);
  assert.ok((await bucket.iam.testPermissions(["storage.objects.get"]))[0]["storage.objects.get"]);
});
await check("settings", async () => {
  await bucket.setLabels({ team: "x" });
  await bucket.addLifecycleRule({ action: { type: "Delete" }, condition: { age: 30 } });
  await bucket.setCorsConfiguration([{ origin: ["*"], method: ["GET"], maxAgeSeconds: 60 }]);
  await bucket.setMetadata({ versioning: { enabled: true }, website: { mainPageSuffix: "i.html" } });
  const [metadata] = await bucket.getMetadata();
  assert.deepEqual([metadata.labels, metadata.versioning.enabled, metadata.lifecycle.rule[0].condition.age], [{ team: "x" }, true, 30]);
  await bucket.deleteLabels();
  assert.equal((await bucket.getMetadata())[0].labels, undefined);
});
await check("versions", async () => {
  await bucket.file("a.txt").save("three", { resumable: false });
  const [files] = await bucket.getFiles({ prefix: "a.txt", versions: true });
  assert.equal(files.length, 2);
  const older = bucket.file("a.txt", { generation: files.map((file) => file.metadata.generation).sort()[0] });
  assert.equal((await older.download())[0].toString(), "two");
});
await check("retention and holds", async () => {
  await bucket.setRetentionPeriod(100);
  assert.equal(await code(bucket.file("a.txt").save("x", { resumable: false })), 0); // the older generation stays
  await bucket.removeRetentionPeriod();
  await bucket.file("e.txt").setMetadata({ temporaryHold: true });
  const [held] = await bucket.file("e.txt").getMetadata();
  assert.equal(await code(bucket.file("e.txt", { generation: held.generation }).delete()), 403);
  await bucket.file("e.txt").setMetadata({ temporaryHold: false });
});
await check("signed addresses", async () => {
  for (const version of ["v2", "v4"]) {
    const [address] = await bucket.file("a.txt").getSignedUrl({ version, action: "read", expires: Date.now() + 60_000 });
    assert.equal((await fetch(address.replace(/^https?:\/\/[^/]+/, endpoint))).status, 200, version);
  }
  const [form] = await bucket.file("form.txt").generateSignedPostPolicyV4({ expires: Date.now() + 60_000 });
  const body = new FormData();
  for (const [name, value] of Object.entries(form.fields)) body.append(name, value);
  body.append("file", new Blob(["posted"]));
  assert.equal((await fetch(`${endpoint}/node-check/`, { method: "POST", body })).status, 204); // form.url has no bucket at other endpoints
  assert.equal(await read("form.txt"), "posted");
});
await check("customers' keys are refused without TLS", async () => {
  const file = bucket.file("secret", { encryptionKey: randomBytes(32) });
  assert.equal(await code(file.save("x", { resumable: false })), 400);
});
await check("HMAC keys", async () => {
  const [made, secret] = await storage.createHmacKey(key.client_email);
  assert.ok(secret.length > 0);
  await made.setMetadata({ state: "INACTIVE" });
  await made.delete();
  assert.ok((await storage.getHmacKeys())[0].every((one) => one.metadata.accessId !== made.metadata.accessId));
});
await check("everything is removed", async () => {
  await bucket.deleteFiles({ versions: true, force: true });
  await bucket.delete();
  assert.equal((await bucket.exists())[0], false);
});
