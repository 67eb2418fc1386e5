// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

/// What a process of a group is told by whoever started it. Free of LibTorch.
namespace referent::distributed {

/// This process's place in its group. The default is a process on its own.
struct Environment {
  int rank = 0;              ///< number of this process, from 0
  int world_size = 1;        ///< processes of the group
  int local_rank = 0;        ///< number among those of this host: its GPU
  int local_world_size = 1;  ///< processes on this host; 1 where nobody says
  std::string master_address = {};
  std::uint16_t master_port = 0;
  /// Rank 0 opens the store at the master address; false where the starter runs one there.
  bool own_store = true;
  /// Tells the keys of one start from those of another in the starter's store.
  std::string run = {};
  std::string starter = {};  ///< "torchrun", "OpenMPI", "Slurm", or empty
};

/// The value of an environment variable, if it is set.
using Lookup = std::function<std::optional<std::string>(const char* name)>;

std::optional<std::string> process_variable(const char* name);

/// Reads the variables of torchrun (RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR, MASTER_PORT; also
/// what `referent launch` sets), else of OpenMPI (OMPI_COMM_WORLD_RANK, ...), else of a Slurm step
/// (SLURM_PROCID, ...); without any this is a process on its own. MASTER_ADDR and MASTER_PORT have
/// precedence with all of them. Throws ConfigError that names the variable and what to set.
Environment read_environment(const Lookup& lookup = process_variable);

/// The hosts of a Slurm list such as "gpu[01-03,7],login", in order. Throws ConfigError.
std::vector<std::string> expand_host_list(const std::string& list);

/// The number that a list such as "2(x3),1" (SLURM_STEP_TASKS_PER_NODE) gives the host of number
/// `node`, if it reaches that far. Throws ConfigError.
std::optional<int> tasks_of_node(const std::string& list, int node);

}  // namespace referent::distributed
