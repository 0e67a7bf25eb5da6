#include "policy/background.h"

namespace beringia::policy {

io::Context background(std::shared_ptr<io::CancelToken> cancel, std::string kind) {
  return io::Context{}
      .with_cancel(std::move(cancel))
      .with_work(std::make_shared<io::Work>(std::move(kind)));
}

Result<void> wait_for_calls(const io::Context& context, const core::MountTable& mounts,
                            const Path& path) {
  if (!context.work()) return {};
  size_t next = 0;
  for (;;) {
    // Looked up again after each wait: another estate may have come with another budget.
    const auto now = mounts.get();
    const core::LiveMount* mount = now->find(path);
    if (mount == nullptr || next >= mount->locations.size()) return {};
    const auto& ledger = mount->locations[next].backend->ledger;
    auto admitted = ledger ? ledger->admit(context) : Result<void>{};
    if (admitted) {
      ++next;
    } else if (admitted.error().code() != Code::kBusy) {
      return admitted;
    }
  }
}

}  // namespace beringia::policy
