#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "protocol/gcs/glob.h"
#include "protocol/gcs/object_contexts.h"
#include "protocol/gcs/object_resource.h"
#include "protocol/gcs/verbs.h"

namespace beringia::protocol::gcs {
namespace {

constexpr uint64_t kMaxResults = 1000;   // GCS: a page has at most 1,000 items and prefixes
constexpr int kMaxPagesPerRequest = 20;  // scanned for one answer when a glob filters

/// Where the next page starts. Opaque to clients.
std::string page_token(const std::string& last) { return to_base64url("1" + last); }

/// Of versions: also behind which generation of that name; "" = behind all of them.
std::string version_token(const core::VersionPage& page) {
  const std::string generation =
      page.last_generation ? std::to_string(*page.last_generation) : std::string{};
  return to_base64url("2" + generation + "/" + page.last);
}

Error bad_token() { return invalid("Invalid value for parameter pageToken"); }

Result<std::string> position_of(const std::string& token) {
  if (token.empty()) return std::string{};
  const auto text = from_base64url(token);
  if (!text || !text->starts_with('1') || !is_utf8(*text)) return std::unexpected(bad_token());
  return text->substr(1);
}

Result<void> read_version_token(const std::string& token, core::ListVersionsRequest& request) {
  if (token.empty()) return {};
  const auto text = from_base64url(token);
  const size_t slash = text ? text->find('/') : std::string::npos;
  if (slash == std::string::npos || !text->starts_with('2') || !is_utf8(*text)) {
    return std::unexpected(bad_token());
  }
  request.start_after = text->substr(slash + 1);
  if (slash == 1) return {};
  request.after_generation = parse_u64(std::string_view{*text}.substr(1, slash - 1));
  if (!request.after_generation) return std::unexpected(bad_token());
  return {};
}

/// What lists of entries and of generations have in common.
template <class Request>
Result<void> read_terms(const Parameters& query, Request& request) {
  request.prefix = query.get("prefix");
  request.delimiter = query.get("delimiter");
  request.start_offset = query.get("startOffset");
  request.end_offset = query.get("endOffset");
  BR_TRY(trailing, query.flag("includeTrailingDelimiter", false));
  request.include_trailing_delimiter = trailing;
  BR_TRY(results, query.number("maxResults"));
  request.limit = std::min(results.value_or(kMaxResults), kMaxResults);
  if (request.limit == 0) request.limit = kMaxResults;
  return {};
}

Result<core::ListRequest> request_of(const Parameters& query) {
  core::ListRequest request;
  BR_TRY(read_terms(query, request));
  BR_TRY(position, position_of(query.get("pageToken")));
  request.start_after = std::move(position);
  return request;
}

Result<core::ListVersionsRequest> version_request_of(const Parameters& query) {
  core::ListVersionsRequest request;
  BR_TRY(read_terms(query, request));
  BR_TRY(read_version_token(query.get("pageToken"), request));
  return request;
}

/// includeFoldersAsPrefixes: managed folders are prefixes, too, though nothing lies below them. On
/// the first page, which may become longer than was asked for.
void add_folders(const Call& call, wire::gcs::ObjectList& list) {
  const access::BucketView* view = call.view_of(call.route.bucket);
  if (view == nullptr) return;
  const std::string& prefix = call.query.get("prefix");
  for (const auto& [folder, policy] : view->access->folders) {
    if (!folder.starts_with(prefix) || folder.size() == prefix.size()) continue;
    const std::string shown = folder.substr(0, folder.find('/', prefix.size()) + 1);
    const auto at = std::ranges::lower_bound(list.prefixes, shown);
    if (at == list.prefixes.end() || *at != shown) list.prefixes.insert(at, shown);
  }
}

/// What is shown of all that lies below the prefix.
struct Choice {
  Glob glob;
  ContextFilter filter;

  bool narrows() const { return !glob.empty() || !filter.empty(); }
  bool takes(const std::string& name, const meta::EntryRecord& record) const {
    return (glob.empty() || glob.matches(name)) && filter.matches(record);
  }
};

/// All generations, or what was deleted softly. Of one name the oldest comes first, as far as they
/// are on one page. Marks of deletions are S3's: GCS has none.
Result<io::HttpResponse> list_versions(Call& call, const core::Grant& grant, const Choice& choice,
                                       bool soft_deleted) {
  const Glob& glob = choice.glob;
  BR_TRY(request, version_request_of(call.query));
  request.soft_deleted = soft_deleted;
  if (!glob.empty() && request.prefix.empty()) request.prefix = glob.literal_prefix();
  wire::gcs::ObjectList list;
  const size_t wanted = request.limit;
  for (int pages = 1;; ++pages) {
    BR_TRY(page, call.rooms.names.list_versions(call.context, grant, request));
    auto first_of_name = static_cast<ptrdiff_t>(list.items.size());
    for (auto& item : page.items) {
      if (item.version.delete_marker || !choice.takes(item.name, item.version.record)) continue;
      auto object = object_resource(call, call.route.bucket, item.name, item.version.record);
      if (soft_deleted) {
        object.soft_delete_time = item.version.became_noncurrent;
        object.hard_delete_time = item.version.hard_delete;
        object.restore_token =
            restore_token_of(item.name, object.generation, item.version.became_noncurrent);
      } else if (!item.is_current) {
        object.time_deleted = item.version.became_noncurrent;
      }
      if (first_of_name == static_cast<ptrdiff_t>(list.items.size()) ||
          list.items.back().name != item.name) {
        first_of_name = static_cast<ptrdiff_t>(list.items.size());
      }
      list.items.insert(list.items.begin() + first_of_name, std::move(object));
    }
    std::ranges::move(page.prefixes, std::back_inserter(list.prefixes));
    if (!page.truncated) break;
    const size_t found = list.items.size() + list.prefixes.size();
    if (found >= wanted || pages == kMaxPagesPerRequest) {
      list.next_page_token = version_token(page);
      break;
    }
    request.start_after = page.last;
    request.after_generation = page.last_generation;
    request.limit = wanted - found;
  }
  return json_response(200, wire::gcs::render(list));
}

}  // namespace

Result<io::HttpResponse> list_objects(Call& call) {
  const Route& route = call.route;
  BR_TRY(path, call.bucket_path(route.bucket));
  BR_TRY(versions, call.query.flag("versions", false));
  BR_TRY(soft_deleted, call.query.flag("softDeleted", false));
  BR_TRY(glob, Glob::parse(call.query.get("matchGlob")));
  BR_TRY(filter, ContextFilter::parse(call.query.get("filter")));
  const Choice choice{std::move(glob), std::move(filter)};
  const std::string& delimiter = call.query.get("delimiter");
  if (!choice.glob.empty() && !delimiter.empty() && delimiter != "/") {
    return std::unexpected(invalid("matchGlob allows the delimiter \"/\" only"));
  }
  BR_TRY(grant, call.admit(core::Action::kList, path));
  if (soft_deleted && versions) {
    return std::unexpected(invalid("versions and softDeleted cannot be asked for at once"));
  }
  if (soft_deleted || versions) return list_versions(call, *grant, choice, soft_deleted);
  BR_TRY(request, request_of(call.query));
  if (!choice.glob.empty() && request.prefix.empty()) {
    request.prefix = choice.glob.literal_prefix();
  }

  wire::gcs::ObjectList list;
  const size_t wanted = request.limit;
  for (int pages = 1;; ++pages) {
    BR_TRY(page, call.rooms.names.list(call.context, *grant, request));
    for (const auto& item : page.items) {
      if (!choice.takes(item.name, item.record)) continue;
      list.items.push_back(object_resource(call, route.bucket, item.name, item.record));
    }
    std::ranges::move(page.prefixes, std::back_inserter(list.prefixes));
    if (!page.truncated) break;
    const size_t found = list.items.size() + list.prefixes.size();
    if (!choice.narrows() || found >= wanted || pages == kMaxPagesPerRequest) {
      list.next_page_token = page_token(page.last);
      break;
    }
    request.start_after = page.last;
    request.limit = wanted - found;
  }
  BR_TRY(folders, call.query.flag("includeFoldersAsPrefixes", false));
  if (folders && delimiter == "/" && call.query.get("pageToken").empty()) add_folders(call, list);
  return json_response(200, wire::gcs::render(list));
}

}  // namespace beringia::protocol::gcs
