// Messages of gRPC calls as clients frame them, and what we make of their fields.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/fuzz_seeds.h"
#include "protocol/gcs/grpc/fake_exchange.h"
#include "protocol/gcs/grpc/grpc_call.h"
#include "protocol/gcs/grpc/resources.h"

using namespace beringia;
using namespace beringia::protocol::gcs;

namespace v2 = google::storage::v2;

namespace {

std::string write_of_two_messages() {
  v2::WriteObjectRequest first;
  first.mutable_write_object_spec()->mutable_resource()->set_name("a");
  first.mutable_write_object_spec()->mutable_resource()->mutable_custom_time()->set_seconds(1);
  first.mutable_checksummed_data()->set_content("abc");
  v2::WriteObjectRequest last;
  last.set_write_offset(3);
  last.set_finish_write(true);
  return grpc::frame_of(first.SerializeAsString()) + grpc::frame_of(last.SerializeAsString());
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  return write_fuzz_seeds(*argc, *argv,
                          {write_of_two_messages(), grpc::frame_of(""), "100m", "99999999H",
                           std::string("\0\0\xff\xff\xff", 5) + "short"});
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text{reinterpret_cast<const char*>(data), size};
  io::StringSource body{text};
  std::string message;
  for (size_t taken = 0;;) {
    const auto more = grpc::next_message(io::Context{}, body, message);
    if (!more || !*more) break;
    taken += 5 + message.size();
    if (taken > size) std::abort();
    v2::WriteObjectRequest write;
    if (!grpc::parse(message, write)) continue;
    const auto change = grpc::change_of(write.write_object_spec().resource());
    if (change && change->custom_time.present() &&
        parse_rfc3339(change->custom_time.value()).micros / 1'000'000 !=
            write.write_object_spec().resource().custom_time().seconds()) {
      std::abort();
    }
  }
  if (const auto timeout = grpc::parse_timeout(text); timeout && *timeout < Duration{0}) {
    std::abort();
  }
  for (const char c : grpc::encode_message(text)) {
    if (c < ' ' || c > '~') std::abort();
  }
  return 0;
}
