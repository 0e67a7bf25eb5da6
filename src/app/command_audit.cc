#include <cstdio>
#include <filesystem>

#include "app/commands.h"
#include "app/progress.h"
#include "app/text_table.h"
#include "audit/audit.h"
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

}  // namespace beringia::app
