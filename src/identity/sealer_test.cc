#include "identity/sealer.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "identity/identity.h"

namespace beringia::identity {
namespace {

TEST(Sealer, opens_what_it_sealed_and_nothing_else) {
  SystemRng rng;
  const Sealer sealer{Secret{std::string(32, 'k')}, rng};
  const std::string sealed = sealer.seal("row", Secret{"hush"}).value();
  EXPECT_EQ(sealer.unseal("row", sealed).value().reveal(), "hush");
  EXPECT_NE(sealed, sealer.seal("row", Secret{"hush"}).value()) << "nonces differ";
  EXPECT_EQ(sealer.unseal("other row", sealed).error().code(), Code::kCorrupt);
  const Sealer other{Secret{std::string(32, 'x')}, rng};
  EXPECT_EQ(other.unseal("row", sealed).error().code(), Code::kCorrupt);
  for (size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_EQ(sealer.unseal("row", changed).error().code(), Code::kCorrupt) << i;
    EXPECT_FALSE(sealer.unseal("row", sealed.substr(0, i))) << i;
  }
  EXPECT_EQ(sealer.unseal("row", sealer.seal("row", Secret{}).value()).value().reveal(), "");
}

class SealingKeyTest : public testing::Test {
 protected:
  SealingKeyTest() {
    std::string name = (std::filesystem::temp_directory_path() / "beringia-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
    path_ = directory_ + "/sealing.key";
  }
  ~SealingKeyTest() override { std::filesystem::remove_all(directory_); }
  std::string directory_;
  std::string path_;
  SystemRng rng_;
};

TEST_F(SealingKeyTest, is_made_once_with_mode_0600_and_read_back) {
  const Secret made = load_or_create_sealing_key(path_, rng_).value();
  EXPECT_EQ(made.reveal().size(), 32u);
  struct stat status{};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0600u);
  EXPECT_EQ(load_or_create_sealing_key(path_, rng_).value(), made);
  size_t files = 0;
  for ([[maybe_unused]] const auto& item : std::filesystem::directory_iterator{directory_}) ++files;
  EXPECT_EQ(files, 1u) << "nothing is left beside it";
}

TEST_F(SealingKeyTest, a_file_that_others_may_read_is_refused) {
  ASSERT_TRUE(load_or_create_sealing_key(path_, rng_));
  ::chmod(path_.c_str(), 0640);
  EXPECT_EQ(load_or_create_sealing_key(path_, rng_).error().code(), Code::kDenied);
}

TEST_F(SealingKeyTest, a_file_of_another_size_is_refused_and_kept) {
  for (const size_t size : {size_t{0}, size_t{31}, size_t{33}}) {
    std::ofstream{path_, std::ios::trunc} << std::string(size, 'x');
    ::chmod(path_.c_str(), 0600);
    EXPECT_EQ(load_or_create_sealing_key(path_, rng_).error().code(), Code::kCorrupt);
    EXPECT_EQ(std::filesystem::file_size(path_), size);
  }
}

TEST_F(SealingKeyTest, a_missing_directory_is_an_error) {
  EXPECT_FALSE(load_or_create_sealing_key(directory_ + "/no/sealing.key", rng_));
}

}  // namespace
}  // namespace beringia::identity
