#pragma once

#include <string>
#include <vector>

#include "backend/gcs/object_calls.h"

namespace beringia::backend::gcs {

inline constexpr size_t kMaxComposeSources = 32;  // Objects: compose

/// An input of one compose call.
struct ComposePiece {
  std::string name;
  uint64_t generation = 0;  ///< 0: not known, perhaps there is no such object
  uint64_t size = 0;
  std::optional<uint32_t> crc32c;
  bool staged = false;  ///< ours, under kStagingPrefix
};

/// Joins 1..32 pieces to one object `to`, which must be absent and under kStagingPrefix.
[[nodiscard]] Result<ComposePiece> join_pieces(const io::Context& context, const ObjectCalls& calls,
                                               const std::vector<ComposePiece>& pieces,
                                               const std::string& to,
                                               const std::string& storage_class);
/// Removes them, several at once, each at its generation (one that is not known is looked up). What
/// cannot be removed is logged.
void remove_pieces(const io::Context& context, const ObjectCalls& calls,
                   const std::vector<ComposePiece>& pieces);

/// Joins objects within the service. Up to 32 at once (Objects: compose); more go through a tree of
/// staged intermediates. Size and CRC32C of the result are worked out from those of the sources and
/// compared with the seal BEFORE the result appears. Used by one fiber.
class Compose {
 public:
  Compose(const ObjectCalls& calls, const ComposeRequest& request)
      : calls_{calls}, request_{request} {}
  [[nodiscard]] Result<CopyInfo> run(const io::Context& context);
  /// As run(), of these pieces instead of the request's sources, which stay.
  [[nodiscard]] Result<wire::gcs::ObjectResource> assemble(const io::Context& context,
                                                           const std::vector<ComposePiece>& pieces);

 private:
  [[nodiscard]] Result<std::vector<ComposePiece>> look_at_sources(const io::Context& context) const;
  [[nodiscard]] Result<void> check(const std::vector<ComposePiece>& pieces) const;
  [[nodiscard]] Result<wire::gcs::ObjectResource> publish(const io::Context& context,
                                                          const std::vector<ComposePiece>& pieces);
  [[nodiscard]] Result<wire::gcs::ObjectResource> build(const io::Context& context,
                                                        std::vector<ComposePiece> pieces);
  /// Joins each 32 neighbours.
  [[nodiscard]] Result<std::vector<ComposePiece>> join_level(
      const io::Context& context, const std::vector<ComposePiece>& pieces);
  std::string what() const { return "compose " + calls_.at().display(request_.name); }

  const ObjectCalls& calls_;
  const ComposeRequest& request_;
  std::vector<ComposePiece> intermediates_;
};

}  // namespace beringia::backend::gcs
