#include "access/policy_condition.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "access/right.h"
#include "base/encoding.h"
#include "base/time.h"

namespace beringia::access {
namespace {

using Kind = PolicyCondition::Kind;
using Order = PolicyCondition::Order;

struct Operator {
  std::string_view name;
  Kind kind;
  Order order = Order::kEqual;
  bool negated = false;
};
// IAM User Guide, "IAM JSON policy elements: Condition operators".
constexpr Operator kOperators[] = {
    {"StringEquals", Kind::kString},
    {"StringNotEquals", Kind::kString, Order::kEqual, true},
    {"StringEqualsIgnoreCase", Kind::kStringIgnoreCase},
    {"StringNotEqualsIgnoreCase", Kind::kStringIgnoreCase, Order::kEqual, true},
    {"StringLike", Kind::kStringLike},
    {"StringNotLike", Kind::kStringLike, Order::kEqual, true},
    {"NumericEquals", Kind::kNumber},
    {"NumericNotEquals", Kind::kNumber, Order::kEqual, true},
    {"NumericLessThan", Kind::kNumber, Order::kLess},
    {"NumericLessThanEquals", Kind::kNumber, Order::kLessEqual},
    {"NumericGreaterThan", Kind::kNumber, Order::kGreater},
    {"NumericGreaterThanEquals", Kind::kNumber, Order::kGreaterEqual},
    {"DateEquals", Kind::kDate},
    {"DateNotEquals", Kind::kDate, Order::kEqual, true},
    {"DateLessThan", Kind::kDate, Order::kLess},
    {"DateLessThanEquals", Kind::kDate, Order::kLessEqual},
    {"DateGreaterThan", Kind::kDate, Order::kGreater},
    {"DateGreaterThanEquals", Kind::kDate, Order::kGreaterEqual},
    {"Bool", Kind::kBool},
    {"BinaryEquals", Kind::kBinary},
    {"IpAddress", Kind::kAddress},
    {"NotIpAddress", Kind::kAddress, Order::kEqual, true},
    {"ArnEquals", Kind::kArn},
    {"ArnLike", Kind::kArn},
    {"ArnNotEquals", Kind::kArn, Order::kEqual, true},
    {"ArnNotLike", Kind::kArn, Order::kEqual, true},
    {"Null", Kind::kNull},
};

// What can be known of a request here. Others are refused, as a condition on them would be a trap.
constexpr std::string_view kKeys[] = {
    "aws:currenttime",
    "aws:epochtime",
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principaltype",
    "aws:referer",
    "aws:securetransport",
    "aws:sourceaccount",  // only services of Amazon's have it
    "aws:sourcearn",
    "aws:sourceip",
    "aws:useragent",
    "aws:userid",
    "aws:username",
    "s3:authtype",
    "s3:delimiter",
    "s3:if-match",
    "s3:if-none-match",
    "s3:locationconstraint",
    "s3:max-keys",
    "s3:object-lock-legal-hold",
    "s3:object-lock-mode",
    "s3:object-lock-retain-until-date",
    "s3:prefix",
    "s3:requestobjecttagkeys",
    "s3:signatureage",
    "s3:signatureversion",
    "s3:versionid",
    "s3:x-amz-acl",
    "s3:x-amz-content-sha256",
    "s3:x-amz-copy-source",
    "s3:x-amz-grant-full-control",
    "s3:x-amz-grant-read",
    "s3:x-amz-grant-read-acp",
    "s3:x-amz-grant-write",
    "s3:x-amz-grant-write-acp",
    "s3:x-amz-metadata-directive",
    "s3:x-amz-object-ownership",
    "s3:x-amz-server-side-encryption",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "s3:x-amz-server-side-encryption-customer-algorithm",
    "s3:x-amz-storage-class",
    "s3:x-amz-website-redirect-location",
};
constexpr std::string_view kTagKeys[] = {"s3:existingobjecttag/", "s3:requestobjecttag/"};

// S3 User Guide, "The meaning of public": a fixed value of one of these keeps a policy from being
// public.
constexpr std::string_view kNarrowing[] = {
    "aws:principalarn", "aws:sourcearn", "aws:sourceaccount",   "aws:sourceip",
    "aws:userid",       "aws:username",  "aws:principalaccount"};

Error bad(std::string why) {
  return invalid("the policy has an invalid condition", std::move(why));
}

struct Address {
  std::array<uint8_t, 16> bytes{};
  int bits = 128;  // of the network
};

/// IPv4 is held as ::ffff:a.b.c.d.
std::optional<Address> parse_address(std::string_view text) {
  Address address;
  const size_t slash = text.find('/');
  const std::string host{text.substr(0, slash)};
  std::array<uint8_t, 4> four{};
  int most = 128;
  if (inet_pton(AF_INET, host.c_str(), four.data()) == 1) {
    address.bytes[10] = address.bytes[11] = 0xff;
    std::ranges::copy(four, address.bytes.begin() + 12);
    most = 32;
  } else if (inet_pton(AF_INET6, host.c_str(), address.bytes.data()) != 1) {
    return std::nullopt;
  }
  if (slash != std::string_view::npos) {
    const auto bits = parse_u64(text.substr(slash + 1));
    if (!bits || *bits > static_cast<uint64_t>(most)) return std::nullopt;
    address.bits = static_cast<int>(*bits) + 128 - most;
  }
  return address;
}

bool lies_in(const Address& one, const Address& network) {
  for (int bit = 0; bit < network.bits; bit += 8) {
    const auto at = static_cast<size_t>(bit / 8);
    const int left = std::min(8, network.bits - bit);
    const auto mask = static_cast<uint8_t>(0xff00 >> left);
    if ((one.bytes[at] & mask) != (network.bytes[at] & mask)) return false;
  }
  return true;
}

/// Decimal with a sign and a fraction.
std::optional<double> parse_number(const std::string& text) {
  if (text.empty() || text.find_first_not_of("+-.0123456789") != std::string::npos) {
    return std::nullopt;
  }
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (end != text.c_str() + text.size()) return std::nullopt;
  return value;
}

/// ISO 8601 or seconds since the epoch. @return microseconds
std::optional<double> parse_date(const std::string& text) {
  if (const auto seconds = parse_number(text)) return *seconds * 1e6;
  std::string full = text;
  if (full.size() == 10) full += "T00:00:00Z";
  const Timestamp time = parse_rfc3339(full);
  if (time.micros == 0) return std::nullopt;
  return static_cast<double>(time.micros);
}

bool in_order(Order order, double a, double b) {
  switch (order) {
    case Order::kEqual: return a == b;
    case Order::kLess: return a < b;
    case Order::kLessEqual: return a <= b;
    case Order::kGreater: return a > b;
    case Order::kGreaterEqual: return a >= b;
  }
  return false;
}

bool numbers_in_order(Order order, std::optional<double> a, std::optional<double> b) {
  return a && b && in_order(order, *a, *b);
}

/// IAM: each of the six colon-separated parts is compared for itself.
bool matches_arn(std::string_view pattern, std::string_view arn) {
  for (int part = 0; part < 5; ++part) {
    const size_t in_pattern = pattern.find(':');
    const size_t in_arn = arn.find(':');
    if (in_pattern == std::string_view::npos || in_arn == std::string_view::npos) break;
    if (!matches_pattern(pattern.substr(0, in_pattern), arn.substr(0, in_arn))) return false;
    pattern.remove_prefix(in_pattern + 1);
    arn.remove_prefix(in_arn + 1);
  }
  return matches_pattern(pattern, arn);
}

/// `wanted`: of the policy, with its variables filled in; `given`: of the request.
bool compares(const PolicyCondition& condition, const std::string& wanted,
              const std::string& given) {
  switch (condition.kind) {
    case Kind::kString:
    case Kind::kBinary: return wanted == given;
    case Kind::kStringIgnoreCase:
    case Kind::kBool: return equals_ignoring_case(wanted, given);
    case Kind::kStringLike: return matches_pattern(wanted, given);
    case Kind::kNumber:
      return numbers_in_order(condition.order, parse_number(given), parse_number(wanted));
    case Kind::kDate:
      return numbers_in_order(condition.order, parse_date(given), parse_date(wanted));
    case Kind::kAddress: {
      const auto one = parse_address(given);
      const auto network = parse_address(wanted);
      return one && network && lies_in(*one, *network);
    }
    case Kind::kArn: return matches_arn(wanted, given);
    case Kind::kNull: break;
  }
  return false;
}

/// Whether one value of the request passes, all values of the policy considered.
bool passes(const PolicyCondition& condition, const std::string& given, const Facts& facts) {
  const bool any = std::ranges::any_of(condition.values, [&](const std::string& value) {
    if (value.find("${") == std::string::npos) return compares(condition, value, given);
    std::string filled;
    return substitute(value, facts, filled) && compares(condition, filled, given);
  });
  return any != condition.negated;
}

bool is_valid_value(Kind kind, const std::string& value) {
  switch (kind) {
    case Kind::kNumber: return parse_number(value).has_value();
    case Kind::kDate: return parse_date(value).has_value();
    case Kind::kBool:
    case Kind::kNull:
      return equals_ignoring_case(value, "true") || equals_ignoring_case(value, "false");
    case Kind::kAddress: return parse_address(value).has_value();
    case Kind::kBinary: return from_base64(value).has_value();
    default: return true;
  }
}

Result<std::string> canonical_key(std::string_view key) {
  const std::string lower = ascii_lower(key);
  for (const std::string_view prefix : kTagKeys) {
    if (lower.starts_with(prefix) && lower.size() > prefix.size()) {
      return std::string{prefix} + std::string{key.substr(prefix.size())};
    }
  }
  if (std::ranges::find(kKeys, lower) == std::end(kKeys)) {
    return std::unexpected(bad("the condition key \"" + std::string{key} + "\" is not known here"));
  }
  return lower;
}

}  // namespace

bool PolicyCondition::holds(const Facts& facts) const {
  std::vector<std::string> given;
  const bool present = facts.find(key, given);
  if (kind == Kind::kNull) {
    return std::ranges::any_of(values, [&](const std::string& value) {
      return equals_ignoring_case(value, "true") != present;
    });
  }
  if (!present || given.empty()) {
    return if_exists || quantifier == Quantifier::kForAll ||
           (negated && quantifier == Quantifier::kSingle);
  }
  const auto pass = [&](const std::string& one) { return passes(*this, one, facts); };
  // A single-valued key has one value; of several the condition must hold for all if negated.
  if (quantifier == Quantifier::kForAll || (quantifier == Quantifier::kSingle && negated)) {
    return std::ranges::all_of(given, pass);
  }
  return std::ranges::any_of(given, pass);
}

bool PolicyCondition::narrows() const {
  if (negated || if_exists || kind == Kind::kNull || quantifier == Quantifier::kForAll ||
      std::ranges::find(kNarrowing, key) == std::end(kNarrowing)) {
    return false;
  }
  return std::ranges::none_of(values, [this](const std::string& value) {
    if (kind == Kind::kAddress) {
      const auto network = parse_address(value);
      return !network || network->bits <= 96;  // 0.0.0.0/0, or a large part of the IPv6 world
    }
    return value.find_first_of("*?$") != std::string::npos;
  });
}

Result<PolicyCondition> make_condition(std::string_view name, std::string_view key,
                                       std::vector<std::string> values) {
  PolicyCondition condition;
  std::string_view rest = name;
  if (rest.starts_with("ForAllValues:")) {
    condition.quantifier = PolicyCondition::Quantifier::kForAll;
    rest.remove_prefix(13);
  } else if (rest.starts_with("ForAnyValue:")) {
    condition.quantifier = PolicyCondition::Quantifier::kForAny;
    rest.remove_prefix(12);
  }
  if (rest.ends_with("IfExists")) {
    condition.if_exists = true;
    rest.remove_suffix(8);
  }
  const auto* found =
      std::ranges::find_if(kOperators, [&](const Operator& one) { return one.name == rest; });
  if (found == std::end(kOperators) || (found->kind == Kind::kNull && condition.if_exists)) {
    return std::unexpected(
        bad("the condition operator \"" + std::string{name} + "\" is not known"));
  }
  condition.kind = found->kind;
  condition.order = found->order;
  condition.negated = found->negated;
  BR_TRY(canonical, canonical_key(key));
  condition.key = std::move(canonical);
  if (values.empty()) return std::unexpected(bad("a condition has no value"));
  for (const std::string& value : values) {
    const bool variable = value.find("${") != std::string::npos;
    if (variable) BR_TRY(check_variables(value));
    if (!variable && !is_valid_value(condition.kind, value)) {
      return std::unexpected(
          bad("\"" + value.substr(0, 100) + "\" is not a value for " + std::string{name}));
    }
  }
  condition.values = std::move(values);
  return condition;
}

bool substitute(std::string_view text, const Facts& facts, std::string& out) {
  while (!text.empty()) {
    const size_t at = text.find("${");
    out += text.substr(0, at);
    if (at == std::string_view::npos) return true;
    const size_t end = text.find('}', at);
    if (end == std::string_view::npos) return false;
    const std::string_view name = text.substr(at + 2, end - at - 2);
    text.remove_prefix(end + 1);
    if (name == "*" || name == "?" || name == "$") {
      out += name;
      continue;
    }
    std::vector<std::string> values;
    // A value must not smuggle wildcards into a pattern.
    if (!facts.find(ascii_lower(name), values) || values.size() != 1 ||
        values[0].find_first_of("*?") != std::string::npos) {
      return false;
    }
    out += values[0];
  }
  return true;
}

Result<void> check_variables(std::string_view text) {
  while (true) {
    const size_t at = text.find("${");
    if (at == std::string_view::npos) return {};
    const size_t end = text.find('}', at);
    if (end == std::string_view::npos) {
      return std::unexpected(bad("a policy variable is not closed"));
    }
    const std::string name = ascii_lower(text.substr(at + 2, end - at - 2));
    const bool known = name == "*" || name == "?" || name == "$" ||
                       std::ranges::find(kKeys, name) != std::end(kKeys);
    if (!known) {
      return std::unexpected(bad("the policy variable \"" + name + "\" is not known here"));
    }
    text.remove_prefix(end + 1);
  }
}

}  // namespace beringia::access
