#pragma once

#include "protocol/gcs/grpc/grpc_call.h"

namespace beringia::protocol::gcs::grpc {

// One function per method: reads its request, asks the JSON API, sends the answer. An error is what
// the client is told.

[[nodiscard]] Answer<void> get_storage_layout(GrpcCall& call);
[[nodiscard]] Answer<void> get_bucket(GrpcCall& call);
[[nodiscard]] Answer<void> list_buckets(GrpcCall& call);
[[nodiscard]] Answer<void> create_bucket(GrpcCall& call);
[[nodiscard]] Answer<void> delete_bucket(GrpcCall& call);

[[nodiscard]] Answer<void> get_object(GrpcCall& call);
[[nodiscard]] Answer<void> list_objects(GrpcCall& call);
[[nodiscard]] Answer<void> delete_object(GrpcCall& call);
[[nodiscard]] Answer<void> move_object(GrpcCall& call);
[[nodiscard]] Answer<void> compose_object(GrpcCall& call);
[[nodiscard]] Answer<void> rewrite_object(GrpcCall& call);
[[nodiscard]] Answer<void> read_object(GrpcCall& call);
[[nodiscard]] Answer<void> write_object(GrpcCall& call);

}  // namespace beringia::protocol::gcs::grpc
