// SPDX-License-Identifier: Apache-2.0
#include "e2e/program.h"

namespace referent::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(LaunchTest, RunsACommandInSeveralProcesses) {
  const ProcessResult result = referent({"launch", "-n", "3", "--", "--version"});
  EXPECT_THAT(result, ExitsWith(0));
  EXPECT_EQ(result.out, referent({"--version"}).out);
}

TEST(LaunchTest, OptionsAfterTheDashesAreTheCommands) {
  const ProcessResult result =
      referent({"launch", "-n", "2", "--threads", "3", "--", "config", "schema", "--json"});
  EXPECT_THAT(result, ExitsWith(0));
  EXPECT_EQ(document(result), document(referent({"config", "schema", "--json"})));
}

TEST(LaunchTest, ReturnsTheStatusOfTheCommandAndShowsWhoSaidWhat) {
  EXPECT_THAT(referent({"launch", "-n", "2", "--", "config", "check", "/nowhere.json"}),
              Fails(2, {"[0] error", "[1] error", "/nowhere.json", "failed first"}));
}

TEST(LaunchTest, WrongOptionsAreToldByName) {
  EXPECT_THAT(referent({"launch", "--", "--version"}), Fails(2, {"--processes", "required"}));
  EXPECT_THAT(referent({"launch", "-n", "0", "--", "--version"}), Fails(2, {"--processes"}));
  EXPECT_THAT(referent({"launch", "-n", "2"}), Fails(2, {"command", "required"}));
  EXPECT_THAT(referent({"launch", "-n", "2", "--device", "cuda", "--", "--version"}),
              Fails(2, {"--device", "after --"}));
  EXPECT_THAT(referent({"launch", "-n", "2", "--nodes", "2", "--", "--version"}),
              Fails(2, {"--nodes 2", "--master HOST:PORT"}));
  EXPECT_THAT(referent({"launch", "-n", "2", "--nodes", "2", "--node-rank", "2", "--master",
                        "127.0.0.1:1", "--", "--version"}),
              Fails(2, {"--node-rank 2", "--nodes 2"}));
  for (const char* master : {"host", "host:", ":1", "host:0", "host:65536", "host:x"}) {
    EXPECT_THAT(
        referent({"launch", "-n", "1", "--nodes", "2", "--master", master, "--", "--version"}),
        Fails(2, {"--master", "HOST:PORT"}))
        << master;
  }
}

}  // namespace
}  // namespace referent::testing
