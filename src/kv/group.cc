#include "kv/group.h"

#include <algorithm>

#include "base/encoding.h"

namespace beringia::kv {
namespace {

constexpr size_t kPrintedKeyBytes = 200;
constexpr size_t kLookAhead = 64;  // rows

/// Keys are raw bytes; messages show what is not printable as \xHH.
std::string printable(std::string_view key) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : key.substr(0, kPrintedKeyBytes)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f && c != '\\') {
      out += c;
    } else {
      out += "\\x";
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    }
  }
  if (key.size() > kPrintedKeyBytes) out += "...";
  return out;
}

Error conflicting(std::string_view key, std::string why) {
  return conflict("cannot commit: row \"" + printable(key) + "\" changed", std::move(why));
}

Result<void> check_key(const std::string& key) {
  if (key.empty() || key.front() == kOwnRows) {
    return std::unexpected(
        invalid("cannot commit: a key is not allowed", "it is empty or begins with a zero byte"));
  }
  if (key.size() > kMaxKeyBytes) {
    return std::unexpected(
        invalid("cannot commit: a key is too long",
                std::to_string(key.size()) + " bytes, limit is " + std::to_string(kMaxKeyBytes)));
  }
  return {};
}

Result<void> check_value(const std::string& key, const std::string& value) {
  if (value.size() <= kMaxValueBytes) return {};
  return std::unexpected(
      invalid("cannot commit: the value of \"" + printable(key) +
                  "\" is too "
                  "long",
              std::to_string(value.size()) + " bytes, limit is " + std::to_string(kMaxValueBytes)));
}

std::string be64(uint64_t value) {
  std::string bytes;
  append_be64(bytes, value);
  return bytes;
}

/// The overlay's word on `key`: nullptr = none.
const std::optional<std::string>* find(const Changes& changes, const std::string& key) {
  const auto found = changes.find(key);
  return found == changes.end() ? nullptr : &found->second;
}

}  // namespace

std::string sequence_row() { return {kOwnRows, 'q'}; }

std::string stream_row(std::string_view stream) {
  std::string key{kOwnRows, 's'};
  key += stream;
  return key;
}

Result<Numbers> load_numbers(Engine& engine) {
  Numbers numbers;
  const std::string prefix = stream_row("");
  bool damaged = false;
  auto scanned = engine.snapshot()->scan(
      std::string(1, kOwnRows), kFirstUserKey, [&](std::string_view key, std::string_view value) {
        if (value.size() != 8) {
          damaged = true;
        } else if (key == sequence_row()) {
          numbers.sequence = read_be64(value);
        } else if (key.starts_with(prefix)) {
          numbers.streams.emplace(key.substr(prefix.size()), read_be64(value));
        }
        return true;
      });
  if (!scanned) return std::unexpected(std::move(scanned).error());
  if (damaged) {
    return std::unexpected(corrupt("cannot open the catalog", "a row of its counters is damaged",
                                   "restore the data directory from a backup"));
  }
  return numbers;
}

Result<void> check_limits(const Batch& batch) {
  for (const auto& operation : batch.operations()) {
    if (const auto* put = std::get_if<Batch::Put>(&operation)) {
      BR_TRY(check_key(put->key));
      BR_TRY(check_value(put->key, put->value));
    } else if (const auto* remove = std::get_if<Batch::Remove>(&operation)) {
      BR_TRY(check_key(remove->key));
    } else if (const auto* append = std::get_if<Batch::Append>(&operation)) {
      BR_TRY(check_key(append->stream));
      BR_TRY(check_value(append->stream, append->value));
    } else if (const auto* maybe = std::get_if<Batch::RemoveIfEmpty>(&operation)) {
      BR_TRY(check_key(maybe->key));
    }
  }
  if (const size_t bytes = batch.bytes(); bytes > kMaxBatchBytes) {
    return std::unexpected(
        invalid("cannot commit: the batch is too large",
                std::to_string(bytes) + " bytes, limit is " + std::to_string(kMaxBatchBytes)));
  }
  return {};
}

Result<Committed> Group::add(const Batch& batch) {
  BR_TRY(check(batch));
  Changes own;
  Committed committed;
  Numbers numbers = numbers_;
  BR_TRY(apply(batch, own, committed, numbers));
  BR_TRY(finish(batch, own));
  if (!own.empty()) numbers.sequence += 1;
  committed.sequence = numbers.sequence;
  numbers_ = std::move(numbers);
  // The newer word on a key wins: merge() keeps what is already in its target.
  own.merge(pending_);
  pending_ = std::move(own);
  return committed;
}

Changes Group::take_changes() {
  Changes changes = std::move(pending_);
  pending_.clear();
  changes[sequence_row()] = be64(numbers_.sequence);
  for (const auto& [stream, number] : numbers_.streams) {
    // Only streams that this group appended to have a row to write.
    std::string last = stream + be64(number);
    if (changes.contains(last)) changes[stream_row(stream)] = be64(number);
  }
  return changes;
}

/// Checks look at the rows as they are before this batch.
Result<void> Group::check(const Batch& batch) {
  static const Changes kNone;
  for (const auto& operation : batch.operations()) {
    const auto* check = std::get_if<Batch::Check>(&operation);
    if (check == nullptr) continue;
    BR_TRY(value, get(kNone, check->key));
    if (value == check->expected) continue;
    return std::unexpected(conflicting(check->key, !value ? "it was removed since it was read"
                                                   : check->expected
                                                       ? "it was written since it was read"
                                                       : "it exists already"));
  }
  return {};
}

Result<void> Group::apply(const Batch& batch, Changes& own, Committed& committed,
                          Numbers& numbers) {
  for (const auto& operation : batch.operations()) {
    if (const auto* put = std::get_if<Batch::Put>(&operation)) {
      own[put->key] = put->value;
    } else if (const auto* remove = std::get_if<Batch::Remove>(&operation)) {
      own[remove->key] = std::nullopt;
    } else if (const auto* append = std::get_if<Batch::Append>(&operation)) {
      const uint64_t number = ++numbers.streams[append->stream];
      own[append->stream + be64(number)] = append->value;
      committed.appended.push_back(number);
    }
  }
  return {};
}

/// What is evaluated at the end of the batch, in call order.
Result<void> Group::finish(const Batch& batch, Changes& own) {
  for (const auto& operation : batch.operations()) {
    if (const auto* empty = std::get_if<Batch::CheckEmpty>(&operation)) {
      BR_TRY(any, exists_any(own, empty->first, empty->last));
      if (any) return std::unexpected(conflicting(empty->first, "rows follow it"));
    } else if (const auto* maybe = std::get_if<Batch::RemoveIfEmpty>(&operation)) {
      BR_TRY(any, exists_any(own, maybe->first, maybe->last));
      if (!any) own[maybe->key] = std::nullopt;
    }
  }
  return {};
}

Result<std::optional<std::string>> Group::get(const Changes& own, const std::string& key) {
  if (const auto* value = find(own, key)) return *value;
  if (const auto* value = find(pending_, key)) return *value;
  return engine_.get(key);
}

Result<bool> Group::exists_any(const Changes& own, const std::string& first,
                               const std::string& last) {
  if (first >= last) return false;
  if (const std::string* witness = witnesses_.find(first); witness != nullptr && *witness < last) {
    BR_TRY(row, get(own, *witness));
    if (row) return true;
  }
  for (auto row = own.lower_bound(first); row != own.end() && row->first < last; ++row) {
    if (row->second) return true;
  }
  for (auto row = pending_.lower_bound(first); row != pending_.end() && row->first < last; ++row) {
    if (row->second && find(own, row->first) == nullptr) return true;
  }
  // Rows are mostly removed in order: one further on is left for longer.
  std::string witness;
  size_t found = 0;
  BR_TRY(engine_.snapshot()->scan(first, last, [&](std::string_view key, std::string_view) {
    if (is_removed(own, key)) return true;
    witness = key;
    return ++found < kLookAhead;
  }));
  if (found == 0) return false;
  witnesses_.note(first, std::move(witness));
  return true;
}

bool Group::is_removed(const Changes& own, std::string_view key) const {
  const std::string name{key};
  const auto* word = find(own, name);
  if (word == nullptr) word = find(pending_, name);
  return word != nullptr && !word->has_value();
}

const std::string* Witnesses::find(const std::string& first) const {
  const auto found = seen_.find(first);
  return found == seen_.end() ? nullptr : &found->second;
}

void Witnesses::note(const std::string& first, std::string key) {
  if (seen_.size() >= kMax) seen_.clear();
  seen_.insert_or_assign(first, std::move(key));
}

}  // namespace beringia::kv
