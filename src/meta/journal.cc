#include "meta/journal.h"

#include <algorithm>
#include <utility>

#include "base/encoding.h"

namespace beringia::meta {
namespace {

constexpr size_t kPage = 1000;

/// The first key behind a table.
std::string table_end(char table) { return std::string(1, static_cast<char>(table + 1)); }

/// All rows of [first, last), read page by page; `take` returns an error to stop.
template <class Take>
Result<void> each_row(const io::Context& context, kv::Store& store, std::string first,
                      const std::string& last, const Take& take) {
  for (;;) {
    BR_TRY(rows, store.scan(context, first, last, kPage));
    for (const auto& row : rows) BR_TRY(take(row));
    if (rows.size() < kPage) return {};
    first = rows.back().key + '\0';
  }
}

}  // namespace

Result<std::vector<IntentRecord>> all_intents(const io::Context& context, kv::Store& store) {
  std::vector<IntentRecord> intents;
  BR_TRY(each_row(context, store, intent_key(""), table_end('i'),
                  [&](const kv::KeyValue& row) -> Result<void> {
                    BR_TRY(intent, decode_intent(row.value));
                    intents.push_back(std::move(intent));
                    return {};
                  }));
  return intents;
}

Result<std::optional<OutcomeRecord>> outcome(const io::Context& context, kv::Store& store,
                                             const std::string& id) {
  BR_TRY(row, store.get(context, outcome_key(id)));
  if (!row) return std::nullopt;
  return decode_outcome(*row);
}

Result<std::optional<UploadRecord>> find_upload(const io::Context& context, kv::Store& store,
                                                const std::string& id) {
  // A part's key holds a zero byte: no id from outside may name it.
  if (id.empty() || id.find('\0') != std::string::npos) return std::nullopt;
  BR_TRY(row, store.get(context, upload_key(id)));
  if (!row) return std::nullopt;
  return decode_upload(*row);
}

Result<std::vector<UploadRecord>> all_uploads(const io::Context& context, kv::Store& store) {
  std::vector<UploadRecord> uploads;
  const std::string last = table_end('u');
  for (std::string first = upload_key("");;) {
    BR_TRY(rows, store.scan(context, first, last, 1));
    if (rows.empty()) return uploads;
    BR_TRY(upload, decode_upload(rows.front().value));
    // Skips the parts, of which there may be 10,000.
    first = rows.front().key + '\x01';
    uploads.push_back(std::move(upload));
  }
}

Result<std::vector<PartRecord>> parts_of(const io::Context& context, kv::Store& store,
                                         const std::string& id) {
  std::vector<PartRecord> parts;
  BR_TRY(each_row(context, store, part_key(id, 0), upload_key(id) + '\x01',
                  [&](const kv::KeyValue& row) -> Result<void> {
                    BR_TRY(part, decode_part(row.value));
                    parts.push_back(std::move(part));
                    return {};
                  }));
  return parts;
}

void remove_upload(kv::Batch& batch, const std::string& id, const std::vector<PartRecord>& parts) {
  batch.remove(upload_key(id));
  for (const auto& part : parts) batch.remove(part_key(id, part.number));
}

Result<std::optional<RunRecord>> find_run(const io::Context& context, kv::Store& store,
                                          const std::string& id) {
  BR_TRY(row, store.get(context, run_key(id)));
  if (!row) return std::nullopt;
  return decode_run(*row);
}

Result<std::vector<RunRecord>> all_runs(const io::Context& context, kv::Store& store) {
  std::vector<RunRecord> runs;
  BR_TRY(each_row(context, store, run_key(""), table_end('r'),
                  [&](const kv::KeyValue& row) -> Result<void> {
                    BR_TRY(run, decode_run(row.value));
                    runs.push_back(std::move(run));
                    return {};
                  }));
  return runs;
}

Result<std::vector<NumberedMove>> moves_of(const io::Context& context, kv::Store& store,
                                           const std::string& run, uint64_t after, size_t limit) {
  if (after == UINT64_MAX) return std::vector<NumberedMove>{};
  const std::string last = move_key(run, UINT64_MAX) + '\0';
  BR_TRY(rows, store.scan(context, move_key(run, after + 1), last, limit));
  std::vector<NumberedMove> moves;
  moves.reserve(rows.size());
  for (const auto& row : rows) {
    BR_TRY(move, decode_move(row.value));
    moves.push_back(
        {read_be64(std::string_view{row.key}.substr(row.key.size() - 8)), std::move(move)});
  }
  return moves;
}

void doom(kv::Batch& batch, const DoomedCopy& copy) {
  batch.put(doomed_key(copy.due, copy.backend, copy.native_name), copy.version);
}

void forgive(kv::Batch& batch, const DoomedCopy& copy) {
  batch.remove(doomed_key(copy.due, copy.backend, copy.native_name));
}

Result<std::vector<DoomedCopy>> doomed_until(const io::Context& context, kv::Store& store,
                                             Timestamp until, size_t limit) {
  constexpr size_t kNameAt = 1 + 8 + 4;
  const std::string last = doomed_key({until.micros + 1}, 0, "");
  BR_TRY(rows, store.scan(context, "g", last, limit));
  std::vector<DoomedCopy> copies;
  copies.reserve(rows.size());
  for (auto& row : rows) {
    const std::string_view key = row.key;
    if (key.size() < kNameAt) {
      return std::unexpected(corrupt("cannot read the delayed deletes", "a key is too short"));
    }
    copies.push_back({Timestamp{static_cast<int64_t>(read_be64(key.substr(1)))},
                      read_be32(key.substr(9)), std::string{key.substr(kNameAt)},
                      std::move(row.value)});
  }
  return copies;
}

void append_feed(kv::Batch& batch, const FeedRecord& record) {
  batch.append(std::string{kFeedStream}, encode(record));
}

Result<std::vector<NumberedFeed>> feed_after(const io::Context& context, kv::Store& store,
                                             uint64_t number, size_t limit) {
  std::vector<NumberedFeed> feed;
  if (number == UINT64_MAX) return feed;
  std::string first{kFeedStream};
  append_be64(first, number + 1);
  BR_TRY(rows, store.scan(context, first, table_end('f'), limit));
  feed.reserve(rows.size());
  for (const auto& row : rows) {
    if (row.key.size() != kFeedStream.size() + 8) {
      return std::unexpected(corrupt("cannot read the feed", "a key has the wrong length"));
    }
    BR_TRY(record, decode_feed(row.value));
    feed.push_back(
        {read_be64(std::string_view{row.key}.substr(kFeedStream.size())), std::move(record)});
  }
  return feed;
}

}  // namespace beringia::meta
