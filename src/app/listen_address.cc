#include "app/listen_address.h"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>

#include "base/encoding.h"

namespace beringia::app {
namespace {

constexpr std::string_view kFile = "file://";

/// errno of binding without SO_REUSEPORT; 0 = it is free.
int try_bind(const addrinfo& address) {
  const int socket = ::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return errno;
  const int on = 1;
  static_cast<void>(::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
  if (address.ai_family == AF_INET6) {
    const int off = 0;
    static_cast<void>(::setsockopt(socket, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off));
  }
  const int result =
      ::bind(socket, address.ai_addr, address.ai_addrlen) == 0 && ::listen(socket, 1) == 0 ? 0
                                                                                           : errno;
  ::close(socket);
  return result;
}

}  // namespace

Result<void> check_address_is_free(const io::Endpoint& endpoint, const std::string& door) {
  if (endpoint.port == 0) return {};
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(endpoint.port);
  const std::string what = "cannot serve " + door + " at " + endpoint.to_string();
  const std::string hint = "give another address: --" + door + " HOST:PORT";
  const int status = ::getaddrinfo(endpoint.host.empty() ? nullptr : endpoint.host.c_str(),
                                   port.c_str(), &hints, &found);
  if (status != 0) return std::unexpected(invalid(what, ::gai_strerror(status), hint));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> list{found, &::freeaddrinfo};
  const int error = try_bind(*list);
  if (error == 0) return {};
  if (error == EADDRINUSE) {
    return std::unexpected(busy(what, "another process listens there", hint));
  }
  return std::unexpected(invalid(what, std::strerror(error), hint));
}

Result<void> check_directory(const std::string& url) {
  if (!url.starts_with(kFile)) return {};
  const auto path = percent_decode(std::string_view{url}.substr(kFile.size()));
  std::error_code error;
  if (!path || std::filesystem::is_directory(*path, error)) return {};
  return std::unexpected(not_found("cannot mount " + url, *path + " is not a directory",
                                   "make it (mkdir), or mount the disk that has it"));
}

}  // namespace beringia::app
