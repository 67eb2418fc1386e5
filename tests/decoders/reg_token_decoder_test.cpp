// SPDX-License-Identifier: Apache-2.0
#include "referent/decoders/reg_token_decoder.h"

#include <gtest/gtest.h>

#include "referent/batch/probe.h"
#include "referent/nn/sine_position.h"

namespace referent::decoders {
namespace {

using torch::Tensor;

TEST(RegTokenDecoderTest, ValuesTellTheirPositionOnRequest) {
  torch::manual_seed(1);
  const torch::NoGradGuard no_grad;
  TextFeatures text;
  text.tokens = torch::randn({2, 3, 8});
  text.padding = torch::zeros({2, 3}, torch::kBool);
  VisualFeatures visual;
  visual.tokens = torch::randn({2, 3 * 5, 4});
  visual.height = 3;
  visual.width = 5;
  Tensor padding = torch::zeros({2, 3, 5}, torch::kBool);
  padding[1].narrow(0, 2, 1).fill_(true);  // the last row
  visual.padding = padding.flatten(1);

  for (const bool position_in_values : {false, true}) {
    DecoderConfig config;
    config.transformer = {.layers = 1, .width = 8, .heads = 2, .feedforward = 8};
    config.position_in_values = position_in_values;
    RegTokenDecoder decoder(config, {/*visual_width=*/4, /*visual_tokens=*/15, /*text_width=*/8,
                                     /*text_tokens=*/3});
    ProbeRecorder recorder;
    EXPECT_EQ(decoder.forward(text, visual).sizes(), torch::IntArrayRef({2, 8}));
    auto p = decoder.named_parameters();
    const Tensor values =
        position_in_values ? visual.tokens + nn::sine_position(padding, 4) : visual.tokens;
    EXPECT_TRUE(torch::allclose(recorder.tensors().at("decoder.visu_proj"),
                                torch::linear(values, p["visu_proj.weight"], p["visu_proj.bias"]),
                                1e-5, 1e-6))
        << position_in_values;
  }
}

}  // namespace
}  // namespace referent::decoders
