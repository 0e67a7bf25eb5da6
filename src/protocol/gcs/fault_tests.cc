#include "protocol/gcs/fault_tests.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/json_writer.h"
#include "wire/document.h"

namespace beringia::protocol::gcs {
namespace {

constexpr uint64_t kKib = 1024;
constexpr int kMaxStallSeconds = 600;
constexpr uint64_t kMaxKib = 1 << 20;

/// Cuts `prefix` off; false: it is not there.
bool skip(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

/// Takes the digits at the beginning. nullopt: there are none, or too many.
std::optional<uint64_t> take_number(std::string_view& text) {
  const size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = parse_u64(text.substr(0, end));
  text.remove_prefix(end);
  if (!number || *number > kMaxKib) return std::nullopt;
  return number;
}

std::optional<Fault> parse_status(std::string_view text) {
  Fault fault;
  const auto status = take_number(text);
  if (!status || *status < 400 || *status > 599) return std::nullopt;
  fault.status = static_cast<int>(*status);
  if (text.empty()) return fault;
  if (!skip(text, "-after-")) return std::nullopt;
  const auto kib = take_number(text);
  if (!kib || text != "K") return std::nullopt;
  fault.kind = Fault::Kind::kStatusAfter;
  fault.bytes = *kib * kKib;
  return fault;
}

std::optional<Fault> parse_broken_stream(std::string_view text) {
  Fault fault{.kind = Fault::Kind::kBreakAfter};
  fault.bytes = 4;  // "a few": the testbench's number
  if (text.empty()) return fault;
  const bool is_answer = skip(text, "-final-chunk");
  if (!skip(text, "-after-")) return std::nullopt;
  const auto number = take_number(text);
  if (!number || text != (is_answer ? "B" : "K")) return std::nullopt;
  if (is_answer) fault.kind = Fault::Kind::kShortAnswer;
  fault.bytes = is_answer ? *number : *number * kKib;
  return fault;
}

std::optional<Fault> parse_stall(std::string_view text) {
  Fault fault{.kind = Fault::Kind::kStall};
  const auto seconds = take_number(text);
  if (!seconds || *seconds > kMaxStallSeconds || !skip(text, "s-after-")) return std::nullopt;
  const auto kib = take_number(text);
  if (!kib || text != "K") return std::nullopt;
  fault.seconds = static_cast<int>(*seconds);
  fault.bytes = *kib * kKib;
  return fault;
}

std::optional<Fault> parse_redirect(std::string_view text) {
  Fault fault;
  if (skip(text, "send-token-")) {
    fault.kind = Fault::Kind::kRedirect;
  } else if (skip(text, "send-handle-and-token-")) {
    fault.kind = Fault::Kind::kRedirectHandle;
  } else if (skip(text, "expect-token-")) {
    fault.kind = Fault::Kind::kExpectRedirect;
  } else {
    return std::nullopt;
  }
  if (text.empty()) return std::nullopt;
  fault.token = text;
  return fault;
}

/// What Google's clients have over JSON only; Google's testbench says 501, and its tests are
/// skipped.
bool is_of_json_only(std::string_view method) {
  constexpr std::string_view kFamilies[] = {
      "storage.bucket_acl.", "storage.default_object_acl.", "storage.object_acl.",
      "storage.hmacKey.",    "storage.notifications.",      "storage.serviceaccount.",
  };
  return std::ranges::any_of(kFamilies,
                             [&](std::string_view family) { return method.starts_with(family); });
}

Error bad(std::string why) { return invalid("The retry test cannot be made", std::move(why)); }

}  // namespace

std::optional<Fault> Fault::parse(std::string_view instruction) {
  if (skip(instruction, "stall-for-")) return parse_stall(instruction);
  if (skip(instruction, "redirect-")) return parse_redirect(instruction);
  if (!skip(instruction, "return-")) return std::nullopt;
  if (instruction == "reset-connection") return Fault{.kind = Kind::kReset};
  if (skip(instruction, "broken-stream")) return parse_broken_stream(instruction);
  return parse_status(instruction);
}

Result<std::string> FaultTests::add(std::string_view json) {
  BR_TRY(document, wire::parse_json(json, kMaxBody, "a retry test"));
  Test test;
  if (const wire::Value* transport = document.find("transport"); transport != nullptr) {
    const std::string name = ascii_lower(transport->text);
    if (name != "http" && name != "grpc") return std::unexpected(bad("transport is HTTP or GRPC"));
    test.is_grpc = name == "grpc";
  }
  const wire::Value* instructions = document.find("instructions");
  if (instructions == nullptr || !instructions->is(wire::Value::Kind::kTable)) {
    return std::unexpected(bad("it has no instructions"));
  }
  size_t count = 0;
  for (const auto& [method, faults] : instructions->members) {
    if (test.is_grpc && is_of_json_only(method)) {
      return std::unexpected(
          unsupported("The retry test cannot be made", method.substr(0, 64) + " is not of gRPC"));
    }
    for (const wire::Value& fault : faults.items) {
      if (!Fault::parse(fault.text)) {
        return std::unexpected(bad("no such instruction: " + fault.text.substr(0, 64)));
      }
      if (++count > kMaxInstructions) return std::unexpected(bad("it has too many instructions"));
      test.instructions[method].push_back(fault.text);
    }
  }
  const std::lock_guard lock{mutex_};
  const std::string id = random_hex(rng_, 16);
  order_.push_back(id);
  if (order_.size() > kMaxTests) {
    tests_.erase(order_.front());
    order_.pop_front();
  }
  return render(id, tests_[id] = std::move(test));
}

std::string FaultTests::render(const std::string& id, const Test& test) {
  bool completed = true;
  JsonWriter json;
  json.begin_object().member("id", std::string_view{id});
  json.key("instructions").begin_object();
  for (const auto& [method, faults] : test.instructions) {
    json.key(method).begin_array();
    for (const std::string& fault : faults) json.value(std::string_view{fault});
    json.end_array();
    completed = completed && faults.empty();
  }
  json.end_object().member("transport", test.is_grpc ? "GRPC" : "HTTP");
  json.member("completed", completed);
  return json.end_object().take();
}

Result<std::string> FaultTests::show(const std::string& id) const {
  const std::lock_guard lock{mutex_};
  const auto found = tests_.find(id);
  if (found == tests_.end()) return std::unexpected(not_found("There is no such retry test."));
  return render(id, found->second);
}

Result<void> FaultTests::remove(const std::string& id) {
  const std::lock_guard lock{mutex_};
  if (tests_.erase(id) == 0) return std::unexpected(not_found("There is no such retry test."));
  order_.remove(id);
  return {};
}

std::optional<Fault> FaultTests::next(const std::string& id, std::string_view method,
                                      bool is_grpc) const {
  const std::lock_guard lock{mutex_};
  const auto found = tests_.find(id);
  if (found == tests_.end() || found->second.is_grpc != is_grpc) return std::nullopt;
  const auto faults = found->second.instructions.find(method);
  if (faults == found->second.instructions.end() || faults->second.empty()) return std::nullopt;
  return Fault::parse(faults->second.front());
}

void FaultTests::take(const std::string& id, std::string_view method) {
  const std::lock_guard lock{mutex_};
  const auto found = tests_.find(id);
  if (found == tests_.end()) return;
  const auto faults = found->second.instructions.find(method);
  if (faults != found->second.instructions.end() && !faults->second.empty()) {
    faults->second.pop_front();
  }
}

}  // namespace beringia::protocol::gcs
