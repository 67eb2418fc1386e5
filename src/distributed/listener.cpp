// SPDX-License-Identifier: Apache-2.0
#include "listener.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "referent/core/error.h"

namespace referent::distributed {
namespace {

using Addresses = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

Addresses resolve(const std::string& address, std::uint16_t port, int type) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = type;
  addrinfo* found = nullptr;
  const int fault = ::getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (fault != 0) {
    throw ConfigError(
        "MASTER_ADDR \"{}\" cannot be resolved ({}): set it to the host name or IP address of "
        "rank 0",
        address, ::gai_strerror(fault));
  }
  return {found, &::freeaddrinfo};
}

bool is_loopback(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    const auto* four = reinterpret_cast<const sockaddr_in*>(address);
    return (ntohl(four->sin_addr.s_addr) >> 24) == 127;
  }
  return IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr) != 0;
}

bool listens_at(int socket, const sockaddr* address, socklen_t size) {
  const int on = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  return ::bind(socket, address, size) == 0 && ::listen(socket, SOMAXCONN) == 0;
}

/// At every address of this host, of either kind where the system has both.
bool listens_everywhere(int socket, bool six, std::uint16_t port) {
  if (six) {
    const int off = 0;
    ::setsockopt(socket, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    sockaddr_in6 any{};
    any.sin6_family = AF_INET6;
    any.sin6_port = htons(port);
    return listens_at(socket, reinterpret_cast<const sockaddr*>(&any), sizeof any);
  }
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_port = htons(port);
  return listens_at(socket, reinterpret_cast<const sockaddr*>(&any), sizeof any);
}

}  // namespace

int open_listener(const std::string& address, std::uint16_t port) {
  const Addresses master = resolve(address, port, SOCK_STREAM);
  const bool local = is_loopback(master->ai_addr);
  int socket = ::socket(local ? master->ai_family : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool six = socket >= 0;
  if (!local && !six) socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool listens =
      socket >= 0 && (local ? listens_at(socket, master->ai_addr, master->ai_addrlen)
                            : listens_everywhere(socket, six, port));
  if (listens) return socket;
  const int fault = errno;
  if (socket >= 0) ::close(socket);
  throw ConfigError(
      "rank 0 cannot listen at port {} ({}): set MASTER_PORT to a free port of its host, the same "
      "for all processes",
      port, std::strerror(fault));
}

std::string own_address(const std::string& address, std::uint16_t port) {
  const Addresses master = resolve(address, port, SOCK_DGRAM);
  // Nothing is sent: connecting a datagram socket only chooses the route.
  const int socket = ::socket(master->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_storage own{};
  socklen_t size = sizeof own;
  auto* generic = reinterpret_cast<sockaddr*>(&own);
  std::array<char, NI_MAXHOST> text{};
  const bool found =
      socket >= 0 && ::connect(socket, master->ai_addr, master->ai_addrlen) == 0 &&
      ::getsockname(socket, generic, &size) == 0 &&
      ::getnameinfo(generic, size, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) == 0;
  const int fault = errno;
  if (socket >= 0) ::close(socket);
  if (found) return text.data();
  throw ConfigError("there is no route to MASTER_ADDR \"{}\": {}", address, std::strerror(fault));
}

}  // namespace referent::distributed
