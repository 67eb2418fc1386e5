// SPDX-License-Identifier: Apache-2.0
#include "referent/inference/torchscript.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/jit/serialization/import.h>

#include "models/tiny.h"
#include "referent/batch/normalise.h"
#include "referent/core/error.h"
#include "referent/data/scenes.h"
#include "referent/inference/build.h"
#include "referent/inference/predictor.h"
#include "referent/loader/collate.h"
#include "referent/models/state.h"
#include "referent/text/config.h"
#include "referent/text/sentence_piece.h"
#include "support/tiny_run.h"

namespace referent::inference {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// A model and what its configuration changes.
struct Case {
  const char* name;
  std::function<void(engine::RunConfig&)> change;
};

class TorchScriptTest : public ::testing::TestWithParam<Case> {
 protected:
  static void SetUpTestSuite() {
    // Brings libsentencepiece into the process, which must leave LibTorch's executor its lock
    // (src/text/pieces/border.h).
    const std::vector<std::string> texts{"the red star", "the blue circle"};
    ASSERT_FALSE(text::train_sentence_piece(texts, 20, text::SentencePieceType::kUnigram).empty());
  }

  void SetUp() override {
    engine::RunConfig config = testing::tiny_config(folder_.path());
    GetParam().change(config);
    torch::manual_seed(3);
    checkpoint_.tensors = models::state_bytes(*build_model(config));
    checkpoint_.config = engine::dump_run_config(config);
    checkpoint_.vocabulary = text::carried_vocabulary(config.model.text_encoder.tokenizer);
    checkpoint::write_checkpoint(at("model.safetensors"), checkpoint_);
    write_torchscript(at("model.pt"), checkpoint_, "the checkpoint");
  }

  Path at(const std::string& name) const { return folder_.path() / name; }

  /// A scene with padding above and below, and a short expression.
  static Batch batch_of(const Predictor& predictor, const char* expression) {
    image::Image wide(64, 40);
    const image::Image scene = data::make_scene({.size = 64}, 1).image;
    std::copy_n(scene.pixels.begin(), wide.pixels.size(), wide.pixels.begin());
    data::Example example;
    example.expression = expression;
    RandomStream unused(0);
    const data::Sample sample = predictor.transform()(example, wide, unused);
    Batch batch = loader::collate(std::span(&sample, 1), predictor.config().data.text.length,
                                  predictor.tokenizer().pad_id());
    return batch.to(torch::kCPU);
  }

  testing::TemporaryFolder folder_;
  checkpoint::Checkpoint checkpoint_;
};

TEST_P(TorchScriptTest, GivesThePredictorsOutput) {
  const Predictor predictor(at("model.safetensors"));
  torch::jit::Module loaded = torch::jit::load(at("model.pt"));
  for (const char* expression : {"red", "the large star on the left of the blue one"}) {
    const Batch batch = batch_of(predictor, expression);
    const Output expected = predictor.forward(batch);
    const Tensor images = normalised_images(batch.images, batch.image_padding);
    const c10::IValue found =
        loaded.forward({images, batch.image_padding, batch.tokens, batch.token_padding});
    const bool both = found.isTuple();
    ASSERT_EQ(both, expected.mask_logits.defined());
    const auto boxes = both ? found.toTuple()->elements()[0].toTensor() : found.toTensor();
    EXPECT_LT((boxes - expected.boxes).abs().max().item<float>(), 1e-5F) << expression;
    if (!both) continue;
    const auto masks = found.toTuple()->elements()[1].toTensor();
    EXPECT_LT((masks - expected.mask_logits).abs().max().item<float>(), 1e-3F) << expression;
  }
}

TEST_P(TorchScriptTest, IsMadeOfAtenOperatorsAndNativeNames) {
  torch::jit::ExtraFilesMap extra{{"config.json", ""}, {"vocabulary.txt", ""}};
  const torch::jit::Module loaded = torch::jit::load(at("model.pt"), torch::kCPU, extra);
  const std::string graph = loaded.get_method("forward").graph()->toString();
  EXPECT_THAT(graph, HasSubstr("aten::"));
  EXPECT_THAT(graph, Not(HasSubstr("referent::")));
  EXPECT_THAT(graph, Not(HasSubstr("mkldnn::")));
  EXPECT_EQ(extra["config.json"], checkpoint_.config);
  EXPECT_EQ(extra["vocabulary.txt"], checkpoint_.vocabulary);
  std::size_t tensors = 0;
  for (const auto& item : loaded.named_parameters()) {
    EXPECT_TRUE(checkpoint_.tensors.contains(item.name)) << item.name;
    ++tensors;
  }
  for (const auto& item : loaded.named_buffers()) {
    EXPECT_TRUE(checkpoint_.tensors.contains(item.name)) << item.name;
    ++tensors;
  }
  EXPECT_EQ(tensors, checkpoint_.tensors.size());
}

void without_conditioning(engine::RunConfig& config) {
  config.model.conditioning.type = conditioning::Type::kNone;
}

void law_with_masks(engine::RunConfig& config) {
  config.model.conditioning =
      testing::tiny_vit_model(conditioning::Type::kLaw, conditioning::Variant::kReleased)
          .conditioning;
  config.model.heads.mask = decoders::MaskHeadConfig{.width = 8, .threshold = 0.5};
}

void vg_law(engine::RunConfig& config) {
  law_with_masks(config);
  config.model.visual_encoder =
      testing::tiny_vit_model(conditioning::Type::kLaw, conditioning::Variant::kReleased)
          .visual_encoder;
  config.model.decoder.type = "language_pooling";
  config.model.text_encoder.projection = false;
}

INSTANTIATE_TEST_SUITE_P(Models, TorchScriptTest,
                         ::testing::Values(Case{"Mmca", [](engine::RunConfig&) {}},
                                           Case{"TransVg", &without_conditioning},
                                           Case{"LawWithMasks", &law_with_masks},
                                           Case{"VgLaw", &vg_law}),
                         [](const auto& instance) { return instance.param.name; });

TEST(TorchScriptFileTest, ACheckpointWithoutConfigurationIsRefused) {
  const testing::TemporaryFolder folder;
  EXPECT_THROW(write_torchscript(folder.path() / "a.pt", {}, "bare"), CheckpointError);
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "a.pt"));
}

}  // namespace
}  // namespace referent::inference
