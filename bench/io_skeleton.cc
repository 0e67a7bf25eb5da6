// What the loops, fibers and sockets of room io cost by themselves.
//
//   io_skeleton serve [LOOPS] [SECONDS]   answers each HTTP request with 64 bytes; prints the port,
//                                         at the end CPU time per request
//   io_skeleton switch                    fiber switches, hand-overs, blocking calls, timers
//   io_skeleton memory [FIBERS]           resident memory of parked fibers
//   io_skeleton idle [CONNECTIONS]        resident memory of idle connections of the HTTP server

#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "io/http.h"
#include "io/runtime.h"
#include "io/stream.h"
#include "io/sync.h"

namespace {

using namespace beringia;
using namespace beringia::io;
using Clock = std::chrono::steady_clock;

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

size_t resident_kib() {
  std::ifstream statm{"/proc/self/statm"};
  size_t total = 0;
  size_t resident = 0;
  statm >> total >> resident;
  return resident * 4;
}

void serve_connection(Stream& stream, std::atomic<uint64_t>& requests) {
  static const std::string kAnswer =
      "HTTP/1.1 200 OK\r\nContent-Length: 64\r\nContent-Type: text/plain\r\n\r\n" +
      std::string(64, 'x');
  std::string input;
  char buffer[4096];
  for (;;) {
    // As a real server: a deadline on each wait.
    const Context context = Context{}.with_deadline(now() + std::chrono::seconds{30});
    const auto n = stream.read(context, buffer);
    if (!n || *n == 0) return;
    input.append(buffer, *n);
    for (size_t end = 0; (end = input.find("\r\n\r\n")) != std::string::npos;) {
      input.erase(0, end + 4);
      if (!stream.write(context, kAnswer)) return;
      requests.fetch_add(1, std::memory_order_relaxed);
    }
  }
}

void serve(int loops, int seconds) {
  auto runtime = Runtime::make({.loops = loops});
  std::atomic<uint64_t> requests{0};
  auto stop = std::make_shared<CancelToken>();
  const Context context = Context{}.with_cancel(stop);
  uint16_t port = 0;
  std::vector<std::unique_ptr<Listener>> listeners;
  for (int i = 0; i < loops; ++i) {
    listeners.push_back(std::move(*Listener::bind({"127.0.0.1", port})));
    port = listeners.back()->port();
    runtime->spawn_on(i, [&, i] {
      Scope scope{context};
      while (auto stream = listeners[static_cast<size_t>(i)]->accept(context)) {
        std::shared_ptr<Stream> shared = std::move(*stream);
        scope.spawn([shared, &requests]() -> Result<void> {
          serve_connection(*shared, requests);
          return {};
        });
      }
    });
  }
  std::printf("%u\n", port);
  std::fflush(stdout);
  const double cpu = cpu_seconds();
  (void)io::sleep_for(Context{}, std::chrono::seconds{seconds});
  const uint64_t count = requests.load();
  std::printf("%llu requests, %.2f us CPU each\n", static_cast<unsigned long long>(count),
              (cpu_seconds() - cpu) * 1e6 / static_cast<double>(std::max<uint64_t>(1, count)));
  std::fflush(stdout);
  std::_Exit(0);
}

template <class Body>
void report(const char* what, int count, Body&& body) {
  const double cpu = cpu_seconds();
  const auto begin = Clock::now();
  body();
  const double wall = std::chrono::duration<double>(Clock::now() - begin).count();
  std::printf("%-44s %8.0f ns wall %8.0f ns CPU\n", what, wall * 1e9 / count,
              (cpu_seconds() - cpu) * 1e9 / count);
}

void switches() {
  constexpr int kCount = 1'000'000;
  auto runtime = Runtime::make({.loops = 2});
  runtime->run([] {
    report("yield (one switch there and back)", kCount, [] {
      for (int i = 0; i < kCount; ++i) yield();
    });
    report("spawn and join a fiber", kCount / 10, [] {
      for (int i = 0; i < kCount / 10; ++i) {
        Scope scope{Context{}};
        scope.spawn([]() -> Result<void> { return {}; });
        (void)scope.join();
      }
    });
    report("wait on an event, set by another fiber", kCount / 10, [] {
      Semaphore ping{0};
      Semaphore pong{0};
      Scope scope{Context{}};
      scope.spawn([&]() -> Result<void> {
        for (int i = 0; i < kCount / 10; ++i) {
          BR_TRY(ping.acquire(Context{}));
          pong.release();
        }
        return {};
      });
      for (int i = 0; i < kCount / 10; ++i) {
        ping.release();
        (void)pong.acquire(Context{}.with_deadline(now() + std::chrono::seconds{5}));
      }
      (void)scope.join();
    });
    report("blocking call on the pool", kCount / 50, [] {
      for (int i = 0; i < kCount / 50; ++i) blocking([] {});
    });
  });
  auto simulated = Runtime::make_simulated(1);
  simulated->run([] {
    report("simulated: step of one of 8 fibers", kCount, [] {
      Scope scope{Context{}};
      for (int i = 0; i < 8; ++i) {
        scope.spawn([]() -> Result<void> {
          for (int k = 0; k < kCount / 8; ++k) yield();
          return {};
        });
      }
      (void)scope.join();
    });
    report("simulated: sleep", kCount / 10, [] {
      for (int i = 0; i < kCount / 10; ++i) (void)sleep_for(Context{}, std::chrono::seconds{1});
    });
  });
}

void memory(int fibers) {
  auto runtime = Runtime::make({.loops = 2});
  const size_t before = resident_kib();
  Event go;
  std::atomic<int> parked{0};
  std::atomic<int> ended{0};
  for (int i = 0; i < fibers; ++i) {
    runtime->spawn([&] {
      ++parked;
      (void)go.wait(Context{}.with_deadline(now() + std::chrono::hours{1}));
      ++ended;
    });
  }
  while (parked < fibers) (void)io::sleep_for(Context{}, std::chrono::milliseconds{10});
  const size_t during = resident_kib();
  std::printf("%d parked fibers: %zu KiB, %.1f KiB each\n", fibers, during - before,
              static_cast<double>(during - before) / fibers);
  go.set();
  while (ended < fibers) (void)io::sleep_for(Context{}, std::chrono::milliseconds{10});
  (void)io::sleep_for(Context{}, std::chrono::milliseconds{100});
  std::printf("after they ended: %zu KiB more than before\n", resident_kib() - before);
}

/// Plain descriptors as clients, so that only the server's memory grows.
void idle(int connections) {
  auto runtime = Runtime::make({.loops = 2});
  auto server = HttpServer::start(*runtime, {.endpoint = {"127.0.0.1", 0},
                                             .tls = nullptr,
                                             .limits = {},
                                             .name = "bench",
                                             .handler = [](const Context&, HttpRequest&) {
                                               HttpResponse response;
                                               response.text = "x";
                                               return response;
                                             }});
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons((*server)->port());
  const size_t before = resident_kib();
  const std::string request = "GET / HTTP/1.1\r\nHost: bench\r\n\r\n";
  for (int i = 0; i < connections; ++i) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char answer[512];
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::send(fd, request.data(), request.size(), 0) < 0 ||
        ::recv(fd, answer, sizeof answer, 0) <= 0) {
      std::printf("stopped at connection %d\n", i);
      connections = i;
      break;
    }
  }
  (void)io::sleep_for(Context{}, std::chrono::milliseconds{200});
  const size_t during = resident_kib();
  std::printf("%d idle connections: %zu KiB, %.1f KiB each\n", connections, during - before,
              static_cast<double>(during - before) / connections);
  std::fflush(stdout);
  std::_Exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  const int first = argc > 2 ? std::atoi(argv[2]) : 0;
  if (what == "serve") {
    serve(std::max(1, first), argc > 3 ? std::atoi(argv[3]) : 5);
  } else if (what == "switch") {
    switches();
  } else if (what == "memory") {
    memory(first > 0 ? first : 10'000);
  } else if (what == "idle") {
    idle(first > 0 ? first : 9'000);
  } else {
    std::fputs(
        "io_skeleton serve [LOOPS] [SECONDS] | switch | memory [FIBERS] | idle [CONNECTIONS]\n",
        stderr);
    return 2;
  }
  return 0;
}
