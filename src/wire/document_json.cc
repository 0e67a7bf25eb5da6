#include "wire/document.h"
#include "wire/json_reader.h"

namespace beringia::wire {
namespace {

// JsonDocument bounds the nesting (kMaxJsonDepth), hence this recursion.
void convert(const simdjson::dom::element& element, Value& value) {
  switch (element.type()) {
    case simdjson::dom::element_type::OBJECT: {
      value.kind = Value::Kind::kTable;
      for (const auto field : simdjson::dom::object{element}) {
        value.members.push_back({std::string{field.key}, Value{}});
        convert(field.value, value.members.back().value);
      }
      return;
    }
    case simdjson::dom::element_type::ARRAY: {
      value.kind = Value::Kind::kArray;
      for (const auto item : simdjson::dom::array{element}) {
        convert(item, value.items.emplace_back());
      }
      return;
    }
    case simdjson::dom::element_type::STRING:
      value.kind = Value::Kind::kText;
      value.text = std::string{std::string_view{element}};
      return;
    case simdjson::dom::element_type::INT64:
      value.kind = Value::Kind::kInteger;
      value.integer = int64_t{element};
      value.number = static_cast<double>(value.integer);
      return;
    case simdjson::dom::element_type::UINT64:  // beyond 63 bits only
      value.kind = Value::Kind::kFloat;
      value.number = static_cast<double>(uint64_t{element});
      return;
    case simdjson::dom::element_type::DOUBLE:
      value.kind = Value::Kind::kFloat;
      value.number = double{element};
      return;
    case simdjson::dom::element_type::BOOL:
      value.kind = Value::Kind::kBoolean;
      value.boolean = bool{element};
      return;
    case simdjson::dom::element_type::NULL_VALUE: return;
  }
}

}  // namespace

Result<Value> parse_json(std::string_view text, size_t max_bytes, std::string_view subject) {
  BR_TRY(document, JsonDocument::parse(text, max_bytes, subject));
  Value root;
  root.kind = Value::Kind::kTable;
  for (const auto field : document.root()) {
    root.members.push_back({std::string{field.key}, Value{}});
    convert(field.value, root.members.back().value);
  }
  return root;
}

}  // namespace beringia::wire
