// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace referent::distributed {

/// A socket that listens at `port`: where `address` (MASTER_ADDR) is a loopback address there
/// alone, else at all addresses of this host. Throws ConfigError that names MASTER_PORT or
/// MASTER_ADDR.
int open_listener(const std::string& address, std::uint16_t port);

/// The IP address by which this host reaches `address`. Throws ConfigError.
std::string own_address(const std::string& address, std::uint16_t port);

}  // namespace referent::distributed
