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
[[nodiscard]] Answer<void> update_bucket(GrpcCall& call);
[[nodiscard]] Answer<void> lock_bucket_retention_policy(GrpcCall& call);

// Of buckets and managed folders: of both services.
[[nodiscard]] Answer<void> get_iam_policy(GrpcCall& call);
[[nodiscard]] Answer<void> set_iam_policy(GrpcCall& call);
[[nodiscard]] Answer<void> test_iam_permissions(GrpcCall& call);

[[nodiscard]] Answer<void> get_object(GrpcCall& call);
[[nodiscard]] Answer<void> list_objects(GrpcCall& call);
[[nodiscard]] Answer<void> delete_object(GrpcCall& call);
[[nodiscard]] Answer<void> move_object(GrpcCall& call);
[[nodiscard]] Answer<void> compose_object(GrpcCall& call);
[[nodiscard]] Answer<void> rewrite_object(GrpcCall& call);
[[nodiscard]] Answer<void> read_object(GrpcCall& call);
[[nodiscard]] Answer<void> bidi_read_object(GrpcCall& call);
[[nodiscard]] Answer<void> write_object(GrpcCall& call);
[[nodiscard]] Answer<void> bidi_write_object(GrpcCall& call);
[[nodiscard]] Answer<void> start_resumable_write(GrpcCall& call);
[[nodiscard]] Answer<void> query_write_status(GrpcCall& call);
[[nodiscard]] Answer<void> cancel_resumable_write(GrpcCall& call);
[[nodiscard]] Answer<void> update_object(GrpcCall& call);
[[nodiscard]] Answer<void> restore_object(GrpcCall& call);

[[nodiscard]] Answer<void> create_folder(GrpcCall& call);
[[nodiscard]] Answer<void> get_folder(GrpcCall& call);
[[nodiscard]] Answer<void> list_folders(GrpcCall& call);
[[nodiscard]] Answer<void> delete_folder(GrpcCall& call);
[[nodiscard]] Answer<void> rename_folder(GrpcCall& call);
[[nodiscard]] Answer<void> get_operation(GrpcCall& call);
[[nodiscard]] Answer<void> create_managed_folder(GrpcCall& call);
[[nodiscard]] Answer<void> get_managed_folder(GrpcCall& call);
[[nodiscard]] Answer<void> list_managed_folders(GrpcCall& call);
[[nodiscard]] Answer<void> delete_managed_folder(GrpcCall& call);

}  // namespace beringia::protocol::gcs::grpc
