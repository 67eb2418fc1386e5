// SPDX-License-Identifier: Apache-2.0
// Every command that README.md and the other pages show, word for word, in a folder prepared as the
// README says: tiny models, data made up. The examples of `--help` stand in docs/commands.md.
#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <set>
#include <sstream>

#include "e2e/program.h"
#include "referent/image/decode.h"
#include "referent/image/encode.h"

namespace referent::testing {
namespace {

namespace fs = std::filesystem;

using ::testing::HasSubstr;

const Path kRoot = REFERENT_SOURCE_DIR;
constexpr std::array kPages{"README.md", "CONTRIBUTING.md", "docs/commands.md",
                            "docs/configuration.md", "docs/library.md"};

struct Exception {
  const char* begin;  ///< of the command
  const char* reason;
};

/// What a test cannot run. Each stands on some page, or is not needed any more.
constexpr std::array kNotRun{
    Exception{"scripts/demo.sh", "sets up, builds and trains for minutes; demo_test runs the demo"},
    Exception{"scripts/test.sh", "runs this test"},
    Exception{"scripts/setup.sh", "installs packages"},
    Exception{"scripts/lint.sh", "takes minutes"},
    Exception{"scripts/cluster.sh", "needs hosts and GPUs; launch_test runs processes"},
    Exception{"cmake --preset release", "builds what is tested"},
    Exception{"ctest ", "runs tests"},
    Exception{"export PATH=", "the test sets it for the build that it belongs to"},
    Exception{"referent launch -n 8", "needs 8 GPUs; launch_test runs processes"},
    Exception{"sbatch ", "needs Slurm"},
    Exception{"torchrun ", "needs PyTorch and GPUs"},
    Exception{"referent import mmca_refcoco.pth", "needs the released weights, of full size"},
};

/// What ends with another status than 0, because the data are made up.
struct Status {
  const char* begin;
  int status;
  const char* says;  ///< on standard output
};
constexpr std::array kStatuses{Status{"referent data check", 8, "count"}};

/// One line of a block, those that end with a backslash joined to the next.
struct Command {
  std::string page;
  std::string line;
};

/// A command without the comment behind it.
std::string without_comment(const std::string& line) {
  const std::string command = line.substr(0, line.find("  #"));
  return command.substr(0, command.find_last_not_of(' ') + 1);
}

/// In the order of the pages; what several show is there once.
std::vector<Command> commands() {
  std::vector<Command> found;
  std::set<std::string> known;
  for (const char* page : kPages) {
    std::ifstream stream(kRoot / page);
    bool inside = false;
    std::string joined;
    for (std::string line; std::getline(stream, line);) {
      if (line.starts_with("```")) {
        inside = !inside && line == "```sh";
        continue;
      }
      if (!inside || line.empty()) continue;
      const bool goes_on = line.ends_with('\\');
      joined += goes_on ? line.substr(0, line.size() - 1) : line;
      if (goes_on) continue;
      const std::string command = std::exchange(joined, {});
      if (known.insert(without_comment(command)).second) found.push_back({page, command});
    }
  }
  return found;
}

template <typename Entry, std::size_t kCount>
const Entry* entry_of(const std::array<Entry, kCount>& entries, const std::string& line) {
  const auto found = std::ranges::find_if(
      entries, [&](const Entry& entry) { return line.starts_with(entry.begin); });
  return found == entries.end() ? nullptr : &*found;
}

/// Makes a published configuration small without a change of its name, data or recipe; first values
/// of full size are left out.
constexpr const char* kTiny = R"({
  "model": {
    "init": {"visual_encoder": "", "text_encoder": ""},
    "text_encoder": {"layers": 1, "width": 32, "heads": 2, "feedforward": 48},
    "visual_encoder": {
      "backbone": {"width": 8},
      "transformer": {"layers": 1, "width": 32, "heads": 2, "feedforward": 48}
    },
    "conditioning": {"rank": 4, "gate_width": 8, "gate_hidden": 4},
    "decoder": {"transformer": {"layers": 1, "width": 32, "heads": 2, "feedforward": 48}}
  },
  "data": {"image": {"size": 64}, "text": {"length": 12},
           "augment": {"type": "simple", "released_quirks": false}},
  "train": {"batch_size": 4, "epochs": 1, "schedule": {"drop_epochs": 1}}
})";

/// The folder that the README's commands are run in.
class Stage {
 public:
  Stage() {
    make_pictures();
    make_datasets();
    make_configs();
    must("referent train configs/transvg-r50-refcoco.json -q");
  }

  ProcessResult run(const std::string& line) const {
    const std::string path = program().parent_path().string() + ":" + std::getenv("PATH");
    return Process("/bin/bash", {"-c", line},
                   {.environment = {{"PATH", path}, {"OMP_NUM_THREADS", "1"}}, .folder = root()})
        .wait();
  }

  /// What stands ready beside the released files that a test does not have.
  void make_released_checkpoint() const {
    fs::copy_file(kRoot / "tests/golden/formats/state_zip.pth", at("mmca_refcoco.pth"));
    fs::copy_file(at("runs/mmca-r50-refcoco/best"), at("mmca.safetensors"));
  }

 private:
  const Path& root() const { return folder_.path(); }
  Path at(const std::string& name) const { return root() / name; }

  void must(const std::string& line) const { ASSERT_THAT(run(line), ExitsWith(0)) << line; }

  /// Scenes as if they were of COCO's train2014, and one file of JSON lines about them.
  void make_pictures() const {
    must("referent data synthesize scenes --train 24 --val 12 --size 64 -q");
    fs::create_directories(at("datasets/train2014"));
    fs::create_directories(at("photos"));
    std::ofstream all(at("all.jsonl"));
    constexpr std::array kSplits{"val", "testA", "testB"};
    int number = 0;
    for (const char* part : {"train", "val"}) {
      for (Json line : json_lines(at("scenes") / (std::string(part) + ".jsonl"))) {
        char name[40];
        std::snprintf(name, sizeof name, "COCO_train2014_%012d.jpg", ++number);
        image::save_image(at("datasets/train2014") / name,
                          image::decode_file(at("scenes") / line["image"].get<std::string>(),
                                             image::Orientation::kIgnore));
        line["image"] = name;
        line["split"] = line["split"] == "train" ? "train" : kSplits[number % kSplits.size()];
        line.erase("id");
        all << line.dump() << "\n";
        if (number <= 2) fs::copy_file(at("datasets/train2014") / name, at("photos") / name);
        if (number == 1) fs::copy_file(at("datasets/train2014") / name, at("photo.jpg"));
      }
    }
    std::ofstream(at("questions.jsonl")) << R"({"image": "photo.jpg", "expression": "left dog"})"
                                         << "\n";
  }

  void make_datasets() const {
    for (const char* target :
         {"refer --out datasets/refcoco@unc", "refer --out datasets/refcocog@umd",
          "index --out datasets/index/unc", "index --out datasets/index/referit",
          "index --out datasets/split/unc"}) {
      must("referent data convert jsonl:all.jsonl --images datasets/train2014 -q --to " +
           std::string(target));
    }
  }

  /// The published configurations, reached through small ones of the same names.
  void make_configs() const {
    fs::create_directories(at("published"));
    fs::create_directories(at("configs"));
    for (const auto& entry : fs::directory_iterator(kRoot / "configs")) {
      if (entry.path().extension() != ".json") continue;
      const std::string name = entry.path().filename().string();
      fs::copy_file(entry.path(), at("published") / name);
      Json tiny = Json::parse(kTiny);
      tiny["extends"] = "../published/" + name;
      std::ofstream(at("configs") / name) << tiny;
    }
  }

  TemporaryFolder folder_;
};

TEST(ExamplesTest, EveryCommandOfThePagesRuns) {
  const Stage stage;
  std::set<const Exception*> not_run;
  int run = 0;
  int left_out = 0;
  for (const auto& [page, line] : commands()) {
    SCOPED_TRACE(page + ": " + line);
    if (const Exception* exception = entry_of(kNotRun, line)) {
      not_run.insert(exception);
      ++left_out;
      continue;
    }
    if (line.starts_with("referent checkpoint inspect")) stage.make_released_checkpoint();
    const Status* other = entry_of(kStatuses, line);
    const ProcessResult result = stage.run(line);
    EXPECT_THAT(result, ExitsWith(other != nullptr ? other->status : 0));
    EXPECT_THAT(result.out, HasSubstr(other != nullptr ? other->says : ""));
    ++run;
  }
  std::printf("commands of the pages: %d run, %d not run:\n", run, left_out);
  for (const Exception& exception : kNotRun) {
    std::printf("  %s: %s\n", exception.begin, exception.reason);
    EXPECT_TRUE(not_run.contains(&exception)) << exception.begin << " stands on no page";
  }
  EXPECT_GT(run, 30);
}

}  // namespace
}  // namespace referent::testing
