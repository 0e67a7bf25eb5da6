#include <arpa/inet.h>
#include <netinet/in.h>

#include <charconv>

#include "io/socket.h"
#include "io/stream.h"

namespace beringia::io {

Result<Endpoint> Endpoint::parse(std::string_view text) {
  const auto bad = [&] {
    return std::unexpected(invalid("not an address: \"" + std::string{text} + "\"", {},
                                   "write HOST:PORT, [V6]:PORT or :PORT"));
  };
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return bad();
  const std::string_view digits = text.substr(colon + 1);
  uint16_t port = 0;
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (failed != std::errc{} || end != digits.data() + digits.size()) return bad();
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return bad();
  }
  return Endpoint{std::string{host}, port};
}

std::string Endpoint::to_string() const {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Endpoint to_endpoint(const SocketAddress& address) {
  char host[INET6_ADDRSTRLEN] = {};
  uint16_t port = 0;
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    ::inet_ntop(AF_INET, &v4.sin_addr, host, sizeof host);
    port = ntohs(v4.sin_port);
  } else if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    ::inet_ntop(AF_INET6, &v6.sin6_addr, host, sizeof host);
    port = ntohs(v6.sin6_port);
  }
  return Endpoint{host, port};
}

}  // namespace beringia::io
