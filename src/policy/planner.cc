#include "policy/planner.h"

#include <algorithm>

#include "base/checksum.h"
#include "base/encoding.h"
#include "observe/metrics.h"

namespace beringia::policy {
namespace {

constexpr size_t kPage = 1000;

const observe::Counter kScanned{"beringia_policy_scanned_entries_total",
                                "Entries looked at while plans were made."};

/// The part of `policy_prefix` that lies in `wanted`, or nothing.
std::optional<std::string> narrowed(const std::string& policy_prefix,
                                    const std::optional<Path>& wanted) {
  if (!wanted || policy_prefix.starts_with(wanted->text())) return policy_prefix;
  if (wanted->text().starts_with(policy_prefix)) return wanted->text();
  return std::nullopt;
}

bool lies_in(const Path& path, const std::optional<Path>& wanted) {
  return !wanted || path == *wanted || path.is_under(wanted->as_directory());
}

void append_text(std::string& out, std::string_view text) {
  append_be64(out, text.size());
  out += text;
}

}  // namespace

void SkipCounter::add(const std::string& reason, const std::string& path) {
  add(SkippedTotal{reason, 1, {path}});
}

void SkipCounter::add(const SkippedTotal& total) {
  const bool known = by_reason_.contains(total.reason);
  const std::string reason =
      known || by_reason_.size() < kMaxReasons ? total.reason : "other reasons";
  SkippedTotal& sum = by_reason_[reason];
  sum.reason = reason;
  sum.objects += total.objects;
  for (const auto& example : total.examples) {
    if (sum.examples.size() < kMaxExamples) sum.examples.push_back(example);
  }
}

std::vector<SkippedTotal> SkipCounter::totals() const {
  std::vector<SkippedTotal> totals;
  for (const auto& [reason, total] : by_reason_) totals.push_back(total);
  std::sort(totals.begin(), totals.end(), [](const auto& a, const auto& b) {
    return a.objects != b.objects ? a.objects > b.objects : a.reason < b.reason;
  });
  return totals;
}

std::vector<ScanRange> ranges_to_scan(const std::vector<const CompiledPolicy*>& policies,
                                      const std::optional<Path>& prefix) {
  std::vector<std::string> texts;
  for (const CompiledPolicy* policy : policies) {
    if (auto text = narrowed(policy->prefix, prefix)) texts.push_back(std::move(*text));
  }
  std::sort(texts.begin(), texts.end());
  std::vector<ScanRange> ranges;
  std::string last;
  for (const auto& text : texts) {
    // Sorted, so what covers a text stands before it.
    if (!last.empty() && text.starts_with(last)) continue;
    last = text;
    const size_t slash = text.rfind('/');
    auto directory = Path::parse(std::string_view{text}.substr(0, slash + 1));
    if (directory) ranges.push_back({std::move(*directory), text.substr(slash + 1)});
  }
  return ranges;
}

std::string fingerprint_of(const meta::Estate& estate,
                           const std::vector<const CompiledPolicy*>& policies) {
  std::string text;
  for (const auto& backend : estate.backends) {
    append_be32(text, backend.id);
    for (const auto& part : {backend.name, backend.url, backend.endpoint}) append_text(text, part);
  }
  for (const auto& mount : estate.mounts) {
    append_text(text, mount.path.text());
    for (const auto& location : mount.locations) {
      append_text(text, location.backend);
      append_text(text, location.prefix);
    }
    append_text(text, mount.read_only ? "read-only" : "");
  }
  for (const CompiledPolicy* policy : policies) {
    append_text(text, policy->declaration.name);
    append_text(text, policy->declaration.when);
    for (const auto& place : policy->declaration.place) {
      append_text(text, place.backend);
      append_text(text, place.storage_class);
    }
  }
  return to_hex(sha256(text).substr(0, 16));
}

Result<PlanSummary> Planner::run(std::shared_ptr<const core::Mounts> mounts,
                                 const std::vector<const CompiledPolicy*>& policies) {
  mounts_ = std::move(mounts);
  policies_ = policies;
  PlanSummary& summary = plan_.summary;
  summary.id = random_hex(services_.parts.rng, meta::kRunIdBytes / 2);
  summary.principal = principal_.name();
  summary.created = services_.parts.clock.wall();
  summary.prefix = request_.prefix ? request_.prefix->text() : "";
  summary.bandwidth_bytes_per_s = request_.bandwidth_bytes_per_s;
  summary.estate_fingerprint = fingerprint_of(mounts_->estate(), policies_);
  for (const CompiledPolicy* policy : policies_) {
    summary.policies.push_back(policy->declaration.name);
    summary.by_policy[policy->declaration.name];
  }
  writer_ = std::make_unique<PlanWriter>(context_, services_.parts.store, summary.id);
  for (const auto& range : ranges_to_scan(policies_, request_.prefix)) {
    auto scanned = scan(range);
    if (scanned) continue;
    (void)remove_plan(io::Context{}, services_.parts.store, summary.id);
    return std::unexpected(std::move(scanned).error().during("planning"));
  }
  set_durations();
  summary.skipped = skipped_.totals();
  BR_TRY(writer_->finish(plan_));
  return summary;
}

Result<void> Planner::scan(const ScanRange& range) {
  BR_TRY(grant, services_.gate.admit(context_, principal_, core::Action::kList, range.directory,
                                     {"policy", "policy.plan", {}, context_.trace_id()}));
  core::ListRequest request;
  request.prefix = range.prefix;
  request.limit = kPage;
  for (;;) {
    auto page = services_.names.list(context_, grant, request);
    if (!page) {
      // Nothing there: nothing to plan.
      if (page.error().code() == Code::kNotFound) return {};
      grant.note_error(page.error());
      return std::unexpected(std::move(page).error());
    }
    for (const auto& item : page->items) {
      BR_TRY(path, range.directory.join(item.name));
      if (!lies_in(path, request_.prefix)) continue;
      plan_.summary.scanned += 1;
      BR_TRY(look_at(path, item.record));
    }
    kScanned.add(page->items.size());
    if (request_.progress) request_.progress(plan_.summary.scanned, writer_->rows());
    if (!page->truncated) return {};
    request.start_after = page->last;
  }
}

Result<void> Planner::look_at(const Path& path, const meta::EntryRecord& record) {
  const Match match =
      Policies::match(policies_, {path.text(), record, plan_.summary.created, *mounts_});
  if (match.problem) {
    skipped_.add(
        "the condition of policy \"" + match.unclear->declaration.name + "\" has no value here",
        path.text());
    return {};
  }
  if (match.policy == nullptr) return {};
  const EntryPlan entry = plan_entry(*mounts_, path, record, *match.policy);
  if (!entry.skip.empty()) {
    skipped_.add(entry.skip, path.text());
    return {};
  }
  if (entry.in_place()) plan_.summary.in_place += 1;
  for (const auto& row : entry.rows) {
    add_to(plan_.summary.totals, row.priced);
    add_to(plan_.summary.by_policy[row.move.rule], row.priced);
    BR_TRY(writer_->add(row.move));
  }
  return {};
}

uint64_t Planner::cap_of(const std::string& policy) const {
  const auto found = std::find_if(policies_.begin(), policies_.end(), [&](const CompiledPolicy* p) {
    return p->declaration.name == policy;
  });
  uint64_t cap = found == policies_.end() ? 0 : (*found)->declaration.bandwidth_bytes_per_s;
  const uint64_t whole = request_.bandwidth_bytes_per_s;
  if (whole != 0 && (cap == 0 || whole < cap)) cap = whole;
  return cap;
}

/// At the caps; unknown if any part that moves bytes has none.
void Planner::set_durations() {
  const auto at = [](uint64_t bytes, uint64_t cap) {
    return Duration{
        static_cast<int64_t>(static_cast<double>(bytes) / static_cast<double>(cap) * 1e9)};
  };
  Totals& whole = plan_.summary.totals;
  bool all_capped = true;
  for (auto& [name, totals] : plan_.summary.by_policy) {
    const uint64_t cap = cap_of(name);
    if (totals.bytes == 0) continue;
    if (cap == 0) {
      all_capped = false;
      continue;
    }
    totals.duration = at(totals.bytes, cap);
    // Policies run side by side.
    whole.duration = std::max(whole.duration, totals.duration);
  }
  if (request_.bandwidth_bytes_per_s != 0) {
    whole.duration = std::max(whole.duration, at(whole.bytes, request_.bandwidth_bytes_per_s));
  } else if (!all_capped) {
    whole.duration = Duration{0};
  }
}

}  // namespace beringia::policy
