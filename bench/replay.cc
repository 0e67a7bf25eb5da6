// replay PORT CONNECTIONS SECONDS FILE
//
// A load generator for what wrk cannot do (HEAD) or does slowly (large bodies). Replays the
// ready-made requests of FILE in a circle, one under way per connection, over kept connections to
// 127.0.0.1. FILE: for each request "LENGTH METHOD\n" and that many bytes. Prints one line:
// requests failed seconds bytes p50_us p99_us. Failed: any status but 2xx, or a broken connection
// (which is opened again).
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Request {
  std::string bytes;
  bool has_body_answer = true;
};

struct Totals {
  size_t requests = 0;
  size_t failed = 0;
  size_t bytes = 0;
  std::vector<uint32_t> micros;
};

std::vector<Request> load(const char* path) {
  std::ifstream file{path, std::ios::binary};
  std::vector<Request> requests;
  size_t length = 0;
  std::string method;
  while (file >> length >> method) {
    file.get();
    Request request{std::string(length, '\0'), method != "HEAD"};
    file.read(request.bytes.data(), static_cast<std::streamsize>(length));
    requests.push_back(std::move(request));
  }
  return requests;
}

/// Length of the body that a head announces; every server here sends Content-Length.
size_t content_length(std::string_view head) {
  constexpr std::string_view kName = "\r\ncontent-length:";
  const auto same = [](char a, char b) { return std::tolower(a) == b; };
  const auto found = std::search(head.begin(), head.end(), kName.begin(), kName.end(), same);
  if (found == head.end()) return 0;
  return std::strtoul(&*found + kName.size(), nullptr, 10);
}

class Client {
 public:
  Client(int epoll, uint16_t port) : epoll_{epoll}, port_{port} { connect(); }

  void begin(const Request& request) {
    request_ = &request;
    sent_ = 0;
    head_.clear();
    in_body_ = false;
    begun_ = Clock::now();
    send();
  }

  /// @return true when the answer is complete, or the connection broke
  bool go_on(Totals& totals) {
    send();
    for (;;) {
      char buffer[256 << 10];
      const ssize_t n = ::recv(fd_, buffer, sizeof buffer, 0);
      if (n < 0 && errno == EAGAIN) return false;
      if (n <= 0) {
        ++totals.failed;
        reconnect();
        return true;
      }
      totals.bytes += static_cast<size_t>(n);
      if (take({buffer, static_cast<size_t>(n)})) {
        finish(totals);
        if (says_close()) reconnect();
        return true;
      }
    }
  }

 private:
  void connect() {
    fd_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      std::perror("connect");
      std::exit(1);
    }
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::fcntl(fd_, F_SETFL, O_NONBLOCK);
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLET;
    event.data.ptr = this;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd_, &event);
  }

  void reconnect() {
    ::close(fd_);
    connect();
  }

  bool says_close() const { return head_.find("onnection: close") < head_.find("\r\n\r\n"); }

  void send() {
    while (request_ != nullptr && sent_ < request_->bytes.size()) {
      const ssize_t n =
          ::send(fd_, request_->bytes.data() + sent_, request_->bytes.size() - sent_, MSG_NOSIGNAL);
      if (n <= 0) return;
      sent_ += static_cast<size_t>(n);
    }
  }

  bool take(std::string_view bytes) {
    if (!in_body_) {
      head_ += bytes;
      const size_t end = head_.find("\r\n\r\n");
      if (end == std::string::npos) return false;
      left_ = request_->has_body_answer ? content_length({head_.data(), end}) : 0;
      in_body_ = true;
      bytes = std::string_view{head_}.substr(end + 4);
    }
    left_ -= std::min(left_, bytes.size());
    return left_ == 0;
  }

  void finish(Totals& totals) {
    const bool good = head_.size() > 12 && head_[9] == '2';
    ++(good ? totals.requests : totals.failed);
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begun_);
    totals.micros.push_back(static_cast<uint32_t>(took.count()));
  }

  int epoll_;
  uint16_t port_;
  int fd_ = -1;
  const Request* request_ = nullptr;
  size_t sent_ = 0;
  std::string head_;
  bool in_body_ = false;
  size_t left_ = 0;
  Clock::time_point begun_;
};

uint32_t percentile(std::vector<uint32_t>& values, double part) {
  if (values.empty()) return 0;
  const auto at = static_cast<size_t>(part * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + static_cast<ptrdiff_t>(at), values.end());
  return values[at];
}

int run(uint16_t port, size_t connections, double seconds, const char* path) {
  const std::vector<Request> requests = load(path);
  if (requests.empty()) return 1;
  const int epoll = ::epoll_create1(0);
  std::vector<Client> clients;
  clients.reserve(connections);
  for (size_t i = 0; i < connections; ++i) clients.emplace_back(epoll, port);
  size_t next = 0;
  const auto following = [&]() -> const Request& { return requests[next++ % requests.size()]; };
  const auto begun = Clock::now();
  for (auto& client : clients) client.begin(following());
  Totals totals;
  const auto elapsed = [&] { return std::chrono::duration<double>(Clock::now() - begun).count(); };
  while (elapsed() < seconds) {
    epoll_event events[64];
    const int n = ::epoll_wait(epoll, events, 64, 100);
    for (int i = 0; i < n; ++i) {
      auto& client = *static_cast<Client*>(events[i].data.ptr);
      if (client.go_on(totals)) client.begin(following());
    }
  }
  std::printf("%zu %zu %.3f %zu %u %u\n", totals.requests, totals.failed, elapsed(), totals.bytes,
              percentile(totals.micros, 0.5), percentile(totals.micros, 0.99));
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 5) {
    std::fprintf(stderr, "usage: %s PORT CONNECTIONS SECONDS FILE\n", arguments[0]);
    return 2;
  }
  return run(static_cast<uint16_t>(std::atoi(arguments[1])),
             static_cast<size_t>(std::atoi(arguments[2])), std::atof(arguments[3]), arguments[4]);
}
