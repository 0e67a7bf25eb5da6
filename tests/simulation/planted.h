#pragma once

#include <memory>
#include <string>
#include <utility>

#include "backend/backend.h"
#include "io/disk.h"
#include "kv/store.h"

namespace beringia::simulation {

// Faults built in on purpose (Plant): each breaks one promise that the core relies on.

/// A disk that says "synced" and does nothing.
class ForgetfulDisk final : public io::Disk {
 public:
  explicit ForgetfulDisk(io::Disk& inner) : inner_{inner} {}
  [[nodiscard]] Result<std::unique_ptr<io::File>> open(const std::string& path,
                                                       io::OpenMode mode) override;
  Result<io::FileStat> stat(const std::string& path) override { return inner_.stat(path); }
  Result<std::string> get_xattr(const std::string& path, const std::string& name) override {
    return inner_.get_xattr(path, name);
  }
  [[nodiscard]] Result<void> set_xattr(const std::string& path, const std::string& name,
                                       std::string_view value) override {
    return inner_.set_xattr(path, name, value);
  }
  Result<void> rename(const std::string& from, const std::string& to) override {
    return inner_.rename(from, to);
  }
  Result<void> rename_exclusive(const std::string& from, const std::string& to) override {
    return inner_.rename_exclusive(from, to);
  }
  Result<void> link(const std::string& from, const std::string& to) override {
    return inner_.link(from, to);
  }
  Result<void> unlink(const std::string& path) override { return inner_.unlink(path); }
  Result<void> make_directory(const std::string& path) override {
    return inner_.make_directory(path);
  }
  Result<void> remove_directory(const std::string& path) override {
    return inner_.remove_directory(path);
  }
  [[nodiscard]] Result<void> list(const std::string& path,
                                  const std::function<bool(io::DirectoryItem)>& visit) override {
    return inner_.list(path, visit);
  }
  Result<void> sync_directory(const std::string&) override { return {}; }
  Result<uint64_t> free_bytes(const std::string& path) override { return inner_.free_bytes(path); }

 private:
  class ForgetfulFile;
  io::Disk& inner_;
};

class ForgetfulDisk::ForgetfulFile final : public io::File {
 public:
  explicit ForgetfulFile(std::unique_ptr<io::File> inner) : inner_{std::move(inner)} {}
  Result<size_t> read_at(uint64_t offset, std::span<char> buffer) override {
    return inner_->read_at(offset, buffer);
  }
  std::optional<size_t> try_read_cached(uint64_t offset, std::span<char> buffer) override {
    return inner_->try_read_cached(offset, buffer);
  }
  Result<void> write_at(uint64_t offset, std::string_view bytes) override {
    return inner_->write_at(offset, bytes);
  }
  Result<void> truncate(uint64_t size) override { return inner_->truncate(size); }
  Result<void> set_modified(int64_t mtime_nanos) override {
    return inner_->set_modified(mtime_nanos);
  }
  Result<void> sync() override { return {}; }
  Result<io::FileStat> stat() override { return inner_->stat(); }
  Result<void> set_xattr(const std::string& name, std::string_view value) override {
    return inner_->set_xattr(name, value);
  }
  Result<std::string> get_xattr(const std::string& name) override {
    return inner_->get_xattr(name);
  }
  [[nodiscard]] Result<void> copy_from(io::File& source, uint64_t source_offset, uint64_t offset,
                                       uint64_t length) override {
    auto* wrapped = dynamic_cast<ForgetfulFile*>(&source);
    return inner_->copy_from(wrapped != nullptr ? *wrapped->inner_ : source, source_offset, offset,
                             length);
  }
  int descriptor() const override { return inner_->descriptor(); }

 private:
  std::unique_ptr<io::File> inner_;
};

inline Result<std::unique_ptr<io::File>> ForgetfulDisk::open(const std::string& path,
                                                             io::OpenMode mode) {
  BR_TRY(file, inner_.open(path, mode));
  return std::make_unique<ForgetfulFile>(std::move(file));
}

/// A backend that takes any version where one was asked for.
class CarelessBackend final : public backend::Backend {
 public:
  explicit CarelessBackend(std::shared_ptr<backend::Backend> inner) : inner_{std::move(inner)} {}
  const backend::Capabilities& capabilities() const override { return inner_->capabilities(); }
  [[nodiscard]] Result<backend::CopyInfo> stat(const io::Context& context,
                                               const backend::StatRequest& request) override {
    return inner_->stat(context, request);
  }
  [[nodiscard]] Result<std::unique_ptr<io::ByteSource>> read(
      const io::Context& context, const backend::ReadRequest& request) override {
    return inner_->read(context, {request.name, request.range, {}});
  }
  [[nodiscard]] Result<backend::CopyInfo> write(const io::Context& context,
                                                const backend::WriteRequest& request) override {
    backend::WriteRequest careless = request;
    careless.expectation = backend::Expectation::any();
    careless.seal = [&]() -> Result<backend::Seal> {
      BR_TRY(seal, request.seal());
      seal.expectation = backend::Expectation::any();
      return std::move(seal);
    };
    return inner_->write(context, careless);
  }
  [[nodiscard]] Result<backend::CopyPage> list(const io::Context& context,
                                               const backend::ListRequest& request) override {
    return inner_->list(context, request);
  }
  Result<void> remove(const io::Context& context, const backend::RemoveRequest& request) override {
    return inner_->remove(context, {request.name, {}});
  }
  [[nodiscard]] Result<backend::CopyInfo> compose(const io::Context& context,
                                                  const backend::ComposeRequest& request) override {
    return inner_->compose(context, request);
  }
  [[nodiscard]] Result<backend::CopyInfo> rename(const io::Context& context,
                                                 const backend::RenameRequest& request) override {
    return inner_->rename(context, request);
  }
  [[nodiscard]] Result<backend::CopyInfo> update(const io::Context& context,
                                                 const backend::UpdateRequest& request) override {
    return inner_->update(context, request);
  }
  Result<void> make_directory(const io::Context& context, const std::string& name) override {
    return inner_->make_directory(context, name);
  }
  Result<void> remove_directory(const io::Context& context, const std::string& name) override {
    return inner_->remove_directory(context, name);
  }
  Result<uint64_t> sweep(const io::Context& context, Duration age) override {
    return inner_->sweep(context, age);
  }
  Result<backend::StoreReport> probe(const io::Context& context) override {
    return inner_->probe(context);
  }

 private:
  std::shared_ptr<backend::Backend> inner_;  // owners: this and the world's
};

/// A store that changes what is committed, or how durably.
class TamperedStore final : public kv::Store {
 public:
  using Tamper = std::function<kv::Batch(kv::Batch)>;
  TamperedStore(std::unique_ptr<kv::Store> inner, bool buffered, Tamper tamper)
      : inner_{std::move(inner)}, buffered_{buffered}, tamper_{std::move(tamper)} {}

  [[nodiscard]] Result<std::optional<std::string>> get(const io::Context& context,
                                                       std::string_view key) override {
    return inner_->get(context, key);
  }
  [[nodiscard]] Result<std::vector<std::optional<std::string>>> get_many(
      const io::Context& context, const std::vector<std::string>& keys) override {
    return inner_->get_many(context, keys);
  }
  [[nodiscard]] Result<std::vector<kv::KeyValue>> scan(const io::Context& context,
                                                       std::string_view first,
                                                       std::string_view last,
                                                       size_t limit) override {
    return inner_->scan(context, first, last, limit);
  }
  std::unique_ptr<kv::Snapshot> snapshot() override { return inner_->snapshot(); }
  [[nodiscard]] Result<kv::Committed> commit(const io::Context& context, kv::Batch batch,
                                             kv::Durability durability) override {
    if (tamper_) batch = tamper_(std::move(batch));
    return inner_->commit(context, std::move(batch),
                          buffered_ ? kv::Durability::kBuffered : durability);
  }
  uint64_t approximate_bytes() override { return inner_->approximate_bytes(); }
  [[nodiscard]] Result<void> wait_appended(const io::Context& context, const std::string& stream,
                                           uint64_t after) override {
    return inner_->wait_appended(context, stream, after);
  }

 private:
  std::unique_ptr<kv::Store> inner_;
  bool buffered_;
  Tamper tamper_;
};

/// `batch` without the operations that `drop` names.
template <class Drop>
kv::Batch without(const kv::Batch& batch, const Drop& drop) {
  kv::Batch rest;
  for (const auto& operation : batch.operations()) {
    if (drop(operation)) continue;
    if (const auto* check = std::get_if<kv::Batch::Check>(&operation)) {
      rest.check(check->key, check->expected);
    } else if (const auto* empty = std::get_if<kv::Batch::CheckEmpty>(&operation)) {
      rest.check_empty(empty->first, empty->last);
    } else if (const auto* maybe = std::get_if<kv::Batch::RemoveIfEmpty>(&operation)) {
      rest.remove_if_empty(maybe->key, maybe->first, maybe->last);
    } else if (const auto* put = std::get_if<kv::Batch::Put>(&operation)) {
      rest.put(put->key, put->value);
    } else if (const auto* remove = std::get_if<kv::Batch::Remove>(&operation)) {
      rest.remove(remove->key);
    } else if (const auto* append = std::get_if<kv::Batch::Append>(&operation)) {
      rest.append(append->stream, append->value);
    }
  }
  return rest;
}

}  // namespace beringia::simulation
