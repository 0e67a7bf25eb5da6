// Google's published retry cases (googleapis/conformance-tests, storage/v1/retry_tests.json,
// numbered as there) for the methods that a backend calls. Case 3 (no precondition) and 4 (never
// idempotent) have no request here: every write has a precondition, as the stand-in checks.

#include <gtest/gtest.h>

#include "backend/gcs/fake_service.h"
#include "backend/gcs/gcs_backend.h"

namespace beringia::backend::gcs {
namespace {

using Kind = Fault::Kind;
using Instructions = std::vector<std::string>;

constexpr size_t kQuantum = 256 << 10;
constexpr size_t kChunk = 4 * kQuantum;

Fault fault_of(const std::string& instruction) {
  if (instruction == "return-reset-connection") return {Kind::kDropBefore};
  if (instruction == "return-503-after-256K") return {Kind::kKeepPartStatus, 503, kQuantum};
  if (instruction == "return-503-after-8192K") return {Kind::kKeepPartStatus, 503, 2 * kQuantum};
  if (instruction == "return-broken-stream") return {Kind::kCutBody, 0, 10};
  if (instruction == "return-broken-stream-after-256K") return {Kind::kCutBody, 0, kQuantum};
  return {Kind::kStatusBefore, std::stoi(instruction.substr(sizeof("return-") - 1))};
}

std::string body_of(size_t size) {
  std::string text(size, '\0');
  for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 37 + i / 253);
  return text;
}

struct World {
  World() {
    auto http = std::make_unique<FakeService>();
    service = http.get();
    GcsOptions options;
    options.location = Location::parse("gs://bucket/root").value();
    options.retry.initial_delay = Duration::zero();
    options.upload.chunk_bytes = kChunk;
    options.upload.parts_from_bytes = 4 * kChunk;
    options.read_ahead.segment_bytes = kChunk;
    backend = std::make_unique<GcsBackend>(std::move(options), std::move(http),
                                           make_no_credentials(), rng);
    service->put("root/there", body);
    service->put("root/other", "other");
  }
  Result<void> write(const std::string& name, size_t size) {
    io::StringSource source{body_of(size)};
    WriteRequest request;
    request.name = name;
    request.size = size;
    request.body = &source;
    request.expectation = Expectation::absent();
    BR_TRY(info, backend->write(context, request));
    if (service->bytes.at("root/" + name) != body_of(size)) {
      return std::unexpected(corrupt("other bytes were written"));
    }
    if (info.version != std::to_string(service->objects.at("root/" + name).generation)) {
      return std::unexpected(corrupt("another version is there than was told"));
    }
    return {};
  }
  Result<void> read() {
    BR_TRY(source, backend->read(context, {"there", {0, body.size()}, {}}));
    BR_TRY(bytes, io::read_all(context, *source, 64 << 20));
    if (bytes != body) return std::unexpected(corrupt("other bytes were read"));
    return {};
  }

  io::Context context;
  SeededRng rng{7};
  const std::string body = body_of(2 * kChunk + 12345);
  FakeService* service = nullptr;
  std::unique_ptr<GcsBackend> backend;
};

template <class T>
Result<void> outcome(Result<T> result) {
  if (!result) return std::unexpected(std::move(result).error());
  return {};
}

/// A method of the API, the request that is meant, and an operation that sends it.
struct Method {
  std::string name;
  std::string verb;
  std::string part;  // of the target
  std::function<Result<void>(World&)> run;
};

std::vector<Method> reads() {
  return {{"storage.objects.get", "GET", "/o/root%2Fthere",
           [](World& world) { return outcome(world.backend->stat(world.context, {"there"})); }},
          {"storage.objects.get (media)", "GET", "/download/",
           [](World& world) { return world.read(); }},
          {"storage.objects.list", "GET", "/o?",
           [](World& world) { return outcome(world.backend->list(world.context, {})); }}};
}

std::vector<Method> uploads() {
  return {{"storage.objects.insert (multipart)", "POST", "uploadType=multipart",
           [](World& world) { return world.write("new", 5000); }},
          {"storage.objects.insert (resumable, opened)", "POST", "uploadType=resumable",
           [](World& world) { return world.write("new", 2 * kChunk + 5); }},
          {"storage.objects.insert (resumable, chunks)", "PUT",
           "upload_id=", [](World& world) { return world.write("new", 2 * kChunk + 5); }},
          {"storage.objects.insert (parts)", "POST", "uploadType=multipart",
           [](World& world) { return world.write("new", 5 * kChunk + 5); }}};
}

std::vector<Method> writes() {
  auto out = uploads();
  out.push_back({"storage.objects.compose", "POST", "/compose", [](World& world) -> Result<void> {
                   const auto whole = world.body + "other";
                   ComposeRequest request;
                   request.name = "joined";
                   request.sources = {"there", "other"};
                   request.expectation = Expectation::absent();
                   request.seal = {whole.size(), Crc32c::of(whole), {}, "a/b", {}, {}};
                   return outcome(world.backend->compose(world.context, request));
                 }});
  out.push_back({"storage.objects.rewrite", "POST", "/rewriteTo/", [](World& world) {
                   RenameRequest request{"there", "copy", {}, Expectation::absent()};
                   request.keep_source = true;
                   return outcome(world.backend->rename(world.context, request));
                 }});
  out.push_back({"storage.objects.patch", "PATCH", "/o/", [](World& world) {
                   return outcome(world.backend->update(world.context,
                                                        {"there", {}, {{"a", "b"}}, "x/y", {}}));
                 }});
  out.push_back({"storage.objects.delete", "DELETE", "/o/", [](World& world) {
                   return outcome(world.backend->remove(world.context, {"other", {}}));
                 }});
  return out;
}

/// Runs the method in a fresh world whose first matching requests meet the instructions.
void expect(const Method& method, const Instructions& instructions, bool success,
            bool exactly_once_more = true) {
  std::string trace = method.name + ":";
  for (const auto& instruction : instructions) trace += " " + instruction;
  SCOPED_TRACE(trace);
  World world;
  size_t met = 0;
  world.service->fault = [&](const FakeService::Request& request, size_t) -> Fault {
    if (request.method != method.verb || request.target.find(method.part) == std::string::npos) {
      return {};
    }
    const size_t number = met++;
    return number < instructions.size() ? fault_of(instructions[number]) : Fault{};
  };
  const auto ended = method.run(world);
  EXPECT_EQ(ended.has_value(), success) << (ended ? "" : ended.error().to_string());
  EXPECT_GE(met, instructions.size()) << "the fault was not met";
  if (!success && exactly_once_more) {
    EXPECT_EQ(met, instructions.size()) << "sent again after a final answer";
  }
  for (const auto& [name, object] : world.service->objects) {
    EXPECT_FALSE(name.starts_with("root/.beringia/")) << "left behind: " << name;
  }
}

const std::vector<Instructions> kTransient = {
    {"return-503", "return-503"},
    {"return-reset-connection", "return-reset-connection"},
    {"return-reset-connection", "return-503"}};

TEST(GcsRetryCases, case_1_reads_are_repeated) {
  for (const auto& method : reads()) {
    for (const auto& instructions : kTransient) expect(method, instructions, true);
  }
}

TEST(GcsRetryCases, case_2_writes_with_a_precondition_are_repeated) {
  for (const auto& method : writes()) {
    for (const auto& instructions : kTransient) expect(method, instructions, true);
  }
}

TEST(GcsRetryCases, case_5_refusals_are_final) {
  for (auto methods : {reads(), writes()}) {
    for (const auto& method : methods) {
      // Parts under way beside the refused one have been sent as well.
      const bool alone = method.name.find("(parts)") == std::string::npos;
      expect(method, {"return-400"}, false, alone);
      // 401 without credentials: there is no other token to try.
      expect(method, {"return-401"}, false, alone);
    }
  }
}

TEST(GcsRetryCases, case_6_refusals_after_a_failure_are_final) {
  for (auto methods : {reads(), writes()}) {
    for (const auto& method : methods) {
      if (method.name.find("(parts)") != std::string::npos)
        continue;  // other parts meet the second
      expect(method, {"return-503", "return-400"}, false);
      expect(method, {"return-reset-connection", "return-401"}, false);
    }
  }
}

TEST(GcsRetryCases, case_7_uploads_go_on_where_they_were) {
  for (const auto& method : uploads()) {
    expect(method, {"return-reset-connection", "return-503"}, true);
    expect(method, {"return-408"}, true);
    if (method.verb != "PUT") continue;
    expect(method, {"return-503-after-256K"}, true);
    expect(method, {"return-503-after-8192K", "return-408"}, true);
  }
}

TEST(GcsRetryCases, case_8_broken_downloads_go_on) {
  const auto method = reads().at(1);
  expect(method, {"return-broken-stream", "return-broken-stream"}, true);
  expect(method, {"return-broken-stream-after-256K"}, true);
}

}  // namespace
}  // namespace beringia::backend::gcs
