// SPDX-License-Identifier: Apache-2.0
#include "referent/distributed/environment.h"

#include <charconv>
#include <cstdlib>

#include "referent/core/error.h"

namespace referent::distributed {
namespace {

constexpr int kMostProcesses = 1 << 20;

/// Reads variables of one starter, which the messages name.
class Variables {
 public:
  Variables(const Lookup& lookup, std::string starter)
      : lookup_(lookup), starter_(std::move(starter)) {}

  std::string text(const char* name, const char* advice) const {
    const auto value = lookup_(name);
    if (value && !value->empty()) return *value;
    throw ConfigError("the environment variable {} is not set, though {} started this process: {}",
                      name, starter_, advice);
  }

  int number(const char* name, const char* advice, int least, int most) const {
    return parse(name, text(name, advice), least, most);
  }

  std::optional<int> number_if_set(const char* name, int least, int most) const {
    const auto value = lookup_(name);
    if (!value || value->empty()) return std::nullopt;
    return parse(name, *value, least, most);
  }

 private:
  static int parse(const char* name, const std::string& value, int least, int most) {
    int number = 0;
    const char* end = value.data() + value.size();
    const auto [stop, fault] = std::from_chars(value.data(), end, number);
    if (fault != std::errc() || stop != end || number < least || number > most) {
      throw ConfigError(
          "the environment variable {} is \"{}\"; it must be a whole number from {} to {}", name,
          value, least, most);
    }
    return number;
  }

  const Lookup& lookup_;
  std::string starter_;
};

/// The names of one starter's variables.
struct Names {
  const char* rank;
  const char* world_size;
  const char* local_rank;
};

constexpr int kDefaultPort = 29500;  // torchrun's
constexpr int kLastPort = 65535;

void read_place(Environment& environment, const Variables& variables, const Names& names) {
  environment.world_size =
      variables.number(names.world_size, "set it to the number of processes", 1, kMostProcesses);
  environment.rank = variables.number(names.rank, "set it to the number of this process, from 0", 0,
                                      kMostProcesses);
  if (environment.rank >= environment.world_size) {
    throw ConfigError(
        "{} is {} but {} is {}: ranks go from 0 to {}; set {} to the number of all processes",
        names.rank, environment.rank, names.world_size, environment.world_size,
        environment.world_size - 1, names.world_size);
  }
  if (environment.world_size == 1) {
    environment.local_rank =
        variables.number_if_set(names.local_rank, 0, kMostProcesses).value_or(0);
    return;
  }
  environment.local_rank =
      variables.number(names.local_rank, "set it to the number of this process on its host", 0,
                       environment.world_size - 1);
}

void read_local_size(Environment& environment, std::optional<int> size, const char* name) {
  if (!size) return;
  environment.local_world_size = *size;
  if (environment.local_rank < *size) return;
  throw ConfigError("the local rank is {} but {} is {}: local ranks go from 0 to {}",
                    environment.local_rank, name, *size, *size - 1);
}

void read_master_port(Environment& environment, const Variables& variables, int fallback) {
  environment.master_port = static_cast<std::uint16_t>(
      variables.number_if_set("MASTER_PORT", 1, kLastPort).value_or(fallback));
}

Environment of_torchrun(const Lookup& lookup) {
  const Variables variables(lookup, "torchrun or its like");
  Environment environment{.starter = "torchrun"};
  read_place(environment, variables, {"RANK", "WORLD_SIZE", "LOCAL_RANK"});
  read_local_size(environment,
                  variables.number_if_set("LOCAL_WORLD_SIZE", 1, environment.world_size),
                  "LOCAL_WORLD_SIZE");
  if (environment.world_size == 1) return environment;
  environment.master_address =
      variables.text("MASTER_ADDR", "set it to the host name or IP address of rank 0");
  environment.master_port = static_cast<std::uint16_t>(variables.number(
      "MASTER_PORT", "set it to a free port of rank 0's host, the same for all", 1, kLastPort));
  environment.own_store = lookup("TORCHELASTIC_USE_AGENT_STORE") != "True";
  environment.run = lookup("TORCHELASTIC_RUN_ID").value_or("") + "/" +
                    lookup("TORCHELASTIC_RESTART_COUNT").value_or("0");
  return environment;
}

Environment of_open_mpi(const Lookup& lookup) {
  const Variables variables(lookup, "OpenMPI");
  Environment environment{.starter = "OpenMPI"};
  read_place(environment, variables,
             {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"});
  read_local_size(environment,
                  variables.number_if_set("OMPI_COMM_WORLD_LOCAL_SIZE", 1, environment.world_size),
                  "OMPI_COMM_WORLD_LOCAL_SIZE");
  if (environment.world_size == 1) return environment;
  const auto master = lookup("MASTER_ADDR");
  const bool one_host = environment.local_world_size == environment.world_size;
  environment.master_address =
      !master && one_host
          ? "127.0.0.1"
          : variables.text("MASTER_ADDR",
                           "pass the host name or IP address of rank 0 on: mpirun -x MASTER_ADDR");
  read_master_port(environment, variables, kDefaultPort);
  return environment;
}

Environment of_slurm(const Lookup& lookup) {
  const Variables variables(lookup, "srun");
  const auto either = [&](const char* step, const char* job) { return lookup(step) ? step : job; };
  Environment environment{.starter = "Slurm"};
  read_place(environment, variables,
             {"SLURM_PROCID", either("SLURM_STEP_NUM_TASKS", "SLURM_NTASKS"), "SLURM_LOCALID"});
  if (environment.world_size == 1) return environment;
  const char* name = either("SLURM_STEP_TASKS_PER_NODE", "SLURM_TASKS_PER_NODE");
  const auto tasks = lookup(name);
  const auto node = variables.number_if_set("SLURM_NODEID", 0, kMostProcesses);
  if (node && tasks) read_local_size(environment, tasks_of_node(*tasks, *node), name);
  if (const auto master = lookup("MASTER_ADDR")) {
    environment.master_address = *master;
  } else {
    const char* hosts = either("SLURM_STEP_NODELIST", "SLURM_JOB_NODELIST");
    environment.master_address =
        expand_host_list(variables.text(hosts, "or set MASTER_ADDR to rank 0's host")).front();
  }
  // Jobs that share a host get ports of their own, below the range of passing connections.
  constexpr int kFirst = 15000;
  const auto job = variables.number_if_set("SLURM_JOB_ID", 0, INT32_MAX);
  read_master_port(environment, variables, job ? kFirst + *job % kFirst : kDefaultPort);
  return environment;
}

}  // namespace

std::optional<std::string> process_variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

Environment read_environment(const Lookup& lookup) {
  if (lookup("RANK") || lookup("WORLD_SIZE")) return of_torchrun(lookup);
  if (lookup("OMPI_COMM_WORLD_SIZE")) return of_open_mpi(lookup);
  // A batch script, too, has SLURM_PROCID and SLURM_NTASKS, but is no task of a step.
  if (lookup("SLURM_STEP_ID") && lookup("SLURM_PROCID")) return of_slurm(lookup);
  return {};
}

}  // namespace referent::distributed
