// google.storage.control.v2: folders, managed folders, and the operations of renames.
#include <google/protobuf/empty.pb.h>
#include <google/protobuf/util/json_util.h>

#include "base/encoding.h"
#include "base/json_writer.h"
#include "protocol/gcs/grpc/methods.h"
#include "protocol/gcs/grpc/resources.h"
#include "protocol/gcs/grpc/storage_control.pb.h"

namespace beringia::protocol::gcs::grpc {
namespace {

namespace control = google::storage::control::v2;

constexpr std::string_view kFolders = "/folders/";
constexpr std::string_view kManagedFolders = "/managedFolders/";

/// A name of the control API: what belongs to a bucket.
struct Named {
  std::string bucket;
  std::string name;
};

/// @param kind  "/folders/" @error kInvalidArgument
Answer<Named> named(std::string_view text, std::string_view kind) {
  const size_t at = text.find(kind);
  if (at == std::string_view::npos || at + kind.size() == text.size()) {
    return refusal(Code::kInvalidArgument, "The name is not of the form projects/_/buckets/NAME" +
                                               std::string{kind} + "NAME.");
  }
  BR_TRY(bucket, bucket_of(text.substr(0, at)));
  return Named{std::move(bucket), std::string{text.substr(at + kind.size())}};
}

std::string path_of(const Named& one, std::string_view kind) {
  return bucket_path(one.bucket) + std::string{kind} + percent_encode(one.name);
}

template <class Message>
Answer<Message> message_of(std::string_view json) {
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  Message message;
  const auto parsed = google::protobuf::util::JsonStringToMessage(
      google::protobuf::StringPiece{json.data(), json.size()}, &message, options);
  if (!parsed.ok()) return refusal(Code::kInternal, parsed.ToString());
  return message;
}

/// JSON names them by what follows the bucket.
template <class Folder>
void name_wholly(Folder& folder, const std::string& bucket, std::string_view kind) {
  folder.set_name(name_of(bucket) + std::string{kind} + folder.name());
}

template <class Folder>
Answer<void> send_folder(GrpcCall& call, const JsonCall& ask, const std::string& bucket,
                         std::string_view kind) {
  BR_TRY(json, call.ask_text(ask));
  BR_TRY(folder, message_of<Folder>(json));
  name_wholly(folder, bucket, kind);
  return call.send(folder);
}

std::string json_of_name(const std::string& name) {
  JsonWriter json;
  json.begin_object().member("name", std::string_view{name});
  return json.end_object().take();
}

/// What JSON tells of a rename.
Answer<control::Operation> operation_of(std::string_view json, const std::string& bucket) {
  // Its Any members are messages of this binary: protobuf reads them by their "@type".
  BR_TRY(operation, message_of<control::Operation>(json));
  control::Folder folder;
  if (operation.has_response() && operation.response().UnpackTo(&folder)) {
    name_wholly(folder, bucket, kFolders);
    operation.mutable_response()->PackFrom(folder);
  }
  return operation;
}

template <class Request>
Answer<void> remove(GrpcCall& call, const Request& request, std::string_view kind,
                    bool allow_non_empty) {
  BR_TRY(folder, named(request.name(), kind));
  JsonCall ask{.method = "DELETE", .path = path_of(folder, kind)};
  add_bucket_conditions(request, ask.query);
  if (allow_non_empty) ask.query.add("allowNonEmpty", "true");
  auto done = call.ask_text(ask);
  if (!done) {
    Status status = std::move(done).error();
    // JSON's 409 has two meanings; here it is a folder that is not empty.
    if (status.code == Code::kAlreadyExists) status.code = Code::kFailedPrecondition;
    return std::unexpected(std::move(status));
  }
  return call.send(google::protobuf::Empty{});
}

template <class Folder, class Request>
Answer<void> get(GrpcCall& call, std::string_view kind) {
  Request request;
  BR_TRY(call.read(request));
  BR_TRY(folder, named(request.name(), kind));
  JsonCall ask{.path = path_of(folder, kind)};
  add_bucket_conditions(request, ask.query);
  return send_folder<Folder>(call, ask, folder.bucket, kind);
}

template <class Request>
void add_page(const Request& request, JsonCall& ask) {
  ask.query.add_text("prefix", request.prefix());
  ask.query.add_text("pageToken", request.page_token());
  if (request.page_size() > 0) ask.query.add("pageSize", request.page_size());
}

}  // namespace

Answer<void> create_folder(GrpcCall& call) {
  control::CreateFolderRequest request;
  BR_TRY(call.read(request));
  BR_TRY(bucket, bucket_of(request.parent()));
  JsonCall ask{.method = "POST", .path = bucket_path(bucket) + "/folders"};
  ask.text = json_of_name(request.folder_id());
  if (request.recursive()) ask.query.add("recursive", "true");
  return send_folder<control::Folder>(call, ask, bucket, kFolders);
}

Answer<void> get_folder(GrpcCall& call) {
  return get<control::Folder, control::GetFolderRequest>(call, kFolders);
}

Answer<void> list_folders(GrpcCall& call) {
  control::ListFoldersRequest request;
  BR_TRY(call.read(request));
  BR_TRY(bucket, bucket_of(request.parent()));
  JsonCall ask{.path = bucket_path(bucket) + "/folders"};
  add_page(request, ask);
  ask.query.add_text("delimiter", request.delimiter());
  ask.query.add_text("startOffset", request.lexicographic_start());
  ask.query.add_text("endOffset", request.lexicographic_end());
  BR_TRY(json, call.ask_text(ask));
  BR_TRY(list, message_of<control::ListFoldersResponse>(json));
  for (auto& folder : *list.mutable_folders()) name_wholly(folder, bucket, kFolders);
  return call.send(list);
}

Answer<void> delete_folder(GrpcCall& call) {
  control::DeleteFolderRequest request;
  BR_TRY(call.read(request));
  return remove(call, request, kFolders, false);
}

Answer<void> rename_folder(GrpcCall& call) {
  control::RenameFolderRequest request;
  BR_TRY(call.read(request));
  BR_TRY(folder, named(request.name(), kFolders));
  JsonCall ask{.method = "POST",
               .path = path_of(folder, kFolders) + "/renameTo/folders/" +
                       percent_encode(request.destination_folder_id())};
  if (request.has_if_metageneration_match()) {
    ask.query.add("ifSourceMetagenerationMatch", request.if_metageneration_match());
  }
  if (request.has_if_metageneration_not_match()) {
    ask.query.add("ifSourceMetagenerationNotMatch", request.if_metageneration_not_match());
  }
  BR_TRY(json, call.ask_text(ask));
  BR_TRY(operation, operation_of(json, folder.bucket));
  return call.send(operation);
}

Answer<void> get_operation(GrpcCall& call) {
  control::GetOperationRequest request;
  BR_TRY(call.read(request));
  constexpr std::string_view kOperations = "/operations/";
  BR_TRY(operation, named(request.name(), kOperations));
  BR_TRY(json, call.ask_text(JsonCall{.path = path_of(operation, kOperations)}));
  BR_TRY(told, operation_of(json, operation.bucket));
  return call.send(told);
}

Answer<void> create_managed_folder(GrpcCall& call) {
  control::CreateManagedFolderRequest request;
  BR_TRY(call.read(request));
  BR_TRY(bucket, bucket_of(request.parent()));
  JsonCall ask{.method = "POST", .path = bucket_path(bucket) + "/managedFolders"};
  ask.text = json_of_name(request.managed_folder_id());
  return send_folder<control::ManagedFolder>(call, ask, bucket, kManagedFolders);
}

Answer<void> get_managed_folder(GrpcCall& call) {
  return get<control::ManagedFolder, control::GetManagedFolderRequest>(call, kManagedFolders);
}

Answer<void> list_managed_folders(GrpcCall& call) {
  control::ListManagedFoldersRequest request;
  BR_TRY(call.read(request));
  BR_TRY(bucket, bucket_of(request.parent()));
  JsonCall ask{.path = bucket_path(bucket) + "/managedFolders"};
  add_page(request, ask);
  BR_TRY(json, call.ask_text(ask));
  BR_TRY(list, message_of<control::ListManagedFoldersResponse>(json));
  for (auto& folder : *list.mutable_managed_folders()) {
    name_wholly(folder, bucket, kManagedFolders);
  }
  return call.send(list);
}

Answer<void> delete_managed_folder(GrpcCall& call) {
  control::DeleteManagedFolderRequest request;
  BR_TRY(call.read(request));
  return remove(call, request, kManagedFolders, request.allow_non_empty());
}

}  // namespace beringia::protocol::gcs::grpc
