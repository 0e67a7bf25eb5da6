#include "io/http.h"

#include <gtest/gtest.h>

#include "io/http_parser.h"
#include "io/runtime.h"
#include "io/sync.h"

namespace beringia::io {
namespace {

using namespace std::chrono_literals;

class HttpTest : public testing::Test {
 protected:
  void serve(HttpHandler handler, HttpServerLimits limits = {}) {
    auto server = HttpServer::start(
        *runtime_, {{"127.0.0.1", 0}, nullptr, limits, "test", std::move(handler)});
    ASSERT_TRUE(server) << server.error().to_string();
    server_ = std::move(*server);
  }
  HttpClient& client() {
    if (!client_) client_ = HttpClient::make({.endpoint = {"127.0.0.1", server_->port()}});
    return *client_;
  }
  /// Sends raw bytes and reads until the server closes or `want` bytes came.
  std::string raw(const std::string& bytes, size_t want = 1 << 20) {
    std::string out;
    runtime_->run([&] {
      auto stream = connect(Context{}, {"127.0.0.1", server_->port()}, nullptr);
      ASSERT_TRUE(stream);
      ASSERT_TRUE((*stream)->write(Context{}, bytes));
      char buffer[4096];
      while (out.size() < want) {
        auto n = (*stream)->read(Context{}.with_deadline(now() + 5s), buffer);
        if (!n || *n == 0) break;
        out.append(buffer, *n);
      }
    });
    return out;
  }
  void TearDown() override {
    client_.reset();
    server_.reset();
  }
  std::unique_ptr<Runtime> runtime_ = Runtime::make({.loops = 2});
  std::unique_ptr<HttpServer> server_;
  std::unique_ptr<HttpClient> client_;
};

HttpResponse echo(const Context& context, HttpRequest& request) {
  HttpResponse response;
  auto body = read_all(context, *request.body, 64 << 20);
  if (!body) {
    response.status = 400;
    response.text = body.error().tag();
    return response;
  }
  response.headers.add("X-Method", request.method);
  response.headers.add("X-Query", request.query);
  response.text = std::move(*body);
  return response;
}

TEST_F(HttpTest, carries_bodies_of_both_framings_over_kept_connections) {
  serve(echo);
  runtime_->run([&] {
    for (const size_t size : {size_t{0}, size_t{5}, size_t{100'000}, size_t{3'000'000}}) {
      const std::string body(size, 'b');
      for (const bool chunked : {false, true}) {
        StringSource source{body};
        HttpClientRequest request{"PUT", "/x?a=b", {}, {}, &source, {}, size % 2 == 1};
        if (!chunked) request.body_length = size;
        auto response = client().send(Context{}, std::move(request));
        ASSERT_TRUE(response) << response.error().to_string();
        EXPECT_EQ(response->status, 200);
        EXPECT_EQ(response->headers.get("x-query"), "a=b");
        EXPECT_EQ(read_all(Context{}, *response->body, 64 << 20).value(), body);
      }
    }
  });
}

TEST_F(HttpTest, answers_pipelined_requests_in_order) {
  serve(echo);
  const std::string out =
      raw("GET /1?one HTTP/1.1\r\nHost: h\r\n\r\nPOST /2?two HTTP/1.1\r\nHost: "
          "h\r\nContent-Length: 3\r\n\r\nabc"
          "GET /3?three HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  const size_t one = out.find("X-Query: one");
  const size_t two = out.find("X-Query: two");
  const size_t three = out.find("X-Query: three");
  EXPECT_LT(one, two);
  EXPECT_LT(two, three);
  EXPECT_NE(three, std::string::npos);
  EXPECT_NE(out.find("abc"), std::string::npos);
}

TEST_F(HttpTest, says_continue_only_when_the_handler_reads) {
  serve(echo);
  EXPECT_TRUE(
      raw("PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok", 60)
          .starts_with("HTTP/1.1 100 Continue\r\n\r\n"));
  server_.reset();
  serve([](const Context&, HttpRequest&) {
    HttpResponse response;
    response.status = 403;
    return response;
  });
  const std::string out =
      raw("PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_TRUE(out.starts_with("HTTP/1.1 403 "));
  EXPECT_NE(out.find("Connection: close"), std::string::npos);
}

TEST_F(HttpTest, refuses_malformed_messages_and_closes) {
  serve(echo);
  const std::pair<const char*, const char*> cases[] = {
      {"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
       "400"},
      {"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: +1\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", "501"},
      {"GET / HTTP/1.1\r\nHost : h\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: h\r\n folded\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"},
      {"GET / HTTP/2.0\r\nHost: h\r\n\r\n", "400"},
      {"GET /\x01 HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
      {"G@T / HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n", "400"},
      {"GET /\r\nHost: h\r\n\r\n", "400"},
  };
  for (const auto& [bytes, status] : cases) {
    const std::string out = raw(bytes);
    EXPECT_TRUE(out.starts_with(std::string{"HTTP/1.1 "} + status)) << bytes << out;
    EXPECT_NE(out.find("Connection: close"), std::string::npos);
  }
  EXPECT_TRUE(raw("PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
                  .starts_with("HTTP/1.1 400"));
}

TEST_F(HttpTest, limits_header_size_and_count) {
  serve(echo);
  EXPECT_TRUE(raw("GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(70'000, 'x') + "\r\n\r\n")
                  .starts_with("HTTP/1.1 431"));
  std::string many = "GET / HTTP/1.1\r\nHost: h\r\n";
  for (int i = 0; i < 300; ++i) many += "X: y\r\n";
  EXPECT_TRUE(raw(many + "\r\n").starts_with("HTTP/1.1 431"));
}

TEST_F(HttpTest, cuts_off_slow_headers_and_idle_bodies) {
  HttpServerLimits limits;
  limits.header_timeout = 20ms;
  limits.body_idle_timeout = 20ms;
  serve(echo, limits);
  EXPECT_TRUE(raw("GET / HTTP/1.1\r\nHo").starts_with("HTTP/1.1 408"));
  EXPECT_TRUE(
      raw("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc").starts_with("HTTP/1.1 400"));
}

TEST_F(HttpTest, the_answer_reaches_a_client_that_sends_all_of_a_refused_body_first) {
  serve([](const Context&, HttpRequest&) {
    HttpResponse response;
    response.status = 404;
    return response;
  });
  const size_t length = 24 << 20;  // more than the sockets between hold
  const std::string head = "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: ";
  EXPECT_TRUE(raw(head + std::to_string(length) + "\r\n\r\n" + std::string(length, 'x'))
                  .starts_with("HTTP/1.1 404"));
}

TEST_F(HttpTest, never_lets_a_header_value_split_the_response) {
  serve([](const Context&, HttpRequest&) {
    HttpResponse response;
    response.headers.add("X", "a\r\nSet-Cookie: evil");
    return response;
  });
  const std::string out = raw("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(out.find("\r\nSet-Cookie"), std::string::npos);
}

TEST_F(HttpTest, a_broken_body_breaks_the_connection_and_is_reported_once) {
  class Broken final : public ByteSource {
    Result<size_t> read(const Context&, std::span<char> buffer) override {
      if (std::exchange(given_, true)) return std::unexpected(corrupt("bad block"));
      buffer[0] = 'x';
      return 1;
    }
    bool given_ = false;
  };
  std::atomic<int> finished{0};
  std::atomic<bool> complete{true};
  serve([&](const Context&, HttpRequest&) {
    HttpResponse response;
    response.body = std::make_unique<Broken>();
    response.content_length = 10;
    response.on_finished = [&](uint64_t, bool all) {
      ++finished;
      complete = all;
    };
    return response;
  });
  runtime_->run([&] {
    auto response = client().send(Context{}, {"GET", "/"});
    ASSERT_TRUE(response);
    auto body = read_all(Context{}, *response->body, 100);
    ASSERT_FALSE(body);
    EXPECT_EQ(body.error().code(), Code::kUnavailable);
  });
  EXPECT_EQ(finished, 1);
  EXPECT_FALSE(complete);
}

TEST_F(HttpTest, stop_lets_running_requests_end) {
  Event entered;
  Event release;
  serve([&](const Context& context, HttpRequest&) {
    entered.set();
    HttpResponse response;
    response.status = release.wait(context) ? 200 : 500;
    return response;
  });
  Event answered;
  int status = 0;
  runtime_->spawn([&] {
    auto response = client().send(Context{}, {"GET", "/"});
    if (response) status = response->status;
    answered.set();
  });
  ASSERT_TRUE(entered.wait(Context{}));
  runtime_->spawn([&] { release.set(); });
  server_->stop(10s);
  ASSERT_TRUE(answered.wait(Context{}));
  EXPECT_EQ(status, 200);
}

TEST_F(HttpTest, a_pooled_connection_that_died_is_replaced_unseen) {
  HttpServerLimits limits;
  limits.idle_timeout = 5ms;
  serve(echo, limits);
  runtime_->run([&] {
    for (int i = 0; i < 5; ++i) {
      auto response = client().send(Context{}, {"GET", "/"});
      ASSERT_TRUE(response) << response.error().to_string();
      EXPECT_TRUE(read_all(Context{}, *response->body, 100));
      ASSERT_TRUE(sleep_for(Context{}, 15ms));
    }
  });
}

TEST(Url, reads_and_refuses) {
  const auto url = Url::parse("https://h:8443/base/?q=1");
  ASSERT_TRUE(url);
  EXPECT_TRUE(url->tls);
  EXPECT_EQ(url->endpoint.port, 8443);
  EXPECT_EQ(url->path, "/base");
  EXPECT_EQ(url->query, "q=1");
  EXPECT_EQ(Url::parse("http://h")->endpoint.port, 80);
  for (const char* bad : {"ftp://h", "http://", "http://u@h", "http://h:x"}) {
    EXPECT_FALSE(Url::parse(bad)) << bad;
  }
}

}  // namespace
}  // namespace beringia::io
