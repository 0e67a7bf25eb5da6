#include "meta/codec.h"
#include "meta/records.h"

// Records of work under way: intents, outcomes, uploads, moves, runs, feed.

namespace beringia::meta {
// Static, not in an unnamed namespace: the codec finds them by argument-dependent lookup.

template <class F, class T>
  requires std::same_as<std::remove_const_t<T>, IntentRecord>
static void describe(F& f, T& record) {
  using Kind = IntentRecord::Kind;
  f.id(1, 2, record.id);
  f.choice(3, record.kind, Kind::kWrite, Kind::kUpdate);
  f.text(4, record.path);
  f.text(5, record.other_path);
  f.number(6, record.backend);
  f.text(7, record.native_name);
  f.text(8, record.expected_version);
  f.number(9, record.generation);
  f.time(10, record.started);
  f.number(11, record.boot);
  f.text(12, record.entry);
  f.text(13, record.replaced);
  const auto name = [](auto& inner, auto& kept) {
    inner.number(1, kept.backend);
    inner.text(2, kept.native_name);
  };
  f.list(14, record.kept, name);
  f.list(15, record.other_kept, name);
  f.number(16, record.drops_generation);
  f.number(17, record.brings_back);
}

template <class F, class T>
  requires std::same_as<std::remove_const_t<T>, OutcomeRecord>
static void describe(F& f, T& record) {
  f.choice(1, record.result, OutcomeRecord::Result::kCommitted, OutcomeRecord::Result::kAborted);
  f.number(2, record.generation);
  f.time(3, record.time, static_cast<int64_t>(record.generation));
}

template <class F, class T>
  requires std::same_as<std::remove_const_t<T>, UploadRecord>
static void describe(F& f, T& record) {
  f.text(1, record.id);
  f.text(2, record.path);
  f.text(3, record.owner);
  f.time(4, record.started);
  f.text(5, record.protocol);
  f.text(6, record.content_type);
  f.text(7, record.storage_class);
  f.map(8, record.http);
  f.map(9, record.metadata);
  f.map(10, record.tags);
  f.map(11, record.options);
  f.number(12, record.backend);
  f.number(13, record.boot);
  f.text(14, record.acl);
  describe_lock(f, record.lock);
  describe_encryption(f, record.encryption);
}

template <class F, class T>
  requires std::same_as<std::remove_const_t<T>, PartRecord>
static void describe(F& f, T& record) {
  f.number(1, record.number);
  f.number(2, record.size);
  f.text(3, record.native_name);
  f.text(4, record.version);
  f.number(5, record.crc32c);
  f.text(6, record.md5);
  f.map(7, record.checksums);
  f.time(8, record.modified);
  f.optional_be32(9, record.stored_crc32c);
  f.number(10, record.offset);
}

template <class F, class T>
  requires std::same_as<std::remove_const_t<T>, MoveRecord>
static void describe(F& f, T& record) {
  f.choice(1, record.state, MoveRecord::State::kPlanned, MoveRecord::State::kFailed);
  f.text(2, record.path);
  f.number(3, record.generation);
  f.number(4, record.size);
  f.number(5, record.from);
  f.text(6, record.from_name);
  f.text(7, record.from_version);
  f.number(8, record.to);
  f.text(9, record.to_name);
  f.text(10, record.to_version);
  f.text(11, record.to_class);
  f.number(12, record.keep_source);
  f.number(13, record.crc32c);
  f.time(14, record.switched_at);
  f.text(15, record.rule);
  f.text(16, record.note);
  f.number(17, record.attempts);
  f.number(18, record.spare);
}

template <class F, class T>
  requires std::same_as<std::remove_const_t<T>, RunRecord>
static void describe(F& f, T& record) {
  f.text(1, record.id);
  f.text(2, record.plan_id);
  f.choice(3, record.state, RunRecord::State::kRunning, RunRecord::State::kCancelled);
  f.text(4, record.principal);
  f.time(5, record.started);
  f.time(6, record.ended);
  f.number(7, record.objects);
  f.number(8, record.bytes);
  f.number(9, record.objects_done);
  f.number(10, record.bytes_done);
  f.number(11, record.objects_skipped);
  f.number(12, record.objects_failed);
  f.number(13, record.bandwidth_bytes_per_s);
  const auto text = [](auto& inner, auto& value) { inner.text(1, value); };
  f.list(14, record.policies, text);
  f.list(15, record.problems, [&](auto& inner, auto& problem) {
    inner.text(1, problem.reason);
    inner.number(2, problem.objects);
    inner.list(3, problem.examples, text);
  });
  f.number(16, record.class_a_calls);
  f.number(17, record.class_b_calls);
  f.number(18, record.free_calls);
  f.number(19, record.calls_nano_usd);
}

template <class F, class T>
  requires std::same_as<std::remove_const_t<T>, FeedRecord>
static void describe(F& f, T& record) {
  using Kind = FeedRecord::Kind;
  f.choice(1, record.kind, Kind::kPut, Kind::kReplaced);
  f.text(2, record.path);
  f.text(3, record.other_path);
  f.number(4, record.generation);
  f.time(5, record.time, static_cast<int64_t>(record.generation));
  auto& event = record.event;
  f.choice_or_first(6, event.kind, wire::EventKind::kNone, wire::kLastEventKind);
  f.text(7, event.principal);
  f.text(8, event.source_address);
  f.id(9, 10, event.request_id);
  f.text(11, event.bucket_owner);
  f.text(12, event.entry);
  f.number(13, event.other_generation);
  f.list(14, event.deliveries, [](auto& inner, auto& delivery) {
    inner.text(1, delivery.target);
    inner.text(2, delivery.rule);
    inner.number(3, delivery.google);
    inner.number(4, delivery.payload, true);
    inner.map(5, delivery.attributes);
  });
}

std::string encode(const IntentRecord& record) { return encode_record(record); }
Result<IntentRecord> decode_intent(std::string_view bytes) {
  return decode_record<IntentRecord>(bytes, "a write intent");
}
std::string encode(const OutcomeRecord& record) { return encode_record(record); }
Result<OutcomeRecord> decode_outcome(std::string_view bytes) {
  return decode_record<OutcomeRecord>(bytes, "an outcome");
}
std::string encode(const UploadRecord& record) {
  return encode_record(record, version_with(record.encryption));
}
Result<UploadRecord> decode_upload(std::string_view bytes) {
  return decode_record<UploadRecord>(bytes, "an upload");
}
std::string encode(const PartRecord& record) { return encode_record(record); }
Result<PartRecord> decode_part(std::string_view bytes) {
  return decode_record<PartRecord>(bytes, "a part of an upload");
}
std::string encode(const MoveRecord& record) { return encode_record(record); }
Result<MoveRecord> decode_move(std::string_view bytes) {
  return decode_record<MoveRecord>(bytes, "a move");
}
std::string encode(const RunRecord& record) { return encode_record(record); }
Result<RunRecord> decode_run(std::string_view bytes) {
  return decode_record<RunRecord>(bytes, "a run");
}
std::string encode(const FeedRecord& record) { return encode_record(record); }
Result<FeedRecord> decode_feed(std::string_view bytes) {
  return decode_record<FeedRecord>(bytes, "a feed record");
}

std::string_view to_string(MoveRecord::State state) {
  switch (state) {
    case MoveRecord::State::kPlanned: return "planned";
    case MoveRecord::State::kCopying: return "copying";
    case MoveRecord::State::kVerifying: return "verifying";
    case MoveRecord::State::kSwitching: return "switching";
    case MoveRecord::State::kCleaning: return "cleaning";
    case MoveRecord::State::kDone: return "done";
    case MoveRecord::State::kSkipped: return "skipped";
    case MoveRecord::State::kFailed: return "failed";
  }
  return "unknown";
}

std::string_view to_string(RunRecord::State state) {
  switch (state) {
    case RunRecord::State::kRunning: return "running";
    case RunRecord::State::kDone: return "done";
    case RunRecord::State::kFailed: return "failed";
    case RunRecord::State::kCancelled: return "cancelled";
  }
  return "unknown";
}

}  // namespace beringia::meta
