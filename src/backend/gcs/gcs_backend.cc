#include "backend/gcs/gcs_backend.h"

#include "backend/gcs/bucket_properties.h"
#include "backend/gcs/compose.h"
#include "backend/gcs/download.h"
#include "backend/gcs/folders.h"
#include "io/runtime.h"
#include "wire/storage_class.h"

namespace beringia::backend::gcs {

namespace {

constexpr size_t kMaxPageItems = 1000;  // the service gives no more (Objects: list, maxResults)
constexpr int kMaxSweepPages = 10000;
constexpr int kMaxEmptyPages = 10000;
/// Appended to a name it gives the next name there can be, for the inclusive startOffset (NUL is in
/// no name of ours).
constexpr char kNextName = '\x01';

/// What to_copy() reads; the rest of the resource need not travel.
constexpr std::string_view kListFields =
    "nextPageToken,prefixes,items(name,bucket,generation,metageneration,size,crc32c,md5Hash,"
    "contentType,contentEncoding,contentDisposition,contentLanguage,cacheControl,storageClass,"
    "timeCreated,updated,metadata)";

Capabilities make_capabilities(const Location& location, std::optional<bool> hierarchical) {
  Capabilities out;
  out.renames_directories = hierarchical.value_or(false);
  out.is_unsure = !hierarchical;
  out.kind = "gcs";
  out.compare_and_swap = true;
  out.server_side_compose = true;
  out.ordered_listing = true;
  out.max_name_bytes = 1024 - location.prefix().size();
  out.max_object_bytes = 5ULL << 40;
  return out;
}

}  // namespace

GcsBackend::GcsBackend(GcsOptions options, std::unique_ptr<io::HttpClient> http,
                       std::unique_ptr<Credentials> credentials, Rng& rng)
    : options_{std::move(options)},
      unsure_{make_capabilities(options_.location, std::nullopt)},
      flat_{make_capabilities(options_.location, false)},
      hierarchical_{make_capabilities(options_.location, true)},
      http_{std::move(http)},
      credentials_{std::move(credentials)},
      pace_{options_.name, options_.pace},
      api_{*http_, *credentials_, pace_, options_.retry, options_.user_project, rng},
      calls_{api_, options_.location},
      uploads_{options_.upload.buffer_bytes},
      read_ahead_budget_{static_cast<int64_t>(options_.read_ahead.buffer_bytes)} {}

Result<CopyInfo> GcsBackend::stat(const io::Context& context, const StatRequest& request) {
  BR_TRY(object, calls_.get(context, request.name));
  return to_copy(object, options_.location.prefix());
}

Result<std::unique_ptr<io::ByteSource>> GcsBackend::read(const io::Context& context,
                                                         const ReadRequest& request) {
  if (request.range.length > options_.read_ahead.segment_bytes) {
    return ReadAhead::open(context, calls_, request, options_.read_ahead, read_ahead_budget_);
  }
  if (request.range.length > 0) {
    BR_TRY(download, Download::open(context, calls_, request));
    return std::unique_ptr<io::ByteSource>{std::move(download)};
  }
  // HTTP has no empty ranges: look instead, so that a wrong version is still told.
  BR_TRY(object, calls_.get(context, request.name));
  if (request.version && *request.version != std::to_string(object.generation)) {
    return std::unexpected(conflict("cannot read " + options_.location.display(request.name),
                                    "the object is another version now"));
  }
  return std::unique_ptr<io::ByteSource>{std::make_unique<io::StringSource>(std::string{})};
}

Result<CopyInfo> GcsBackend::write(const io::Context& context, const WriteRequest& request) {
  UploadOptions options = options_.upload;
  options.without_temporaries = keeps_objects_.load(std::memory_order_relaxed);
  return Upload{calls_, options, uploads_, request}.run(context);
}

Result<bool> GcsBackend::has_names_after(const io::Context& context, const std::string& directory,
                                         const std::string& start_after) const {
  const auto& at = options_.location;
  BR_TRY(page, calls_.list(context, {{"prefix", at.full_name(directory)},
                                     {"startOffset", at.full_name(start_after) + kNextName},
                                     {"maxResults", "1"},
                                     {"fields", "nextPageToken,items(name)"}}));
  return !page.items.empty() || !page.next_page_token.empty();
}

Result<CopyPage> GcsBackend::list(const io::Context& context, const ListRequest& request) {
  const auto& at = options_.location;
  Query query{{"projection", "noAcl"},
              {"prefix", at.full_name(request.prefix)},
              {"maxResults", std::to_string(std::min(request.max_items, kMaxPageItems))},
              {"fields", std::string{kListFields}}};
  if (request.by_directory) query.emplace_back("delimiter", "/");
  // The directory that start_after lies in, if any: shown when a name below it is left. Services
  // differ on whether startOffset leaves out its prefix, so begin with it and ask.
  std::string begun;
  if (request.by_directory && request.start_after.starts_with(request.prefix)) {
    auto slash = request.start_after.find('/', request.prefix.size());
    if (slash != std::string::npos) begun = request.start_after.substr(0, slash + 1);
  }
  if (!begun.empty()) {
    query.emplace_back("startOffset", at.full_name(begun));
  } else if (!request.start_after.empty()) {
    query.emplace_back("startOffset", at.full_name(request.start_after) + kNextName);
  }
  const bool shows_reserved = request.prefix.starts_with(kReservedPrefix);
  CopyPage page;
  std::string token = request.page_token;
  // A page may be empty although more follow; callers take an empty page for the end of their
  // patience, so go on to the first that says something.
  for (int round = 0; round < kMaxEmptyPages; ++round) {
    auto asked = query;
    if (!token.empty()) asked.emplace_back("pageToken", token);
    BR_TRY(answer, calls_.list(context, asked));
    for (const auto& object : answer.items) {
      auto info = to_copy(object, at.prefix());
      if (!request.start_after.empty() && info.name <= request.start_after) continue;
      if (!shows_reserved && info.name.starts_with(kReservedPrefix)) continue;
      if (info.name.empty()) continue;  // the marker object of our own root directory
      page.items.push_back(std::move(info));
    }
    for (const auto& prefix : answer.prefixes) {
      auto name = prefix.substr(std::min(prefix.size(), at.prefix().size()));
      if (!shows_reserved && name == kReservedPrefix) continue;
      if (!begun.empty() && name == begun) {
        BR_TRY(left, has_names_after(context, begun, request.start_after));
        if (!left) continue;
      } else if (!request.start_after.empty() && name <= request.start_after) {
        continue;
      }
      page.directories.push_back(std::move(name));
    }
    token = answer.next_page_token;
    if (token.empty() || !page.items.empty() || !page.directories.empty()) break;
  }
  page.next_page_token = token;
  return page;
}

Result<void> GcsBackend::remove(const io::Context& context, const RemoveRequest& request) {
  uint64_t generation = 0;
  if (request.version) {
    BR_TRY(wanted, generation_of(*request.version));
    generation = wanted;
  } else {
    BR_TRY(object, calls_.get(context, request.name));
    generation = object.generation;
  }
  return calls_.remove(context, request.name, generation);
}

Result<CopyInfo> GcsBackend::compose(const io::Context& context, const ComposeRequest& request) {
  return Compose{calls_, request}.run(context);
}

Result<CopyInfo> GcsBackend::rename_folder(const io::Context& context, const std::string& from,
                                           const std::string& to) {
  if (!capabilities().renames_directories) {
    return std::unexpected(unsupported("cannot rename " + options_.location.display(from),
                                       "its bucket has no hierarchical namespace"));
  }
  BR_TRY(Folders(api_, options_.location).rename(context, from, to));
  CopyInfo info;
  info.name = to;
  return info;
}

Result<CopyInfo> GcsBackend::rename(const io::Context& context, const RenameRequest& request) {
  if (request.from.ends_with('/') && !request.keep_source) {
    return rename_folder(context, request.from, request.to);
  }
  BR_TRY(source, calls_.get(context, request.from));
  if (request.version && *request.version != std::to_string(source.generation)) {
    return std::unexpected(conflict("cannot rename " + options_.location.display(request.from),
                                    "the object is another version now"));
  }
  auto info = to_copy(source, options_.location.prefix());
  RewriteCall call;
  call.from = request.from;
  call.from_generation = source.generation;
  call.to = request.to;
  call.upload_id = calls_.new_upload_id();
  BR_TRY(generation, calls_.generation_to_match(context, request.to, request.expectation));
  call.if_generation = generation;
  call.fields = to_change({info.content_type, info.storage_class,
                           request.attributes.value_or(info.attributes), call.upload_id});
  BR_TRY(object, calls_.rewrite(context, call));
  if (request.keep_source) return to_copy(object, options_.location.prefix());
  auto removed = calls_.remove(context, request.from, source.generation);
  // Somebody replaced or deleted the source meanwhile: theirs is not ours to remove.
  if (!removed && removed.error().code() != Code::kConflict &&
      removed.error().code() != Code::kNotFound) {
    return std::unexpected(std::move(removed).error());
  }
  return to_copy(object, options_.location.prefix());
}

Result<CopyInfo> GcsBackend::update(const io::Context& context, const UpdateRequest& request) {
  BR_TRY(current, calls_.get(context, request.name));
  if (request.version && *request.version != std::to_string(current.generation)) {
    return std::unexpected(
        conflict("cannot change the attributes of " + options_.location.display(request.name),
                 "the object is another version now")
            .with_tag("precondition"));
  }
  ObjectFields fields{request.content_type, {}, request.attributes, {}};
  const bool other_class = !request.storage_class.empty() &&
                           wire::google_class(request.storage_class) != current.storage_class;
  if (!other_class) {
    BR_TRY(object, calls_.patch(context, request.name, current, to_patch(fields, current)));
    return to_copy(object, options_.location.prefix());
  }
  RewriteCall call;
  call.from = call.to = request.name;
  call.from_generation = call.if_generation = current.generation;
  call.upload_id = calls_.new_upload_id();
  fields.upload_id = call.upload_id;
  fields.storage_class = request.storage_class;
  if (fields.content_type.empty()) fields.content_type = current.content_type;
  call.fields = to_change(fields);
  BR_TRY(object, calls_.rewrite(context, call));
  return to_copy(object, options_.location.prefix());
}

Result<void> GcsBackend::make_directory(const io::Context&, const std::string&) { return {}; }
Result<void> GcsBackend::remove_directory(const io::Context&, const std::string&) { return {}; }

bool GcsBackend::is_alive(const std::string& staged_name) const {
  auto id = staged_name.substr(std::min(staged_name.size(), kStagingPrefix.size()));
  return uploads_.is_alive(id.substr(0, id.find('-')));
}

Result<uint64_t> GcsBackend::sweep(const io::Context& context, Duration age) {
  const auto limit = io::current_clock().wall().micros -
                     std::chrono::duration_cast<std::chrono::microseconds>(age).count();
  uint64_t removed = 0;
  std::string token;
  for (int page = 0; page < kMaxSweepPages; ++page) {
    BR_TRY(found, list(context, {std::string{kStagingPrefix}, {}, false, kMaxPageItems, token}));
    for (const auto& item : found.items) {
      if (item.modified.micros > limit || is_alive(item.name)) continue;
      BR_TRY(generation, generation_of(item.version));
      auto gone = calls_.remove(context, item.name, generation);
      if (gone) {
        ++removed;
      } else if (gone.error().code() != Code::kNotFound && gone.error().code() != Code::kConflict) {
        return std::unexpected(std::move(gone).error());
      }
    }
    token = found.next_page_token;
    if (token.empty()) break;
  }
  return removed;
}

Result<StoreReport> GcsBackend::probe(const io::Context& context) {
  // Listing is what roles/storage.objectUser allows; reading the bucket itself is not.
  BR_TRY(calls_.list(context, {{"prefix", options_.location.prefix()},
                               {"maxResults", "1"},
                               {"fields", "nextPageToken,items(name)"}}));
  BR_TRY(properties, read_bucket_properties(context, api_, options_.location));
  // What cannot be read any more does not undo what was seen before.
  if (properties || capabilities().is_unsure) {
    capabilities_ = properties && properties->hierarchical ? &hierarchical_ : &flat_;
  }
  if (properties && properties->complete) keeps_objects_ = properties->keeps_objects();
  return report_of(properties, options_.user_project, options_.location.kms_key());
}

}  // namespace beringia::backend::gcs
