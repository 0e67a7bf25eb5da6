#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/fuzz_seeds.h"
#include "wire/cel.h"

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  return beringia::write_fuzz_seeds(
      *argc, *argv,
      {
          "path.startsWith(\"/a/\") && size >= 1024 * 2 && age > duration(\"30d\")",
          "\"team\" in tags && tags[\"team\"] == \"sales\" || has(tags.a) && "
          "tags.a.matches(\"^[0-9]+$\")",
          "[1, 2u, 3.5, null, true].exists(x, x == 2u) ? path.size() : int(\"7\")",
          "any.filter(x, x.contains(\"s\")).map(y, y + \"!\").all(z, z.endsWith('!'))",
          "now - duration(\"1h\") < timestamp(\"2026-01-01T00:00:00Z\") && now.getFullYear() == "
          "2026",
          "{\"a\": 1, 'b': 2}.a + -(3 - 4) % 5 / 1 != 0x1F && !(b\"\\x00\" == r'\\n') && type(1) "
          "== int",
      });
}

/// Any text compiles or is refused; what compiles gives the same answer twice, as a condition and
/// as a value, and keeps its promise about prefixes.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace beringia::wire::cel;
  Declarations known;
  const size_t path = known.add("path", Type::string());
  const size_t bytes = known.add("size", Type::integer());
  const size_t age = known.add("age", Type::duration());
  const size_t now = known.add("now", Type::timestamp());
  const size_t tags = known.add("tags", Type::map(Type::string(), Type::string()));
  const size_t any = known.add("any", Type::dyn());
  const std::map<std::string, std::string> texts{{"team", "sales"}, {"a", "1"}};
  const StringMap tag_map{texts};
  const std::vector<std::string> names{"disk", "gcs"};
  const StringList list{names};
  Activation values;
  values.set(path, Value::string("/a/b"));
  values.set(bytes, Value::integer(7));
  values.set(age, Value::duration(60, 5));
  values.set(now, Value::timestamp(1'795'694'400, 0));
  values.set(tags, Value::map(tag_map));
  values.set(any, Value::list(list));

  auto program = Program::compile_value({reinterpret_cast<const char*>(data), size}, known);
  if (!program) {
    if (program.error().why().empty()) std::abort();
    return 0;
  }
  Scratch first;
  Scratch second;
  auto one = program->evaluate_value(values, first);
  auto two = program->evaluate_value(values, second);
  if (one.has_value() != two.has_value()) std::abort();
  if (one && to_string(*one) != to_string(*two)) std::abort();
  const auto condition = program->evaluate(values);
  if (condition && (!one || one->kind() != Kind::kBool || one->as_bool() != *condition)) {
    std::abort();
  }
  if (condition && *condition &&
      !std::string_view{"/a/b"}.starts_with(program->required_prefix(path))) {
    std::abort();
  }
  return 0;
}
