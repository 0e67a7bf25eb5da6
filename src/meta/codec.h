#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/encoding.h"
#include "base/error.h"
#include "base/time.h"
#include "meta/records.h"

namespace beringia::meta {

// Format of every record (docs/formats/catalog.md): version byte, then fields in any order.
// field: varint(tag * 2 + kind) | kind 0: varint value | kind 1: varint(bytes) bytes.
// A field that holds its default is left out; unknown tags are skipped.
//
// One description serves both directions: `template <class F> void describe(F& f, T& record)`
// names each field once; F is an Encoder or a Decoder. Tags are never reused.

inline constexpr uint8_t kRecordVersion = 1;
/// Of records whose encryption a reader may not overlook: older readers refuse them.
inline constexpr uint8_t kEncryptedVersion = 2;
inline constexpr uint32_t kMaxTag = 63;

template <class T>
concept Number = std::integral<T> || std::is_enum_v<T>;

inline uint64_t zigzag(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
}
inline int64_t unzigzag(uint64_t value) {
  return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
}
/// a - b and b + delta, wrapping: damaged bytes must not be undefined behaviour.
inline int64_t wrapping_delta(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
inline int64_t wrapping_add(int64_t b, int64_t delta) {
  return static_cast<int64_t>(static_cast<uint64_t>(b) + static_cast<uint64_t>(delta));
}
/// Ids are mostly hex text of random bytes: packed they take half, and random bytes do not
/// compress.
inline bool is_packable_hex(const std::string& text) {
  if (text.empty() || text.size() % 2 != 0) return false;
  return text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

class Encoder {
 public:
  explicit Encoder(std::string& out) : out_{out} {}

  template <Number T>
  void number(uint32_t tag, const T& value, T absent = T{}) {
    if (value != absent) raw_number(tag, static_cast<uint64_t>(value));
  }
  template <Number T>
  void choice(uint32_t tag, const T& value, T /*first*/, T /*last*/) {
    raw_number(tag, static_cast<uint64_t>(value));
  }
  /// `first` is the default and left out.
  template <Number T>
  void choice_or_first(uint32_t tag, const T& value, T first, T last) {
    if (value != first) choice(tag, value, first, last);
  }
  void text(uint32_t tag, const std::string& value) {
    if (!value.empty()) raw_bytes(tag, value);
  }
  /// Two tags: packed hex, or the text as it is.
  void id(uint32_t packed_tag, uint32_t text_tag, const std::string& value) {
    if (is_packable_hex(value)) {
      raw_bytes(packed_tag, *from_hex(value));
    } else {
      text(text_tag, value);
    }
  }
  void time(uint32_t tag, const Timestamp& value, int64_t base = 0) {
    if (value.micros != 0) raw_number(tag, zigzag(wrapping_delta(value.micros, base)));
  }
  /// Absent: the same as `base`.
  void time_after(uint32_t tag, const Timestamp& value, const Timestamp& base) {
    if (value != base) raw_number(tag, zigzag(wrapping_delta(value.micros, base.micros)));
  }
  void optional_be32(uint32_t tag, const std::optional<uint32_t>& value) {
    if (!value) return;
    std::string bytes;
    append_be32(bytes, *value);
    raw_bytes(tag, bytes);
  }
  void optional_text(uint32_t tag, const std::optional<std::string>& value) {
    if (value) raw_bytes(tag, *value);
  }
  void map(uint32_t tag, const StringMap& values) {
    for (const auto& [name, value] : values) {
      std::string pair;
      append_varint(pair, name.size());
      pair += name;
      pair += value;
      raw_bytes(tag, pair);
    }
  }
  void numbers(uint32_t tag, const std::vector<uint64_t>& values) {
    if (values.empty()) return;
    std::string packed;
    for (const uint64_t value : values) append_varint(packed, value);
    raw_bytes(tag, packed);
  }
  void bases(uint32_t tag, const std::map<BackendId, std::string>& values) {
    for (const auto& [backend, base] : values) {
      std::string pair;
      append_varint(pair, backend);
      pair += base;
      raw_bytes(tag, pair);
    }
  }
  template <class T, class Describe>
  void list(uint32_t tag, const std::vector<T>& values, const Describe& describe_item) {
    for (const auto& value : values) {
      std::string bytes;
      Encoder inner{bytes};
      describe_item(inner, value);
      raw_bytes(tag, bytes);
    }
  }

 private:
  void raw_number(uint32_t tag, uint64_t value) {
    append_varint(out_, uint64_t{tag} * 2);
    append_varint(out_, value);
  }
  void raw_bytes(uint32_t tag, std::string_view bytes) {
    append_varint(out_, uint64_t{tag} * 2 + 1);
    append_varint(out_, bytes.size());
    out_ += bytes;
  }
  std::string& out_;
};

/// Gives the description one field at a time; the method with that tag takes it. After the last
/// field one more round fills in what absent fields stand for.
class Decoder {
 public:
  explicit Decoder(std::string_view bytes) : rest_{bytes} {}

  /// Runs `describe_fields(*this)` over all fields. @return false: damaged
  template <class Describe>
  bool run(const Describe& describe_fields) {
    while (!rest_.empty()) {
      if (!next()) return false;
      describe_fields(*this);
      if (damaged_) return false;
      if (tag_ <= kMaxTag) seen_ |= uint64_t{1} << tag_;
    }
    tag_ = kAtEnd;
    describe_fields(*this);
    return !damaged_;
  }

  template <Number T>
  void number(uint32_t tag, T& value, T /*absent*/ = T{}) {
    if (!is_number(tag)) return;
    if constexpr (std::is_same_v<T, bool>) {
      value = number_ != 0;
    } else {
      damaged_ = damaged_ || number_ > uint64_t{std::numeric_limits<T>::max()};
      value = static_cast<T>(number_);
    }
  }
  template <Number T>
  void choice(uint32_t tag, T& value, T first, T last) {
    if (!is_number(tag)) return;
    damaged_ =
        damaged_ || number_ < static_cast<uint64_t>(first) || number_ > static_cast<uint64_t>(last);
    if (!damaged_) value = static_cast<T>(number_);
  }
  template <Number T>
  void choice_or_first(uint32_t tag, T& value, T first, T last) {
    choice(tag, value, first, last);
  }
  void text(uint32_t tag, std::string& value) {
    if (is_bytes(tag)) value = bytes_;
  }
  void id(uint32_t packed_tag, uint32_t text_tag, std::string& value) {
    if (is_bytes(packed_tag)) value = to_hex(bytes_);
    text(text_tag, value);
  }
  void time(uint32_t tag, Timestamp& value, int64_t base = 0) {
    if (is_number(tag)) value.micros = wrapping_add(base, unzigzag(number_));
  }
  void time_after(uint32_t tag, Timestamp& value, const Timestamp& base) {
    if (tag_ == kAtEnd && (seen_ & (uint64_t{1} << tag)) == 0) value = base;
    if (is_number(tag)) value.micros = wrapping_add(base.micros, unzigzag(number_));
  }
  void optional_be32(uint32_t tag, std::optional<uint32_t>& value) {
    if (!is_bytes(tag)) return;
    damaged_ = damaged_ || bytes_.size() != 4;
    if (!damaged_) value = read_be32(bytes_);
  }
  void optional_text(uint32_t tag, std::optional<std::string>& value) {
    if (is_bytes(tag)) value = bytes_;
  }
  void map(uint32_t tag, StringMap& values) {
    if (!is_bytes(tag)) return;
    std::string_view pair = bytes_;
    const auto size = read_varint(pair);
    if (!size || *size > pair.size()) {
      damaged_ = true;
      return;
    }
    values.insert_or_assign(std::string{pair.substr(0, *size)}, std::string{pair.substr(*size)});
  }
  void numbers(uint32_t tag, std::vector<uint64_t>& values) {
    if (!is_bytes(tag)) return;
    std::string_view packed = bytes_;
    while (!packed.empty()) {
      const auto value = read_varint(packed);
      if (!value) {
        damaged_ = true;
        return;
      }
      values.push_back(*value);
    }
  }
  void bases(uint32_t tag, std::map<BackendId, std::string>& values) {
    if (!is_bytes(tag)) return;
    std::string_view pair = bytes_;
    const auto backend = read_varint(pair);
    if (!backend || *backend > std::numeric_limits<BackendId>::max()) {
      damaged_ = true;
      return;
    }
    values.insert_or_assign(static_cast<BackendId>(*backend), std::string{pair});
  }
  template <class T, class Describe>
  void list(uint32_t tag, std::vector<T>& values, const Describe& describe_item) {
    if (!is_bytes(tag)) return;
    T value;
    Decoder inner{bytes_};
    damaged_ = damaged_ || !inner.run([&](Decoder& f) { describe_item(f, value); });
    values.push_back(std::move(value));
  }

 private:
  static constexpr uint64_t kAtEnd = UINT64_MAX;

  bool next() {
    const auto head = read_varint(rest_);
    if (!head) return false;
    tag_ = *head / 2;
    has_bytes_ = *head % 2 == 1;
    const auto value = read_varint(rest_);
    if (!value) return false;
    number_ = *value;
    if (!has_bytes_) return true;
    if (number_ > rest_.size()) return false;
    bytes_ = rest_.substr(0, number_);
    rest_.remove_prefix(number_);
    return true;
  }
  bool is_number(uint32_t tag) const { return tag_ == tag && !has_bytes_; }
  bool is_bytes(uint32_t tag) const { return tag_ == tag && has_bytes_; }

  std::string_view rest_;
  uint64_t tag_ = 0;
  uint64_t number_ = 0;
  std::string_view bytes_;
  uint64_t seen_ = 0;
  bool has_bytes_ = false;
  bool damaged_ = false;
};

/// The fields of a lock in a record of its own tags from kLockTag.
inline constexpr uint32_t kLockTag = 31;
template <class F, class T>
void describe_lock(F& f, T& lock) {
  f.choice_or_first(kLockTag, lock.mode, Lock::Mode::kNone, Lock::Mode::kCompliance);
  f.time(kLockTag + 1, lock.until);
  f.number(kLockTag + 2, lock.hold);
  f.number(kLockTag + 3, lock.event_hold);
  f.number(kLockTag + 4, lock.any_bucket);
  f.time(kLockTag + 5, lock.counts_from);
}

/// The fields of an encryption in a record of its own tags from kEncryptionTag.
inline constexpr uint32_t kEncryptionTag = 40;
inline uint8_t version_with(const Encryption& encryption) {
  return encryption ? kEncryptedVersion : kRecordVersion;
}
template <class F, class T>
void describe_encryption(F& f, T& encryption) {
  using Method = Encryption::Method;
  f.choice_or_first(kEncryptionTag, encryption.method, Method::kNone, Method::kCustomer);
  f.text(kEncryptionTag + 1, encryption.key_id);
  f.text(kEncryptionTag + 2, encryption.wrapped_key);
  f.text(kEncryptionTag + 3, encryption.key_md5);
  f.text(kEncryptionTag + 4, encryption.key_sha256);
  f.text(kEncryptionTag + 5, encryption.context);
  f.number(kEncryptionTag + 6, encryption.reuses_key);
  f.text(kEncryptionTag + 7, encryption.salt);
  f.numbers(kEncryptionTag + 8, encryption.runs);
  f.optional_be32(kEncryptionTag + 9, encryption.stored_crc32c);
}

/// Encodes by the description found for T.
template <class T>
std::string encode_record(const T& record, uint8_t version = kRecordVersion) {
  std::string out;
  out += static_cast<char>(version);
  Encoder encoder{out};
  describe(encoder, record);
  return out;
}

/// @param what names the record in messages ("an entry record")
/// @error kCorrupt: damaged; kUnsupported: written by a newer version
template <class T>
Result<T> decode_record(std::string_view bytes, const char* what) {
  const std::string subject = std::string{"cannot read "} + what + " of the catalog";
  if (bytes.empty() || bytes.front() == 0) {
    return std::unexpected(corrupt(subject, "it has no version byte"));
  }
  if (static_cast<uint8_t>(bytes.front()) > kEncryptedVersion) {
    return std::unexpected(unsupported(subject,
                                       "it has format version " +
                                           std::to_string(static_cast<uint8_t>(bytes.front())) +
                                           ", this beringia knows version 2",
                                       "use the newer beringia that wrote it"));
  }
  T record;
  Decoder decoder{bytes.substr(1)};
  if (!decoder.run([&](Decoder& f) { describe(f, record); })) {
    return std::unexpected(
        corrupt(subject, "its bytes are malformed", "restore the data directory from a backup"));
  }
  return record;
}

}  // namespace beringia::meta
