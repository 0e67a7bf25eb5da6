#include "audit/note.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace beringia::audit {
namespace {

// Keys and note of the documentation of golang.org/x/mod/sumdb/note.
constexpr const char* kPrivate =
    "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
constexpr const char* kPublic =
    "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
constexpr const char* kText =
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n";
constexpr const char* kSignature =
    "\n— PeterNeumann "
    "x08go/ZJkuBS9UG/"
    "SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

Code code_of(const auto& result) { return result ? Code::kInternal : result.error().code(); }

TEST(Note, signs_as_the_reference_does) {
  const auto signer = Signer::parse(Secret{kPrivate});
  ASSERT_TRUE(signer) << signer.error().to_string();
  EXPECT_EQ(signer->verifier().to_string(), kPublic);
  EXPECT_EQ(signer->sign(kText).value(), std::string{kText} + kSignature);
  EXPECT_EQ(signer->to_secret().reveal(), std::string{kPrivate} + "\n");
  EXPECT_EQ(Verifier::parse(std::string{kPublic} + "\n")->to_string(), kPublic);
}

TEST(Note, refuses_keys_that_are_none) {
  for (const char* text :
       {"", "a", "a+b", "a+00000000+AAAA", "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+Axpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"}) {
    EXPECT_EQ(code_of(Verifier::parse(text)), Code::kInvalid) << text;
    EXPECT_EQ(code_of(Signer::parse(Secret{text})), Code::kInvalid) << text;
  }
  SeededRng rng{1};
  EXPECT_EQ(code_of(Signer::generate("", rng)), Code::kInvalid);
  EXPECT_EQ(code_of(Signer::generate("a b", rng)), Code::kInvalid);
  EXPECT_EQ(code_of(Signer::generate("a+b", rng)), Code::kInvalid);
}

class CheckpointTest : public ::testing::Test {
 protected:
  std::string signed_text(const std::string& text) { return signer.sign(text).value(); }

  SeededRng rng{7};
  const Signer signer = Signer::generate("beringia.local/lake", rng).value();
  const Checkpoint checkpoint{"beringia.local/lake", 600, leaf_hash("x")};
};

TEST_F(CheckpointTest, opens_what_was_signed) {
  const auto opened = open_checkpoint(signed_text(to_text(checkpoint)), signer.verifier());
  ASSERT_TRUE(opened) << opened.error().to_string();
  EXPECT_EQ(opened->origin, checkpoint.origin);
  EXPECT_EQ(opened->size, 600u);
  EXPECT_EQ(opened->root, checkpoint.root);
}

TEST_F(CheckpointTest, takes_extension_lines_and_signatures_of_witnesses) {
  const std::string note =
      signed_text(to_text(checkpoint) + "extension\n") + "— witness AAAAAAAA\n";
  EXPECT_TRUE(open_checkpoint(note, signer.verifier()));
}

TEST_F(CheckpointTest, refuses_every_note_with_one_bit_changed) {
  const std::string note = signed_text(to_text(checkpoint));
  for (size_t i = 0; i < note.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = note;
      changed[i] = static_cast<char>(changed[i] ^ (1 << bit));
      const auto opened = open_checkpoint(changed, signer.verifier());
      // A changed last character of base64 may mean the same bytes; then nothing was changed.
      EXPECT_TRUE(!opened || opened->size == 600) << i;
      if (i < to_text(checkpoint).size()) EXPECT_FALSE(opened) << i;
    }
  }
}

TEST_F(CheckpointTest, refuses_other_keys_other_logs_and_other_texts) {
  const std::string text = to_text(checkpoint);
  const Signer other = Signer::generate("beringia.local/lake", rng).value();
  EXPECT_EQ(code_of(open_checkpoint(other.sign(text).value(), signer.verifier())), Code::kDenied);
  EXPECT_EQ(code_of(open_checkpoint(text, signer.verifier())), Code::kInvalid);
  EXPECT_EQ(code_of(open_checkpoint("", signer.verifier())), Code::kInvalid);
  const std::string root = to_base64(view(checkpoint.root));
  for (const std::string& size : {"", "-1", "0600", "x", "99999999999999999999999"}) {
    EXPECT_EQ(
        code_of(open_checkpoint(signed_text(checkpoint.origin + "\n" + size + "\n" + root + "\n"),
                                signer.verifier())),
        Code::kInvalid)
        << size;
  }
  EXPECT_EQ(
      code_of(open_checkpoint(signed_text("another\n600\n" + root + "\n"), signer.verifier())),
      Code::kDenied);
  EXPECT_EQ(
      code_of(open_checkpoint(signed_text(checkpoint.origin + "\n600\nAAAA\n"), signer.verifier())),
      Code::kInvalid);
}

}  // namespace
}  // namespace beringia::audit
