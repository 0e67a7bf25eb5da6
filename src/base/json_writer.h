#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace beringia {

/// Streams JSON text into a string. Commas are placed by the writer. Members come out in call
/// order: for canonical JSON (RFC 8785) call them in ascending key order. Not thread-safe.
class JsonWriter {
 public:
  JsonWriter& begin_object();
  JsonWriter& end_object();
  JsonWriter& begin_array();
  JsonWriter& end_array();
  JsonWriter& key(std::string_view name);
  JsonWriter& value(std::string_view text);  // invalid UTF-8 bytes become U+FFFD
  JsonWriter& value(const char* text) { return value(std::string_view{text}); }
  JsonWriter& value(int64_t number);
  JsonWriter& value(uint64_t number);
  JsonWriter& value(int number) { return value(static_cast<int64_t>(number)); }
  JsonWriter& value(double number);
  JsonWriter& value(bool flag);
  JsonWriter& null();
  JsonWriter& raw(std::string_view json);  // already JSON
  template <class T>
  JsonWriter& member(std::string_view name, const T& v) {
    key(name);
    return value(v);
  }
  const std::string& text() const { return out_; }
  std::string take();

 private:
  void separate();
  std::string out_;
  std::vector<bool> has_item_;
  bool after_key_ = false;
};

/// Escapes for a JSON string, without the quotes.
void append_json_escaped(std::string& out, std::string_view text);

}  // namespace beringia
