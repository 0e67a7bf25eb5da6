#include <cstdint>
#include <string_view>

#include "base/fuzz_seeds.h"
#include "wire/document.h"

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  return beringia::write_fuzz_seeds(
      *argc, *argv,
      {
          "a = \"x\"\nb = [\"y\", \"z\"]\nc = 1\n[[d]]\na = 1.5\nwhen = '''q'''\n[[d]]\nt = {a = "
          "true}\n",
          R"({"a":"x","b":["y"],"c":1,"d":[{"a":1.5},{"b":{"c":null,"d":true}}]})",
      });
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace beringia::wire;
  constexpr size_t kMax = 1 << 20;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  for (const auto& root : {parse_toml(text, kMax, "a file"), parse_json(text, kMax, "a body")}) {
    if (!root) continue;
    TableReader reader{*root, "a table"};
    reader.text("a");
    reader.texts("b");
    reader.integer("c", 0, -1, 1);
    for (const Value* table : reader.tables("d")) static_cast<void>(table->find("a"));
    static_cast<void>(reader.finish());
  }
  return 0;
}
