#include "backend/limiting_backend.h"

#include "io/runtime.h"

namespace beringia::backend {

namespace {

inline const observe::Counter kWaits{
    "beringia_backend_waits_total", "Calls that waited for their turn.", {"backend"}};
inline const observe::Counter kRefusals{
    "beringia_backend_refusals_total", "Calls refused because too many were waiting.", {"backend"}};

}  // namespace

/// Gives the place back.
class LimitingBackend::Place {
 public:
  explicit Place(Line& line) : line_{line} {}
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() { line_.places_left.release(); }

 private:
  Line& line_;
};

LimitingBackend::LimitingBackend(std::string name, std::unique_ptr<Backend> inner,
                                 ConcurrencyLimits limits)
    : name_{std::move(name)},
      inner_{std::move(inner)},
      limits_{limits},
      reads_{limits.max_reads},
      writes_{limits.max_writes},
      waits_{kWaits.at({name_})},
      refusals_{kRefusals.at({name_})} {}

Error LimitingBackend::refused(std::string why) const {
  refusals_.add();
  return busy("backend \"" + name_ + "\" is busy", std::move(why),
              "come back later, or raise max_concurrency of the backend");
}

Result<void> LimitingBackend::enter(const io::Context& context, Line& line) {
  if (line.places_left.try_acquire()) return {};
  waits_.add();
  if (line.waiting.fetch_add(1) >= static_cast<int64_t>(limits_.max_waiting)) {
    line.waiting.fetch_sub(1);
    return std::unexpected(refused("all its places are taken and " +
                                   std::to_string(limits_.max_waiting) + " calls wait already"));
  }
  const auto patience = context.with_deadline(io::now() + limits_.max_wait);
  auto entered = line.places_left.acquire(patience);
  line.waiting.fetch_sub(1);
  if (entered) return {};
  BR_TRY(context.check(io::now()));  // the caller gave up: that is its error
  return std::unexpected(refused("no place became free in time"));
}

Result<CopyInfo> LimitingBackend::stat(const io::Context& context, const StatRequest& request) {
  Line& line = reads_;
  BR_TRY(enter(context, line));
  const Place place{line};
  return inner_->stat(context, request);
}

Result<std::unique_ptr<io::ByteSource>> LimitingBackend::read(const io::Context& context,
                                                              const ReadRequest& request) {
  Line& line = reads_;
  BR_TRY(enter(context, line));
  const Place place{line};
  return inner_->read(context, request);
}

Result<CopyInfo> LimitingBackend::write(const io::Context& context, const WriteRequest& request) {
  Line& line = writes_;
  BR_TRY(enter(context, line));
  const Place place{line};
  return inner_->write(context, request);
}

Result<CopyPage> LimitingBackend::list(const io::Context& context, const ListRequest& request) {
  Line& line = reads_;
  BR_TRY(enter(context, line));
  const Place place{line};
  return inner_->list(context, request);
}

Result<void> LimitingBackend::remove(const io::Context& context, const RemoveRequest& request) {
  Line& line = writes_;
  BR_TRY(enter(context, line));
  const Place place{line};
  return inner_->remove(context, request);
}

Result<CopyInfo> LimitingBackend::compose(const io::Context& context,
                                          const ComposeRequest& request) {
  Line& line = writes_;
  BR_TRY(enter(context, line));
  const Place place{line};
  return inner_->compose(context, request);
}

Result<CopyInfo> LimitingBackend::rename(const io::Context& context, const RenameRequest& request) {
  // A second name is given in the middle of a write, which has a place of its own already: in the
  // same line such writes would wait for each other. It moves no bytes.
  Line& line = request.keep_source ? reads_ : writes_;
  BR_TRY(enter(context, line));
  const Place place{line};
  return inner_->rename(context, request);
}

Result<CopyInfo> LimitingBackend::update(const io::Context& context, const UpdateRequest& request) {
  Line& line = writes_;
  BR_TRY(enter(context, line));
  const Place place{line};
  return inner_->update(context, request);
}

Result<void> LimitingBackend::make_directory(const io::Context& context, const std::string& name) {
  Line& line = writes_;
  BR_TRY(enter(context, line));
  const Place place{line};
  return inner_->make_directory(context, name);
}

Result<void> LimitingBackend::remove_directory(const io::Context& context,
                                               const std::string& name) {
  Line& line = writes_;
  BR_TRY(enter(context, line));
  const Place place{line};
  return inner_->remove_directory(context, name);
}

Result<uint64_t> LimitingBackend::sweep(const io::Context& context, Duration age) {
  Line& line = writes_;
  BR_TRY(enter(context, line));
  const Place place{line};
  return inner_->sweep(context, age);
}

Result<StoreReport> LimitingBackend::probe(const io::Context& context) {
  Line& line = reads_;
  BR_TRY(enter(context, line));
  const Place place{line};
  return inner_->probe(context);
}

}  // namespace beringia::backend
