// SPDX-License-Identifier: Apache-2.0
// Numbers that are none, in losses, gradients, boxes and files of weights: told, counted, and never
// saved.
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <set>

#include "e2e/processes.h"
#include "referent/core/error.h"

namespace referent::testing {
namespace {

namespace fs = std::filesystem;

using ::testing::Each;
using ::testing::SizeIs;

constexpr int kMost = 4;  // bad steps in a row

class NotFiniteTest : public StatefulTraining, public ::testing::WithParamInterface<int> {
 protected:
  /// After two good steps trains with a weight of the boxes' loss that spoils every step, until it
  /// is stopped. `broken` names the value that is not finite.
  void test(const std::string& name, const std::string& weight, const std::string& broken) {
    Words words{"--resume"};
    for (const std::string& value :
         {fmt::format("train.max_bad_steps={}", kMost), std::string("train.loss_scaling=null"),
          std::string("model.visual_encoder.backbone.normalisation=batch")}) {
      words.insert(words.end(), {"--set", value});
    }
    Words good = words, bad = words;
    good.insert(good.end(), {"--set", "train.max_steps=2"});
    bad.insert(bad.end(), {"--set", "train.loss.box_weight=" + weight});
    const Outcome before = finish(name, GetParam(), good);

    const auto results = Processes(GetParam(), train(name, bad)).wait();
    ASSERT_THAT(results, Each(ExitsWith(8)));
    EXPECT_THAT(results.front(), Fails(8, {"4 steps in a row", "bad_steps.jsonl"}));
    const Json result = document(results.front());
    EXPECT_EQ(result["skipped"], kMost);
    EXPECT_EQ(result["step"], 2 + kMost);
    const std::vector<Json> lines = json_lines(run(name) / "bad_steps.jsonl");
    ASSERT_THAT(lines, SizeIs(kMost));
    for (int i = 0; i < kMost; ++i) {
      const Json& line = lines[static_cast<std::size_t>(i)];
      EXPECT_EQ(line["step"], 3 + i);
      EXPECT_THAT(line["ids"].get<std::set<std::string>>(), SizeIs(4));
      EXPECT_FALSE(std::isfinite(std::stod(line[broken].get<std::string>()))) << line;
    }
    // Weights and statistics of batch norms are those of before; all that is saved is finite, the
    // averages and the optimiser's sums too.
    EXPECT_EQ(result["weights"], before.weights);
    EXPECT_THAT(referent({"checkpoint", "verify", run(name) / "last"}), ExitsWith(0));
    fmt::print(
        "{} processes, {}: {} steps skipped and counted, their ids written, status 8, weights "
        "{} as before them, all that is saved is finite\n",
        GetParam(), name, kMost, before.weights);
  }
};

TEST_P(NotFiniteTest, Losses) {
  test("loss", "1e39", "loss");  // infinite in float32
}

TEST_P(NotFiniteTest, Gradients) {
  // The loss is a number; the squares of its gradient are too large.
  test("gradient", "1e30", "gradient_norm");
}

INSTANTIATE_TEST_SUITE_P(OnProcesses, NotFiniteTest, ::testing::Values(1, 2),
                         ::testing::PrintToStringParamName());

class NotFiniteInputTest : public StatefulTraining {};

TEST_F(NotFiniteInputTest, BoxesAreRefusedWithTheirLine) {
  const std::vector<Json> examples = json_lines(tiny_.scenes() / "train.jsonl");
  int refused = 0;
  for (const char* number : {"NaN", "Infinity", "1e400", "-1e400", "1e300", "\"nan\""}) {
    const Path file = tiny_.scenes() / fmt::format("broken-{}.jsonl", refused);
    {
      std::ofstream stream(file);
      for (std::size_t i = 0; i < examples.size(); ++i) {
        std::string line = examples[i].dump();
        if (i == 6) {
          const std::size_t begin = line.find('[', line.find("\"box\"")) + 1;
          line.replace(begin, line.find(',', begin) - begin, number);
        }
        stream << line << '\n';
      }
    }
    const auto result =
        Processes(1, train("input", {"--set", "data.train.0.path=" + file.string()})).wait();
    fs::remove(file);
    EXPECT_THAT(result.front(), Fails(3, {file, "7"})) << number;
    EXPECT_FALSE(fs::exists(run("input")));
    ++refused;
  }
  fmt::print("{} boxes that are no numbers refused with file and line, status 3\n", refused);
}

/// Writes `value` over the first element of a tensor of a safetensors file without hashes.
void spoil(const Path& file, const std::string& tensor, float value) {
  std::string bytes = read_text_file(file);
  std::uint64_t header = 0;
  std::memcpy(&header, bytes.data(), sizeof header);
  const Json names = Json::parse(bytes.substr(sizeof header, header));
  const auto begin = names[tensor]["data_offsets"][0].get<std::size_t>();
  std::memcpy(bytes.data() + sizeof header + header + begin, &value, sizeof value);
  write_file(file, bytes);
}

TEST_F(NotFiniteInputTest, FilesOfWeightsAreRefusedWithTheTensor) {
  const Path file = folder_.path() / "weights.safetensors";
  int refused = 0;
  for (const float value :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    ASSERT_THAT(referent({"export", tiny_.checkpoint(), "--names", "released", "--out", file}),
                ExitsWith(0));
    const std::string tensor = "vl_transformer.encoder.layers.0.linear1.weight";
    spoil(file, tensor, value);
    const auto result = Processes(1, train(fmt::format("weights-{}", refused),
                                           {"--set", "model.init.all=" + file.string()}))
                            .wait();
    EXPECT_THAT(result.front(), Fails(4, {file, "linear1.weight", "not finite"}));
    EXPECT_THAT(referent({"checkpoint", "verify", file}), ExitsWith(8));
    fs::remove(file);
    ++refused;
  }
  fmt::print("{} files with a weight that is no number refused with the tensor, status 4\n",
             refused);
}

}  // namespace
}  // namespace referent::testing
