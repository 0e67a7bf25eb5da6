#pragma once

// A stand-in for one bucket of Cloud Storage that is fast enough to stand behind a measured link:
// objects lie in memory as lists of shared pieces, so that compose and rewrite move no bytes, as in
// Google's service. Only for bench/cloud_link.py: what is right is judged by the emulators that
// others wrote.

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "io/http.h"
#include "wire/gcsjson.h"

namespace beringia::bench {

using Piece = std::shared_ptr<const std::string>;  // owners: the objects that hold these bytes

struct Stored {
  wire::gcs::ObjectResource resource;
  std::vector<Piece> pieces;
};

/// Answers the requests of the JSON API that a backend sends. Thread-safe.
class Bucket {
 public:
  explicit Bucket(std::string name) : name_{std::move(name)} {}
  io::HttpResponse handle(const io::Context& context, io::HttpRequest& request);
  /// Makes `count` empty objects PREFIX0000000, PREFIX0000001, ...
  void fill(const std::string& prefix, size_t count);

 private:
  using Parameters = std::map<std::string, std::string>;
  struct Session {
    std::string name;
    uint64_t if_generation = 0;
    wire::gcs::ObjectChange fields;
    std::vector<Piece> pieces;
    uint64_t size = 0;
    uint32_t crc32c = 0;
  };

  io::HttpResponse upload(const io::Context& context, io::HttpRequest& request,
                          const Parameters& parameters);
  io::HttpResponse begin_session(const io::Context& context, io::HttpRequest& request,
                                 const Parameters& parameters);
  io::HttpResponse chunk(const io::Context& context, io::HttpRequest& request,
                         const Parameters& parameters);
  io::HttpResponse list(const Parameters& parameters);
  io::HttpResponse compose(const std::string& to, const std::string& text,
                           const Parameters& parameters);
  io::HttpResponse rewrite(const std::string& from, const std::string& to, const std::string& text,
                           const Parameters& parameters);
  io::HttpResponse read(const std::string& name, const Parameters& parameters,
                        const io::HttpRequest& request, bool media);
  io::HttpResponse patch(const std::string& name, const std::string& text,
                         const Parameters& parameters);
  io::HttpResponse remove(const std::string& name, const Parameters& parameters);
  io::HttpResponse counts();

  /// The answer to a condition that does not hold, else nothing.
  std::optional<io::HttpResponse> violated(const Parameters& parameters,
                                           const std::string& name) const;
  io::HttpResponse store(const std::string& name, const wire::gcs::ObjectChange& change,
                         std::vector<Piece> pieces, uint64_t size, uint32_t crc32c);

  const std::string name_;
  std::mutex mutex_;  // guards what follows
  std::map<std::string, Stored> objects_;
  std::map<std::string, Session> sessions_;
  std::map<std::string, uint64_t> counts_;  // by kind of request
  uint64_t generation_ = 1000;
};

}  // namespace beringia::bench
