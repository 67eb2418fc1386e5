// SPDX-License-Identifier: Apache-2.0
#include <fstream>
#include <map>

#include "e2e/program.h"

namespace referent::testing {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

std::map<std::string, Json> findings(const Json& report) {
  std::map<std::string, Json> by_name;
  for (const Json& finding : report.value("findings", Json::array())) {
    by_name[finding.value("name", "")] = finding;
  }
  return by_name;
}

TEST(DoctorTest, TellsWhatTheProgramRunsOn) {
  const ProcessResult result = referent({"doctor", "--json"});
  EXPECT_THAT(result, ExitsWith(0));
  const Json report = document(result);
  EXPECT_EQ(report.value("schema_version", 0), 1);
  EXPECT_GT(report.value("gemm_gflops", 0.0), 0.0);
  std::map<std::string, Json> seen = findings(report);
  for (const char* name : {"program", "processor", "processors", "memory", "GPUs", "LibTorch",
                           "compute threads", "matrix products", "CUDA", "OpenCV"}) {
    ASSERT_TRUE(seen.contains(name)) << name;
    EXPECT_FALSE(seen[name].value("value", "").empty()) << name;
    const std::string status = seen[name].value("status", "");
    EXPECT_THAT(status, AnyOf("ok", "advice")) << name;
    EXPECT_EQ(seen[name].value("remedy", "").empty(), status == "ok") << name;
  }
  EXPECT_THAT(seen["matrix products"].value("value", ""), HasSubstr("LibTorch's own BLAS"));

  const ProcessResult text = referent({"doctor"});
  EXPECT_THAT(text, ExitsWith(0));
  EXPECT_THAT(text.out, HasSubstr("\nok      OpenCV "));
}

TEST(DoctorTest, TooManyThreadsAreTold) {
  const ProcessResult result = referent({"doctor", "--threads", "1000", "--json"});
  EXPECT_THAT(result, ExitsWith(0));
  const Json finding = findings(document(result))["compute threads"];
  EXPECT_EQ(finding.value("status", ""), "advice");
  EXPECT_THAT(finding.value("remedy", ""), HasSubstr("--threads"));
}

TEST(DoctorTest, ALibraryThatCannotBeLoadedIsAFault) {
  const TemporaryFolder folder;
  std::ofstream(folder.path() / "libreferent.so.0") << "no library";
  const ProcessResult result =
      Process(program(), {"doctor", "--json"},
              {.environment = {{"LD_LIBRARY_PATH", folder.path().string()}}})
          .wait();
  EXPECT_THAT(result, ExitsWith(8));
  const Json finding = findings(document(result))["libreferent.so"];
  EXPECT_EQ(finding.value("status", ""), "fault");
  EXPECT_THAT(finding.value("value", ""), HasSubstr("cannot load"));
  EXPECT_THAT(finding.value("remedy", ""), HasSubstr("scripts/setup.sh"));
}

}  // namespace
}  // namespace referent::testing
