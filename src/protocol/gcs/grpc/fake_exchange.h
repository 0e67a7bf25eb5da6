#pragma once

#include <string>
#include <utility>

#include "io/http2.h"

namespace beringia::protocol::gcs::grpc {

/// An exchange without a connection, for tests and fuzzing: a request from memory, the answer kept.
class FakeExchange final : public io::Http2Exchange {
 public:
  FakeExchange(std::string path, std::string request_body)
      : source_{std::make_unique<io::StringSource>(std::move(request_body))} {
    request_.method = "POST";
    request_.target = request_.path = std::move(path);
    request_.headers.add("content-type", "application/grpc");
    request_.has_body = true;
    request_.body = source_.get();
  }

  io::HttpRequest& request() override { return request_; }
  Result<void> send_head(int status, const io::HttpHeaders&) override {
    http_status = status;
    return {};
  }
  Result<void> give(const io::Context&, io::OwnedBytes bytes) override {
    body += bytes.view();
    return {};
  }
  Result<void> finish(const io::HttpHeaders& fields) override {
    trailers = fields;
    finished = true;
    return {};
  }
  std::string status() const { return std::string{trailers.get_or("grpc-status", "none")}; }

  int http_status = 0;
  std::string body;
  io::HttpHeaders trailers;
  bool finished = false;

 private:
  std::unique_ptr<io::StringSource> source_;  // stays where it is when this moves
  io::HttpRequest request_;
};

/// A message with gRPC's five bytes before it.
inline std::string frame_of(const std::string& message) {
  std::string frame(1, '\0');
  for (const int shift : {24, 16, 8, 0}) frame += static_cast<char>(message.size() >> shift);
  return frame + message;
}

}  // namespace beringia::protocol::gcs::grpc
