#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "protocol/gcs/fault_tests.h"
#include "protocol/gcs/grpc/grpc_call.h"

namespace beringia::protocol::gcs::grpc {

/// The exchange of a gRPC call whose test asks for a fault: what passes is cut or held up where the
/// fault lies. Lives on the stack of the call's fiber.
class FaultyExchange final : public io::Http2Exchange, public io::ByteSource {
 public:
  /// @param method  the testbench's name of it; "" = none
  FaultyExchange(FaultTests& tests, std::string_view method, io::Http2Exchange& inner);

  /// Faults that come before anything is done. @error what the client shall be told
  [[nodiscard]] Answer<void> before(const io::Context& context);
  /// What the client shall be told in place of how the call ended.
  const std::optional<Status>& met() const { return met_; }
  bool begun() const { return begun_; }

  io::HttpRequest& request() override { return request_; }
  Result<void> send_head(int status, const io::HttpHeaders& headers) override;
  Result<void> give(const io::Context& context, io::OwnedBytes frame) override;
  Result<void> finish(const io::HttpHeaders& trailers) override { return inner_.finish(trailers); }
  /// The client's messages.
  Result<size_t> read(const io::Context& context, std::span<char> buffer) override;

 private:
  bool ends_with(std::string_view name) const { return request_.path.ends_with(name); }
  void take() { tests_.take(id_, method_); }
  Status redirected(const Fault& fault) const;
  /// Looks at a message of an upload. @return false: nothing comes after it
  bool pass_upload(const io::Context& context, std::string& message);
  template <class Request>
  bool cut_upload(const io::Context& context, std::string& message);
  template <class Response>
  Result<void> cut_answer(const io::Context& context, io::OwnedBytes frame);

  FaultTests& tests_;
  const std::string method_;
  io::Http2Exchange& inner_;
  io::HttpRequest request_;  // with this as its body
  std::string id_;
  std::optional<Fault> fault_;  // that lies in the stream
  std::optional<Status> met_;
  bool begun_ = false;
  bool over_ = false;
  uint64_t answered_ = 0;  // bytes of content
  std::string ready_;
  size_t at_ = 0;
};

}  // namespace beringia::protocol::gcs::grpc
