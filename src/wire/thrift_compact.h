#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/encoding.h"

namespace beringia::wire {

/// Writes structures in thrift's compact protocol: what Parquet's page headers and footers are.
/// Fields come in ascending order of their ids.
class ThriftCompactWriter {
 public:
  void integer(int id, int64_t value, bool wide) {  // i32 or i64
    head(id, wide ? 6 : 5);
    zigzag(value);
  }
  void boolean(int id, bool value) { head(id, value ? 1 : 2); }
  void binary(int id, std::string_view text) {
    head(id, 8);
    bytes(text);
  }
  void begin_struct(int id) {
    head(id, 12);
    last_.push_back(0);
  }
  /// A struct that is an element of a list, or the outermost one.
  void begin_element() { last_.push_back(0); }
  void end_struct() {
    out_ += '\0';
    last_.pop_back();
  }
  /// @param type  of the elements: 5 = i32, 8 = binary, 12 = struct
  void begin_list(int id, size_t size, int type) {
    head(id, 9);
    if (size < 15) {
      out_ += static_cast<char>((size << 4) | static_cast<size_t>(type));
      return;
    }
    out_ += static_cast<char>(0xf0 | type);
    append_varint(out_, size);
  }
  void element(int64_t value) { zigzag(value); }
  void element(std::string_view text) { bytes(text); }
  std::string take() { return std::move(out_); }

 private:
  void head(int id, int type) {
    const int delta = id - last_.back();
    if (delta > 0 && delta <= 15) {
      out_ += static_cast<char>((delta << 4) | type);
    } else {
      out_ += static_cast<char>(type);
      zigzag(id);
    }
    last_.back() = id;
  }
  void zigzag(int64_t value) {
    append_varint(out_, (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63));
  }
  void bytes(std::string_view text) {
    append_varint(out_, text.size());
    out_ += text;
  }

  std::string out_;
  std::vector<int> last_;  // id of the last field, for each struct that is open
};

}  // namespace beringia::wire
