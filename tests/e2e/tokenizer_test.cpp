// SPDX-License-Identifier: Apache-2.0
// Sentencepiece in the program, beside LibTorch: a tokenizer is trained, a model on its pieces, and
// the checkpoint needs no other file.
#include <fstream>

#include "e2e/program.h"

namespace referent::testing {
namespace {

namespace fs = std::filesystem;

using ::testing::HasSubstr;

class TokenizerTest : public ::testing::Test {
 protected:
  Path model() const { return folder_.path() / "pieces.model"; }
  std::string scenes() const { return "jsonl:" + (tiny_.scenes() / "train.jsonl").string(); }

  Json train_tokenizer(const Words& more) const {
    Words words{"tokenizer", "train", "--out", model(), "--json"};
    words.insert(words.end(), more.begin(), more.end());
    const ProcessResult result = referent(words);
    EXPECT_THAT(result, ExitsWith(0));
    return document(result);
  }

  const TinyRun& tiny_ = tiny_run();
  TemporaryFolder folder_;
};

TEST_F(TokenizerTest, TrainsOnADataSetAndOnLines) {
  const Json on_data = train_tokenizer({"--data", scenes(), "--size", "80", "--type", "bpe"});
  EXPECT_EQ(on_data.value("expressions", 0), 40);
  EXPECT_EQ(on_data.value("pieces", 0), 80);
  EXPECT_GT(on_data.value("pieces_per_expression", 0.0), 1.0);
  const auto size = fs::file_size(model());

  const Path lines = folder_.path() / "lines.txt";
  std::ofstream(lines) << "The red circle\nleft DOG\n";
  const Json on_both = train_tokenizer({"--data", scenes(), "--text", lines, "--size", "40"});
  EXPECT_EQ(on_both.value("expressions", 0), 42);
  EXPECT_NE(fs::file_size(model()), size);
}

TEST_F(TokenizerTest, TellsWhatToWriteIntoAConfiguration) {
  const ProcessResult result =
      referent({"tokenizer", "train", "--data", scenes(), "--size", "60", "--out", model()});
  EXPECT_THAT(result, ExitsWith(0));
  EXPECT_THAT(result.out, HasSubstr("\"type\": \"sentencepiece\", \"model\": \"" +
                                    model().string() + "\"}, \"vocabulary_size\": "));
}

TEST_F(TokenizerTest, ACheckpointNeedsNoOtherFile) {
  train_tokenizer({"--data", scenes(), "--size", "80", "--type", "bpe"});
  const Path run = folder_.path() / "run";
  const Words configured{"--set", "model.text_encoder.tokenizer.type=sentencepiece", "--set",
                         "model.text_encoder.tokenizer.model=" + model().string()};
  Words words{"train", tiny_.config(), "--out", run, "--quiet", "--set", "train.epochs=1"};
  words.insert(words.end(), configured.begin(), configured.end());
  Words too_few = words;
  too_few.insert(too_few.end(), {"--set", "model.text_encoder.vocabulary_size=79"});
  EXPECT_THAT(referent(too_few), Fails(2, {"80 pieces", "vocabulary_size is 79"}));
  fs::remove_all(run);

  words.insert(words.end(), {"--set", "model.text_encoder.vocabulary_size=80"});
  ASSERT_THAT(referent(words), ExitsWith(0));
  fs::remove(model());
  const ProcessResult found =
      referent({"ground", run / "last", tiny_.picture(), "the red circle", "star", "--json"});
  EXPECT_THAT(found, ExitsWith(0));
  EXPECT_EQ(document(found)["predictions"].size(), 2U);
  EXPECT_THAT(referent({"eval", run / "last", "--quiet"}), ExitsWith(0));
}

TEST_F(TokenizerTest, WhatCannotBeTrainedIsTold) {
  EXPECT_THAT(referent({"tokenizer", "train", "--out", model()}), Fails(2, {"--data", "--text"}));
  EXPECT_THAT(referent({"tokenizer", "train", "--data", scenes(), "--size", "9", "--out", model()}),
              Fails(2, {"a tokenizer of 9 pieces", "smaller"}));
  EXPECT_THAT(referent({"tokenizer", "train", "--text", "absent.txt", "--out", model()}),
              Fails(3, {"absent.txt"}));
  const Path binary = folder_.path() / "binary.txt";
  std::ofstream(binary) << "left \xC3\n";
  EXPECT_THAT(referent({"tokenizer", "train", "--text", binary, "--out", model()}),
              Fails(3, {"binary.txt", "UTF-8"}));
  EXPECT_FALSE(fs::exists(model()));
}

TEST_F(TokenizerTest, AModelThatIsNoneIsTold) {
  std::ofstream(model()) << "no model";
  EXPECT_THAT(referent({"train", tiny_.config(), "--out", folder_.path() / "run", "--set",
                        "model.text_encoder.tokenizer.type=sentencepiece", "--set",
                        "model.text_encoder.tokenizer.model=" + model().string()}),
              Fails(2, {"is no sentencepiece model"}));
  EXPECT_THAT(referent({"config", "check", tiny_.config(), "--set",
                        "model.text_encoder.tokenizer.type=sentencepiece"}),
              Fails(2, {"/model/text_encoder/tokenizer/model", "referent tokenizer train"}));
}

}  // namespace
}  // namespace referent::testing
