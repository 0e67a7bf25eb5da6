#include "protocol/s3/conditions.h"

#include <string>

#include "base/encoding.h"
#include "protocol/s3/versions.h"

namespace beringia::protocol::s3 {
namespace {

std::optional<Timestamp> date_of(const Call& call, std::string_view name) {
  const auto text = call.request.headers.get(name);
  if (!text) return std::nullopt;
  const Timestamp time = parse_http_date(std::string{*text});
  return time.micros == 0 ? std::nullopt : std::optional{time};
}

core::Conditions conditions_of(const Call& call, const std::string& prefix) {
  core::Conditions conditions;
  append_etags(conditions.etag_match, call.header(prefix + "if-match"));
  append_etags(conditions.etag_none_match, call.header(prefix + "if-none-match"));
  conditions.modified_since = date_of(call, prefix + "if-modified-since");
  conditions.unmodified_since = date_of(call, prefix + "if-unmodified-since");
  return conditions;
}

}  // namespace

void append_etags(std::vector<std::string>& etags, std::string_view header) {
  while (!header.empty()) {
    std::string_view etag = next_list_item(header);
    if (etag.starts_with("W/")) etag.remove_prefix(2);
    if (etag.size() >= 2 && etag.starts_with('"') && etag.ends_with('"')) {
      etag = etag.substr(1, etag.size() - 2);
    }
    if (!etag.empty()) etags.emplace_back(etag);
  }
}

core::Conditions read_conditions(const Call& call) { return conditions_of(call, ""); }

core::Conditions write_conditions(const Call& call) {
  core::Conditions conditions;
  append_etags(conditions.etag_match, call.header("if-match"));
  append_etags(conditions.etag_none_match, call.header("if-none-match"));
  return conditions;
}

Result<DeleteTerms> delete_terms(const Call& call) {
  DeleteTerms terms;
  BR_TRY(generation, version_of(call));
  terms.generation = generation;
  std::vector<std::string> etags;
  append_etags(etags, call.header("if-match"));
  if (!etags.empty()) terms.etag = etags.front();
  if (const std::string_view size = call.header("x-amz-if-match-size"); !size.empty()) {
    terms.size = parse_u64(size);
    if (!terms.size) {
      return std::unexpected(s3_error("InvalidArgument", "Invalid x-amz-if-match-size"));
    }
  }
  constexpr std::string_view kModified = "x-amz-if-match-last-modified-time";
  if (call.request.headers.has(kModified)) {
    terms.modified = date_of(call, kModified);
    if (!terms.modified) {
      return std::unexpected(s3_error("InvalidArgument", "Invalid " + std::string{kModified}));
    }
  }
  return terms;
}

Result<core::Conditions> delete_conditions(const io::Context& context, core::Namespace& names,
                                           const core::Grant& grant, const DeleteTerms& terms) {
  core::Conditions conditions;
  if (!terms.etag.empty()) conditions.etag_match.push_back(terms.etag);
  if (!terms.modified && !terms.size) return conditions;
  BR_TRY(entry, names.stat(context, grant, terms.generation));
  const auto seconds = [](Timestamp time) { return time.micros / 1'000'000; };
  const bool holds = (!terms.size || *terms.size == entry.record.size) &&
                     (!terms.modified || seconds(*terms.modified) == seconds(entry.record.created));
  if (!holds) {
    return std::unexpected(conflict("the precondition does not hold", "size or time are others")
                               .with_tag("precondition"));
  }
  conditions.generation_match = entry.record.generation;
  conditions.metageneration_match = entry.record.metageneration;
  return conditions;
}

core::Conditions source_conditions(const Call& call) {
  return conditions_of(call, "x-amz-copy-source-");
}

}  // namespace beringia::protocol::s3
