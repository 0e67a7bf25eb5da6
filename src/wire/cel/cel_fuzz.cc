#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "wire/cel.h"

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
