// Google's client for Java as its users use it, against the endpoint that is named: java -cp JARS StorageCheck.java URL KEY_FILE BUCKET
// Prints one line for each check ("ok NAME" or "failed NAME: why") and ends with 0 if none failed.

import com.google.auth.oauth2.ServiceAccountCredentials;
import com.google.cloud.ReadChannel;
import com.google.cloud.WriteChannel;
import com.google.cloud.storage.Acl;
import com.google.cloud.storage.Blob;
import com.google.cloud.storage.BlobId;
import com.google.cloud.storage.BlobInfo;
import com.google.cloud.storage.Bucket;
import com.google.cloud.storage.BucketInfo;
import com.google.cloud.storage.CopyWriter;
import com.google.cloud.storage.HmacKey;
import com.google.cloud.storage.HttpMethod;
import com.google.cloud.storage.PostPolicyV4;
import com.google.cloud.storage.Storage;
import com.google.cloud.storage.Storage.BlobListOption;
import com.google.cloud.storage.Storage.BlobSourceOption;
import com.google.cloud.storage.Storage.BlobTargetOption;
import com.google.cloud.storage.Storage.BlobWriteOption;
import com.google.cloud.storage.Storage.BucketSourceOption;
import com.google.cloud.storage.StorageBatch;
import com.google.cloud.storage.StorageBatchResult;
import com.google.cloud.storage.StorageException;
import com.google.cloud.storage.StorageOptions;
import com.google.cloud.storage.StorageRoles;
import com.google.cloud.Identity;
import com.google.cloud.Policy;
import java.io.ByteArrayInputStream;
import java.io.FileInputStream;
import java.net.HttpURLConnection;
import java.net.URL;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;

public class StorageCheck {
  static int failed = 0;
  static Storage storage;
  static String bucket;
  static String url;

  static void check(String name, Callable<Object> seen, Object expected) {
    try {
      Object value = seen.call();
      if (!Objects.equals(String.valueOf(value), String.valueOf(expected))) {
        throw new IllegalStateException(value + " and not " + expected);
      }
      System.out.println("ok " + name);
    } catch (Exception | Error e) {
      ++failed;
      System.out.println("failed " + name + ": " + e);
    }
  }

  /** The HTTP status by which it is refused; 200 if it is not. */
  static int status(Callable<?> call) throws Exception {
    try {
      call.call();
      return 200;
    } catch (StorageException e) {
      return e.getCode();
    }
  }

  static BlobId id(String name) {
    return BlobId.of(bucket, name);
  }

  static BlobInfo info(String name) {
    return BlobInfo.newBuilder(id(name)).setContentType("text/plain").build();
  }

  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  static String text(String name, BlobSourceOption... options) {
    return new String(storage.readAllBytes(id(name), options), StandardCharsets.UTF_8);
  }

  static List<String> names(BlobListOption... options) {
    List<String> names = new ArrayList<>();
    storage.list(bucket, options).iterateAll().forEach(blob -> names.add(blob.getName()));
    return names;
  }

  static void objects() {
    check("create", () -> storage.create(info("a"), bytes("hello")).getSize(), 5);
    check("read", () -> text("a"), "hello");
    check("get", () -> storage.get(id("a")).getContentType(), "text/plain");
    check("nothing", () -> storage.get(id("nothing")), null);
    check("doesNotExist", () -> status(() -> storage.create(info("a"), bytes("x"), BlobTargetOption.doesNotExist())), 412);
    check("generationMatch", () -> {
      long generation = storage.get(id("a")).getGeneration();
      storage.create(BlobInfo.newBuilder(BlobId.of(bucket, "a", generation)).build(), bytes("again"), BlobTargetOption.generationMatch());
      return status(() -> storage.create(BlobInfo.newBuilder(BlobId.of(bucket, "a", generation)).build(), bytes("x"), BlobTargetOption.generationMatch()));
    }, 412);
    check("update of metadata", () -> {
      storage.get(id("a")).toBuilder().setMetadata(Map.of("team", "sales")).setCacheControl("no-store").build().update();
      Blob blob = storage.get(id("a"));
      return blob.getMetadata().get("team") + blob.getCacheControl() + blob.getMetageneration();
    }, "salesno-store2");
    check("createFrom a stream", () -> {
      byte[] large = new byte[5_000_000];
      Arrays.fill(large, (byte) 'l');
      return storage.createFrom(info("large"), new ByteArrayInputStream(large), 1 << 20, BlobWriteOption.crc32cMatch()).getSize();
    }, 5_000_000);
    check("writer in chunks", () -> {
      try (WriteChannel writer = storage.writer(info("chunks"))) {
        writer.setChunkSize(256 << 10);
        for (int i = 0; i < 10; ++i) writer.write(ByteBuffer.wrap(new byte[100_000]));
      }
      return storage.get(id("chunks")).getSize();
    }, 1_000_000);
    check("reader with seek", () -> {
      try (ReadChannel reader = storage.reader(id("large"))) {
        reader.seek(4_999_990);
        ByteBuffer buffer = ByteBuffer.allocate(100);
        while (reader.read(buffer) >= 0) { }
        return buffer.position();
      }
    }, 10);
    check("empty object", () -> storage.create(info("empty")).getSize(), 0);
    check("copy", () -> {
      CopyWriter writer = storage.copy(Storage.CopyRequest.of(id("a"), id("copied")));
      return writer.getResult().getSize();
    }, 5);
    check("compose", () -> storage.compose(Storage.ComposeRequest.of(bucket, List.of("a", "copied"), "composed")).getSize(), 10);
    check("move", () -> {
      storage.moveBlob(Storage.MoveBlobRequest.newBuilder().setSource(id("copied")).setTarget(id("moved")).build());
      return storage.get(id("copied")) + text("moved");
    }, "nullagain");
    check("custom time", () -> {
      OffsetDateTime time = OffsetDateTime.parse("2030-01-02T03:04:05Z");
      return storage.create(BlobInfo.newBuilder(id("timed")).setCustomTimeOffsetDateTime(time).build()).getCustomTimeOffsetDateTime().toInstant();
    }, "2030-01-02T03:04:05Z");
    check("delete", () -> storage.delete(id("timed")) + " " + storage.delete(id("timed")), "true false");
  }

  static void lists() {
    for (String name : List.of("dir/one", "dir/two", "dir/sub/three")) storage.create(info(name), bytes("x"));
    check("list by prefix", () -> names(BlobListOption.prefix("dir/")), "[dir/one, dir/sub/three, dir/two]");
    check("list of a directory", () -> names(BlobListOption.prefix("dir/"), BlobListOption.currentDirectory()), "[dir/one, dir/two, dir/sub/]");
    check("list in pages", () -> names(BlobListOption.prefix("dir/"), BlobListOption.pageSize(1)).size(), 3);
    check("list by glob", () -> names(BlobListOption.matchGlob("dir/**/t*")), "[dir/sub/three, dir/two]");
    check("batch", () -> {
      StorageBatch batch = storage.batch();
      StorageBatchResult<Boolean> one = batch.delete(id("dir/one"));
      StorageBatchResult<Boolean> none = batch.delete(id("dir/none"));
      StorageBatchResult<Blob> got = batch.get(id("dir/two"));
      batch.submit();
      return one.get() + " " + none.get() + " " + got.get().getSize();
    }, "true false 1");
  }

  static void buckets() {
    check("bucket's settings", () -> {
      storage.get(bucket).toBuilder().setLabels(Map.of("k", "v")).setVersioningEnabled(true).build().update();
      Bucket now = storage.get(bucket);
      return now.getLabels() + " " + now.versioningEnabled();
    }, "{k=v} true");
    check("versions", () -> {
      storage.create(info("versioned"), bytes("old"));
      long old = storage.get(id("versioned")).getGeneration();
      storage.create(info("versioned"), bytes("new"));
      int kept = names(BlobListOption.prefix("versioned"), BlobListOption.versions(true)).size();
      return kept + " " + status(() -> text("versioned", BlobSourceOption.generationMatch(old)));
    }, "2 412");
    check("an old generation", () -> {
      long old = storage.list(bucket, BlobListOption.prefix("versioned"), BlobListOption.versions(true)).iterateAll().iterator().next().getGeneration();
      return new String(storage.readAllBytes(BlobId.of(bucket, "versioned", old)), StandardCharsets.UTF_8);
    }, "old");
    check("iam policy", () -> {
      Policy policy = storage.getIamPolicy(bucket, BucketSourceOption.requestedPolicyVersion(3));
      storage.setIamPolicy(bucket, policy.toBuilder().addIdentity(StorageRoles.objectViewer(), Identity.allUsers()).build());
      return storage.getIamPolicy(bucket).getBindings().get(StorageRoles.objectViewer());
    }, "[allUsers]");
    check("testIamPermissions", () -> storage.testIamPermissions(bucket, List.of("storage.objects.get", "storage.buckets.delete")), "[true, true]");
    check("acl of an object", () -> {
      storage.createAcl(id("a"), Acl.of(Acl.User.ofAllUsers(), Acl.Role.READER));
      Acl.Role role = storage.getAcl(id("a"), Acl.User.ofAllUsers()).getRole();
      return role + " " + storage.deleteAcl(id("a"), Acl.User.ofAllUsers());
    }, "READER true");
    check("no bucket", () -> storage.get("no-such-bucket-at-all"), null);
    check("bucket twice", () -> status(() -> storage.create(BucketInfo.of(bucket))), 409);
    check("bucket not empty", () -> status(() -> storage.delete(bucket)), 409);
    check("hmac key", () -> {
      HmacKey key = storage.createHmacKey(com.google.cloud.storage.ServiceAccount.of(account()));
      HmacKey.HmacKeyMetadata off = storage.updateHmacKeyState(key.getMetadata(), HmacKey.HmacKeyState.INACTIVE);
      storage.deleteHmacKey(off);
      return off.getState();
    }, "INACTIVE");
  }

  static String account() {
    return ((ServiceAccountCredentials) storage.getOptions().getCredentials()).getClientEmail();
  }

  static int http(URL address, String method, byte[] body) throws Exception {
    HttpURLConnection connection = (HttpURLConnection) address.openConnection();
    connection.setRequestMethod(method);
    if (body != null) {
      connection.setDoOutput(true);
      connection.getOutputStream().write(body);
    }
    return connection.getResponseCode();
  }

  static int post(URL address, Map<String, String> fields) throws Exception {
    StringBuilder form = new StringBuilder();
    fields.forEach((name, value) -> form.append("--b\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n"));
    form.append("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\nby form\r\n--b--\r\n");
    HttpURLConnection connection = (HttpURLConnection) address.openConnection();
    connection.setRequestMethod("POST");
    connection.setRequestProperty("Content-Type", "multipart/form-data; boundary=b");
    connection.setDoOutput(true);
    connection.getOutputStream().write(bytes(form.toString()));
    return connection.getResponseCode();
  }

  static void signatures() {
    Storage.SignUrlOption v4 = Storage.SignUrlOption.withV4Signature();
    Storage.SignUrlOption host = Storage.SignUrlOption.withHostName(url);
    Storage.SignUrlOption path = Storage.SignUrlOption.withPathStyle();
    check("signed url", () -> http(storage.signUrl(info("a"), 5, TimeUnit.MINUTES, v4, host, path), "GET", null), 200);
    check("signed url, V2", () -> http(storage.signUrl(info("moved"), 5, TimeUnit.MINUTES, host, path), "GET", null), 200);
    check("signed url, PUT", () -> http(storage.signUrl(
        BlobInfo.newBuilder(id("signed")).build(), 5, TimeUnit.MINUTES, v4, host, path, Storage.SignUrlOption.httpMethod(HttpMethod.PUT)), "PUT", bytes("by url")), 200);
    check("what was put by it", () -> text("signed"), "by url");
    check("policy document", () -> {
      PostPolicyV4 form = storage.generateSignedPostPolicyV4(BlobInfo.newBuilder(id("form")).build(), 5, TimeUnit.MINUTES,
          Storage.PostPolicyV4Option.withPathStyle());
      return post(new URL(url + "/" + bucket + "/"), form.getFields()) + text("form");
    }, "204by form");
  }

  static void softDelete() {
    check("soft delete and restore", () -> {
      storage.get(bucket).toBuilder().setVersioningEnabled(false)
          .setSoftDeletePolicy(BucketInfo.SoftDeletePolicy.newBuilder().setRetentionDuration(Duration.ofDays(7)).build()).build().update();
      Blob made = storage.create(info("soft"), bytes("gone?"));
      storage.delete(id("soft"));
      storage.restore(BlobId.of(bucket, "soft", made.getGeneration()), Storage.BlobRestoreOption.copySourceAcl(false));
      return text("soft");
    }, "gone?");
    check("holds", () -> {
      Blob held = storage.create(info("held"), bytes("x")).toBuilder().setTemporaryHold(true).build().update();
      int refused = status(() -> { if (!storage.delete(id("held"))) throw new IllegalStateException("nothing was deleted"); return 0; });
      held.toBuilder().setTemporaryHold(false).build().update();
      return refused + " " + storage.delete(id("held"));
    }, "403 true");
  }

  public static void main(String[] arguments) throws Exception {
    url = arguments[0];
    bucket = arguments[2];
    storage = StorageOptions.newBuilder().setHost(url).setProjectId("any")
        .setCredentials(ServiceAccountCredentials.fromStream(new FileInputStream(arguments[1]))).build().getService();
    check("bucket", () -> storage.create(BucketInfo.newBuilder(bucket).setLocation("US").setIamConfiguration(
        BucketInfo.IamConfiguration.newBuilder().setIsUniformBucketLevelAccessEnabled(false).build()).build()).getName(), bucket);
    objects();
    lists();
    signatures();
    buckets();
    softDelete();
    System.exit(failed == 0 ? 0 : 1);
  }
}
