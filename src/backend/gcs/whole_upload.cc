#include "backend/gcs/whole_upload.h"

#include "wire/multipart.h"

namespace beringia::backend::gcs {

Result<wire::gcs::ObjectResource> upload_whole(const io::Context& context, const ObjectCalls& calls,
                                               const WholeUpload& upload, uint64_t generation,
                                               const std::string& what) {
  auto fields = upload.fields;
  fields.name = {wire::gcs::FieldChange::Kind::kText, calls.at().full_name(upload.name)};
  fields.crc32c = upload.crc32c;
  fields.md5 = upload.md5;
  // The boundary is random: the body cannot hold it by accident or intent.
  auto frame = wire::related_frame("beringia-" + upload.upload_id, wire::gcs::render(fields),
                                   upload.content_type);
  ApiRequest request;
  request.method = "POST";
  request.what = what;
  request.target = calls.at().upload_target(
      {{"uploadType", "multipart"}, {"ifGenerationMatch", std::to_string(generation)}});
  request.headers.set("Content-Type", frame.content_type);
  request.body = std::move(frame.head);
  request.payload = upload.bytes;
  request.tail = std::move(frame.tail);
  BR_TRY(answer, calls.api().call(context, request));
  if (answer.status == 412) {
    return calls.confirm(context, upload.name, upload.upload_id, answer, what);
  }
  if (!answer.ok()) return std::unexpected(bucket_error_of(answer, what));
  BR_TRY(object, calls.result_of(context, answer, upload.name));
  const bool same = object.size == upload.bytes.size() &&
                    (!object.crc32c || *object.crc32c == upload.crc32c) &&
                    (!object.md5 || !upload.md5 || *object.md5 == *upload.md5);
  if (same) return std::move(object);
  (void)calls.remove(context, upload.name, object.generation);
  return std::unexpected(
      corrupt("cannot " + what, "Cloud Storage holds other bytes than were sent", "send it again"));
}

}  // namespace beringia::backend::gcs
