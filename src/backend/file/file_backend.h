#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "backend/backend.h"
#include "backend/file/attribute_store.h"
#include "backend/file/lister.h"
#include "backend/file/native_tree.h"
#include "backend/file/recent.h"
#include "base/random.h"
#include "io/disk.h"

namespace beringia::backend::file {

struct FileOptions {
  std::string root;                ///< absolute path of a directory that exists
  size_t max_open_files = 512;     ///< descriptors kept open for objects read a moment ago
  size_t max_known_files = 32768;  ///< objects whose attributes are remembered, about 1 KiB each
};

/// A directory tree: one object is one ordinary file. Names: docs/formats/native-names.md;
/// attributes: docs/formats/native-files.md. Writes go to a temporary file in the same file system,
/// are synced, renamed, and their directory is synced, before they return. Conditions are exact
/// among users of this object; against foreign writers there is a window of microseconds between
/// the last look and the rename (none for "absent").
class FileBackend final : public Backend {
 public:
  FileBackend(FileOptions options, io::Disk& disk, Rng& rng);

  const Capabilities& capabilities() const override { return capabilities_; }
  Result<CopyInfo> stat(const io::Context& context, const StatRequest& request) override;
  [[nodiscard]] Result<std::unique_ptr<io::ByteSource>> read(const io::Context& context,
                                                             const ReadRequest& request) override;
  Result<CopyInfo> write(const io::Context& context, const WriteRequest& request) override;
  Result<CopyPage> list(const io::Context& context, const ListRequest& request) override;
  Result<void> remove(const io::Context& context, const RemoveRequest& request) override;
  Result<CopyInfo> compose(const io::Context& context, const ComposeRequest& request) override;
  Result<CopyInfo> rename(const io::Context& context, const RenameRequest& request) override;
  Result<CopyInfo> update(const io::Context& context, const UpdateRequest& request) override;
  Result<void> make_directory(const io::Context& context, const std::string& name) override;
  Result<void> remove_directory(const io::Context& context, const std::string& name) override;
  Result<uint64_t> sweep(const io::Context& context, Duration age) override;
  Result<StoreReport> probe(const io::Context& context) override;

 private:
  class Temporary;
  struct Body;  // the bytes of a write that did not fit in memory, or did
  struct Source;

  // attributes.cc
  Result<CopyInfo> info_of(const std::string& name, const Located& there);
  static CopyInfo make_info(const std::string& name, const io::FileStat& stat,
                            const std::optional<ObjectSeal>& seal);
  void forget(const std::string& name);
  // publish.cc
  [[nodiscard]] Result<Temporary> make_temporary();
  int64_t next_mtime();
  Result<io::FileStat> finish(Temporary& temporary, const Seal& seal);
  /// What lies under its name now.
  struct Placed {
    io::FileStat stat;
    std::string path;
    bool replaced = false;
  };
  Result<CopyInfo> publish(const io::Context& context, const std::string& name, Temporary temporary,
                           const Seal& seal, const Expectation& expectation);
  Result<CopyInfo> publish_small(const io::Context& context, const std::string& name,
                                 std::string_view bytes, const Seal& seal,
                                 const Expectation& expectation);
  Result<void> put_in_place(const std::string& name, Temporary& temporary,
                            const Expectation& expectation, Placed& placed);
  /// Whether the directories that the name needs are to be on disk before it is given.
  enum class Parents { kAsTheyAre, kDurable };
  Result<std::string> rename_into_place(const std::string& name, const std::string& from,
                                        const Expectation& expectation, bool& replaced,
                                        Parents parents = Parents::kAsTheyAre);
  Result<CopyInfo> make_placed_durable(const std::string& name, const Placed& placed,
                                       const Seal& seal);
  // write.cc
  Result<void> read_body(const io::Context& context, const WriteRequest& request, Body& body);
  // pieces.cc
  Result<CopyInfo> write_piece(const io::Context& context, const WriteRequest& request);
  Result<std::unique_ptr<io::File>> open_for_pieces(const std::string& path);
  // compose.cc
  Result<Source> open_source(const std::string& name);
  Result<std::vector<Source>> open_sources(const io::Context& context,
                                           const ComposeRequest& request);
  Result<CopyInfo> adopt_part(const io::Context& context, const ComposeRequest& request,
                              Source source);
  Result<void> remove_now(const std::string& name, const std::optional<Version>& version);
  // share.cc
  Result<std::string> link_aside(const Located& there, const std::optional<Attributes>& attributes);
  Result<std::string> link_where_it_is(const RenameRequest& request);
  Result<CopyInfo> copy_whole(const io::Context& context, const RenameRequest& request);
  Result<CopyInfo> share(const io::Context& context, const RenameRequest& request);
  // rename.cc
  Result<CopyInfo> move_into_place(const RenameRequest& request, std::string& from,
                                   std::string& to);
  Result<CopyInfo> rename_directory(const RenameRequest& request);

  const FileOptions options_;
  const Capabilities capabilities_;
  io::Disk& disk_;
  Rng& rng_;
  AttributeStore attributes_;
  NativeTree tree_;
  NameLocks locks_;
  Recent<std::shared_ptr<io::File>> open_files_;  // owners: this and responses being sent
  Recent<CopyInfo> known_files_;
  Lister lister_;
  std::atomic<int64_t> last_mtime_{0};
};

/// @error kConflict: `there` is not what is expected
[[nodiscard]] Result<void> check_expectation(const std::string& name, const Located& there,
                                             const Expectation& expectation);
/// @error kNotFound, kConflict
[[nodiscard]] Result<void> check_version(const std::string& name, const Located& there,
                                         const std::optional<Version>& version);

/// Fills the buffer or comes to the end of the body (then it returns less).
[[nodiscard]] Result<size_t> fill(const io::Context& context, io::ByteSource& source,
                                  std::span<char> buffer);

inline constexpr size_t kWriteBuffer = 1 << 20;  // bytes in memory per write
inline constexpr int kMaxRaces = 16;             // of one call against others that move its name

}  // namespace beringia::backend::file
