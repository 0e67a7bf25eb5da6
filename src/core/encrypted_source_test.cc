#include "core/encrypted_source.h"

#include <gtest/gtest.h>

#include "core/encryption.h"

namespace beringia::core {
namespace {

const Secret kKey{std::string(wire::kDataKeyBytes, 'k')};
const io::Context kContext;

std::string pattern(size_t bytes) {
  std::string text(bytes, '\0');
  for (size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>(i * 7 + (i >> 9));
  return text;
}

/// Gives at most `most` bytes at once, and at its end what it was told to.
class SlowSource final : public io::ByteSource {
 public:
  SlowSource(std::string bytes, size_t most, std::optional<Error> at_end = std::nullopt)
      : inner_{std::move(bytes)}, most_{most}, at_end_{std::move(at_end)} {}
  Result<size_t> read(const io::Context& context, std::span<char> buffer) override {
    BR_TRY(n, inner_.read(context, buffer.first(std::min(buffer.size(), most_))));
    if (n == 0 && at_end_) return std::unexpected(*at_end_);
    return n;
  }
  std::optional<uint64_t> remaining() const override { return inner_.remaining(); }

 private:
  io::StringSource inner_;
  size_t most_;
  std::optional<Error> at_end_;
};

Result<std::string> read_by(io::ByteSource& source, size_t buffer_bytes) {
  std::string all;
  std::string buffer(buffer_bytes, '\0');
  for (;;) {
    BR_TRY(n, source.read(kContext, std::span{buffer}));
    if (n == 0) return all;
    all.append(buffer, 0, n);
  }
}

std::string stored_form(const std::string& plain, size_t buffer_bytes = 1 << 20) {
  SeededRng rng{3};
  SlowSource body{plain, 10'000};
  auto source = EncryptingSource::make(body, kKey, rng);
  EXPECT_EQ((*source)->remaining(), wire::stored_bytes_of(plain.size()));
  auto stored = read_by(**source, buffer_bytes);
  EXPECT_TRUE(stored);
  EXPECT_EQ((*source)->size(), stored->size());
  EXPECT_EQ((*source)->crc32c(), Crc32c::of(*stored));
  return *stored;
}

meta::EntryRecord record_of(uint64_t size) {
  meta::EntryRecord record;
  record.size = size;
  record.encryption.method = meta::Encryption::Method::kServer;
  return record;
}

TEST(EncryptingSource, gives_the_same_whatever_it_is_asked_for) {
  for (const size_t size : {0u, 1u, 65'535u, 65'536u, 65'537u, 200'000u}) {
    const std::string plain = pattern(size);
    const std::string whole = stored_form(plain);
    EXPECT_EQ(whole.size(), wire::stored_bytes_of(size));
    for (const size_t buffer : {1u, 41u, 65'551u, 65'552u, 65'553u}) {
      EXPECT_EQ(stored_form(plain, buffer), whole) << size << " by " << buffer;
    }
  }
}

TEST(EncryptingSource, passes_the_bodys_error_on) {
  SeededRng rng{3};
  SlowSource body{pattern(70'000), 10'000, invalid("cut off")};
  auto source = EncryptingSource::make(body, kKey, rng);
  EXPECT_EQ(read_by(**source, 1 << 20).error().what(), "cut off");
}

TEST(DecryptingSource, gives_the_same_whatever_it_is_asked_for) {
  const std::string plain = pattern(200'000);
  const std::string stored = stored_form(plain);
  for (const io::ByteRange range : {io::ByteRange{0, 200'000}, io::ByteRange{65'000, 70'000},
                                    io::ByteRange{199'999, 1}, io::ByteRange{0, 0}}) {
    for (const size_t buffer : {1u, 100u, 65'536u, 1u << 20}) {
      for (const size_t most : {size_t{13}, size_t{1} << 20}) {
        const auto open = [&](io::ByteRange part) -> Result<std::unique_ptr<io::ByteSource>> {
          return std::make_unique<SlowSource>(stored.substr(part.offset, part.length), most);
        };
        auto source = open_decrypted(kContext, record_of(plain.size()), kKey, range, open);
        ASSERT_TRUE(source);
        EXPECT_EQ(*read_by(**source, buffer), plain.substr(range.offset, range.length));
      }
    }
  }
}

TEST(DecryptingSource, holds_the_last_bytes_back_until_their_source_vouches_for_them) {
  const std::string plain = pattern(100);
  const std::string stored = stored_form(plain);
  const auto open = [&](io::ByteRange part) -> Result<std::unique_ptr<io::ByteSource>> {
    return std::make_unique<SlowSource>(stored.substr(part.offset, part.length), 1000,
                                        conflict("overwritten meanwhile"));
  };
  auto source = open_decrypted(kContext, record_of(plain.size()), kKey, {0, 100}, open);
  ASSERT_TRUE(source);
  std::string buffer(100, '\0');
  const auto first = (*source)->read(kContext, std::span{buffer});
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().code(), Code::kConflict);
  EXPECT_EQ((*source)->read(kContext, std::span{buffer}).error().code(), Code::kConflict);
}

TEST(DecryptingSource, a_known_salt_spares_the_look_at_the_header) {
  const std::string plain = pattern(200'000);
  const std::string stored = stored_form(plain);
  meta::EntryRecord record = record_of(plain.size());
  int opened = 0;
  const auto open = [&](io::ByteRange part) -> Result<std::unique_ptr<io::ByteSource>> {
    ++opened;
    return std::make_unique<io::StringSource>(stored.substr(part.offset, part.length));
  };
  for (const int looks : {2, 1}) {
    opened = 0;
    auto source = open_decrypted(kContext, record, kKey, {150'000, 10}, open);
    EXPECT_EQ(*read_by(**source, 100), plain.substr(150'000, 10));
    EXPECT_EQ(opened, looks);
    record.encryption.salt = stored.substr(8, 32);
  }
}

TEST(DecryptingSource, impossible_sizes_are_damage_and_read_nothing) {
  meta::EntryRecord record = record_of(100);
  const auto open = [&](io::ByteRange) -> Result<std::unique_ptr<io::ByteSource>> {
    ADD_FAILURE() << "nothing may be read";
    return std::unexpected(internal("no"));
  };
  for (const std::vector<uint64_t>& runs :
       {std::vector<uint64_t>{UINT64_MAX, 1}, std::vector<uint64_t>{50, 1},
        std::vector<uint64_t>{1, UINT64_MAX}}) {
    record.encryption.runs = runs;
    EXPECT_EQ(open_decrypted(kContext, record, kKey, {0, 100}, open).error().code(),
              Code::kCorrupt);
  }
}

}  // namespace
}  // namespace beringia::core
