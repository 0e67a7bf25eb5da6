#include "protocol/gcs/grpc/grpc_service.h"

#include "io/runtime.h"
#include "protocol/gcs/fault_injection.h"
#include "protocol/gcs/grpc/faulty_exchange.h"
#include "protocol/gcs/grpc/grpc_call.h"
#include "protocol/gcs/grpc/methods.h"

namespace beringia::protocol::gcs {
namespace {

struct Method {
  std::string_view path;
  grpc::Answer<void> (*run)(grpc::GrpcCall& call);
  std::string_view fault_name;  // of the Retry Test API
};

#define BR_STORAGE "/google.storage.v2.Storage/"
#define BR_CONTROL "/google.storage.control.v2.StorageControl/"
constexpr Method kMethods[] = {
    {BR_CONTROL "GetStorageLayout", grpc::get_storage_layout, "storage.storageLayout.get"},
    {BR_CONTROL "CreateFolder", grpc::create_folder, "storage.folders.create"},
    {BR_CONTROL "GetFolder", grpc::get_folder, "storage.folders.get"},
    {BR_CONTROL "ListFolders", grpc::list_folders, "storage.folders.list"},
    {BR_CONTROL "DeleteFolder", grpc::delete_folder, "storage.folders.delete"},
    {BR_CONTROL "RenameFolder", grpc::rename_folder, "storage.folders.rename"},
    {BR_CONTROL "CreateManagedFolder", grpc::create_managed_folder, ""},
    {BR_CONTROL "GetManagedFolder", grpc::get_managed_folder, ""},
    {BR_CONTROL "ListManagedFolders", grpc::list_managed_folders, ""},
    {BR_CONTROL "DeleteManagedFolder", grpc::delete_managed_folder, ""},
    {BR_CONTROL "GetIamPolicy", grpc::get_iam_policy, ""},
    {BR_CONTROL "SetIamPolicy", grpc::set_iam_policy, ""},
    {BR_CONTROL "TestIamPermissions", grpc::test_iam_permissions, ""},
    {"/google.longrunning.Operations/GetOperation", grpc::get_operation, ""},
    {BR_STORAGE "GetBucket", grpc::get_bucket, "storage.buckets.get"},
    {BR_STORAGE "ListBuckets", grpc::list_buckets, "storage.buckets.list"},
    {BR_STORAGE "CreateBucket", grpc::create_bucket, "storage.buckets.insert"},
    {BR_STORAGE "DeleteBucket", grpc::delete_bucket, "storage.buckets.delete"},
    {BR_STORAGE "UpdateBucket", grpc::update_bucket, "storage.buckets.patch"},
    {BR_STORAGE "LockBucketRetentionPolicy", grpc::lock_bucket_retention_policy,
     "storage.buckets.lockRetentionPolicy"},
    {BR_STORAGE "GetIamPolicy", grpc::get_iam_policy, "storage.buckets.getIamPolicy"},
    {BR_STORAGE "SetIamPolicy", grpc::set_iam_policy, "storage.buckets.setIamPolicy"},
    {BR_STORAGE "TestIamPermissions", grpc::test_iam_permissions,
     "storage.buckets.testIamPermissions"},
    {BR_STORAGE "GetObject", grpc::get_object, "storage.objects.get"},
    {BR_STORAGE "ListObjects", grpc::list_objects, "storage.objects.list"},
    {BR_STORAGE "UpdateObject", grpc::update_object, "storage.objects.patch"},
    {BR_STORAGE "DeleteObject", grpc::delete_object, "storage.objects.delete"},
    {BR_STORAGE "RestoreObject", grpc::restore_object, "storage.objects.restore"},
    {BR_STORAGE "MoveObject", grpc::move_object, "storage.objects.move"},
    {BR_STORAGE "ComposeObject", grpc::compose_object, "storage.objects.compose"},
    {BR_STORAGE "RewriteObject", grpc::rewrite_object, "storage.objects.rewrite"},
    {BR_STORAGE "ReadObject", grpc::read_object, "storage.objects.get"},
    {BR_STORAGE "BidiReadObject", grpc::bidi_read_object, "storage.objects.get"},
    {BR_STORAGE "WriteObject", grpc::write_object, "storage.objects.insert"},
    {BR_STORAGE "BidiWriteObject", grpc::bidi_write_object, "storage.objects.insert"},
    {BR_STORAGE "StartResumableWrite", grpc::start_resumable_write, "storage.objects.insert"},
    {BR_STORAGE "QueryWriteStatus", grpc::query_write_status, ""},
    {BR_STORAGE "CancelResumableWrite", grpc::cancel_resumable_write, ""},
};
#undef BR_STORAGE
#undef BR_CONTROL

const Method* find_method(const io::HttpRequest& request) {
  if (request.method != "POST") return nullptr;
  for (const Method& method : kMethods) {
    if (method.path == request.path) return &method;
  }
  return nullptr;
}

grpc::Answer<void> run_method(const Method& method, const io::Context& context,
                              io::Http2Exchange& exchange, Service& service, grpc::GrpcCall& call) {
  FaultTests* faults = service.faults();
  if (faults == nullptr || !exchange.request().headers.has(kFaultHeader)) return method.run(call);
  grpc::FaultyExchange faulty{*faults, method.fault_name, exchange};
  if (auto met = faulty.before(context); !met) return met;
  grpc::GrpcCall inner{context, faulty, service};
  auto done = method.run(inner);
  if (faulty.begun()) call.assume_begun();
  return faulty.met() ? std::unexpected(*faulty.met()) : done;
}

void serve_grpc(const io::Context& context, io::Http2Exchange& exchange, Service& service) {
  const io::HttpRequest& request = exchange.request();
  io::Context limited = context;
  bool timed = true;
  if (const std::string_view text = request.headers.get_or("grpc-timeout", ""); !text.empty()) {
    const auto timeout = grpc::parse_timeout(text);
    timed = timeout.has_value();
    if (timeout) limited = context.with_deadline(io::now() + *timeout);
  }
  grpc::GrpcCall call{limited, exchange, service};
  if (!timed) {
    call.finish({grpc::Code::kInvalidArgument, "malformed grpc-timeout"});
    return;
  }
  const Method* method = find_method(request);
  const auto done = method == nullptr
                        ? grpc::refusal(grpc::Code::kUnimplemented, "This method is not offered.")
                        : run_method(*method, limited, exchange, service, call);
  grpc::Status status = done ? grpc::Status{} : done.error();
  const bool late = limited.deadline() && io::now() >= *limited.deadline();
  if (status.code == grpc::Code::kCancelled && late) status.code = grpc::Code::kDeadlineExceeded;
  call.finish(status);
}

}  // namespace

io::Http2Handler http2_handler(Service& service) {
  return [&service](const io::Context& context, io::Http2Exchange& exchange) {
    const std::string_view type = exchange.request().headers.get_or("content-type", "");
    if (type.starts_with("application/grpc")) {
      serve_grpc(context, exchange, service);
      return;
    }
    io::answer_http2(context, exchange, [&service](const io::Context& inner, io::HttpRequest& ask) {
      return service.handle(inner, ask);
    });
  };
}

}  // namespace beringia::protocol::gcs
