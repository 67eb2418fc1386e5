// SPDX-License-Identifier: Apache-2.0
#include "referent/distributed/environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "referent/core/error.h"

namespace referent::distributed {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

using Variables = std::map<std::string, std::string>;

Environment read(const Variables& variables) {
  return read_environment([&](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  });
}

/// The message of the ConfigError; empty without one.
std::string fault(const Variables& variables) {
  try {
    read(variables);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return {};
}

Variables torchrun(const Variables& changes = {}) {
  Variables variables{{"RANK", "5"},           {"WORLD_SIZE", "8"},
                      {"LOCAL_RANK", "1"},     {"LOCAL_WORLD_SIZE", "4"},
                      {"MASTER_ADDR", "gpu1"}, {"MASTER_PORT", "1234"}};
  for (const auto& [name, value] : changes) variables[name] = value;
  return variables;
}

TEST(EnvironmentTest, WithoutVariablesAProcessIsOnItsOwn) {
  const Environment environment = read({});
  EXPECT_EQ(environment.rank, 0);
  EXPECT_EQ(environment.world_size, 1);
  EXPECT_EQ(environment.starter, "");
}

TEST(EnvironmentTest, ReadsTorchrun) {
  const Environment environment = read(torchrun());
  EXPECT_EQ(environment.rank, 5);
  EXPECT_EQ(environment.world_size, 8);
  EXPECT_EQ(environment.local_rank, 1);
  EXPECT_EQ(environment.local_world_size, 4);
  EXPECT_EQ(environment.master_address, "gpu1");
  EXPECT_EQ(environment.master_port, 1234);
  EXPECT_TRUE(environment.own_store);
}

TEST(EnvironmentTest, TheStoreOfAnElasticAgentIsUsedAndEveryStartHasItsKeys) {
  const Environment environment = read(torchrun({{"TORCHELASTIC_USE_AGENT_STORE", "True"},
                                                 {"TORCHELASTIC_RUN_ID", "abc"},
                                                 {"TORCHELASTIC_RESTART_COUNT", "2"}}));
  EXPECT_FALSE(environment.own_store);
  EXPECT_EQ(environment.run, "abc/2");
}

TEST(EnvironmentTest, AGroupOfOneNeedsNoMaster) {
  const Environment environment = read({{"RANK", "0"}, {"WORLD_SIZE", "1"}});
  EXPECT_EQ(environment.world_size, 1);
}

TEST(EnvironmentTest, FaultsNameTheVariable) {
  EXPECT_THAT(fault({{"RANK", "0"}}), AllOf(HasSubstr("WORLD_SIZE is not set")));
  EXPECT_THAT(fault({{"WORLD_SIZE", "2"}}), HasSubstr("RANK is not set"));
  for (const char* name : {"RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_PORT"}) {
    for (const char* value : {"x", "-1", "3x", " 3", "99999999999", "1.5"}) {
      EXPECT_THAT(fault(torchrun({{name, value}})),
                  AllOf(HasSubstr(name), HasSubstr(value), HasSubstr("whole number")))
          << name << '=' << value;
    }
  }
  EXPECT_THAT(fault(torchrun({{"RANK", "8"}})),
              AllOf(HasSubstr("RANK is 8"), HasSubstr("WORLD_SIZE is 8"), HasSubstr("0 to 7")));
  EXPECT_THAT(fault(torchrun({{"LOCAL_RANK", "4"}})), HasSubstr("LOCAL_WORLD_SIZE is 4"));
  EXPECT_THAT(fault(torchrun({{"MASTER_ADDR", ""}})), HasSubstr("MASTER_ADDR is not set"));
  EXPECT_THAT(fault(torchrun({{"MASTER_PORT", "0"}})), HasSubstr("1 to 65535"));
  EXPECT_THAT(fault(torchrun({{"MASTER_PORT", "65536"}})), HasSubstr("1 to 65535"));
}

TEST(EnvironmentTest, ReadsOpenMpi) {
  const Variables one_host{{"OMPI_COMM_WORLD_RANK", "1"},
                           {"OMPI_COMM_WORLD_SIZE", "2"},
                           {"OMPI_COMM_WORLD_LOCAL_RANK", "1"},
                           {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}};
  const Environment environment = read(one_host);
  EXPECT_EQ(environment.rank, 1);
  EXPECT_EQ(environment.local_world_size, 2);
  EXPECT_EQ(environment.master_address, "127.0.0.1");
  EXPECT_EQ(environment.master_port, 29500);

  Variables hosts = one_host;
  hosts["OMPI_COMM_WORLD_SIZE"] = "4";
  EXPECT_THAT(fault(hosts), HasSubstr("MASTER_ADDR"));
  hosts["MASTER_ADDR"] = "n1";
  EXPECT_EQ(read(hosts).master_address, "n1");
}

TEST(EnvironmentTest, ReadsASlurmStep) {
  Variables step{{"SLURM_STEP_ID", "0"},
                 {"SLURM_PROCID", "5"},
                 {"SLURM_NTASKS", "6"},
                 {"SLURM_LOCALID", "1"},
                 {"SLURM_NODEID", "2"},
                 {"SLURM_JOB_ID", "123456"},
                 {"SLURM_STEP_TASKS_PER_NODE", "2(x3)"},
                 {"SLURM_JOB_NODELIST", "gpu[07-08,11]"}};
  const Environment environment = read(step);
  EXPECT_EQ(environment.rank, 5);
  EXPECT_EQ(environment.world_size, 6);
  EXPECT_EQ(environment.local_world_size, 2);
  EXPECT_EQ(environment.master_address, "gpu07");
  EXPECT_EQ(environment.master_port, 15000 + 123456 % 15000);

  step["MASTER_PORT"] = "77";
  step["MASTER_ADDR"] = "10.0.0.1";
  EXPECT_EQ(read(step).master_address, "10.0.0.1");
  EXPECT_EQ(read(step).master_port, 77);
  // RANK and its kin, set by `referent launch` in a step, have precedence.
  for (const auto& [name, value] : torchrun()) step[name] = value;
  EXPECT_EQ(read(step).world_size, 8);
}

TEST(EnvironmentTest, ABatchScriptIsNoSlurmTask) {
  EXPECT_EQ(read({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "8"}, {"SLURM_JOB_ID", "1"}}).world_size,
            1);
}

TEST(HostListTest, Expands) {
  EXPECT_THAT(expand_host_list("login"), ElementsAre("login"));
  EXPECT_THAT(expand_host_list("gpu[08-10,2],a-b.c"),
              ElementsAre("gpu08", "gpu09", "gpu10", "gpu2", "a-b.c"));
  EXPECT_THAT(expand_host_list("r[1-2]n[1,3]"), ElementsAre("r1n1", "r1n3", "r2n1", "r2n3"));
  EXPECT_THAT(expand_host_list("n[0000-4095]"), SizeIs(4096));
}

TEST(HostListTest, RefusesWhatIsNone) {
  for (const char* list : {"", ",", "a,,b", "a,", "n[1-2", "n1-2]", "n[2-1]", "n[]", "n[x]",
                           "n[1-]", "n[-1]", "n[[1]]", "n[1-99999999]", "a[0-2000]b[0-2000]"}) {
    EXPECT_THROW(expand_host_list(list), ConfigError) << list;
  }
}

TEST(HostListTest, TasksOfANode) {
  EXPECT_EQ(tasks_of_node("4", 0), 4);
  EXPECT_EQ(tasks_of_node("4", 1), std::nullopt);
  EXPECT_EQ(tasks_of_node("2(x3),1", 2), 2);
  EXPECT_EQ(tasks_of_node("2(x3),1", 3), 1);
  for (const char* list : {"", "x", "2(x", "2(x3", "2(y3)"}) {
    EXPECT_THROW(tasks_of_node(list, 0), ConfigError) << list;
  }
}

}  // namespace
}  // namespace referent::distributed
