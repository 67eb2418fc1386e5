// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace referent::distributed {

struct LaunchOptions {
  std::int64_t processes = 1;  ///< workers on this host
  std::int64_t nodes = 1;      ///< hosts
  std::int64_t node_rank = 0;  ///< number of this one
  std::string master = {};     ///< HOST:PORT of host 0; empty: this host, a free port
  std::int64_t threads = 0;  ///< compute threads of a worker; 0: the processors divided by workers
  std::vector<std::string> command;  ///< of the program, with its arguments
};

/// Starts the workers, copies of this very program, with torchrun's variables set, and stays until
/// all have ended. Lines on a worker's standard error get its rank in front; of standard output
/// only rank 0's is passed on. SIGTERM, SIGINT and SIGUSR1 are passed on to the workers. When one
/// fails the others get 3.2 s to notice, then SIGTERM, and 1.5 s later SIGKILL; when this process
/// itself is killed they are too. Returns what the first worker that failed did: its exit status,
/// or 128 + the signal that ended it; workers that end with 7 because another one failed count only
/// where no other did. Throws ConfigError, and DeviceError when a process cannot be started.
int launch(const LaunchOptions& options);

}  // namespace referent::distributed
