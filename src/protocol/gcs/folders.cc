// Folders: the directories of buckets with hierarchical namespace.
#include <algorithm>
#include <ranges>
#include <utility>

#include "base/encoding.h"
#include "base/json_writer.h"
#include "protocol/gcs/done_operation.h"
#include "protocol/gcs/query_terms.h"
#include "protocol/gcs/setting_names.h"
#include "protocol/gcs/verbs.h"
#include "wire/document.h"
#include "wire/gcsjson.h"

namespace beringia::protocol::gcs {
namespace {

constexpr uint64_t kMaxPage = 1000;
constexpr size_t kMaxName = 1024;  // as of objects

std::string with_slash(std::string name) {
  if (!name.ends_with('/')) name += '/';
  return name;
}

/// With its '/' at the end. @error kInvalid
Result<std::string> folder_name(std::string name) {
  name = with_slash(std::move(name));
  const bool bad = name.size() < 2 || name.size() > kMaxName || name.starts_with('/') ||
                   name.find("//") != std::string::npos ||
                   name.find_first_of("\r\n") != std::string::npos;
  if (!bad) return name;
  return std::unexpected(invalid("Invalid folder name", "\"" + name.substr(0, 128) + "\""));
}

/// The bucket, for who may list it.
struct Bucket {
  const core::Grant* grant = nullptr;
  core::DirectoryInfo info;
};

/// @error kConflict: it has no folders
Result<Bucket> open(Call& call) {
  BR_TRY(path, call.bucket_path(call.route.bucket));
  BR_TRY(grant, call.admit(core::Action::kList, path));
  BR_TRY(info, call.rooms.names.stat_directory(call.context, *grant));
  const auto hierarchy = info.record.attributes.find(std::string{kHierarchy});
  if (hierarchy == info.record.attributes.end() || hierarchy->second != "true") {
    return std::unexpected(conflict("The bucket does not support hierarchical namespace.")
                               .with_tag("not_allowed_now"));
  }
  return Bucket{grant, std::move(info)};
}

std::string name_of(const Bucket& bucket, const Path& path) {
  return path.text().substr(bucket.info.path.text().size());
}

Error no_folder(const std::string& name) {
  return not_found("The specified folder does not exist.", name).with_tag("no_folder");
}

/// @error kNotFound
Result<core::DirectoryInfo> find_folder(const Call& call, const Bucket& bucket,
                                        const std::string& name) {
  core::ListFoldersRequest request;
  request.prefix = name;
  request.one_level = true;
  request.limit = 1;
  BR_TRY(page, call.rooms.names.list_folders(call.context, *bucket.grant, request));
  if (page.items.empty() || name_of(bucket, page.items[0].path) != name) {
    return std::unexpected(no_folder(name));
  }
  return std::move(page.items[0]);
}

/// What a new folder lies in must be there. @error kConflict
Result<void> check_parent(const Call& call, const Bucket& bucket, const std::string& name) {
  const size_t slash = name.rfind('/', name.size() - 2);
  if (slash == std::string::npos) return {};
  if (find_folder(call, bucket, name.substr(0, slash + 1))) return {};
  return std::unexpected(
      conflict("The parent folder does not exist.", name).with_tag("not_allowed_now"));
}

uint64_t metageneration_of(const core::DirectoryInfo& folder) {
  return std::max<uint64_t>(folder.record.metageneration, 1);
}

void write_folder(JsonWriter& json, const Call& call, const Bucket& bucket,
                  const core::DirectoryInfo& folder, std::string_view type = {}) {
  const std::string name = name_of(bucket, folder.path);
  json.begin_object();
  if (!type.empty()) json.member("@type", type);
  json.member("kind", "storage#folder").member("id", call.route.bucket + "/" + name);
  json.member("selfLink", call.base_url + "/storage/v1/b/" + percent_encode(call.route.bucket) +
                              "/folders/" + percent_encode(name));
  json.member("name", name).member("bucket", call.route.bucket);
  json.member("metageneration", std::to_string(metageneration_of(folder)));
  json.member("createTime", to_iso8601(folder.record.created));
  json.member("updateTime", to_iso8601(folder.record.created)).end_object();
}

io::HttpResponse folder_response(const Call& call, const Bucket& bucket,
                                 const core::DirectoryInfo& folder) {
  JsonWriter json;
  write_folder(json, call, bucket, folder);
  return json_response(200, json.take());
}

Result<io::HttpResponse> list_folders(Call& call) {
  BR_TRY(bucket, open(call));
  core::ListFoldersRequest request;
  request.prefix = call.query.get("prefix");
  const std::string& delimiter = call.query.get("delimiter");
  if (!delimiter.empty() && delimiter != "/") {
    return std::unexpected(invalid("Invalid value for delimiter", "of folders it is \"/\""));
  }
  request.one_level = !delimiter.empty();
  request.start_offset = call.query.get("startOffset");
  request.end_offset = call.query.get("endOffset");
  BR_TRY(size, call.query.number("pageSize"));
  request.limit = std::clamp<uint64_t>(size.value_or(kMaxPage), 1, kMaxPage);
  BR_TRY(after, page_position(call.query));
  request.after = std::move(after);
  BR_TRY(page, call.rooms.names.list_folders(call.context, *bucket.grant, request));
  JsonWriter json;
  json.begin_object().member("kind", "storage#folders").key("items").begin_array();
  for (const auto& folder : page.items) write_folder(json, call, bucket, folder);
  json.end_array();
  if (page.truncated) {
    json.member("nextPageToken", to_base64url(name_of(bucket, page.items.back().path)));
  }
  return json_response(200, json.end_object().take());
}

Result<io::HttpResponse> make_folder(Call& call) {
  BR_TRY(body, call.read_body(wire::gcs::kMaxResourceBytes));
  BR_TRY(document,
         wire::parse_json(body.empty() ? "{}" : body, wire::gcs::kMaxResourceBytes, "a folder"));
  const wire::Value* asked = document.find("name");
  const bool is_text = asked != nullptr && asked->is(wire::Value::Kind::kText);
  BR_TRY(name, folder_name(is_text ? asked->text : std::string{}));
  BR_TRY(path, call.new_object_path(call.route.bucket, name));
  BR_TRY(recursive, call.query.flag("recursive", false));
  BR_TRY(bucket, open(call));
  BR_TRY(grant, call.admit(core::Action::kWrite, path));
  if (!recursive) BR_TRY(check_parent(call, bucket, name));
  auto made = call.rooms.names.make_directory(call.context, *grant, {});
  if (made) return folder_response(call, bucket, *made);
  if (made.error().code() == Code::kAlreadyExists) {
    return std::unexpected(already_exists("The folder you tried to create already exists."));
  }
  return std::unexpected(std::move(made).error());
}

}  // namespace

Result<io::HttpResponse> folders(Call& call) {
  return call.method == "POST" ? make_folder(call) : list_folders(call);
}

Result<io::HttpResponse> folder(Call& call) {
  BR_TRY(name, folder_name(call.route.entity));
  BR_TRY(conditions, conditions_of(call.query));
  BR_TRY(bucket, open(call));
  const bool reads = call.method == "GET";
  if (reads) {
    BR_TRY(found, find_folder(call, bucket, name));
    BR_TRY(check_metageneration(conditions, metageneration_of(found), true));
    return folder_response(call, bucket, found);
  }
  BR_TRY(path, call.object_path(call.route.bucket, name));
  BR_TRY(grant, call.admit(core::Action::kDelete, path));
  BR_TRY(found, find_folder(call, bucket, name));
  BR_TRY(check_metageneration(conditions, metageneration_of(found), false));
  auto removed = call.rooms.names.remove_directory(call.context, *grant);
  if (removed) return empty_response(204);
  if (removed.error().tag() == "not_empty") {
    return std::unexpected(
        already_exists("The folder you tried to delete is not empty.").with_tag("not_empty"));
  }
  return std::unexpected(std::move(removed).error());
}

Result<io::HttpResponse> rename_folder(Call& call) {
  const Route& route = call.route;
  BR_TRY(from_name, folder_name(route.entity));
  BR_TRY(to_name, folder_name(route.to_object));
  BR_TRY(source, call.object_path(route.bucket, from_name));
  BR_TRY(target, call.new_object_path(route.bucket, to_name));
  BR_TRY(conditions, source_conditions_of(call.query));
  BR_TRY(bucket, open(call));
  // As a move of an object: it takes what it holds away from those who could read it.
  BR_TRY(call.admit(core::Action::kRead, source));
  BR_TRY(from, call.admit(core::Action::kDelete, source));
  BR_TRY(to, call.admit(core::Action::kWrite, target));
  BR_TRY(before, find_folder(call, bucket, from_name));
  BR_TRY(check_metageneration(conditions, metageneration_of(before), false));
  BR_TRY(check_parent(call, bucket, to_name));
  if (to_name.starts_with(from_name)) {
    return std::unexpected(invalid("A folder cannot be renamed into itself"));
  }
  const Timestamp started = call.rooms.clock.wall();
  auto renamed = call.rooms.names.rename_directory(call.context, *from, *to);
  if (!renamed) {
    if (renamed.error().code() == Code::kAlreadyExists) {
      return std::unexpected(already_exists("The destination folder already exists."));
    }
    return std::unexpected(std::move(renamed).error());
  }
  BR_TRY(after, find_folder(call, bucket, to_name));
  JsonWriter folder;
  write_folder(folder, call, bucket, after, "type.googleapis.com/google.storage.control.v2.Folder");
  const auto metadata = [&](JsonWriter& json) {
    json.member("@type", "type.googleapis.com/google.storage.control.v2.RenameFolderMetadata");
    json.member("sourceFolderId", from_name).member("destinationFolderId", to_name);
  };
  return finish_operation(call, *to, {started, "rename-folder", metadata, folder.take(), {}});
}

namespace {

/// All objects below a folder, as deletes of their own. @return what they have left to do
Result<std::optional<Error>> delete_objects_below(Call& call, const Bucket& bucket,
                                                  const std::string& name) {
  WorkBudget budget{call.rooms.clock};
  core::ListRequest request;
  request.prefix = name;
  std::optional<Error> first;
  for (;;) {
    BR_TRY(page, call.rooms.names.list(call.context, *bucket.grant, request));
    for (const auto& item : page.items) {
      if (!budget.take()) {
        return busy("the time of one call is over", "objects are left", "send it again to go on");
      }
      BR_TRY(path, call.object_path(call.route.bucket, item.name));
      auto grant = call.admit(core::Action::kDelete, path);
      Result<void> gone;
      if (grant) {
        auto removed = call.rooms.names.remove(call.context, **grant, {});
        if (!removed) gone = std::unexpected(std::move(removed).error());
      } else {
        gone = std::unexpected(std::move(grant).error());
      }
      if (gone || gone.error().code() == Code::kNotFound) continue;
      if (!first) first = Error{gone.error()}.during("deleting " + item.name);
    }
    if (!page.truncated) return first;
    request.start_after = page.last;
  }
}

/// The folder and those below it, the deepest first. `grant`: for the folder itself.
Result<void> delete_folders_below(Call& call, const Bucket& bucket, const std::string& name,
                                  const core::Grant& grant) {
  core::ListFoldersRequest request;
  request.prefix = name;
  std::vector<std::string> names;
  for (;;) {
    BR_TRY(page, call.rooms.names.list_folders(call.context, *bucket.grant, request));
    for (const auto& folder : page.items) names.push_back(name_of(bucket, folder.path));
    if (!page.truncated) break;
    request.after = names.back();
  }
  for (const auto& one : std::views::reverse(names)) {
    const core::Grant* mine = &grant;
    if (one != name) {
      BR_TRY(path, call.object_path(call.route.bucket, one));
      BR_TRY(admitted, call.admit(core::Action::kDelete, path));
      mine = admitted;
    }
    auto removed = call.rooms.names.remove_directory(call.context, *mine);
    if (!removed && removed.error().code() != Code::kNotFound) return removed;
  }
  return {};
}

}  // namespace

/// JSON API reference, Folders: deleteRecursive. Objects go as by their own deletes: a bucket that
/// deletes softly keeps them.
Result<io::HttpResponse> delete_folder_recursive(Call& call) {
  BR_TRY(name, folder_name(call.route.entity));
  BR_TRY(conditions, conditions_of(call.query));
  BR_TRY(bucket, open(call));
  BR_TRY(path, call.object_path(call.route.bucket, name));
  BR_TRY(grant, call.admit(core::Action::kDelete, path));
  BR_TRY(found, find_folder(call, bucket, name));
  BR_TRY(check_metageneration(conditions, metageneration_of(found), false));
  const Timestamp began = call.rooms.clock.wall();
  BR_TRY(error, delete_objects_below(call, bucket, name));
  if (!error) {
    if (auto gone = delete_folders_below(call, bucket, name, *grant); !gone) error = gone.error();
  }
  const auto metadata = [&](JsonWriter& json) {
    json.member("@type",
                "type.googleapis.com/google.storage.control.v2.DeleteFolderRecursiveMetadata");
    json.member("folderId", name);
  };
  constexpr const char* kEmpty = R"j({"@type":"type.googleapis.com/google.protobuf.Empty"})j";
  return finish_operation(call, *grant,
                          {began, "delete-folder-recursive", metadata, kEmpty, std::move(error)});
}

}  // namespace beringia::protocol::gcs
