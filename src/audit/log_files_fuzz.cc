#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "audit/leaf.h"
#include "audit/merkle.h"
#include "audit/note.h"
#include "base/fuzz_seeds.h"

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  const std::string options(2, '\x01');
  const std::string entry{
      "\x00\x0D"
      "{\"action\":\"r\"}",
      15};
  return beringia::write_fuzz_seeds(
      *argc, *argv,
      {
          options + "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
          options + "origin\n3\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n"
                    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFY"
                    "C2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n",
          options + entry + entry,
          options + "{\"action\":\"read\",\"path\":\"/a\",\"time\":\"2026-01-01T00:00:00Z\"}",
          std::string{"\x03\x03"} + std::string(96, 'h') + entry + entry + entry,
      });
}

/// What a log's directory and the stream may hold: notes, keys, bundles, partial tiles, records.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace beringia::audit;
  if (size < 2) return 0;
  const std::string_view text{reinterpret_cast<const char*>(data + 2), size - 2};
  static const auto verifier =
      Verifier::parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
  // Nothing that a fuzzer makes bears a valid signature.
  if (open_checkpoint(text, *verifier)) std::abort();
  if (const auto key = Verifier::parse(text)) {
    if (Verifier::parse(key->to_string())->id() != key->id()) std::abort();
  }
  std::string_view rest = text;
  for (size_t before = rest.size(); take_entry(rest); before = rest.size()) {
    if (rest.size() + 2 > before) std::abort();  // each entry takes at least its length
  }
  const size_t cut = std::min<size_t>(data[1] * size_t{32}, text.size());
  const std::vector<std::string> tiles{std::string{text.substr(0, cut)}};
  if (const auto edge = TreeEdge::restore(data[0], tiles, std::string{text.substr(cut)})) {
    if (edge->size() != data[0]) std::abort();
  }
  (void)read_leaf(text);
  const std::string leaf = with_sequence(text, data[0]);
  if (leaf.size() > kMaxEntryBytes) std::abort();
  // A record that is canonical stays so with its number.
  const std::string record{text};
  if (read_leaf(with_sequence("{\"seq_\":" + record + "}", 3)).value_or(3) != 3) std::abort();
  return 0;
}
