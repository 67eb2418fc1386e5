// SPDX-License-Identifier: Apache-2.0
#include <fstream>

#include "e2e/program.h"

namespace referent::testing {
namespace {

using namespace std::string_literals;
namespace fs = std::filesystem;

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class CheckpointTest : public ::testing::Test {
 protected:
  ProcessResult ground(const Path& checkpoint) const {
    return referent({"ground", checkpoint, tiny_.picture(), "the red circle", "--json"});
  }

  Path write(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_.path() / name, std::ios::binary) << bytes;
    return folder_.path() / name;
  }

  Path at(const std::string& name) const { return folder_.path() / name; }

  const TinyRun& tiny_ = tiny_run();
  TemporaryFolder folder_;
};

TEST_F(CheckpointTest, InspectionTellsWhatAFileHolds) {
  const ProcessResult text = referent({"checkpoint", "inspect", tiny_.checkpoint()});
  EXPECT_THAT(text, ExitsWith(0));
  EXPECT_THAT(text.out, HasSubstr("native checkpoint"));
  EXPECT_THAT(text.out, HasSubstr("conditioning."));

  const ProcessResult json = referent({"checkpoint", "inspect", tiny_.checkpoint(), "--json"});
  EXPECT_THAT(json, ExitsWith(0));
  const Json inspection = document(json);
  EXPECT_EQ(inspection["schema_version"], 1);
  EXPECT_EQ(inspection["kind"], "native checkpoint");
  EXPECT_EQ(inspection["config"]["name"], "tiny");
  EXPECT_EQ(inspection["training"]["step"], 20);
  EXPECT_TRUE(inspection["metrics"]["val"].contains("prec@0.5"));
}

TEST_F(CheckpointTest, DifferencesAreListedAndEndWithStatus8) {
  const ProcessResult same =
      referent({"checkpoint", "diff", tiny_.checkpoint(), tiny_.checkpoint(), "--json"});
  EXPECT_THAT(same, ExitsWith(0));
  EXPECT_EQ(document(same)["equal"], true);

  const Path earlier = tiny_.run() / "checkpoints/step-00000010.safetensors";
  const Words words{"checkpoint", "diff", earlier, tiny_.checkpoint()};
  const ProcessResult text = referent(words);
  EXPECT_THAT(text, ExitsWith(8));
  EXPECT_THAT(text.out, HasSubstr("elements differ, by at most"));
  Words as_json = words;
  as_json.push_back("--json");
  const ProcessResult result = referent(as_json);
  EXPECT_THAT(result, ExitsWith(8));
  const Json json = document(result);
  EXPECT_EQ(json["equal"], false);
  EXPECT_THAT(json["only_a"], IsEmpty());
  EXPECT_GT(json["different"][0]["max_difference"], 0.0);
  as_json.insert(as_json.end(), {"--tolerance", "1000"});
  EXPECT_THAT(referent(as_json), ExitsWith(0));
  EXPECT_THAT(referent({"checkpoint", "diff", earlier, tiny_.picture()}),
              Fails(4, {"val-000003.png"}));
}

TEST_F(CheckpointTest, VerificationFindsWhatIsNotSound) {
  EXPECT_THAT(referent({"checkpoint", "verify", tiny_.checkpoint(), tiny_.mask_checkpoint()}),
              ExitsWith(0));
  std::string bytes = read_text_file(tiny_.checkpoint());
  bytes[bytes.size() - 100] = static_cast<char>(bytes[bytes.size() - 100] ^ 4);
  const Path flipped = write("flipped.safetensors", bytes);
  const ProcessResult faulty =
      referent({"checkpoint", "verify", flipped, tiny_.checkpoint(), "--json"});
  EXPECT_THAT(faulty, ExitsWith(8));
  const Json files = document(faulty)["files"];
  EXPECT_EQ(files[0]["sound"], false);
  EXPECT_EQ(files[1]["sound"], true);
  const ProcessResult missing =
      referent({"checkpoint", "verify", at("absent.safetensors"), tiny_.checkpoint()});
  EXPECT_THAT(missing, ExitsWith(4));
  EXPECT_THAT(missing.out, HasSubstr("No such file"));
  EXPECT_THAT(missing.out, HasSubstr("sound (native checkpoint"));
}

TEST_F(CheckpointTest, AModelIsExportedAsTorchScript) {
  const Path script = at("model.pt");
  const ProcessResult result = referent(
      {"export", tiny_.checkpoint(), "--format", "torchscript", "--out", script, "--json"});
  EXPECT_THAT(result, ExitsWith(0));
  EXPECT_EQ(document(result)["format"], "torchscript");
  EXPECT_THAT(read_text_file(script).substr(0, 4), "PK\x03\x04");
  EXPECT_THAT(referent({"export", tiny_.checkpoint(), "--format", "torchscript", "--names",
                        "released", "--out", script}),
              Fails(2, {"--names"}));
}

TEST_F(CheckpointTest, AnImportsReportIsADocument) {
  const Path released = at("released.safetensors");
  ASSERT_THAT(referent({"export", tiny_.checkpoint(), "--names", "released", "--out", released}),
              ExitsWith(0));
  const ProcessResult result =
      referent({"import", released, "--config", tiny_.config(), "--out", at("native"), "--json"});
  EXPECT_THAT(result, ExitsWith(0));
  const Json report = document(result);
  EXPECT_EQ(report["schema_version"], 1);
  EXPECT_EQ(report["file"], released.string());
  EXPECT_EQ(report["family"], "mmca");
  EXPECT_EQ(report["container"], "safetensors");
  EXPECT_GT(report["matched"], 50);
  EXPECT_THAT(report["missing"], IsEmpty());
}

TEST_F(CheckpointTest, AReleasedExportComesBackAsTheSameModel) {
  const Path released = at("released.safetensors");
  const Path native = at("native.safetensors");
  const Path imported = at("imported.safetensors");
  EXPECT_THAT(referent({"export", tiny_.checkpoint(), "--names", "released", "--out", released}),
              ExitsWith(0));
  const ProcessResult exported =
      referent({"export", tiny_.checkpoint(), "--names", "native", "--out", native, "--json"});
  EXPECT_THAT(exported, ExitsWith(0));
  EXPECT_EQ(document(exported)["file"], native.string());

  const Json inspection = document(referent({"checkpoint", "inspect", released, "--json"}));
  EXPECT_EQ(inspection["family"], "mmca");
  EXPECT_THAT(referent({"import", released, "--config", tiny_.config(), "--out", imported}),
              ExitsWith(0));
  const Json expected = document(ground(tiny_.checkpoint()))["predictions"];
  EXPECT_EQ(document(ground(imported))["predictions"], expected);
  EXPECT_THAT(entries(folder_.path()),
              ElementsAre("imported.safetensors", "native.safetensors", "released.safetensors"));
}

TEST_F(CheckpointTest, ATransVgExportComesBackToo) {
  const Words base{"--set", "model.conditioning.type=none", "--set", "train.max_steps=1"};
  Words train{"train", tiny_.config(), "--out", at("run"), "--quiet"};
  train.insert(train.end(), base.begin(), base.end());
  ASSERT_THAT(referent(train), ExitsWith(0));
  const Path released = at("released.safetensors");
  ASSERT_THAT(referent({"export", at("run") / "last", "--names", "released", "--out", released}),
              ExitsWith(0));
  const Path imported = at("imported.safetensors");
  ASSERT_THAT(referent({"import", released, "--config", tiny_.config(), "--set",
                        "model.conditioning.type=none", "--out", imported, "--from", "transvg"}),
              ExitsWith(0));
  EXPECT_EQ(document(ground(imported))["predictions"],
            document(ground(at("run") / "last"))["predictions"]);
}

TEST_F(CheckpointTest, ACheckpointThatIsNoneOrNotSoundIsRefused) {
  const std::string sound = read_text_file(tiny_.checkpoint());
  EXPECT_THAT(ground(at("missing.safetensors")), Fails(4, {"missing.safetensors", "No such file"}));
  EXPECT_THAT(ground(write("empty.safetensors", "")), Fails(4, {"empty.safetensors"}));
  EXPECT_THAT(ground(write("torn.safetensors", sound.substr(0, sound.size() / 2))),
              Fails(4, {"torn.safetensors"}));
  EXPECT_THAT(ground(write("long.safetensors", sound + "more")), Fails(4, {"long.safetensors"}));
  EXPECT_THAT(ground(tiny_.picture()), Fails(4, {"val-000003.png"}));
  EXPECT_THAT(ground(tiny_.config()), Fails(4, {"tiny.json"}));
  EXPECT_THAT(ground(folder_.path()), Fails(4, {folder_.path()}));
  // The first in the header, the others in the weights.
  for (const std::size_t place : {std::size_t{200}, sound.size() / 3, sound.size() - 100}) {
    std::string flipped = sound;
    flipped[place] = static_cast<char>(flipped[place] ^ 4);
    EXPECT_THAT(ground(write("flipped.safetensors", flipped)), Fails(4, {"flipped.safetensors"}))
        << place;
  }
}

TEST_F(CheckpointTest, AFileWithoutConfigurationIsNoCheckpoint) {
  const Path native = at("native.safetensors");
  ASSERT_THAT(referent({"export", tiny_.checkpoint(), "--out", native}), ExitsWith(0));
  EXPECT_THAT(ground(native), Fails(4, {native}));
  EXPECT_THAT(
      referent({"train", tiny_.config(), "--out", at("run"), "--resume=" + native.string()}),
      Fails(4, {native}));
}

TEST_F(CheckpointTest, ACheckpointOfAnotherShapeDoesNotFit) {
  const Path released = at("released.safetensors");
  ASSERT_THAT(referent({"export", tiny_.checkpoint(), "--names", "released", "--out", released}),
              ExitsWith(0));
  const Path imported = at("imported.safetensors");
  EXPECT_THAT(referent({"import", released, "--preset", "mmca-r50", "--out", imported}),
              Fails(4, {released, "shape", "expected"}));
  EXPECT_THAT(referent({"import", released, "--config", tiny_.config(), "--set",
                        "model.conditioning.rank=4", "--out", imported}),
              Fails(4, {released, "shape", "conditioning.", "4", "8"}));
  EXPECT_THAT(referent({"import", released, "--out", imported}), Fails(2, {"--preset"}));
  EXPECT_THAT(referent({"import", released, "--preset", "mmca-r5", "--out", imported}),
              Fails(2, {"mmca-r5", "mmca-r50"}));
  EXPECT_FALSE(fs::exists(imported));
}

TEST_F(CheckpointTest, APickleThatCallsAProgramIsRefusedAndCallsNothing) {
  const Path canary = at("canary");
  const std::string command = "touch " + canary.string();
  const std::string call =
      "cos\nsystem\nX"s + static_cast<char>(command.size()) + "\0\0\0"s + command + "\x85R.";
  // The stream of torch.save before it wrote archives: magic number, protocol, machine, object.
  const std::string legacy = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."s +
                             "\x80\x02M\xe9\x03."s + "\x80\x02}U\x0dlittle_endian\x88s."s + call +
                             "\x80\x02]."s;
  for (const Path& file : {write("legacy.pth", legacy), write("bare.pth", call)}) {
    const Path imported = at("imported.safetensors");
    EXPECT_THAT(referent({"import", file, "--preset", "mmca-r50", "--out", imported}),
                Fails(4, {file}));
    EXPECT_THAT(referent({"checkpoint", "inspect", file}), Fails(4, {file}));
    EXPECT_THAT(referent({"ground", file, tiny_.picture(), "x"}), Fails(4, {file}));
    EXPECT_FALSE(fs::exists(imported));
  }
  EXPECT_THAT(referent({"checkpoint", "inspect", at("legacy.pth")}), Fails(4, {"os.system"}));
  EXPECT_FALSE(fs::exists(canary));
}

}  // namespace
}  // namespace referent::testing
