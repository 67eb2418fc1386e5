// SPDX-License-Identifier: Apache-2.0
#include "referent/inference/predictor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "referent/checkpoint/checkpoint.h"
#include "referent/core/error.h"
#include "referent/data/scenes.h"
#include "referent/image/decode.h"
#include "referent/inference/build.h"
#include "referent/metrics/mask_metrics.h"
#include "referent/models/state.h"
#include "referent/text/config.h"
#include "support/tiny_run.h"

namespace referent::inference {
namespace {

class PredictorTest : public ::testing::Test {
 protected:
  /// A checkpoint of an untrained tiny model.
  static Path write_checkpoint(const Path& folder, bool masks = false) {
    engine::RunConfig config = testing::tiny_config(folder);
    if (masks) config.model.heads.mask = decoders::MaskHeadConfig{.width = 8, .threshold = 0.5};
    torch::manual_seed(3);
    checkpoint::Checkpoint checkpoint;
    checkpoint.tensors = models::state_bytes(*build_model(config));
    checkpoint.tensors.emplace("optimizer.box_head.layers.0.weight.exp_avg",
                               models::to_bytes(torch::ones({2})));
    checkpoint.config = engine::dump_run_config(config);
    checkpoint.vocabulary = text::carried_vocabulary(config.model.text_encoder.tokenizer);
    const Path path = folder / "model.safetensors";
    checkpoint::write_checkpoint(path, checkpoint);
    return path;
  }

  static image::Image picture() { return data::make_scene({.size = 96}, 1).image; }

  testing::TemporaryFolder folder_;
  Predictor predictor_{write_checkpoint(folder_.path())};
};

TEST_F(PredictorTest, BoxesLieInThePicture) {
  const image::Image scene = picture();
  image::Image wide(96, 30);  // padded above and below
  std::copy_n(scene.pixels.begin(), wide.pixels.size(), wide.pixels.begin());
  const Prediction prediction = predictor_.ground(wide, "the red circle");
  EXPECT_EQ(prediction.expression, "the red circle");
  EXPECT_FALSE(prediction.score.has_value());
  EXPECT_GE(prediction.box.x1, 0);
  EXPECT_GE(prediction.box.y1, 0);
  EXPECT_LE(prediction.box.x2, 96);
  EXPECT_LE(prediction.box.y2, 30);
  EXPECT_LT(prediction.box.x1, prediction.box.x2);
}

TEST_F(PredictorTest, WithoutMaskHeadThereIsNoMask) {
  EXPECT_FALSE(predictor_.has_mask_head());
  EXPECT_FALSE(predictor_.ground(picture(), "the red circle").mask.has_value());
}

TEST_F(PredictorTest, MasksAreThoseOfThePicture) {
  const Predictor predictor(write_checkpoint(folder_.path(), /*masks=*/true));
  EXPECT_TRUE(predictor.has_mask_head());
  image::Image wide(90, 30);
  std::fill(wide.pixels.begin(), wide.pixels.end(), std::uint8_t{90});
  const image::Image scene = picture();
  const std::vector<Query> queries = {
      {&wide, "star"}, {&scene, "the red circle"}, {&wide, "blue"}, {&scene, "top"}};
  const std::vector<Prediction> predictions = predictor.ground(queries);  // batches of three
  for (std::size_t i = 0; i < queries.size(); ++i) {
    ASSERT_TRUE(predictions[i].mask.has_value());
    EXPECT_EQ(predictions[i].mask->width, queries[i].image->width);
    EXPECT_EQ(predictions[i].mask->height, queries[i].image->height);
    EXPECT_NO_THROW(formats::check_rle(*predictions[i].mask));
    const Prediction one = predictor.ground(*queries[i].image, queries[i].expression);
    EXPECT_GT(metrics::mask_iou(metrics::mask_overlap(*one.mask, *predictions[i].mask)), 0.99F);
  }
}

TEST_F(PredictorTest, ATurnedPhotoHasTheMaskAndBoxOfItsUprightPixels) {
  const testing::TemporaryFolder folder;
  const Predictor predictor(write_checkpoint(folder.path(), /*masks=*/true));
  const Path photo = Path(REFERENT_SOURCE_DIR) / "tests/golden/image/orientation6.jpg";
  const image::Image upright = image::decode_file(photo, image::Orientation::kApply);
  ASSERT_NE(upright.width, upright.height);
  const Prediction turned = predictor.ground(photo, "the red circle");
  const Prediction expected = predictor.ground(upright, "the red circle");
  ASSERT_TRUE(turned.mask.has_value());
  EXPECT_EQ(turned.mask, expected.mask);
  EXPECT_EQ(turned.box.x1, expected.box.x1);
  EXPECT_EQ(turned.box.y2, expected.box.y2);
}

TEST_F(PredictorTest, RawPixelsOfAnyStrideGiveTheSame) {
  const image::Image scene = picture();
  std::vector<std::uint8_t> rows;
  for (std::int64_t y = 0; y < scene.height; ++y) {
    rows.insert(rows.end(), scene.row(y), scene.row(y) + 3 * scene.width);
    rows.insert(rows.end(), 17, 0xAA);
  }
  const PixelView view{rows.data(), scene.width, scene.height, 3 * scene.width + 17};
  EXPECT_EQ(predictor_.ground(view, "star").box, predictor_.ground(scene, "star").box);
}

/// What is shared between queries changes no answer.
void expect_what_single_calls_give(const Predictor& predictor, std::span<const Query> queries) {
  const std::vector<Prediction> many = predictor.ground(queries);
  ASSERT_EQ(many.size(), queries.size());
  for (std::size_t i = 0; i < queries.size(); ++i) {
    const Prediction one = predictor.ground(*queries[i].image, queries[i].expression);
    EXPECT_EQ(many[i].expression, queries[i].expression);
    EXPECT_NEAR(many[i].box.x1, one.box.x1, 1e-3) << i;
    EXPECT_NEAR(many[i].box.y1, one.box.y1, 1e-3) << i;
    EXPECT_NEAR(many[i].box.x2, one.box.x2, 1e-3) << i;
    EXPECT_NEAR(many[i].box.y2, one.box.y2, 1e-3) << i;
  }
}

TEST_F(PredictorTest, TheTenthExpressionAboutAPictureGivesWhatASingleCallGives) {
  const image::Image scene = picture();
  std::vector<Query> queries;
  for (const char* expression :
       {"the red circle", "the large star on the left", "blue", "the square above the triangle",
        "top", "a", "the small green shape right of the yellow one", "circle", "bottommost shape",
        "the orange square"}) {
    queries.push_back({&scene, expression});
  }
  expect_what_single_calls_give(predictor_, queries);  // seen once
}

TEST_F(PredictorTest, OneExpressionAboutManyPicturesGivesWhatSingleCallsGive) {
  std::vector<image::Image> scenes;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    scenes.push_back(data::make_scene({.size = 96}, seed).image);
  }
  std::vector<Query> queries;
  for (const image::Image& scene : scenes) queries.push_back({&scene, "the red circle"});
  expect_what_single_calls_give(predictor_, queries);  // batches of three
}

TEST_F(PredictorTest, AskingInBFloat16MovesBoxesLittle) {
  const Predictor low(folder_.path() / "model.safetensors", {.dtype = torch::kBFloat16});
  const image::Image scene = picture();
  for (const char* expression : {"the red circle", "star", "blue"}) {
    const Prediction expected = predictor_.ground(scene, expression);
    const Prediction found = low.ground(scene, expression);
    EXPECT_NE(found.box, expected.box);
    EXPECT_NEAR(found.box.x1, expected.box.x1, 1.0);
    EXPECT_NEAR(found.box.y2, expected.box.y2, 1.0);
  }
}

TEST_F(PredictorTest, ManyThreadsMayCallAtOnce) {
  const image::Image scene = picture();
  const std::vector<std::string> expressions = {"red", "the blue star", "left circle", "top"};
  std::vector<image::Box> expected;
  for (const std::string& expression : expressions) {
    expected.push_back(predictor_.ground(scene, expression).box);
  }
  std::vector<std::thread> threads;
  std::vector<int> equal(4, 0);
  for (std::size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      at::set_num_threads(1);
      for (std::size_t i = 0; i < 8; ++i) {
        const std::size_t k = (t + i) % expressions.size();
        equal[t] += predictor_.ground(scene, expressions[k]).box == expected[k] ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(equal, ::testing::Each(8));
}

TEST_F(PredictorTest, RefusesWhatCannotBeGrounded) {
  EXPECT_THROW(predictor_.ground(picture(), "  "), DataError);
  EXPECT_THROW(predictor_.ground(picture(), "\xff"), DataError);
  EXPECT_THROW(predictor_.ground(image::Image(), "star"), DataError);
  EXPECT_THROW(predictor_.ground(folder_.path() / "absent.png", "star"), DataError);
}

TEST_F(PredictorTest, ACheckpointWithoutConfigurationIsNamed) {
  const Path path = folder_.path() / "bare.safetensors";
  checkpoint::Checkpoint bare;
  bare.tensors.emplace("a", models::to_bytes(torch::ones({2})));
  checkpoint::write_checkpoint(path, bare);
  try {
    const Predictor predictor(path);
    ADD_FAILURE() << "no error";
  } catch (const CheckpointError& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("holds no configuration"));
  }
}

TEST(ToOriginalTest, UndoesScaleAndPaddingAndCutsToThePicture) {
  data::Sample sample;
  sample.size = 64;
  sample.scale = 0.5;  // 128 x 80 became 64 x 40
  sample.top = 12;
  sample.original_width = 128;
  sample.original_height = 80;
  const image::Box inside = to_original({0.5F, 0.5F, 0.25F, 0.25F}, sample);
  EXPECT_EQ(inside, (image::Box{48, 24, 80, 56}));
  const image::Box outside = to_original({0.5F, 0.5F, 1.0F, 1.0F}, sample);
  EXPECT_EQ(outside, (image::Box{0, 0, 128, 80}));
}

TEST(ParseDeviceTest, KnowsItsNames) {
  EXPECT_TRUE(parse_device("cpu").is_cpu());
  EXPECT_THROW(parse_device("gpu"), ConfigError);
  EXPECT_THROW(parse_device("cuda:99"), DeviceError);
}

}  // namespace
}  // namespace referent::inference
