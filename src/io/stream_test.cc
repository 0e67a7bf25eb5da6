#include "io/stream.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "io/disk.h"
#include "io/runtime.h"
#include "io/sync.h"
#include "io/tls_context.h"

namespace beringia::io {
namespace {

using namespace std::chrono_literals;

std::string read_exactly(Stream& stream, size_t bytes) {
  std::string out(bytes, '\0');
  size_t have = 0;
  while (have < bytes) {
    auto n = stream.read(Context{}, {out.data() + have, bytes - have});
    if (!n || *n == 0) break;
    have += *n;
  }
  out.resize(have);
  return out;
}

void echo_over(Listener& listener, TlsContext* server_tls, TlsContext* client_tls,
               const std::string& host) {
  const std::string message(1 << 20, 'm');
  Scope scope{Context{}};
  scope.spawn([&]() -> Result<void> {
    BR_TRY(plain, listener.accept(scope.context()));
    std::unique_ptr<Stream> stream = std::move(plain);
    if (server_tls != nullptr) {
      BR_TRY(secured, tls_accept(scope.context(), std::move(stream), *server_tls));
      stream = std::move(secured);
    }
    const std::string got = read_exactly(*stream, message.size());
    return stream->write(scope.context(), got);
  });
  auto client = connect(Context{}, {host, listener.port()}, client_tls);
  ASSERT_TRUE(client) << client.error().to_string();
  Scope writer{Context{}};
  writer.spawn([&]() -> Result<void> { return (*client)->write(Context{}, message); });
  EXPECT_EQ(read_exactly(**client, message.size()), message);
  EXPECT_TRUE(writer.join());
  EXPECT_TRUE(scope.join());
}

TEST(TcpStream, carries_a_mebibyte_both_ways) {
  auto runtime = Runtime::make({.loops = 2});
  runtime->run([] {
    auto listener = Listener::bind({"127.0.0.1", 0});
    ASSERT_TRUE(listener);
    echo_over(**listener, nullptr, nullptr, "127.0.0.1");
  });
}

TEST(TcpStream, moves_to_the_loop_that_uses_it) {
  auto runtime = Runtime::make({.loops = 2});
  std::unique_ptr<Stream> client;
  std::unique_ptr<Stream> server;
  std::unique_ptr<Listener> listener;
  Event done;
  runtime->spawn_on(0, [&] {
    listener = std::move(*Listener::bind({"127.0.0.1", 0}));
    client = std::move(*connect(Context{}, {"127.0.0.1", listener->port()}, nullptr));
    server = std::move(*listener->accept(Context{}));
    runtime->spawn_on(1, [&] {
      EXPECT_TRUE(server->write(Context{}, "hello"));
      EXPECT_EQ(read_exactly(*client, 5), "hello");
      client.reset();
      server.reset();
      listener.reset();
      done.set();
    });
  });
  EXPECT_TRUE(done.wait(Context{}));
}

TEST(TcpStream, a_read_ends_at_its_deadline) {
  auto runtime = Runtime::make({.loops = 1});
  runtime->run([] {
    auto listener = Listener::bind({"127.0.0.1", 0});
    auto client = connect(Context{}, {"127.0.0.1", (*listener)->port()}, nullptr);
    ASSERT_TRUE(client);
    char byte = 0;
    auto read = (*client)->read(Context{}.with_deadline(now() + 2ms), {&byte, 1});
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code(), Code::kCancelled);
  });
}

TEST(TcpStream, a_refused_connection_is_unavailable_and_safe_to_repeat) {
  auto runtime = Runtime::make({.loops = 1});
  runtime->run([] {
    uint16_t port = 0;
    {
      auto listener = Listener::bind({"127.0.0.1", 0});
      port = (*listener)->port();
    }
    auto client = connect(Context{}, {"127.0.0.1", port}, nullptr);
    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().code(), Code::kUnavailable);
    EXPECT_EQ(client.error().retry(), Retry::kSafe);
  });
}

class TlsTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/beringia-tls-XXXXXX";
    directory_ = ::mkdtemp(name);
    const std::string command =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "
        "/CN=localhost "
        "-addext subjectAltName=DNS:localhost -keyout " +
        directory_ + "/key.pem -out " + directory_ + "/cert.pem 2>/dev/null";
    ASSERT_EQ(std::system(command.c_str()), 0);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  std::string directory_;
};

TEST_F(TlsTest, carries_a_mebibyte_both_ways_and_verifies_the_host) {
  auto server = make_tls_server({directory_ + "/cert.pem", directory_ + "/key.pem"});
  auto client = make_tls_client(directory_ + "/cert.pem");
  ASSERT_TRUE(server && client);
  auto runtime = Runtime::make({.loops = 1});
  runtime->run([&] {
    auto listener = Listener::bind({"localhost", 0});
    ASSERT_TRUE(listener);
    echo_over(**listener, server->get(), client->get(), "localhost");
  });
}

TEST_F(TlsTest, refuses_a_certificate_for_another_host) {
  auto server = make_tls_server({directory_ + "/cert.pem", directory_ + "/key.pem"});
  auto client = make_tls_client(directory_ + "/cert.pem");
  auto runtime = Runtime::make({.loops = 1});
  runtime->run([&] {
    auto listener = Listener::bind({"127.0.0.1", 0});
    Scope scope{Context{}};
    scope.spawn([&]() -> Result<void> {
      BR_TRY(plain, (*listener)->accept(scope.context()));
      auto refused = tls_accept(scope.context(), std::move(plain), **server);
      EXPECT_FALSE(refused);
      return {};
    });
    auto connected = connect(Context{}, {"127.0.0.1", (*listener)->port()}, client->get());
    EXPECT_FALSE(connected);
    EXPECT_TRUE(scope.join());
  });
}

TEST_F(TlsTest, resumes_sessions_with_the_same_peer) {
  auto server = make_tls_server({directory_ + "/cert.pem", directory_ + "/key.pem"});
  auto client = make_tls_client(directory_ + "/cert.pem");
  auto runtime = Runtime::make({.loops = 1});
  runtime->run([&] {
    auto listener = Listener::bind({"127.0.0.1", 0});
    for (int i = 0; i < 3; ++i) {
      Scope scope{Context{}};
      scope.spawn([&]() -> Result<void> {
        BR_TRY(plain, (*listener)->accept(scope.context()));
        BR_TRY(stream, tls_accept(scope.context(), std::move(plain), **server));
        BR_TRY(stream->write(scope.context(), "hello"));
        stream->close();
        return {};
      });
      auto stream = connect(Context{}, {"localhost", (*listener)->port()}, client->get());
      ASSERT_TRUE(stream) << stream.error().to_string();
      EXPECT_EQ(read_exactly(**stream, 5), "hello");
      char byte = 0;
      EXPECT_EQ((*stream)->read(Context{}, {&byte, 1}).value_or(9), 0U) << "a clean end";
      EXPECT_TRUE(scope.join());
    }
  });
  EXPECT_EQ(SSL_CTX_sess_hits((*client)->get()), 2);
}

TEST_F(TlsTest, a_stream_that_is_cut_off_does_not_look_like_its_end) {
  auto server = make_tls_server({directory_ + "/cert.pem", directory_ + "/key.pem"});
  auto client = make_tls_client(directory_ + "/cert.pem");
  auto runtime = Runtime::make({.loops = 1});
  runtime->run([&] {
    auto listener = Listener::bind({"127.0.0.1", 0});
    Scope scope{Context{}};
    scope.spawn([&]() -> Result<void> {
      BR_TRY(plain, (*listener)->accept(scope.context()));
      BR_TRY(tls_accept(scope.context(), std::move(plain), **server));
      return {};  // destroyed without close()
    });
    auto stream = connect(Context{}, {"localhost", (*listener)->port()}, client->get());
    char byte = 0;
    auto read = (*stream)->read(Context{}, {&byte, 1});
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code(), Code::kUnavailable);
    EXPECT_TRUE(scope.join());
  });
}

TEST_F(TlsTest, refuses_files_that_do_not_fit_and_says_which) {
  EXPECT_EQ(make_tls_client(directory_ + "/none.pem").error().code(), Code::kInvalid);
  auto swapped = make_tls_server({directory_ + "/key.pem", directory_ + "/cert.pem"});
  ASSERT_FALSE(swapped);
  EXPECT_NE(swapped.error().what().find("key.pem"), std::string::npos);
}

TEST(TcpStream, cancellation_ends_a_read_and_an_accept) {
  auto runtime = Runtime::make({.loops = 1});
  runtime->run([] {
    auto listener = Listener::bind({"127.0.0.1", 0});
    auto client = connect(Context{}, {"127.0.0.1", (*listener)->port()}, nullptr);
    ASSERT_TRUE((*listener)->accept(Context{}));
    Scope scope{Context{}};
    scope.spawn([&]() -> Result<void> {
      char byte = 0;
      BR_TRY((*client)->read(scope.context(), {&byte, 1}));
      return {};
    });
    scope.spawn([&]() -> Result<void> {
      BR_TRY((*listener)->accept(scope.context()));
      return {};
    });
    yield();
    scope.cancel();
    EXPECT_EQ(scope.join().error().code(), Code::kCancelled);
  });
}

TEST(TcpStream, waits_for_bytes_without_a_buffer) {
  auto runtime = Runtime::make({.loops = 1});
  runtime->run([] {
    auto listener = Listener::bind({"127.0.0.1", 0});
    auto client = connect(Context{}, {"127.0.0.1", (*listener)->port()}, nullptr);
    auto server = (*listener)->accept(Context{});
    char bytes[16];
    ASSERT_TRUE((*client)->write(Context{}, "one"));
    EXPECT_EQ((*server)->read(Context{}, bytes).value(), 3U);
    const auto late = Context{}.with_deadline(now() + 2ms);
    EXPECT_EQ((*server)->wait_readable(late).error().code(), Code::kCancelled);
    Scope scope{Context{}};
    scope.spawn([&]() -> Result<void> { return (*client)->write(scope.context(), "two!"); });
    EXPECT_TRUE((*server)->wait_readable(Context{}));
    EXPECT_EQ((*server)->read(Context{}, bytes).value(), 4U);
    EXPECT_TRUE(scope.join());
    // The end of the stream is news, too.
    (*client)->close();
    EXPECT_TRUE((*server)->wait_readable(Context{}));
    EXPECT_EQ((*server)->read(Context{}, bytes).value(), 0U);
  });
}

TEST(TcpStream, a_busy_connection_leaves_the_loop_to_others) {
  auto runtime = Runtime::make({.loops = 1});
  auto listener = Listener::bind({"127.0.0.1", 0});
  auto client = connect(Context{}, {"127.0.0.1", (*listener)->port()}, nullptr);
  auto server = (*listener)->accept(Context{});
  std::atomic<bool> stop{false};
  std::thread flood{[&] {
    const std::string bytes(1 << 20, 'x');
    while (!stop && (*client)->write(Context{}, bytes)) {
    }
  }};
  runtime->run([&] {
    Scope scope{Context{}};
    scope.spawn([&]() -> Result<void> {
      std::string buffer(1 << 10, '\0');
      for (;;) BR_TRY((*server)->read(scope.context(), buffer));
    });
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(sleep_for(Context{}, 1ms));
    stop = true;
    scope.cancel();
    EXPECT_EQ(scope.join().error().code(), Code::kCancelled);
  });
  server->reset();  // unread bytes make it a reset, which ends the flood's write
  flood.join();
}

TEST(TcpStream, closing_from_another_thread_wakes_reader_and_acceptor) {
  auto runtime = Runtime::make({.loops = 2});
  auto listener = Listener::bind({"127.0.0.1", 0});
  auto client = connect(Context{}, {"127.0.0.1", (*listener)->port()}, nullptr);
  ASSERT_TRUE(client);
  auto server = (*listener)->accept(Context{});
  Semaphore ended{0};
  runtime->spawn_on(0, [&] {
    char byte = 0;
    EXPECT_EQ((*client)->read(Context{}, {&byte, 1}).error().code(), Code::kUnavailable);
    ended.release();
  });
  runtime->spawn_on(1, [&] {
    EXPECT_EQ((*listener)->accept(Context{}).error().code(), Code::kUnavailable);
    ended.release();
  });
  (*client)->close();
  (*listener)->close();
  EXPECT_TRUE(ended.acquire(Context{}, 2));
}

TEST(TcpStream, a_reader_and_a_writer_may_live_on_different_loops) {
  auto runtime = Runtime::make({.loops = 2});
  auto listener = Listener::bind({"127.0.0.1", 0});
  auto client = connect(Context{}, {"127.0.0.1", (*listener)->port()}, nullptr);
  auto server = (*listener)->accept(Context{});
  constexpr size_t kBytes = 8 << 20;
  Semaphore ended{0};
  const auto write_all = [&](Stream& stream) {
    EXPECT_TRUE(stream.write(Context{}, std::string(kBytes, 'x')));
    ended.release();
  };
  const auto read_all_of = [&](Stream& stream) {
    EXPECT_EQ(read_exactly(stream, kBytes).size(), kBytes);
    ended.release();
  };
  runtime->spawn_on(0, [&] { write_all(**client); });
  runtime->spawn_on(1, [&] { read_all_of(**client); });
  runtime->spawn_on(1, [&] { write_all(**server); });
  runtime->spawn_on(0, [&] { read_all_of(**server); });
  EXPECT_TRUE(ended.acquire(Context{}, 4));
}

TEST(TcpStream, sends_regions_of_files_and_notices_short_ones) {
  char name[] = "/tmp/beringia-file-XXXXXX";
  const std::string root = ::mkdtemp(name);
  auto disk = make_posix_disk();
  auto runtime = Runtime::make({.loops = 1});
  runtime->run([&] {
    std::shared_ptr<File> file = std::move(*disk->open(root + "/a", OpenMode::kCreateExclusive));
    ASSERT_TRUE(file->write_at(0, std::string(3 << 20, 'f')));
    auto listener = Listener::bind({"127.0.0.1", 0});
    auto client = connect(Context{}, {"127.0.0.1", (*listener)->port()}, nullptr);
    auto server = (*listener)->accept(Context{});
    Scope scope{Context{}};
    scope.spawn([&]() -> Result<void> {
      BR_TRY((*server)->write(scope.context(), "head", true));
      return (*server)->send_file(scope.context(), {file, {1, (3 << 20) - 1}});
    });
    EXPECT_EQ(read_exactly(**client, 4), "head");
    EXPECT_EQ(read_exactly(**client, (3 << 20) - 1), std::string((3 << 20) - 1, 'f'));
    EXPECT_TRUE(scope.join());
    auto past = (*server)->send_file(Context{}, {file, {3 << 20, 1}});
    EXPECT_EQ(past.error().code(), Code::kCorrupt);
  });
  std::filesystem::remove_all(root);
}

TEST(TcpStream, a_write_to_a_broken_connection_is_an_error_not_a_signal) {
  auto runtime = Runtime::make({.loops = 1});
  runtime->run([] {
    auto listener = Listener::bind({"127.0.0.1", 0});
    auto client = connect(Context{}, {"127.0.0.1", (*listener)->port()}, nullptr);
    (*listener)->accept(Context{})->reset();
    Result<void> written;
    for (int i = 0; i < 1000 && written; ++i) {
      written = (*client)->write(Context{}, std::string(4096, 'x'));
      if (written) (void)sleep_for(Context{}, 1ms);
    }
    EXPECT_EQ(written.error().code(), Code::kUnavailable);
  });
}

TEST(Listener, survives_running_out_of_descriptors) {
  auto runtime = Runtime::make({.loops = 1});
  runtime->run([] {
    auto listener = Listener::bind({"127.0.0.1", 0});
    auto waiting = connect(Context{}, {"127.0.0.1", (*listener)->port()}, nullptr);
    ASSERT_TRUE(waiting);
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    const rlimit none{0, before.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
    auto refused = (*listener)->accept(Context{}.with_deadline(now() + 5ms));
    ::setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_EQ(refused.error().code(), Code::kCancelled);
    auto next = connect(Context{}, {"127.0.0.1", (*listener)->port()}, nullptr);
    EXPECT_TRUE((*listener)->accept(Context{}));
  });
}

TEST(ByteSource, read_all_takes_what_fits_and_refuses_more) {
  for (const size_t size : {0, 1, 65535, 65536, 65537, 200000}) {
    StringSource fits{std::string(size, 'x')};
    EXPECT_EQ(read_all(Context{}, fits, size).value().size(), size);
    StringSource any{std::string(size, 'x')};
    EXPECT_EQ(read_all(Context{}, any, SIZE_MAX).value().size(), size);
    if (size == 0) continue;
    StringSource too_large{std::string(size, 'x')};
    EXPECT_EQ(read_all(Context{}, too_large, size - 1).error().tag(), "too_large");
  }
}

TEST(Endpoint, reads_and_refuses_addresses) {
  EXPECT_EQ(Endpoint::parse("[::1]:9000")->host, "::1");
  EXPECT_EQ(Endpoint::parse(":0")->port, 0);
  EXPECT_EQ(Endpoint::parse("a:1")->to_string(), "a:1");
  for (const char* bad : {"", "a", "a:", "a:70000", "::1:9", "a:1x"}) {
    EXPECT_FALSE(Endpoint::parse(bad)) << bad;
  }
}

}  // namespace
}  // namespace beringia::io
