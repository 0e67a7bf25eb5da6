#include "backend/metered_backend.h"

#include "io/runtime.h"

namespace beringia::backend {

namespace {

inline const observe::Histogram kSeconds{
    "beringia_backend_seconds", "Time of calls of a backend.", {"backend", "op"}};
inline const observe::Counter kErrors{
    "beringia_backend_errors_total", "Calls of a backend that failed.", {"backend", "op", "code"}};
inline const observe::Counter kBytesRead{
    "beringia_backend_read_bytes_total", "Bytes read from a backend.", {"backend"}};
inline const observe::Counter kBytesWritten{
    "beringia_backend_written_bytes_total", "Bytes written to a backend.", {"backend"}};

constexpr std::string_view kNames[] = {
    "stat",    "read",   "write",  "list",           "remove",
    "compose", "rename", "update", "make_directory", "remove_directory",
    "sweep",   "probe"};

}  // namespace

/// Counts bytes as they come, and the error that ends them.
class MeteredBackend::Source final : public io::ByteSource {
 public:
  Source(const MeteredBackend& backend, std::unique_ptr<io::ByteSource> inner)
      : backend_{backend}, inner_{std::move(inner)} {}
  Result<size_t> read(const io::Context& context, std::span<char> buffer) override {
    auto n = inner_->read(context, buffer);
    if (n) {
      backend_.bytes_read_.add(*n);
    } else if (!failed_) {
      failed_ = true;
      backend_.note_error(kRead, n.error());
    }
    return n;
  }
  std::optional<io::FileRegion> as_file() override {
    auto region = inner_->as_file();
    if (region) backend_.bytes_read_.add(region->range.length);
    return region;
  }
  std::optional<uint64_t> remaining() const override { return inner_->remaining(); }

 private:
  const MeteredBackend& backend_;
  std::unique_ptr<io::ByteSource> inner_;
  bool failed_ = false;
};

MeteredBackend::MeteredBackend(std::string name, std::unique_ptr<Backend> inner,
                               std::shared_ptr<CallLedger> ledger)
    : name_{std::move(name)},
      inner_{std::move(inner)},
      ledger_{std::move(ledger)},
      bytes_read_{kBytesRead.at({name_})},
      bytes_written_{kBytesWritten.at({name_})} {
  static_assert(std::size(kNames) == kOperations);
  seconds_.reserve(kOperations);
  for (const auto operation : kNames) seconds_.push_back(kSeconds.at({name_, operation}));
}

io::Context MeteredBackend::about(const io::Context& context, std::string_view native_name) const {
  return ledger_ ? context.with_account(ledger_->account_of(native_name)) : context;
}

void MeteredBackend::note_error(Operation operation, const Error& error) const {
  kErrors.add(1, {name_, kNames[operation], to_string(error.code())});
}

template <class Call>
auto MeteredBackend::measure(Operation operation, Call&& call) -> decltype(call()) {
  const auto start = io::now();
  auto result = call();
  seconds_[operation].observe(static_cast<double>((io::now() - start).count()) / 1e9);
  if (!result) note_error(operation, result.error());
  return result;
}

Result<std::unique_ptr<io::ByteSource>> MeteredBackend::read(const io::Context& context,
                                                             const ReadRequest& request) {
  auto source = measure(kRead, [&] { return inner_->read(about(context, request.name), request); });
  if (!source) return source;
  if (inner_->capabilities().zero_copy_read) {  // no layer between a file and its reader
    bytes_read_.add(request.range.length);
    return source;
  }
  return std::make_unique<Source>(*this, std::move(*source));
}

Result<CopyInfo> MeteredBackend::write(const io::Context& context, const WriteRequest& request) {
  auto written =
      measure(kWrite, [&] { return inner_->write(about(context, request.name), request); });
  if (written) bytes_written_.add(written->size);
  return written;
}

Result<CopyInfo> MeteredBackend::stat(const io::Context& context, const StatRequest& request) {
  return measure(kStat, [&] { return inner_->stat(about(context, request.name), request); });
}

Result<CopyPage> MeteredBackend::list(const io::Context& context, const ListRequest& request) {
  return measure(kList, [&] { return inner_->list(about(context, request.prefix), request); });
}

Result<void> MeteredBackend::remove(const io::Context& context, const RemoveRequest& request) {
  return measure(kRemove, [&] { return inner_->remove(about(context, request.name), request); });
}

Result<CopyInfo> MeteredBackend::compose(const io::Context& context,
                                         const ComposeRequest& request) {
  return measure(kCompose, [&] { return inner_->compose(about(context, request.name), request); });
}

Result<CopyInfo> MeteredBackend::rename(const io::Context& context, const RenameRequest& request) {
  return measure(kRename, [&] { return inner_->rename(about(context, request.to), request); });
}

Result<CopyInfo> MeteredBackend::update(const io::Context& context, const UpdateRequest& request) {
  return measure(kUpdate, [&] { return inner_->update(about(context, request.name), request); });
}

Result<void> MeteredBackend::make_directory(const io::Context& context, const std::string& name) {
  return measure(kMakeDirectory, [&] { return inner_->make_directory(context, name); });
}

Result<void> MeteredBackend::remove_directory(const io::Context& context, const std::string& name) {
  return measure(kRemoveDirectory, [&] { return inner_->remove_directory(context, name); });
}

Result<uint64_t> MeteredBackend::sweep(const io::Context& context, Duration age) {
  return measure(kSweep, [&] { return inner_->sweep(context, age); });
}

Result<StoreReport> MeteredBackend::probe(const io::Context& context) {
  return measure(kProbe, [&] { return inner_->probe(context); });
}

}  // namespace beringia::backend
