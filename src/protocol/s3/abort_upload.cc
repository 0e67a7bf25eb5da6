#include "protocol/s3/verbs.h"

namespace beringia::protocol::s3 {

Result<io::HttpResponse> abort_multipart_upload(Call& call) {
  BR_TRY(path, call.object_path());
  BR_TRY(grant, call.admit(core::Action::kWrite, path));
  BR_TRY(call.rooms.names.abort_upload(call.context, *grant, call.query.get("uploadId")));
  return empty_response(204);
}

}  // namespace beringia::protocol::s3
