#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/fuzz_seeds.h"
#include "wire/multipart.h"

namespace {

using beringia::Result;

class SteppedSource final : public beringia::io::ByteSource {
 public:
  SteppedSource(std::string_view text, size_t step) : text_{text}, step_{step} {}
  Result<size_t> read(const beringia::io::Context&, std::span<char> buffer) override {
    size_t count = std::min({buffer.size(), step_, text_.size()});
    std::copy_n(text_.data(), count, buffer.data());
    text_.remove_prefix(count);
    return count;
  }

 private:
  std::string_view text_;
  size_t step_;
};

/// What the reader says about the whole parts of a body, and how it ends ('.' well, '!' not). How
/// much of a broken part comes before its error is not promised.
std::string describe(std::string_view text, const std::string& boundary, size_t step) {
  beringia::io::Context context;
  SteppedSource source{text, step};
  beringia::wire::MultipartReader reader{source, boundary};
  std::string out;
  std::string whole;
  while (true) {
    auto headers = reader.next(context);
    if (!headers) return whole + "!";
    if (!*headers) return whole + ".";
    for (const auto& [name, value] : (*headers)->fields()) out += name + ":" + value + ";";
    std::vector<char> buffer(step + 1);
    while (true) {
      auto count = reader.part().read(context, buffer);
      if (!count) return whole + "!";
      if (*count == 0) break;
      out.append(buffer.data(), *count);
    }
    out += "|";
    whole = out;
  }
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  return beringia::write_fuzz_seeds(
      *argc, *argv,
      {
          "multipart/related; boundary=\"b\"\n--b\r\nContent-Type: "
          "application/json\r\n\r\n{}\r\n--b\r\nContent-Type: text/plain\r\n\r\nbody\r\n--b--\r\n",
          "--b\r\nA: 1\r\n\r\nx\r\n-\r\n--\r\n--b \r\nB: 2\r\n\r\n\r\n--b--",
      });
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text{reinterpret_cast<const char*>(data), size};
  auto line = std::min(text.find('\n'), text.size());
  (void)beringia::wire::multipart_boundary(text.substr(0, line));
  // How the body arrives must not change what is in it.
  if (describe(text, "b", 1) != describe(text, "b", 100000)) std::abort();
  return 0;
}
