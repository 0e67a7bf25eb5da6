// far_bucket NAME [PREFIX COUNT]
//
// One bucket of Cloud Storage in memory, at a free port of 127.0.0.1, which is printed. COUNT empty
// objects whose names begin with PREFIX are there from the start. GET /counts tells how many
// requests of each kind came. Ends with SIGTERM. See bench/cloud_link.py.

#include <csignal>
#include <cstdio>

#include "base/encoding.h"
#include "far_bucket/bucket.h"
#include "io/runtime.h"

int main(int argc, char** argv) {
  using namespace beringia;
  if (argc != 2 && argc != 4) {
    std::fputs("usage: far_bucket NAME [PREFIX COUNT]\n", stderr);
    return 2;
  }
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  static_cast<void>(pthread_sigmask(SIG_BLOCK, &signals, nullptr));
  static_cast<void>(std::signal(SIGPIPE, SIG_IGN));

  bench::Bucket bucket{argv[1]};
  if (argc == 4) bucket.fill(argv[2], parse_u64(argv[3]).value_or(0));
  auto runtime = io::Runtime::make({.loops = 1});
  io::HttpServer::Options options;
  options.endpoint = {"127.0.0.1", 0};
  options.name = "far_bucket";
  options.handler = [&](const io::Context& context, io::HttpRequest& request) {
    return bucket.handle(context, request);
  };
  auto server = io::HttpServer::start(*runtime, std::move(options));
  if (!server) {
    std::fprintf(stderr, "%s\n", server.error().to_string().c_str());
    return 1;
  }
  std::printf("%u\n", static_cast<unsigned>((*server)->port()));
  std::fflush(stdout);
  int number = 0;
  while (sigwait(&signals, &number) != 0) {
  }
  (*server)->stop(std::chrono::seconds{1});
  return 0;
}
