#include "protocol/gcs/grpc/grpc_service.h"

#include <array>

#include "io/runtime.h"
#include "protocol/gcs/grpc/grpc_call.h"
#include "protocol/gcs/grpc/methods.h"

namespace beringia::protocol::gcs {
namespace {

struct Method {
  std::string_view path;
  grpc::Answer<void> (*run)(grpc::GrpcCall& call);
};

constexpr std::array<Method, 13> kMethods = {{
    {"/google.storage.control.v2.StorageControl/GetStorageLayout", grpc::get_storage_layout},
    {"/google.storage.v2.Storage/GetBucket", grpc::get_bucket},
    {"/google.storage.v2.Storage/ListBuckets", grpc::list_buckets},
    {"/google.storage.v2.Storage/CreateBucket", grpc::create_bucket},
    {"/google.storage.v2.Storage/DeleteBucket", grpc::delete_bucket},
    {"/google.storage.v2.Storage/GetObject", grpc::get_object},
    {"/google.storage.v2.Storage/ListObjects", grpc::list_objects},
    {"/google.storage.v2.Storage/DeleteObject", grpc::delete_object},
    {"/google.storage.v2.Storage/MoveObject", grpc::move_object},
    {"/google.storage.v2.Storage/ComposeObject", grpc::compose_object},
    {"/google.storage.v2.Storage/RewriteObject", grpc::rewrite_object},
    {"/google.storage.v2.Storage/ReadObject", grpc::read_object},
    {"/google.storage.v2.Storage/WriteObject", grpc::write_object},
}};

grpc::Answer<void> run_method(grpc::GrpcCall& call, const io::HttpRequest& request) {
  if (request.method != "POST") {
    return grpc::refusal(grpc::Code::kUnimplemented, "gRPC calls are POST");
  }
  for (const Method& method : kMethods) {
    if (method.path == request.path) return method.run(call);
  }
  return grpc::refusal(grpc::Code::kUnimplemented, "This method is not offered.");
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
  const auto done = run_method(call, request);
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
