#include "identity/local_keys.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/encoding.h"

namespace beringia::identity {
namespace {

const io::Context kContext;

std::string line(const std::string& id, char byte) {
  return id + " " + to_base64(std::string(32, byte)) + "\n";
}

/// A file that is gone with the test.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& text, mode_t mode = 0600) {
    std::string pattern = std::filesystem::temp_directory_path() / "beringia-keys-XXXXXX";
    const int fd = ::mkstemp(pattern.data());
    if (fd < 0) std::abort();
    ::close(fd);
    path_ = pattern;
    std::ofstream{path_} << text;
    ::chmod(path_.c_str(), mode);
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST(KeyFile, holds_server_keys_and_keys_that_clients_name) {
  const auto keys = parse_key_file(
      "# mine\n\n" + line("finance", 'f') + "  " + line("server/2026", 's') + line("arn:x", 'a'),
      "keys");
  ASSERT_TRUE(keys) << keys.error().to_string();
  ASSERT_EQ(keys->named.size(), 2u);
  EXPECT_EQ(keys->named[0].id, "finance");
  EXPECT_EQ(keys->named[0].key.reveal(), std::string(32, 'f'));
  ASSERT_EQ(keys->server.size(), 1u);
  EXPECT_EQ(keys->server[0].id, "server/2026");
}

TEST(KeyFile, errors_name_the_line_and_never_the_key) {
  for (const std::string& bad :
       {std::string{"finance"}, std::string{"finance AAAA"}, "x\x01y " + line("", 'a').substr(1),
        std::string{"finance not-base64!"}, line("b", 'b') + line("b", 'c')}) {
    const auto keys = parse_key_file("# first\n" + bad, "mine");
    ASSERT_FALSE(keys) << bad;
    EXPECT_EQ(keys.error().code(), Code::kInvalid);
    EXPECT_NE(keys.error().what().find("mine, line "), std::string::npos);
    EXPECT_EQ(keys.error().to_string().find("AAAA"), std::string::npos);
  }
}

TEST(EncryptionKeys, the_server_key_follows_from_the_sealing_key) {
  const Secret sealing{std::string(32, 'z')};
  const auto keys = load_encryption_keys("", sealing);
  ASSERT_TRUE(keys);
  ASSERT_EQ(keys->server.size(), 1u);
  EXPECT_TRUE(keys->named.empty());
  EXPECT_EQ(load_encryption_keys("", sealing)->server[0].id, keys->server[0].id);
  EXPECT_EQ(load_encryption_keys("", sealing)->server[0].key, keys->server[0].key);
  EXPECT_NE(load_encryption_keys("", Secret{std::string(32, 'y')})->server[0].id,
            keys->server[0].id);
  // A key in the file is the one for new objects; the derived one stays for old ones.
  const TemporaryFile file{line("server/2026", 's')};
  const auto rotated = load_encryption_keys(file.path(), sealing);
  ASSERT_TRUE(rotated) << rotated.error().to_string();
  ASSERT_EQ(rotated->server.size(), 2u);
  EXPECT_EQ(rotated->server[0].id, keys->server[0].id);
  EXPECT_EQ(rotated->server[1].id, "server/2026");
}

TEST(EncryptionKeys, a_file_that_others_may_read_is_refused) {
  const Secret sealing{std::string(32, 'z')};
  const TemporaryFile open{line("a", 'a'), 0644};
  EXPECT_EQ(load_encryption_keys(open.path(), sealing).error().code(), Code::kDenied);
  EXPECT_EQ(load_encryption_keys("/nowhere/keys", sealing).error().code(), Code::kNotFound);
}

TEST(LocalKeys, unwraps_only_what_it_wrapped_under_the_same_key_and_binding) {
  SystemRng rng;
  LocalKeys keys{{{"a", Secret{std::string(32, 'a')}}, {"b", Secret{std::string(32, 'b')}}},
                 LocalKeys::Default::kCalledDefault,
                 rng};
  const Secret plain{"a data key"};
  const auto wrapped = keys.wrap(kContext, "a", "row", plain);
  ASSERT_TRUE(wrapped);
  EXPECT_EQ(wrapped->find(plain.reveal()), std::string::npos);
  EXPECT_EQ(keys.unwrap(kContext, "a", "row", *wrapped)->reveal(), plain.reveal());
  EXPECT_EQ(keys.unwrap(kContext, "b", "row", *wrapped).error().code(), Code::kCorrupt);
  EXPECT_EQ(keys.unwrap(kContext, "a", "other", *wrapped).error().code(), Code::kCorrupt);
  EXPECT_EQ(keys.unwrap(kContext, "c", "row", *wrapped).error().tag(), "no_key");
  EXPECT_EQ(keys.wrap(kContext, "c", "row", plain).error().tag(), "no_key");
}

TEST(LocalKeys, finds_keys_by_id_arn_and_resource_name) {
  SystemRng rng;
  const std::vector<NamedKey> two = {{"a", Secret{std::string(32, 'a')}},
                                     {"b", Secret{std::string(32, 'b')}}};
  LocalKeys first{two, LocalKeys::Default::kCalledDefault, rng};
  LocalKeys last{two, LocalKeys::Default::kLast, rng};
  LocalKeys none{{}, LocalKeys::Default::kCalledDefault, rng};
  EXPECT_EQ(first.resolve(kContext, "").error().tag(), "no_key");
  LocalKeys with_default{
      {two[0], {"default", Secret{std::string(32, 'd')}}}, LocalKeys::Default::kCalledDefault, rng};
  EXPECT_EQ(*with_default.resolve(kContext, ""), "default");
  EXPECT_EQ(*last.resolve(kContext, ""), "b");
  EXPECT_EQ(*first.resolve(kContext, "arn:aws:kms:eu-west-1:1:key/b"), "b");
  EXPECT_EQ(*first.resolve(kContext, "projects/p/locations/l/keyRings/r/cryptoKeys/b"), "b");
  EXPECT_EQ(first.resolve(kContext, "c").error().tag(), "no_key");
  EXPECT_EQ(none.resolve(kContext, "").error().tag(), "no_key");
}

}  // namespace
}  // namespace beringia::identity
