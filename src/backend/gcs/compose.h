#pragma once

#include <string>
#include <vector>

#include "backend/gcs/object_calls.h"

namespace beringia::backend::gcs {

/// Joins objects within the service. Up to 32 at once (Objects: compose); more go through a tree of
/// staged intermediates. Size and CRC32C of the result are worked out from those of the sources and
/// compared with the seal BEFORE the result appears. Used by one fiber.
class Compose {
 public:
  Compose(const ObjectCalls& calls, const ComposeRequest& request)
      : calls_{calls}, request_{request} {}
  [[nodiscard]] Result<CopyInfo> run(const io::Context& context);

 private:
  /// An input of one compose call.
  struct Piece {
    std::string name;
    uint64_t generation = 0;
    uint64_t size = 0;
    std::optional<uint32_t> crc32c;
    bool staged = false;  // an intermediate of ours, removed at the end
  };
  [[nodiscard]] Result<std::vector<Piece>> look_at_sources(const io::Context& context) const;
  [[nodiscard]] Result<Piece> join(const io::Context& context, const std::vector<Piece>& pieces);
  [[nodiscard]] Result<void> check(const std::vector<Piece>& pieces) const;
  [[nodiscard]] Result<wire::gcs::ObjectResource> publish(const io::Context& context,
                                                          const std::vector<Piece>& pieces);
  [[nodiscard]] Result<wire::gcs::ObjectResource> build(const io::Context& context,
                                                        std::vector<Piece> pieces);
  void remove_all(const io::Context& context, const std::vector<Piece>& pieces) const;
  std::string what() const { return "compose " + calls_.at().display(request_.name); }

  const ObjectCalls& calls_;
  const ComposeRequest& request_;
  std::vector<Piece> intermediates_;
};

}  // namespace beringia::backend::gcs
