#include "core/encryption.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "core/reconcile.h"
#include "core/test_world.h"

namespace beringia::core {
namespace {

using Method = meta::Encryption::Method;
using test::must;
using test::World;
using test::WorldOptions;

const Secret kCustomersKey{std::string(32, 'c')};
const Secret kAnotherKey{std::string(32, 'd')};

std::string pattern(size_t bytes) {
  std::string text(bytes, '\0');
  for (size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>('a' + i % 23 + (i >> 16) % 3);
  return text;
}

WriteRequest encrypted(Method method, const std::string& key_id = "") {
  WriteRequest request;
  request.attributes.encryption.method = method;
  request.attributes.encryption.key_id = key_id;
  if (method == Method::kCustomer) request.attributes.encryption.customer_key = kCustomersKey;
  return request;
}

ReadRequest with_key(const Secret& key = kCustomersKey) {
  ReadRequest request;
  request.customer_key = key;
  return request;
}

ReadRequest range_of(uint64_t offset, uint64_t length, ReadRequest request = {}) {
  request.range = [=](const Entry&) { return io::ByteRange{offset, length}; };
  return request;
}

std::string native_bytes(World& world, const std::string& backend, const std::string& name) {
  auto& client = world.faults(backend).inner();
  const auto info = must(client.stat(world.context, {name}), "stat");
  auto source = must(client.read(world.context, {name, {0, info.size}, info.version}), "read");
  return must(io::read_all(world.context, *source, 64 << 20), "read all");
}

class EncryptedEntries : public testing::Test {
 protected:
  explicit EncryptedEntries(WorldOptions options = {}) : world_{std::move(options)} {
    must(world_.make_directory("/b/"));
  }
  World world_;
};

TEST_F(EncryptedEntries, read_back_and_are_unreadable_natively) {
  for (const size_t size : {0u, 1u, 65'536u, 65'537u, 300'000u}) {
    const std::string bytes = pattern(size);
    const auto entry = world_.put("/b/k", bytes, encrypted(Method::kServer));
    ASSERT_TRUE(entry) << entry.error().to_string();
    EXPECT_EQ(entry->record.size, size);
    EXPECT_EQ(entry->record.crc32c, Crc32c::of(bytes));
    EXPECT_EQ(entry->record.encryption.key_id, "server/test");
    const std::string native = native_bytes(world_, "disk", "b/k");
    EXPECT_EQ(native.size(), entry->record.stored_size());
    EXPECT_EQ(Crc32c::of(native), entry->record.stored_crc32c());
    if (size > 16) EXPECT_EQ(native.find(bytes.substr(0, 16)), std::string::npos);
    EXPECT_EQ(must(world_.get("/b/k")), bytes);
  }
}

TEST_F(EncryptedEntries, ranges_are_those_of_the_plain_bytes) {
  const std::string bytes = pattern(200'000);
  must(world_.put("/b/k", bytes, encrypted(Method::kServer)));
  for (const auto& [offset, length] : std::vector<std::pair<uint64_t, uint64_t>>{
           {0, 1}, {65'535, 2}, {65'536, 65'536}, {131'072, 10}, {199'999, 1}, {7, 199'000}}) {
    EXPECT_EQ(must(world_.get("/b/k", range_of(offset, length))), bytes.substr(offset, length));
  }
}

TEST_F(EncryptedEntries, the_same_bytes_are_never_stored_twice_the_same_way) {
  must(world_.put("/b/one", "same", encrypted(Method::kServer)));
  must(world_.put("/b/two", "same", encrypted(Method::kServer)));
  EXPECT_NE(native_bytes(world_, "disk", "b/one"), native_bytes(world_, "disk", "b/two"));
}

TEST_F(EncryptedEntries, the_md5_is_kept_only_where_the_server_alone_has_the_key) {
  const auto server = must(world_.put("/b/s", "x", encrypted(Method::kServer)));
  EXPECT_EQ(server.record.effective_etag(), to_hex(md5("x")));
  for (const Method method : {Method::kNamed, Method::kCustomer}) {
    const auto entry = must(world_.put("/b/k", "x", encrypted(method)));
    EXPECT_FALSE(entry.record.md5);
    EXPECT_NE(entry.record.effective_etag(), to_hex(md5("x")));
  }
}

TEST_F(EncryptedEntries, customers_keys_are_asked_for_with_every_read) {
  const std::string bytes = pattern(100'000);
  must(world_.put("/b/k", bytes, encrypted(Method::kCustomer)));
  EXPECT_EQ(must(world_.get("/b/k", with_key())), bytes);
  EXPECT_EQ(must(world_.get("/b/k", range_of(70'000, 9, with_key()))), bytes.substr(70'000, 9));
  EXPECT_EQ(world_.get("/b/k").error().tag(), "customer_key_needed");
  EXPECT_EQ(world_.get("/b/k", with_key(kAnotherKey)).error().tag(), "customer_key_wrong");
  EXPECT_EQ(world_.get("/b/k", with_key(kAnotherKey)).error().code(), Code::kDenied);
  must(world_.put("/b/plain", "x"));
  EXPECT_EQ(world_.get("/b/plain", with_key()).error().tag(), "customer_key_unneeded");
  const auto record = must(world_.stat("/b/k")).record;
  EXPECT_TRUE(check_customer_key(record.encryption, kCustomersKey));
  EXPECT_EQ(check_customer_key(record.encryption, kAnotherKey).error().tag(), "customer_key_wrong");
  EXPECT_EQ(record.encryption.key_md5, md5(kCustomersKey.reveal()));
}

TEST_F(EncryptedEntries, named_keys_are_found_by_name_or_refused) {
  EXPECT_EQ(
      must(world_.put("/b/k", "x", encrypted(Method::kNamed, "second"))).record.encryption.key_id,
      "second");
  EXPECT_EQ(must(world_.put("/b/k", "x", encrypted(Method::kNamed))).record.encryption.key_id,
            "default");
  EXPECT_EQ(must(world_.get("/b/k")), "x");
  EXPECT_EQ(world_.put("/b/k", "y", encrypted(Method::kNamed, "none")).error().tag(), "no_key");
  EXPECT_EQ(must(world_.get("/b/k")), "x");
}

TEST_F(EncryptedEntries, a_key_that_is_gone_makes_reads_fail_and_nothing_else) {
  must(world_.put("/b/k", "x", encrypted(Method::kNamed)));
  SystemRng rng;
  identity::LocalKeys none{{}, identity::LocalKeys::Default::kCalledDefault, rng};
  auto* before = std::exchange(world_.parts().named_keys, &none);
  EXPECT_EQ(world_.get("/b/k").error().tag(), "no_key");
  EXPECT_TRUE(world_.stat("/b/k"));
  world_.parts().named_keys = before;
  EXPECT_EQ(must(world_.get("/b/k")), "x");
}

TEST_F(EncryptedEntries, a_bucket_says_how_entries_are_encrypted_that_do_not_say) {
  EncryptionChoice choice;
  choice.method = Method::kNamed;
  choice.key_id = "second";
  choice.reuses_key = true;
  must(world_.names().set_directory_attributes(
      world_.context, world_.grant(Action::kAdminister, "/b/"),
      {{kDefaultEncryption, encode_default_encryption(choice)}}));
  const auto entry = must(world_.put("/b/deep/k", "x"));
  EXPECT_EQ(entry.record.encryption.key_id, "second");
  EXPECT_TRUE(entry.record.encryption.reuses_key);
  EXPECT_EQ(must(world_.get("/b/deep/k")), "x");
  EXPECT_EQ(must(world_.put("/b/k", "x", encrypted(Method::kServer))).record.encryption.method,
            Method::kServer);
  choice = {};
  choice.method = Method::kServer;
  EXPECT_EQ(parse_default_encryption(encode_default_encryption(choice))->method, Method::kServer);
  EXPECT_FALSE(parse_default_encryption("what"));
}

TEST_F(EncryptedEntries, damage_is_an_error_and_never_other_bytes) {
  const std::string bytes = pattern(150'000);
  const auto entry = must(world_.put("/b/k", bytes, encrypted(Method::kServer)));
  const std::string good = native_bytes(world_, "disk", "b/k");
  auto& faults = world_.faults("disk");
  for (const size_t at : {size_t{3}, size_t{20}, size_t{50'000}, good.size() - 1}) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    faults.set_on_read([&](auto) { return std::make_unique<io::StringSource>(bad); });
    EXPECT_EQ(world_.get("/b/k").error().code(), Code::kCorrupt) << at;
  }
  // Cut off between two segments.
  faults.set_on_read(
      [&](auto) { return std::make_unique<io::StringSource>(good.substr(0, 40 + 2 * 65'552)); });
  EXPECT_EQ(world_.get("/b/k").error().code(), Code::kCorrupt);
  faults.set_on_read({});
  EXPECT_EQ(must(world_.get("/b/k")), bytes);
}

// ---- copies -----------------------------------------------------------------------------------

TEST_F(EncryptedEntries, a_copy_with_the_same_key_takes_the_stored_bytes) {
  must(world_.put("/b/k", "secret", encrypted(Method::kServer)));
  CopyRequest request;
  request.attributes = encrypted(Method::kServer).attributes;
  must(world_.copy("/b/k", "/b/same", request));
  EXPECT_EQ(native_bytes(world_, "disk", "b/same"), native_bytes(world_, "disk", "b/k"));
  EXPECT_EQ(must(world_.get("/b/same")), "secret");
}

TEST_F(EncryptedEntries, copies_change_from_every_method_to_every_other) {
  const std::string bytes = pattern(70'000);
  const std::vector<Method> methods = {Method::kNone, Method::kServer, Method::kNamed,
                                       Method::kCustomer};
  for (const Method from : methods) {
    must(world_.put("/b/from", bytes, encrypted(from)));
    for (const Method to : methods) {
      CopyRequest request;
      request.attributes = encrypted(to).attributes;
      request.attributes->encryption.customer_key = kAnotherKey;
      if (from == Method::kCustomer) request.source_key = kCustomersKey;
      const auto copied = world_.copy("/b/from", "/b/to", request);
      ASSERT_TRUE(copied) << copied.error().to_string();
      EXPECT_EQ(copied->record.encryption.method, to);
      const auto read = to == Method::kCustomer ? with_key(kAnotherKey) : ReadRequest{};
      EXPECT_EQ(must(world_.get("/b/to", read)), bytes);
    }
  }
  CopyRequest keyless;
  EXPECT_EQ(world_.copy("/b/from", "/b/to", keyless).error().tag(), "customer_key_needed");
}

TEST_F(EncryptedEntries, a_rename_keeps_the_encryption_without_any_key) {
  must(world_.put("/b/k", "secret", encrypted(Method::kCustomer)));
  must(world_.rename("/b/k", "/b/n"));
  EXPECT_EQ(must(world_.get("/b/n", with_key())), "secret");
}

TEST_F(EncryptedEntries, composing_makes_one_new_stream) {
  must(world_.put("/b/1", "one,", encrypted(Method::kCustomer)));
  must(world_.put("/b/2", "two"));
  const Grant first = world_.grant(Action::kRead, "/b/1");
  const Grant second = world_.grant(Action::kRead, "/b/2");
  const auto made =
      world_.names().compose(world_.context, world_.grant(Action::kWrite, "/b/k"),
                             {&first, &second}, {}, encrypted(Method::kCustomer).attributes, {});
  ASSERT_TRUE(made) << made.error().to_string();
  EXPECT_EQ(must(world_.get("/b/k", with_key())), "one,two");
  EXPECT_EQ(world_.get("/b/k").error().tag(), "customer_key_needed");
}

// ---- uploads ----------------------------------------------------------------------------------

class EncryptedUploads : public EncryptedEntries {
 protected:
  std::string begin(Method method) {
    BeginUpload request;
    request.protocol = "s3";
    request.attributes = encrypted(method).attributes;
    return must(world_.names().begin_upload(world_.context, world_.grant(Action::kWrite, "/b/k"),
                                            request))
        .id;
  }
  Result<meta::PartRecord> part(const std::string& id, uint32_t number, const std::string& bytes,
                                std::optional<Secret> key = std::nullopt) {
    io::StringSource body{bytes};
    PutPart request;
    request.upload_id = id;
    request.number = number;
    request.body = &body;
    request.expected.size = bytes.size();
    request.customer_key = std::move(key);
    return world_.names().put_part(world_.context, world_.grant(Action::kWrite, "/b/k"), request);
  }
  Result<Entry> complete(const std::string& id) {
    CompleteUpload request;
    request.upload_id = id;
    return world_.names().complete_upload(world_.context, world_.grant(Action::kWrite, "/b/k"),
                                          request);
  }
};

TEST_F(EncryptedUploads, parts_are_joined_as_they_were_encrypted) {
  const std::string id = begin(Method::kServer);
  const std::string first = pattern(130'000);
  must(part(id, 1, first));
  must(part(id, 2, first));
  must(part(id, 5, "the end"));
  const auto entry = complete(id);
  ASSERT_TRUE(entry) << entry.error().to_string();
  const std::string bytes = first + first + "the end";
  EXPECT_EQ(entry->record.size, bytes.size());
  EXPECT_EQ(entry->record.crc32c, Crc32c::of(bytes));
  EXPECT_EQ(entry->record.encryption.runs, (std::vector<uint64_t>{130'000, 2, 7, 1}));
  EXPECT_EQ(Crc32c::of(native_bytes(world_, "disk", "b/k")), entry->record.stored_crc32c());
  EXPECT_EQ(must(world_.get("/b/k")), bytes);
  for (const auto& [offset, length] : std::vector<std::pair<uint64_t, uint64_t>>{
           {129'999, 2}, {130'000, 1}, {65'535, 130'000}, {260'000, 7}, {260'006, 1}}) {
    EXPECT_EQ(must(world_.get("/b/k", range_of(offset, length))), bytes.substr(offset, length));
  }
}

TEST_F(EncryptedUploads, parts_of_too_many_sizes_are_refused_before_anything_changes) {
  must(world_.put("/b/k", "old"));
  const std::string id = begin(Method::kServer);
  for (uint32_t number = 1; number <= 257; ++number) {
    must(part(id, number, std::string(number, 'x')));
  }
  EXPECT_EQ(complete(id).error().code(), Code::kUnsupported);
  EXPECT_EQ(must(world_.get("/b/k")), "old");
  must(part(id, 257, std::string(256, 'x')));
  must(complete(id));
  EXPECT_EQ(must(world_.get("/b/k")).size(), 256u * 257 / 2 + 256);
}

TEST_F(EncryptedUploads, every_part_needs_the_customers_key_and_the_completion_does_not) {
  const std::string id = begin(Method::kCustomer);
  EXPECT_EQ(part(id, 1, "x").error().tag(), "customer_key_needed");
  EXPECT_EQ(part(id, 1, "x", kAnotherKey).error().tag(), "customer_key_wrong");
  must(part(id, 1, "bytes", kCustomersKey));
  must(complete(id));
  EXPECT_EQ(must(world_.get("/b/k", with_key())), "bytes");
}

// ---- losses -----------------------------------------------------------------------------------

class EncryptedLosses : public EncryptedUploads {};

TEST_F(EncryptedLosses, objects_describe_themselves_when_the_catalog_is_lost) {
  const std::string bytes = pattern(90'000);
  must(world_.put("/b/server", bytes, encrypted(Method::kServer)));
  must(world_.put("/b/named", bytes, encrypted(Method::kNamed, "second")));
  must(world_.put("/b/customer", bytes, encrypted(Method::kCustomer)));
  const std::string id = begin(Method::kServer);
  must(part(id, 1, bytes));
  must(part(id, 2, "end"));
  must(complete(id));
  for (const char* name : {"server", "named", "customer", "k"}) {
    const auto path = must(Path::parse(std::string{"/b/"} + name));
    const auto before = must(world_.stat(path.text())).record;
    const auto native = must(
        world_.faults("disk").inner().stat(world_.context, {std::string{"b/"} + name}), "stat");
    const auto record = record_of_native(native);
    EXPECT_EQ(record.size, before.size) << name;
    EXPECT_EQ(record.md5, before.md5) << name;
    EXPECT_EQ(record.encryption.wrapped_key, before.encryption.wrapped_key) << name;
    EXPECT_EQ(record.stored_size(), before.stored_size()) << name;
    EXPECT_EQ(record.stored_crc32c(), before.stored_crc32c()) << name;
    EXPECT_EQ(record.effective_etag().size(), before.effective_etag().size()) << name;
  }
}

TEST(LostCatalog, encrypted_objects_are_found_again_and_readable) {
  WorldOptions options;
  options.memory_backends = {"cloud"};
  options.mounts = {{"/", {"disk"}}, {"/cloud/", {"cloud"}}};
  options.catalog_on_disk = true;
  World world{options};
  const std::string bytes = pattern(90'000);
  for (const std::string bucket : {"/b/", "/cloud/b/"}) {
    must(world.make_directory(bucket));
    must(world.put(bucket + "server", bytes, encrypted(Method::kServer)));
    must(world.put(bucket + "customer", bytes, encrypted(Method::kCustomer)));
  }
  world.forget_process();
  // The catalog's files go; the objects stay.
  std::vector<std::string> files;
  must(world.disk().list("/catalog", [&](const io::DirectoryItem& item) {
    files.push_back("/catalog/" + item.name);
    return true;
  }));
  ASSERT_FALSE(files.empty());
  for (const auto& file : files) must(world.disk().unlink(file));
  world.restart();
  for (const std::string bucket : {"/b/", "/cloud/b/"}) {
    EXPECT_EQ(must(world.get(bucket + "server")), bytes);
    EXPECT_EQ(must(world.get(bucket + "customer", with_key())), bytes);
    EXPECT_EQ(must(world.stat(bucket + "server")).record.effective_etag(), to_hex(md5(bytes)));
  }
}

TEST_F(EncryptedLosses, user_metadata_cannot_pass_for_our_attributes) {
  WriteRequest request;
  request.attributes.metadata = {{"beringia-encryption", "1;method=server;size=4;wrapped=AAAA"},
                                 {"beringia-owner", "somebody"},
                                 {"mine", "kept"}};
  must(world_.put("/b/k", "x", request));
  const auto native = must(world_.faults("disk").inner().stat(world_.context, {"b/k"}));
  EXPECT_FALSE(native.attributes.contains("beringia-encryption"));
  EXPECT_EQ(native.attributes.at("beringia-owner"), "root");
  EXPECT_EQ(native.attributes.at("mine"), "kept");
}

TEST_F(EncryptedLosses, foreign_bytes_over_an_encrypted_object_are_plain) {
  must(world_.put("/b/k", "secret", encrypted(Method::kServer)));
  auto native = must(world_.faults("disk").inner().stat(world_.context, {"b/k"}));
  native.size = 4;  // written in place: our attributes are still there
  native.crc32c.reset();
  const auto record = record_of_native(native);
  EXPECT_FALSE(record.encryption);
  EXPECT_EQ(record.size, 4u);
}

TEST(EncryptionAttribute, only_what_is_well_formed_and_fits_the_size_is_taken) {
  meta::EntryRecord record;
  record.size = 100;
  record.encryption = {Method::kNamed, "a key;=", "wrapped",      {}, {}, "{}",
                       true,           {},        {60, 1, 40, 1}, 1};
  const std::string text = encode_encryption_attribute(record);
  meta::EntryRecord taken;
  ASSERT_TRUE(take_encryption_attribute(text, record.stored_size(), 1, taken)) << text;
  EXPECT_EQ(taken.encryption, record.encryption);
  EXPECT_EQ(taken.size, 100u);
  meta::EntryRecord untouched;
  for (const std::string& bad :
       {std::string{}, std::string{"2;method=server;size=1"}, std::string{"1;size=100"},
        std::string{"1;method=server"}, std::string{"1;method=magic;size=100"},
        std::string{"1;method=server;size=100;streams=1*99999999999"}, text + ";nothing"}) {
    EXPECT_FALSE(take_encryption_attribute(bad, record.stored_size(), 1, untouched)) << bad;
  }
  EXPECT_FALSE(take_encryption_attribute(text, record.stored_size() + 1, 1, untouched));
  EXPECT_EQ(untouched, meta::EntryRecord{});
}

}  // namespace
}  // namespace beringia::core
