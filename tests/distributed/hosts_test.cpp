// SPDX-License-Identifier: Apache-2.0
// Two network namespaces as two hosts, two processes on each.
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "group.h"
#include "referent/core/error.h"
#include "referent/core/file.h"
#include "support/temporary_folder.h"

namespace referent::testing {
namespace {

using Clock = std::chrono::steady_clock;
using ::testing::HasSubstr;

constexpr int kHosts = 2;
constexpr int kOfHost = 2;  // processes
constexpr int kPort = 4567;
constexpr int kTimeout = 4;   // [s]
constexpr double kSlack = 5;  // [s]

/// Two namespaces with a cable between them.
class Hosts {
 public:
  Hosts() {
    for (int host = 0; host < kHosts; ++host) {
      if (!ip("netns add " + name(host))) {
        why_not_ = "this process may not make a network namespace (ip netns add)";
        return;
      }
    }
    ip("link add " + card(0) + " netns " + name(0) + " type veth peer name " + card(1) + " netns " +
       name(1));
    for (int host = 0; host < kHosts; ++host) {
      ip("-n " + name(host) + " addr add " + address(host) + "/24 dev " + card(host));
      ip("-n " + name(host) + " link set lo up");
      if (!ip("-n " + name(host) + " link set " + card(host) + " up")) {
        why_not_ = "no cable between network namespaces (ip link add type veth)";
      }
    }
  }
  Hosts(const Hosts&) = delete;
  Hosts& operator=(const Hosts&) = delete;
  ~Hosts() {
    for (int host = 0; host < kHosts; ++host) ip("netns del " + name(host));
  }

  /// Why there are none; empty when there are.
  const std::string& why_not() const { return why_not_; }

  void cut_cable() const { EXPECT_TRUE(ip("-n " + name(1) + " link set " + card(1) + " down")); }

  std::unique_ptr<Process> start(int host, const Words& words, const Variables& variables) const {
    Words all{"netns", "exec", name(host), REFERENT_WORKER};
    all.insert(all.end(), words.begin(), words.end());
    ProcessOptions options{.limit = std::chrono::seconds(60)};
    options.environment.assign(variables.begin(), variables.end());
    return std::make_unique<Process>("/sbin/ip", all, options);
  }

  static std::string address(int host) { return "10.77.0." + std::to_string(host + 1); }

 private:
  static bool ip(const std::string& words) {
    return std::system(("/sbin/ip " + words + " > /dev/null 2>&1").c_str()) == 0;
  }
  static std::string name(int host) {
    return "referent-" + std::to_string(::getpid()) + "-" + std::to_string(host);
  }
  static std::string card(int host) { return "veth" + std::to_string(host); }

  std::string why_not_;
};

class HostsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!hosts_.why_not().empty()) GTEST_SKIP() << hosts_.why_not();
  }

  std::vector<std::unique_ptr<Process>> start(const Words& words) const {
    std::vector<std::unique_ptr<Process>> processes;
    for (int rank = 0; rank < kHosts * kOfHost; ++rank) {
      Variables variables = place(rank, kHosts * kOfHost, kPort);
      variables["LOCAL_RANK"] = std::to_string(rank % kOfHost);
      variables["LOCAL_WORLD_SIZE"] = std::to_string(kOfHost);
      variables["MASTER_ADDR"] = Hosts::address(0);
      variables["TEST_TIMEOUT"] = std::to_string(kTimeout);
      processes.push_back(hosts_.start(rank / kOfHost, words, variables));
    }
    return processes;
  }

  Hosts hosts_;
  TemporaryFolder folder_;
};

TEST_F(HostsTest, TrainTogether) {
  const auto processes = start({"train", folder_.path(), "float64", "1"});
  for (const auto& process : processes) EXPECT_THAT(process->wait(), Ends(0));
  const std::string weights = read_text_file(folder_.path() / "weights-0");
  EXPECT_FALSE(weights.empty());
  for (int rank = 1; rank < kHosts * kOfHost; ++rank) {
    EXPECT_EQ(read_text_file(folder_.path() / fmt::format("weights-{}", rank)), weights);
  }
  fmt::print("2 hosts with 2 processes each: 20 steps, weights equal to the bit on all\n");
}

TEST_F(HostsTest, EndOnBothSidesWhenTheCableIsCut) {
  const auto processes = start({"loop", folder_.path()});
  const std::vector<int> ids = wait_for_notes(folder_.path(), kHosts * kOfHost);
  std::this_thread::sleep_for(std::chrono::milliseconds(500));  // in the middle of exchanges
  const Clock::time_point cut = Clock::now();
  hosts_.cut_cable();
  std::vector<ProcessResult> results;
  for (const auto& process : processes) results.push_back(process->wait());
  const std::chrono::duration<double> took = Clock::now() - cut;
  for (int rank = 0; rank < kHosts * kOfHost; ++rank) {
    const ProcessResult& result = results[static_cast<std::size_t>(rank)];
    EXPECT_THAT(result, Ends(7)) << rank;
    // Host 0 misses the ranks of the other; those miss the store, which is on host 0.
    EXPECT_THAT(result.err, HasSubstr(rank < kOfHost ? "ranks 2, 3" : "rank 0 with the store"))
        << rank;
  }
  EXPECT_LE(took.count(), kTimeout + kSlack);
  EXPECT_TRUE(std::ranges::all_of(ids, is_gone));
  fmt::print("cable cut: both sides gone after {:.2f} s, timeout {} s, 0 orphans\n", took.count(),
             kTimeout);
}

}  // namespace
}  // namespace referent::testing
