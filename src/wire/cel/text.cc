#include <fmt/format.h>

#include <cmath>

#include "base/encoding.h"
#include "wire/cel.h"
#include "wire/cel/times.h"

namespace beringia::wire::cel {

namespace {

void append(std::string& out, const Value& value, size_t max_bytes);

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  out += '"';
}

void append_double(std::string& out, double value) {
  // A whole number keeps its point, so that 1.0 is not taken for an int.
  const bool whole = std::isfinite(value) && value == std::trunc(value) && std::abs(value) < 1e15;
  out += whole ? fmt::format("{:.1f}", value) : fmt::format("{}", value);
}

void append_list(std::string& out, const ListSource& list, size_t max_bytes) {
  out += '[';
  for (size_t i = 0; i < list.size() && out.size() < max_bytes; ++i) {
    if (i > 0) out += ", ";
    append(out, list.at(i), max_bytes);
  }
  out += ']';
}

void append_map(std::string& out, const MapSource& map, size_t max_bytes) {
  out += '{';
  for (size_t i = 0; i < map.size() && out.size() < max_bytes; ++i) {
    if (i > 0) out += ", ";
    const Value key = map.key_at(i);
    append(out, key, max_bytes);
    out += ": ";
    if (const auto found = map.find(key)) append(out, *found, max_bytes);
  }
  out += '}';
}

void append(std::string& out, const Value& value, size_t max_bytes) {
  switch (value.kind()) {
    case Kind::kBool: out += value.as_bool() ? "true" : "false"; break;
    case Kind::kInt: out += fmt::format("{}", value.as_int()); break;
    case Kind::kUint: out += fmt::format("{}u", value.as_uint()); break;
    case Kind::kDouble: append_double(out, value.as_double()); break;
    case Kind::kString: append_quoted(out, value.as_text()); break;
    case Kind::kBytes: out += "b\"" + to_hex(value.as_text()) + "\""; break;
    case Kind::kTimestamp: out += "timestamp(\"" + timestamp_text(value) + "\")"; break;
    case Kind::kDuration: out += "duration(\"" + duration_text(value) + "\")"; break;
    case Kind::kList: append_list(out, value.as_list(), max_bytes); break;
    case Kind::kMap: append_map(out, value.as_map(), max_bytes); break;
    case Kind::kType: out += to_string(value.as_type()); break;
    case Kind::kNull: out += "null"; break;
    default: out += to_string(value.kind()); break;
  }
}

}  // namespace

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::kUnset: return "nothing";
    case Kind::kNull: return "null_type";
    case Kind::kBool: return "bool";
    case Kind::kInt: return "int";
    case Kind::kUint: return "uint";
    case Kind::kDouble: return "double";
    case Kind::kString: return "string";
    case Kind::kBytes: return "bytes";
    case Kind::kTimestamp: return "timestamp";
    case Kind::kDuration: return "duration";
    case Kind::kList: return "list";
    case Kind::kMap: return "map";
    case Kind::kType: return "type";
    case Kind::kDyn: return "dyn";
    case Kind::kError: return "error";
  }
  return "?";
}

std::string to_string(const Type& type) {
  std::string out{to_string(type.kind)};
  for (size_t i = 0; i < type.parameters.size(); ++i) {
    out += (i == 0 ? "(" : ", ") + to_string(type.parameters[i]);
  }
  return type.parameters.empty() ? out : out + ")";
}

std::string to_string(const Value& value, size_t max_bytes) {
  std::string out;
  append(out, value, max_bytes);
  if (out.size() > max_bytes) out = out.substr(0, max_bytes) + "...";
  return out;
}

}  // namespace beringia::wire::cel
