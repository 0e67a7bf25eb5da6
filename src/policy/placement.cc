#include "policy/placement.h"

#include <algorithm>

namespace beringia::policy {
namespace {

/// One pass over one entry.
class Difference {
 public:
  Difference(const core::Mounts& mounts, const Path& path, const meta::EntryRecord& record,
             const CompiledPolicy& policy)
      : mounts_{mounts}, path_{path}, record_{record}, policy_{policy} {}

  EntryPlan run();

 private:
  using Live = std::shared_ptr<const core::LiveBackend>;

  const meta::Copy* copy_in(const core::LiveBackend& backend) const;
  std::string why_not(const core::LiveBackend& target) const;
  void sort_copies();
  void add(const meta::Copy& source, const Live& target, const std::string& storage_class,
           PlanRow::Kind kind);

  const core::Mounts& mounts_;
  const Path& path_;
  const meta::EntryRecord& record_;
  const CompiledPolicy& policy_;
  EntryPlan plan_;
  std::vector<std::pair<Live, std::string>> missing_;  // backend, class
  std::vector<const meta::Copy*> extra_;               // copies that the policy does not name
  const meta::Copy* kept_ = nullptr;                   // a copy that stays
};

const meta::Copy* Difference::copy_in(const core::LiveBackend& backend) const {
  for (const auto& copy : record_.copies) {
    if (copy.backend == backend.declaration.id) return &copy;
  }
  return nullptr;
}

std::string Difference::why_not(const core::LiveBackend& target) const {
  const auto& can = target.client->capabilities();
  if (record_.stored_size() > can.max_object_bytes) {
    return "too large for backend " + target.declaration.name;
  }
  // Without escaping; file backends, which escape, state their own limit generously.
  if (path_.text().size() > can.max_name_bytes + 1) {
    return "name too long for backend " + target.declaration.name;
  }
  return {};
}

void Difference::add(const meta::Copy& source, const Live& target, const std::string& storage_class,
                     PlanRow::Kind kind) {
  const auto from = mounts_.backend(source.backend);
  EntryPlan::Row row;
  row.move.path = path_.text();
  row.move.generation = record_.generation;
  row.move.size = record_.stored_size();  // encrypted bytes move as they are
  row.move.from = source.backend;
  row.move.to = target->declaration.id;
  row.move.to_class = storage_class;
  row.move.keep_source = kind == PlanRow::Kind::kReplicate;
  row.move.spare = kind == PlanRow::Kind::kRemoveSpare;
  row.move.rule = policy_.declaration.name;
  row.priced = {
      kind,         row.move.size, &from->declaration, source.storage_class, &target->declaration,
      storage_class};
  plan_.rows.push_back(std::move(row));
}

void Difference::sort_copies() {
  std::vector<const meta::Copy*> wanted;
  for (const auto& place : policy_.declaration.place) {
    const auto live = mounts_.backend(place.backend);
    if (!live) {
      plan_.skip = "backend " + place.backend + " is not there";
      return;
    }
    const meta::Copy* copy = copy_in(*live);
    if (copy == nullptr) {
      plan_.skip = why_not(*live);
      if (!plan_.skip.empty()) return;
      missing_.emplace_back(live, place.storage_class);
      continue;
    }
    wanted.push_back(copy);
    if (!place.storage_class.empty() &&
        class_word(place.storage_class) != class_word(copy->storage_class)) {
      add(*copy, live, place.storage_class, PlanRow::Kind::kRewriteClass);
    }
  }
  if (!wanted.empty()) kept_ = wanted.front();
  for (const auto& copy : record_.copies) {
    if (std::find(wanted.begin(), wanted.end(), &copy) == wanted.end()) extra_.push_back(&copy);
  }
}

EntryPlan Difference::run() {
  const core::LiveMount* mount = mounts_.find(path_);
  if (mount == nullptr) {
    plan_.skip = "no mount holds it";
  } else if (mount->declaration.read_only) {
    plan_.skip = "its mount is read-only";
  }
  for (const auto& copy : record_.copies) {
    if (copy.state == meta::CopyState::kRetiring) plan_.skip = "another move of it is not finished";
    if (!mounts_.backend(copy.backend)) plan_.skip = "it lies in a backend that is not declared";
  }
  if (record_.copies.empty()) plan_.skip = "it has no copy";
  if (plan_.skip.empty()) sort_copies();
  if (!plan_.skip.empty()) {
    plan_.rows.clear();
    return std::move(plan_);
  }
  // Further copies first, while there is a source that stays; then those that replace one.
  const size_t replaced = std::min(missing_.size(), extra_.size());
  const meta::Copy& any = kept_ != nullptr ? *kept_ : *extra_.front();
  for (size_t i = replaced; i < missing_.size(); ++i) {
    add(any, missing_[i].first, missing_[i].second, PlanRow::Kind::kReplicate);
  }
  for (size_t i = replaced; i-- > 0;) {
    add(*extra_[i], missing_[i].first, missing_[i].second, PlanRow::Kind::kMove);
  }
  for (size_t i = replaced; i < extra_.size(); ++i) {
    const auto target = kept_ != nullptr ? mounts_.backend(kept_->backend) : missing_.front().first;
    add(*extra_[i], target, {}, PlanRow::Kind::kRemoveSpare);
  }
  return std::move(plan_);
}

}  // namespace

PlanRow::Kind kind_of(const meta::MoveRecord& move) {
  if (move.from == move.to) return PlanRow::Kind::kRewriteClass;
  if (move.spare) return PlanRow::Kind::kRemoveSpare;
  return move.keep_source ? PlanRow::Kind::kReplicate : PlanRow::Kind::kMove;
}

EntryPlan plan_entry(const core::Mounts& mounts, const Path& path, const meta::EntryRecord& record,
                     const CompiledPolicy& policy) {
  return Difference{mounts, path, record, policy}.run();
}

}  // namespace beringia::policy
