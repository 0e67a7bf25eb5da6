#include "io/stream.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "io/disk.h"
#include "io/runtime.h"
#include "io/sync.h"

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
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost "
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

TEST(Endpoint, reads_and_refuses_addresses) {
  EXPECT_EQ(Endpoint::parse("[::1]:9000")->host, "::1");
  EXPECT_EQ(Endpoint::parse(":0")->port, 0);
  EXPECT_EQ(Endpoint::parse("a:1")->to_string(), "a:1");
  for (const char* bad : {"", "a", "a:", "a:70000", "::1:9", "a:1x"}) {
    EXPECT_FALSE(Endpoint::parse(bad)) << bad;
  }
}

TEST(PosixDisk, keeps_files_attributes_and_names) {
  char name[] = "/tmp/beringia-disk-XXXXXX";
  const std::string root = ::mkdtemp(name);
  auto disk = make_posix_disk();
  auto file = disk->open(root + "/a", OpenMode::kCreateExclusive);
  ASSERT_TRUE(file);
  EXPECT_TRUE((*file)->write_at(0, "hello"));
  EXPECT_TRUE((*file)->sync());
  EXPECT_EQ(disk->open(root + "/a", OpenMode::kCreateExclusive).error().code(),
            Code::kAlreadyExists);
  EXPECT_TRUE(disk->rename_exclusive(root + "/a", root + "/b"));
  EXPECT_TRUE(disk->sync_directory(root));
  EXPECT_EQ(disk->stat(root + "/a").error().code(), Code::kNotFound);
  EXPECT_EQ(disk->stat(root + "/b")->size, 5U);
  ASSERT_TRUE(disk->open(root + "/a", OpenMode::kCreateExclusive));
  EXPECT_EQ(disk->rename_exclusive(root + "/a", root + "/b").error().code(), Code::kAlreadyExists);
  auto copy = disk->open(root + "/c", OpenMode::kCreateExclusive);
  EXPECT_TRUE((*copy)->copy_from(**file, 1, 0, 4));
  char text[4];
  EXPECT_EQ((*copy)->read_at(0, text).value(), 4U);
  EXPECT_EQ(std::string(text, 4), "ello");
  std::vector<std::string> names;
  EXPECT_TRUE(disk->list(root, [&](DirectoryItem item) {
    names.push_back(item.name);
    return true;
  }));
  EXPECT_EQ(names.size(), 3U);
  std::filesystem::remove_all(root);
}

TEST(PosixDisk, concurrent_directory_syncs_all_return) {
  char name[] = "/tmp/beringia-disk-XXXXXX";
  const std::string root = ::mkdtemp(name);
  auto disk = make_posix_disk();
  auto runtime = Runtime::make({.loops = 2});
  runtime->run([&] {
    Scope scope{Context{}};
    for (int i = 0; i < 50; ++i) {
      scope.spawn([&]() -> Result<void> { return disk->sync_directory(root); });
    }
    EXPECT_TRUE(scope.join());
  });
  EXPECT_EQ(disk->sync_directory(root + "/none").error().code(), Code::kNotFound);
  std::filesystem::remove_all(root);
}

}  // namespace
}  // namespace beringia::io
