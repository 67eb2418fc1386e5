// SPDX-License-Identifier: Apache-2.0
#include "e2e/program.h"

namespace referent::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

TEST(CommandLineTest, HelpNamesEveryCommand) {
  const ProcessResult help = referent({"--help"});
  EXPECT_THAT(help, ExitsWith(0));
  EXPECT_THAT(help.err, IsEmpty());
  for (const char* command :
       {"train", "eval", "ground", "import", "export", "checkpoint", "data", "tokenizer", "config",
        "parity", "bench", "demo", "launch", "doctor", "completion", "reference"}) {
    EXPECT_THAT(help.out, HasSubstr(std::string("\n  ") + command));
  }
  EXPECT_THAT(help.out, HasSubstr("Exit status: 0 done"));
}

TEST(CommandLineTest, EveryCommandHasHelp) {
  const std::vector<std::pair<Words, std::string>> commands{{{"train"}, "--resume"},
                                                            {{"eval"}, "--save-predictions"},
                                                            {{"ground"}, "--mask"},
                                                            {{"import"}, "--preset"},
                                                            {{"export"}, "--names"},
                                                            {{"checkpoint"}, "inspect"},
                                                            {{"checkpoint", "inspect"}, "file"},
                                                            {{"data"}, "synthesize"},
                                                            {{"data", "synthesize"}, "--seed"},
                                                            {{"data", "check"}, "--allow"},
                                                            {{"data", "convert"}, "--to"},
                                                            {{"data", "stats"}, "--images"},
                                                            {{"config"}, "schema"},
                                                            {{"config", "show"}, "--origin"},
                                                            {{"parity"}, "--only"},
                                                            {{"bench"}, "forward"},
                                                            {{"bench", "ops"}, "--dtype"},
                                                            {{"demo"}, "--masks"},
                                                            {{"launch"}, "--node-rank"},
                                                            {{"tokenizer", "train"}, "--size"},
                                                            {{"doctor"}, "matrix products"},
                                                            {{"completion"}, "{bash,zsh,fish}"},
                                                            {{"reference"}, "Markdown"}};
  for (const auto& [command, content] : commands) {
    Words words = command;
    words.emplace_back("--help");
    const ProcessResult help = referent(words);
    EXPECT_THAT(help, ExitsWith(0));
    EXPECT_THAT(help.out, HasSubstr(content));
  }
}

TEST(CommandLineTest, WithoutACommandHelpIsShownAndUsageIsWrong) {
  const ProcessResult result = referent({});
  EXPECT_THAT(result, ExitsWith(2));
  EXPECT_THAT(result.out, HasSubstr("train"));
}

TEST(CommandLineTest, AnUnknownCommandIsToldWithTheNearest) {
  EXPECT_THAT(referent({"evla", "x"}), Fails(2, {"evla", "Did you mean \"eval\"?", "--help"}));
  EXPECT_THAT(referent({"config", "shwo", "x.json"}), Fails(2, {"Did you mean \"show\"?"}));
  EXPECT_THAT(referent({"zzzzzzzzz"}), Fails(2, {"zzzzzzzzz", "--help"}));
}

TEST(CommandLineTest, AnUnknownOptionIsToldWithTheNearest) {
  EXPECT_THAT(referent({"train", "x.json", "--overwritte"}),
              Fails(2, {"--overwritte", "Did you mean \"--overwrite\"?"}));
  EXPECT_THAT(referent({"config", "check", "x.json", "--jsn"}), Fails(2, {"\"--json\""}));
}

TEST(CommandLineTest, AnUnknownValueIsToldWithTheNearest) {
  EXPECT_THAT(referent({"import", "x.pth", "--preset", "mmca-r5", "--out", "y"}),
              Fails(2, {"--preset", "\"mmca-r5\" is none of", "Did you mean \"mmca-r50\"?"}));
  EXPECT_THAT(referent({"import", "x.pth", "--from", "tarnsvg", "--out", "y"}),
              Fails(2, {"--from", "Did you mean \"transvg\"?"}));
  EXPECT_THAT(referent({"bench", "forward", "--dtype", "bfloat61"}),
              Fails(2, {"--dtype", "Did you mean \"bfloat16\"?"}));
  EXPECT_THAT(referent({"eval", "x", "--missing", "skp"}),
              Fails(2, {"--missing", "Did you mean \"skip\"?"}));
}

TEST(CommandLineTest, MissingAndImpossibleArgumentsAreToldByName) {
  EXPECT_THAT(referent({"train"}), Fails(2, {"config", "required"}));
  EXPECT_THAT(referent({"ground", "checkpoint", "image.png"}), Fails(2, {"expression"}));
  EXPECT_THAT(referent({"bench", "forward", "--batch", "0"}), Fails(2, {"--batch"}));
  EXPECT_THAT(referent({"export", "x", "--names", "mine", "--out", "y"}),
              Fails(2, {"--names", "released"}));
  EXPECT_THAT(referent({"data", "synthesize", "x", "--size", "many"}), Fails(2, {"--size"}));
}

TEST(CommandLineTest, TheVersionIsALineAndADocument) {
  const ProcessResult line = referent({"--version"});
  EXPECT_THAT(line, ExitsWith(0));
  EXPECT_THAT(line.out, StartsWith("referent 0."));

  const ProcessResult json = referent({"--version", "--json"});
  EXPECT_THAT(json, ExitsWith(0));
  const Json version = document(json);
  EXPECT_EQ(version.value("schema_version", 0), 1);
  for (const char* key :
       {"version", "git", "torch", "cuda", "cudnn", "opencv", "compiler", "build_type"}) {
    EXPECT_TRUE(version.contains(key)) << key;
  }
  EXPECT_THAT(version.value("torch", ""), StartsWith("2."));
  EXPECT_THAT(line.out, HasSubstr(version.value("git", "none")));
}

TEST(CommandLineTest, ADeviceThatIsNotThereIsTold) {
  const TinyRun& tiny = tiny_run();
  EXPECT_THAT(referent({"eval", tiny.checkpoint(), "--device", "cuda:99"}),
              Fails(5, {"cuda:99", "--device cpu"}));
  EXPECT_THAT(referent({"eval", tiny.checkpoint(), "--device", "tpu"}), Fails(2, {"tpu", "cuda"}));
}

TEST(CommandLineTest, AFullDiskBehindStandardOutputIsNoSuccess) {
  const ProcessResult result =
      Process("/bin/sh", {"-c", program().string() + " config schema > /dev/full"}).wait();
  EXPECT_THAT(result, Fails(6, {"standard output", "No space left"}));
}

}  // namespace
}  // namespace referent::testing
