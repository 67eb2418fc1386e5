// SPDX-License-Identifier: Apache-2.0
// What is wrong with the variables of a start is told by their names.
#include "group.h"
#include "support/temporary_folder.h"

namespace referent::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

const Variables kSoon{{"TEST_CONNECT_TIMEOUT", "2"}};

Variables with(Variables variables, const Variables& more) {
  for (const auto& [name, value] : more) variables[name] = value;
  return variables;
}

/// How long it took, for the record, and that it was not the limit of R11.
class ConnectTest : public ::testing::Test {
 protected:
  void TearDown() override {
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start_;
    fmt::print("{:.1f} s\n", took.count());
    EXPECT_LT(took.count(), 30);
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

TEST_F(ConnectTest, APortInUse) {
  const Listener other;
  const ProcessResult result = start_worker({"exchange"}, place(0, 2, other.port()))->wait();
  EXPECT_THAT(result, Ends(2));
  EXPECT_THAT(result.err, AllOf(HasSubstr("MASTER_PORT"), HasSubstr("Address already in use")));
}

TEST_F(ConnectTest, AMasterThatDoesNotRun) {
  const ProcessResult result =
      start_worker({"exchange"}, with(place(1, 2, free_port()), kSoon))->wait();
  EXPECT_THAT(result, Ends(2));
  EXPECT_THAT(result.err, AllOf(HasSubstr("MASTER_ADDR"), HasSubstr("MASTER_PORT")));
}

TEST_F(ConnectTest, AMasterThatNoAnswerComesFrom) {
  // An address for documentation (RFC 5737), which no host has.
  const ProcessResult result =
      start_worker({"exchange"},
                   with(with(place(1, 2, free_port()), kSoon), {{"MASTER_ADDR", "192.0.2.1"}}))
          ->wait();
  EXPECT_THAT(result, Ends(2));
  EXPECT_THAT(result.err, AllOf(HasSubstr("MASTER_ADDR"), HasSubstr("192.0.2.1")));
}

TEST_F(ConnectTest, AMasterWithoutAnAddress) {
  for (const int rank : {0, 1}) {
    const ProcessResult result =
        start_worker({"exchange"}, with(with(place(rank, 2, free_port()), kSoon),
                                        {{"MASTER_ADDR", "nowhere.invalid"}}))
            ->wait();
    EXPECT_THAT(result, Ends(2));
    EXPECT_THAT(result.err, AllOf(HasSubstr("MASTER_ADDR"), HasSubstr("nowhere.invalid")));
  }
}

TEST_F(ConnectTest, AServiceOfAnotherKindAtThePort) {
  const Listener other;
  const ProcessResult result =
      start_worker({"exchange"}, with(place(1, 2, other.port()), kSoon))->wait();
  EXPECT_THAT(result, Ends(2));
  EXPECT_THAT(result.err, HasSubstr("MASTER_PORT"));
}

TEST_F(ConnectTest, MoreProcessesExpectedThanCame) {
  Variables three = kSoon;
  three["WORLD_SIZE"] = "4";
  three["LOCAL_WORLD_SIZE"] = "4";
  for (const ProcessResult& result : Group(2, {"exchange"}, three).wait()) {
    EXPECT_THAT(result, Ends(2));
    EXPECT_THAT(result.err,
                AllOf(HasSubstr("WORLD_SIZE"), HasSubstr("2 of 4"), HasSubstr("ranks 2, 3")));
  }
}

TEST_F(ConnectTest, SizesThatDiffer) {
  for (const int second : {2, 4}) {
    const int port = free_port();
    const auto zeroth = start_worker({"exchange"}, with(place(0, 3, port), kSoon));
    const auto first = start_worker({"exchange"}, with(place(1, second, port), kSoon));
    EXPECT_THAT(zeroth->wait(), Ends(2));
    const ProcessResult result = first->wait();
    EXPECT_THAT(result, Ends(2));
    EXPECT_THAT(result.err, AllOf(HasSubstr("WORLD_SIZE"), HasSubstr(std::to_string(second))));
  }
}

TEST_F(ConnectTest, ARankTwiceAndTheStoreOfAnEarlierRun) {
  const TemporaryFolder folder;
  Group earlier(2, {"loop", folder.path()});
  wait_for_notes(folder.path(), 2);
  const ProcessResult again =
      start_worker({"exchange"}, with(place(1, 2, earlier.port()), kSoon))->wait();
  EXPECT_THAT(again, Ends(2));
  EXPECT_THAT(again.err,
              AllOf(HasSubstr("RANK 1"), HasSubstr("earlier run"), HasSubstr("MASTER_PORT")));
  // Those who were there first are not disturbed.
  EXPECT_TRUE(earlier[0].running() && earlier[1].running());
}

}  // namespace
}  // namespace referent::testing
