#include "io/disk_faults.h"

#include <cerrno>
#include <charconv>
#include <limits>
#include <string>

namespace beringia::io {
namespace {

constexpr uint64_t kForever = std::numeric_limits<uint64_t>::max();
constexpr uint64_t kProbabilitySteps = 1 << 20;

struct ErrnoName {
  std::string_view name;
  int number;
};
constexpr ErrnoName kErrnoNames[] = {{"eio", EIO},       {"enospc", ENOSPC}, {"edquot", EDQUOT},
                                     {"erofs", EROFS},   {"eacces", EACCES}, {"estale", ESTALE},
                                     {"emfile", EMFILE}, {"eintr", EINTR},   {"enoent", ENOENT}};

std::string_view trim(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

/// Cuts the part before `separator` off `text`.
std::string_view take(std::string_view& text, char separator) {
  const size_t at = text.find(separator);
  const std::string_view part = text.substr(0, at);
  text = at == std::string_view::npos ? std::string_view{} : text.substr(at + 1);
  return trim(part);
}

std::optional<int> parse_errno(std::string_view name) {
  for (const auto& known : kErrnoNames) {
    if (known.name == name) return known.number;
  }
  return std::nullopt;
}

}  // namespace

void DiskFaults::add_rule(Rule rule) {
  std::lock_guard lock{mutex_};
  const uint64_t made = counts_[static_cast<size_t>(rule.call)];
  rule.first += made;
  rule.last = rule.last >= kForever - made ? kForever : rule.last + made;
  rules_.push_back(rule);
}

void DiskFaults::fail_call(DiskCall call, uint64_t nth, int error_number, uint64_t times) {
  add_rule({call, nth, nth + times - 1, 1, error_number});
}

void DiskFaults::fail_always(DiskCall call, int error_number) {
  add_rule({call, 1, kForever, 1, error_number});
}

void DiskFaults::fail_randomly(DiskCall call, double probability, int error_number) {
  add_rule({call, 1, kForever, probability, error_number});
}

void DiskFaults::clear() {
  std::lock_guard lock{mutex_};
  rules_.clear();
}

Result<void> DiskFaults::add(std::string_view text) {
  while (!trim(text).empty()) {
    std::string_view rule = take(text, ',');
    const std::string whole{rule};
    const auto call = parse_disk_call(take(rule, ':'));
    const auto number = parse_errno(take(rule, ':'));
    uint64_t nth = 0;
    const auto [end, bad] = std::from_chars(rule.data(), rule.data() + rule.size(), nth);
    const bool nth_ok =
        rule.empty() || (bad == std::errc{} && end == rule.data() + rule.size() && nth > 0);
    if (!call || !number || !nth_ok) {
      return std::unexpected(invalid("not a disk fault: \"" + whole + "\"", {},
                                     "write CALL:ERRNO or CALL:ERRNO:N, e.g. sync:eio:3"));
    }
    if (rule.empty()) {
      fail_always(*call, *number);
    } else {
      fail_call(*call, nth, *number);
    }
  }
  return {};
}

std::optional<int> DiskFaults::next(DiskCall call, Rng& rng) {
  std::lock_guard lock{mutex_};
  ++total_;
  const uint64_t count = ++counts_[static_cast<size_t>(call)];
  for (const auto& rule : rules_) {
    if (rule.call != call || count < rule.first || count > rule.last) continue;
    if (rule.probability < 1 &&
        rng.below(kProbabilitySteps) >= static_cast<uint64_t>(rule.probability * kProbabilitySteps))
      continue;
    return rule.error_number;
  }
  return std::nullopt;
}

uint64_t DiskFaults::calls(DiskCall call) const {
  std::lock_guard lock{mutex_};
  return counts_[static_cast<size_t>(call)];
}

uint64_t DiskFaults::calls() const {
  std::lock_guard lock{mutex_};
  return total_;
}

}  // namespace beringia::io
