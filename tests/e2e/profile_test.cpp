// SPDX-License-Identifier: Apache-2.0
// The timeline of a step of training.
#include <algorithm>

#include "e2e/processes.h"
#include "referent/core/error.h"

namespace referent::testing {
namespace {

namespace fs = std::filesystem;

using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// What a timeline says of one operation. [us]
struct Span {
  double begin = 0, end = 0;
};

std::vector<Span> spans_of(const Json& trace, const std::string& name) {
  std::vector<Span> spans;
  for (const Json& event : trace.at("traceEvents")) {
    if (event.value("ph", "") != "X" || event.value("name", "") != name) continue;
    const double begin = event.at("ts");
    spans.push_back({begin, begin + event.at("dur").get<double>()});
  }
  std::ranges::sort(spans, {}, &Span::begin);
  return spans;
}

class ProfileTest : public StatefulTraining {
 protected:
  Path trace(const std::string& name) const { return folder_.path() / name; }

  static Json read(const Path& file) {
    return fs::exists(file) ? Json::parse(read_text_file(file), nullptr, false) : Json();
  }
};

TEST_F(ProfileTest, ShowsThePassesOfOneStep) {
  const ProcessResult result =
      Processes(1, train("run", {"--profile", trace("trace.json")})).wait().front();
  ASSERT_THAT(result, ExitsWith(0));
  EXPECT_THAT(result.err, HasSubstr(trace("trace.json")));
  const Json json = read(trace("trace.json"));
  ASSERT_TRUE(json.is_object());
  const auto forward = spans_of(json, "forward pass");
  const auto backward = spans_of(json, "backward pass");
  const auto optimizer = spans_of(json, "optimizer");
  ASSERT_EQ(forward.size(), 2U) << "pieces of a batch";
  ASSERT_EQ(backward.size(), 2U);
  ASSERT_EQ(optimizer.size(), 1U);
  EXPECT_LT(forward.back().end, backward.back().begin);
  EXPECT_LT(backward.back().end, optimizer.front().begin);
  EXPECT_THAT(spans_of(json, "aten::convolution"), Not(IsEmpty()));
}

TEST_F(ProfileTest, OfSeveralProcessesShowsTheExchangeWithinTheBackwardPass) {
  // A backward pass of some 100 ms, so that there is time for exchanges in it.
  const Words words =
      train("run", {"--profile", trace("trace.json"), "--set", "train.max_steps=3", "--set",
                    "train.distributed.bucket_megabytes=0.05", "--set", "data.image.size=256",
                    "--set", "model.visual_encoder.backbone.width=16"});
  const auto results = Processes(2, words).wait();
  ASSERT_THAT(results, Each(ExitsWith(0)));
  for (const int rank : {0, 1}) {
    const Json json = read(trace(fmt::format("trace-rank{}.json", rank)));
    ASSERT_TRUE(json.is_object()) << rank;
    const Span backward = spans_of(json, "backward pass").back();
    const auto gradients = spans_of(json, "torch::autograd::AccumulateGrad");
    ASSERT_THAT(gradients, Not(IsEmpty()));
    const double computed = gradients.back().end;

    const auto early = [&](const Span& span) { return span.begin < computed; };
    EXPECT_GT(std::ranges::count_if(spans_of(json, "c10d::allreduce_"), early), 2)
        << "exchanges begun before the last gradient is there";
    // What the threads of the backend do; the last one is of the losses.
    auto exchanges = spans_of(json, "gloo:all_reduce");
    std::erase_if(exchanges, [&](const Span& span) { return span.begin > backward.end; });
    ASSERT_GT(exchanges.size(), 2U);
    double hidden = 0;
    for (const Span& span : exchanges) {
      EXPECT_GE(span.begin, backward.begin);
      hidden += std::max(0.0, std::min(span.end, computed) - span.begin);
    }
    EXPECT_GT(hidden, 0);
    fmt::print(
        "rank {}: backward pass {:.1f} ms, {} exchanges in it, {:.1f} ms of them while gradients "
        "were computed\n",
        rank, 1e-3 * (backward.end - backward.begin), exchanges.size(), 1e-3 * hidden);
  }
}

TEST_F(ProfileTest, ToWhereNothingCanBeWrittenIsTold) {
  EXPECT_THAT(
      Processes(1, train("run", {"--profile", trace("nowhere") / "trace.json"})).wait().front(),
      Fails(6, {"nowhere"}));
}

}  // namespace
}  // namespace referent::testing
