// SPDX-License-Identifier: Apache-2.0
// OpenCV brings reference BLAS along, whose sgemm_ must not take the place of LibTorch's. What the
// dynamic linker says it bound is the witness.
#include <algorithm>
#include <fstream>
#include <set>

#include "e2e/program.h"

namespace referent::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kWarning = "LibTorch's matrix products call sgemm_";

/// What became of a program that loads LibTorch: how it ended, and the files to whose sgemm_ the
/// linker bound LibTorch's calls.
struct Bound {
  ProcessResult result;
  std::set<std::string> libraries;
};

Bound run_bound(const Path& file, const Words& arguments) {
  const TemporaryFolder folder;
  const ProcessOptions options{
      .environment = {{"LD_DEBUG", "bindings"},
                      {"LD_DEBUG_OUTPUT", (folder.path() / "bindings").string()},
                      {"LD_BIND_NOW", "1"}}};
  Bound bound{Process(file, arguments, options).wait(), {}};
  for (const std::string& name : entries(folder.path())) {
    std::ifstream stream(folder.path() / name);
    for (std::string line; std::getline(stream, line);) {
      // binding file /x/libtorch_cpu.so [0] to /y/libz.so [0]: normal symbol `sgemm_'
      if (line.find("`sgemm_'") == std::string::npos) continue;
      if (line.find("libtorch_cpu.so [0] to ") == std::string::npos) continue;
      const std::size_t begin = line.find(" to ") + 4;
      bound.libraries.insert(line.substr(begin, line.find(" [", begin) - begin));
    }
  }
  return bound;
}

TEST(GemmTest, TheProgramUsesLibTorchs) {
  const Bound bound = run_bound(program(), {"--version", "--json"});
  EXPECT_THAT(bound.result, ExitsWith(0));
  EXPECT_THAT(bound.result.err, Not(HasSubstr(kWarning)));
  EXPECT_THAT(bound.libraries, ElementsAre(EndsWith("/libtorch_cpu.so")));
}

TEST(GemmTest, AProgramThatLinksOpenCvBeforeTheLibraryUsesLibTorchsToo) {
  const Bound bound = run_bound(REFERENT_LINKED_CONSUMER, {});
  EXPECT_THAT(bound.result, ExitsWith(0));
  EXPECT_THAT(bound.result.err, Not(HasSubstr(kWarning)));
  EXPECT_THAT(bound.result.out, HasSubstr("own, "));
  EXPECT_THAT(bound.libraries, ElementsAre(EndsWith("/libtorch_cpu.so")));
}

TEST(GemmTest, AProgramThatLoadsTheLibraryAfterOpenCvIsWarned) {
  const Bound bound = run_bound(REFERENT_LOADING_CONSUMER, {REFERENT_LIBRARY});
  EXPECT_THAT(bound.result, ExitsWith(0));
  // LibTorch's own is found too: the library's check asks for it.
  const auto foreign = std::ranges::find_if(bound.libraries, [](const std::string& library) {
    return !library.ends_with("/libtorch_cpu.so");
  });
  if (foreign == bound.libraries.end()) GTEST_SKIP() << "this OpenCV brings no BLAS along";
  EXPECT_THAT(bound.result.err, HasSubstr(kWarning));
  EXPECT_THAT(bound.result.err, HasSubstr(*foreign));
  EXPECT_THAT(bound.result.err, HasSubstr("RTLD_DEEPBIND"));
}

TEST(GemmTest, TheDoctorCallsItAFault) {
  const ProcessResult result = Process(REFERENT_LOADING_CONSUMER, {REFERENT_LIBRARY, "doctor"},
                                       {.environment = {{"OMP_NUM_THREADS", "1"}}})
                                   .wait();
  if (result.err.find(kWarning) == std::string::npos) {
    GTEST_SKIP() << "this OpenCV brings no BLAS along";
  }
  EXPECT_THAT(result, ExitsWith(8));
  EXPECT_THAT(result.out, HasSubstr("\nfault   matrix products "));
  EXPECT_THAT(result.out, HasSubstr("-> another BLAS stands before LibTorch's"));
}

TEST(GemmTest, TheRemedyOfTheWarningWorks) {
  const Bound bound = run_bound(REFERENT_LOADING_CONSUMER, {REFERENT_LIBRARY, "deep"});
  EXPECT_THAT(bound.result, ExitsWith(0));
  EXPECT_THAT(bound.result.err, Not(HasSubstr(kWarning)));
  EXPECT_THAT(bound.libraries, ElementsAre(EndsWith("/libtorch_cpu.so")));
}

}  // namespace
}  // namespace referent::testing
