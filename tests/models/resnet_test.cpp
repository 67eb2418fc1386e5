// SPDX-License-Identifier: Apache-2.0
#include "referent/encoders/resnet.h"

#include <gtest/gtest.h>

namespace referent::encoders {
namespace {

using torch::Tensor;

/// The gradients of a network's parameters.
std::vector<Tensor> gradients_of(ResNet& network, const Tensor& images) {
  network->zero_grad();
  network->forward(images, {}, nullptr).square().mean().backward();
  std::vector<Tensor> gradients;
  for (const Tensor& parameter : network->parameters()) {
    gradients.push_back(parameter.grad().to(torch::kFloat64));
  }
  return gradients;
}

TEST(ResNetTest, NetworksOfFewChannelsLearnAsInDouble) {
  for (const std::int64_t width : {8, 12, 16}) {
    torch::manual_seed(1);
    ResNetConfig config;
    config.depth = 18;
    config.stages = 2;
    config.width = width;
    config.normalisation = Normalisation::kFolded;
    config.frozen_stages = 0;
    ResNet network(config);
    network->train();
    const Tensor images = torch::randn({4, 3, 256, 256});
    const auto found = gradients_of(network, images.contiguous(torch::MemoryFormat::ChannelsLast));
    network->to(torch::kFloat64);
    const auto exact = gradients_of(network, images.to(torch::kFloat64));
    ASSERT_EQ(found.size(), exact.size());
    for (std::size_t i = 0; i < exact.size(); ++i) {
      // Here and there a ReLU turns between the two types.
      EXPECT_LE((found[i] - exact[i]).norm().item<double>(),
                1e-2 * exact[i].norm().item<double>() + 1e-12)
          << i << " of width " << width;
    }
  }
}

}  // namespace
}  // namespace referent::encoders
