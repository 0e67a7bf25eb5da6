#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "app/commands.h"
#include "app/progress.h"
#include "app/text_table.h"
#include "audit/audit.h"
#include "base/encoding.h"
#include "base/json_writer.h"

namespace beringia::app {
namespace {

Result<std::string> log_directory(const Invocation& invocation) {
  if (invocation.arguments.empty()) {
    BR_TRY(client, AdminClient::make(invocation));
    BR_TRY(answer, client.call_json("GET", "/v1/audit"));
    return text_of(answer, "directory");
  }
  const std::string& given = invocation.arguments.front();
  // A data directory has the log in its "audit".
  const std::string inside = given + "/audit";
  return std::filesystem::is_directory(inside) ? inside : given;
}

// Below what the server takes in one call.
constexpr size_t kIngestBytes = 3 << 20;
constexpr size_t kIngestLines = 5'000;

struct Ingested {
  uint64_t recorded = 0;
  uint64_t repeated = 0;
  uint64_t other_services = 0;
  uint64_t excepted = 0;
  uint64_t faulty = 0;
  std::string first_fault;
};

Result<void> send_lines(const AdminClient& client, const std::string& target,
                        const std::string& lines, uint64_t first_line, Ingested& sum) {
  if (lines.empty()) return {};
  BR_TRY(answer, client.call_json("POST", target, lines));
  sum.recorded += number_of(answer, "recorded");
  sum.repeated += number_of(answer, "repeated");
  sum.other_services += number_of(answer, "other_services");
  sum.excepted += number_of(answer, "excepted");
  sum.faulty += number_of(answer, "faulty");
  const auto& faults = items_of(answer, "faults");
  if (sum.first_fault.empty() && !faults.empty()) {
    sum.first_fault = "line " + std::to_string(first_line + number_of(faults.front(), "line") - 1) +
                      ": " + text_of(faults.front(), "why");
  }
  return {};
}

Result<Ingested> ingest(const Invocation& invocation) {
  BR_TRY(client, AdminClient::make(invocation));
  const std::string& name = invocation.arguments.front();
  std::ifstream file;
  if (name != "-") {
    file.open(name);
    if (!file) return std::unexpected(not_found("cannot read " + name, "", "check the path"));
  }
  std::istream& in = name == "-" ? std::cin : file;
  std::string target = "/v1/audit/ingest";
  const std::string except = invocation.get("--except");
  if (!except.empty()) target += "?except=" + percent_encode(except);
  Ingested sum;
  std::string lines;
  std::string line;
  uint64_t first = 1;
  uint64_t count = 0;
  while (std::getline(in, line)) {
    if (line.empty()) line = "{}";  // so that the numbers of lines stay true
    if (count == kIngestLines || (count > 0 && lines.size() + line.size() >= kIngestBytes)) {
      BR_TRY(send_lines(client, target, lines, first, sum));
      first += count;
      count = 0;
      lines.clear();
    }
    lines += line + "\n";
    ++count;
  }
  BR_TRY(send_lines(client, target, lines, first, sum));
  return sum;
}

}  // namespace

int audit_verify(const Invocation& invocation) {
  const auto directory = log_directory(invocation);
  if (!directory) return report(directory.error());
  Result<audit::VerifyReport> verified = audit::VerifyReport{};
  {
    Progress progress;
    verified =
        audit::verify(*directory, invocation.get("--key"), [&](uint64_t done, uint64_t total) {
          if (!invocation.json()) {
            progress.show(done, total, std::to_string(done) + " records");
          }
        });
  }
  if (!verified) return report(verified.error());
  const bool whole = verified->problem.empty();
  if (invocation.json()) {
    JsonWriter json;
    json.begin_object().member("directory", *directory).member("whole", whole);
    json.member("records", verified->records).member("root_hash", verified->root_hash_hex);
    json.key("first_damaged");
    verified->first_damaged ? json.value(*verified->first_damaged) : json.null();
    json.member("problem", verified->problem).end_object();
    std::printf("%s\n", json.text().c_str());
    return whole ? kSucceeded : kFailed;
  }
  if (whole) {
    std::printf("the audit log is whole: %llu records, root hash %s\n",
                static_cast<unsigned long long>(verified->records),
                verified->root_hash_hex.c_str());
    return kSucceeded;
  }
  const std::string where =
      verified->first_damaged ? "record " + std::to_string(*verified->first_damaged) : "the log";
  return report(corrupt("the audit log in " + *directory + " is damaged at " + where,
                        verified->problem, "keep it as it is, and compare it with a copy"));
}

int audit_ingest(const Invocation& invocation) {
  const auto sum = ingest(invocation);
  if (!sum) return report(sum.error());
  if (invocation.json()) {
    JsonWriter json;
    json.begin_object().member("recorded", sum->recorded);
    json.member("repeated", sum->repeated).member("other_services", sum->other_services);
    json.member("excepted", sum->excepted);
    json.member("faulty", sum->faulty).member("first_fault", sum->first_fault).end_object();
    std::printf("%s\n", json.text().c_str());
  } else {
    std::printf(
        "%llu entries recorded, %llu known already, %llu of other services and %llu excepted "
        "passed over\n",
        static_cast<unsigned long long>(sum->recorded),
        static_cast<unsigned long long>(sum->repeated),
        static_cast<unsigned long long>(sum->other_services),
        static_cast<unsigned long long>(sum->excepted));
  }
  if (sum->faulty == 0) return kSucceeded;
  return report(invalid(std::to_string(sum->faulty) + " lines could not be taken over",
                        sum->first_fault, "the others are recorded"));
}

}  // namespace beringia::app
