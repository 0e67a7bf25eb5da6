#include "protocol/gcs/grpc/write_session.h"

#include "base/encoding.h"
#include "protocol/gcs/appendable.h"
#include "protocol/gcs/grpc/methods.h"

namespace beringia::protocol::gcs::grpc {
namespace {

constexpr std::string_view kUploads = "/uploads/";
/// Further than any object reaches (5 TiB): the end of a body whose length is not known yet.
constexpr uint64_t kFarEnd = 1ull << 43;
constexpr int kCancelled = 499;  // JSON's answer of a session that was cancelled
constexpr int kIncomplete = 308;

/// "upload_id" of the address of a session that the JSON API gave out.
std::string id_of_address(std::string_view address) {
  constexpr std::string_view kName = "&upload_id=";
  const size_t at = address.rfind(kName);
  return at == std::string_view::npos ? "" : std::string{address.substr(at + kName.size())};
}

}  // namespace

std::string upload_id_of(const SessionName& name) {
  const std::string size = name.size ? "." + std::to_string(*name.size) : std::string{};
  return name_of(name.bucket) + std::string{kUploads} + name.id + size + "/" + name.object;
}

Answer<SessionName> session_of(std::string_view upload_id) {
  const size_t uploads = upload_id.find(kUploads);
  const size_t slash =
      uploads == std::string_view::npos ? uploads : upload_id.find('/', uploads + kUploads.size());
  if (slash == std::string_view::npos || slash + 1 == upload_id.size()) {
    return refusal(Code::kInvalidArgument, "The upload_id is not one that was given out here.");
  }
  SessionName name;
  BR_TRY(bucket, bucket_of(upload_id.substr(0, uploads)));
  name.bucket = std::move(bucket);
  const auto id = upload_id.substr(uploads + kUploads.size(), slash - uploads - kUploads.size());
  const size_t dot = id.find('.');
  name.id = id.substr(0, dot);
  if (dot != std::string_view::npos) name.size = parse_u64(id.substr(dot + 1));
  name.object = upload_id.substr(slash + 1);
  return name;
}

Answer<SessionName> begin_session(GrpcCall& call, const v2::WriteObjectSpec& spec,
                                  const v2::CommonObjectRequestParams& common,
                                  const v2::ObjectChecksums& sums) {
  SessionName name;
  BR_TRY(bucket, bucket_of(spec.resource().bucket()));
  name.bucket = std::move(bucket);
  name.object = spec.resource().name();
  BR_TRY(change, new_object_change(spec.resource(), sums));
  JsonCall ask;
  ask.text = wire::gcs::render(change);
  ask.query.add_text("kmsKeyName", spec.resource().kms_key());
  ask.query.add_text("predefinedAcl", spec.predefined_acl());
  add_conditions(spec, ask.query);
  add_key(ask.headers, common);
  // Not told to JSON, where an upload that has all its bytes is finished without being asked.
  if (spec.has_object_size()) name.size = static_cast<uint64_t>(spec.object_size());
  return begin_session(call, std::move(name), std::move(ask));
}

Answer<SessionName> begin_session(GrpcCall& call, SessionName name, JsonCall ask) {
  ask.method = "POST";
  ask.path = "/upload" + bucket_path(name.bucket) + "/o";
  ask.query.add("uploadType", "resumable");
  ask.query.add("name", name.object);
  io::HttpResponse response = call.ask(ask);
  if (response.on_finished) response.on_finished(response.text.size(), true);
  if (response.status != 200) return std::unexpected(call.status_of(response));
  name.id = id_of_address(response.headers.get_or("Location", ""));
  return name;
}

JsonCall WriteSession::address(std::string method) const {
  JsonCall ask{.method = std::move(method), .path = "/upload" + bucket_path(name_.bucket) + "/o"};
  ask.query.add("uploadType", "resumable");
  ask.query.add("name", name_.object);
  ask.query.add("upload_id", name_.id);
  add_key(ask.headers, common_);
  return ask;
}

Answer<SessionState> WriteSession::ask(const JsonCall& call) {
  io::HttpResponse response = call_.ask(call);
  if (response.on_finished) response.on_finished(response.text.size(), true);
  SessionState state;
  if (response.status == kIncomplete) {
    const std::string_view range = response.headers.get_or("Range", "");  // "bytes=0-99"
    if (range.empty()) return state;
    const auto last = parse_u64(range.substr(range.rfind('-') + 1));
    if (!last) return refusal(Code::kInternal, "the upload's state could not be told");
    state.persisted = *last + 1;
    return state;
  }
  if (response.status >= 300) return std::unexpected(call_.status_of(response));
  BR_TRY(object, object_of(response.text));
  state.persisted = static_cast<uint64_t>(object.size());
  state.resource = std::move(object);
  return state;
}

Answer<SessionState> WriteSession::query() {
  JsonCall call = address("PUT");
  call.headers.add("Content-Range", "bytes */*");
  return ask(call);
}

Answer<SessionState> WriteSession::put(io::ByteSource& body, uint64_t offset) {
  JsonCall call = address("PUT");
  call.headers.add("Content-Range",
                   "bytes " + std::to_string(offset) + "-" + std::to_string(kFarEnd) + "/*");
  call.source = &body;
  return ask(call);
}

Answer<SessionState> WriteSession::finish(uint64_t total, const v2::ObjectChecksums& sums) {
  if (name_.size && *name_.size != total) {
    return refusal(Code::kOutOfRange, "object_size was " + std::to_string(*name_.size) + "; " +
                                          std::to_string(total) + " bytes have come");
  }
  JsonCall call = address("PUT");
  call.headers.add("Content-Range", "bytes */" + std::to_string(total));
  std::optional<uint32_t> crc32c;
  std::optional<std::string> md5;
  if (sums.has_crc32c()) crc32c = sums.crc32c();
  if (!sums.md5_hash().empty()) md5 = sums.md5_hash();
  if (crc32c || md5) call.headers.add("x-goog-hash", wire::gcs::hash_header(crc32c, md5));
  BR_TRY(state, ask(call));
  if (!state.resource) {
    return refusal(Code::kInvalidArgument, "The write ends at byte " + std::to_string(total) +
                                               "; " + std::to_string(state.persisted) +
                                               " bytes are there.");
  }
  return state;
}

Answer<SessionState> WriteSession::leave(uint64_t total, int64_t origin) {
  JsonCall call = address("PUT");
  call.headers.add("Content-Range", "bytes */" + std::to_string(total));
  call.headers.add(kAppendableHeader, std::string{kLeave} + std::to_string(origin));
  return ask(call);
}

Answer<void> WriteSession::cancel() {
  io::HttpResponse response = call_.ask(address("DELETE"));
  if (response.on_finished) response.on_finished(response.text.size(), true);
  if (response.status == kCancelled) return {};
  return std::unexpected(call_.status_of(response));
}

Answer<void> start_resumable_write(GrpcCall& call) {
  v2::StartResumableWriteRequest request;
  BR_TRY(call.read(request));
  if (request.write_object_spec().appendable()) {
    return refusal(Code::kUnimplemented, "Appendable objects are written by BidiWriteObject.");
  }
  BR_TRY(name, begin_session(call, request.write_object_spec(),
                             request.common_object_request_params(), request.object_checksums()));
  v2::StartResumableWriteResponse response;
  response.set_upload_id(upload_id_of(name));
  return call.send(response);
}

Answer<void> query_write_status(GrpcCall& call) {
  v2::QueryWriteStatusRequest request;
  BR_TRY(call.read(request));
  BR_TRY(name, session_of(request.upload_id()));
  BR_TRY(state, WriteSession(call, name, request.common_object_request_params()).query());
  v2::QueryWriteStatusResponse response;
  if (state.resource) {
    *response.mutable_resource() = std::move(*state.resource);
  } else {
    response.set_persisted_size(static_cast<int64_t>(state.persisted));
  }
  return call.send(response);
}

Answer<void> cancel_resumable_write(GrpcCall& call) {
  v2::CancelResumableWriteRequest request;
  BR_TRY(call.read(request));
  BR_TRY(name, session_of(request.upload_id()));
  BR_TRY(WriteSession(call, name, {}).cancel());
  return call.send(v2::CancelResumableWriteResponse{});
}

}  // namespace beringia::protocol::gcs::grpc
