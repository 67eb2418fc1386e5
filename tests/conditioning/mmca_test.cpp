// SPDX-License-Identifier: Apache-2.0
// Both variants of MMCA against literal compositions of their formulas.
#include "referent/conditioning/mmca.h"

#include <gtest/gtest.h>

#include "referent/nn/attention.h"
#include "referent/ops/conditional_linear.h"

namespace referent::conditioning {
namespace {

using torch::Tensor;

constexpr std::int64_t kWidth = 12;
constexpr std::int64_t kChannels = 10;
constexpr std::int64_t kInner = 6;

ConditioningConfig config(Variant variant) {
  ConditioningConfig config;
  config.type = Type::kMmca;
  config.variant = variant;
  config.rank = 4;
  config.gate_width = 8;
  config.gate_hidden = 5;
  return config;
}

Sites sites() {
  return {{{"backbone.layer2", kChannels, kInner}}, "encoder.layers", 1, kWidth};
}

class MmcaTest : public ::testing::TestWithParam<Variant> {
 protected:
  void SetUp() override {
    torch::manual_seed(1);
    torch::set_default_dtype(caffe2::TypeMeta::Make<double>());
    mmca_ = make_mmca(config(GetParam()), sites(), kWidth);
    const torch::NoGradGuard no_grad;
    for (auto& item : mmca_->named_parameters()) {
      item.value().uniform_(-1, 1);
      parameters_.emplace(item.key(), item.value());
    }
    text_.mean = torch::randn({2, kWidth});
  }
  void TearDown() override { torch::set_default_dtype(caffe2::TypeMeta::Make<float>()); }

  Tensor p(const std::string& name) const { return parameters_.at(name); }

  /// c = E_mm W_g + b of the adapter `site`.
  Tensor core(const std::string& site, const Tensor& visual_mean) const {
    const std::string gate = site + ".gate_fusion.";
    const Tensor v = visual_mean.mm(p(gate + "visual_linear_static_down.weight").flatten(1).t());
    const Tensor t = text_.mean.mm(p(gate + "textual_linear_static_down.weight").t());
    const std::string mlp = gate + "mm_feat_embed_transform.";
    const Tensor hidden = torch::relu(torch::linear(v + t, p(mlp + "0.weight"), p(mlp + "0.bias")));
    const Tensor lambda =
        torch::sigmoid(torch::linear(hidden, p(mlp + "2.weight"), p(mlp + "2.bias")));
    const Tensor fused = GetParam() == Variant::kReleased ? t + lambda * v : lambda * t + v;
    return fused.mm(p(site + ".text_linear_w")) + p(site + ".text_linear_b");
  }

  /// U (c * D x).
  Tensor adapted(const std::string& site, const Tensor& x) const {
    const Tensor down = x.matmul(p(site + ".visual_linear_static_down.weight").t());
    const Tensor scaled = down * core(site, x.mean(1)).unsqueeze(1);
    return scaled.matmul(p(site + ".visual_linear_static_up.weight").t());
  }

  std::shared_ptr<Conditioning> mmca_;
  std::map<std::string, Tensor> parameters_;
  TextFeatures text_;
};

TEST_P(MmcaTest, UpdatesQueriesAndKeys) {
  const Tensor x = torch::randn({2, 7, kWidth});
  const Tensor position = torch::randn({2, 7, kWidth});
  const Tensor weight = torch::randn({3 * kWidth, kWidth});
  const nn::AttentionUpdate update = mmca_->layer(0, text_)->attention(x, position, weight);
  EXPECT_FALSE(update.value.has_value());

  const Tensor none;
  const auto check = [&](const std::string& leaf, const ops::LowRankUpdate& got, const Tensor& w) {
    const std::string site = "encoder.layers.0." + leaf;
    const Tensor y = ops::conditional_linear(x + position, w, none, got);
    const Tensor expected = GetParam() == Variant::kReleased
                                ? (x + position + adapted(site, x)).matmul(w.t())
                                : (x + position).matmul(w.t()) + adapted(site, x + position);
    EXPECT_TRUE(torch::allclose(y, expected, 1e-9, 1e-9)) << leaf;
  };
  check("q", update.query.value(), weight.narrow(0, 0, kWidth));
  check("k", update.key.value(), weight.narrow(0, kWidth, kWidth));
}

TEST_P(MmcaTest, UpdatesQueriesAndKeysOfAFusedProjectionAtOnce) {
  const Tensor x = torch::randn({2, 7, kWidth});
  const Tensor weight = torch::randn({3 * kWidth, kWidth});
  const auto update = mmca_->layer(0, text_)->fused_attention(x, weight);
  const Tensor y = ops::conditional_linear(x, weight, Tensor(), update);
  const auto third = [&](const Tensor& t, std::int64_t i) {
    return t.narrow(t.dim() == 3 ? 2 : 0, i * kWidth, kWidth);
  };
  const auto expected = [&](const std::string& site, const Tensor& w) {
    return GetParam() == Variant::kReleased ? (x + adapted(site, x)).matmul(w.t())
                                            : x.matmul(w.t()) + adapted(site, x);
  };
  const auto close = [&](std::int64_t i, const Tensor& value) {
    EXPECT_TRUE(torch::allclose(third(y, i), value, 1e-9, 1e-9)) << i;
  };
  close(0, expected("encoder.layers.0.q", third(weight, 0)));
  close(1, expected("encoder.layers.0.k", third(weight, 1)));
  close(2, x.matmul(third(weight, 2).t()));
}

TEST_P(MmcaTest, UpdatesTheMlpInThePaperOnly) {
  const Tensor x = torch::randn({2, 7, kWidth});
  const auto update = mmca_->layer(0, text_)->mlp(x);
  ASSERT_EQ(update.has_value(), GetParam() == Variant::kPaper);
  if (!update) return;
  const Tensor inner = torch::randn({2, 7, 20});
  const Tensor weight = torch::randn({kWidth, 20});
  EXPECT_TRUE(torch::allclose(ops::conditional_linear(inner, weight, Tensor(), *update),
                              inner.matmul(weight.t()) + adapted("encoder.layers.0.mlp", x), 1e-9,
                              1e-9));
}

TEST_P(MmcaTest, UpdatesTheBlockOrItsConvolution) {
  const bool released = GetParam() == Variant::kReleased;
  const std::int64_t channels = released ? kChannels : kInner;
  const Tensor x = torch::randn({2, channels, 5, 6});
  const Tensor y = torch::randn({2, channels, 5, 6});
  const auto conditioner = mmca_->block(0, text_);

  const std::string site = "backbone.layer2";
  const auto bias = [&](const char* leaf) { return released ? p(site + leaf) : Tensor(); };
  Tensor update = torch::conv2d(x, p(site + ".visual_conv_static_down.weight"),
                                bias(".visual_conv_static_down.bias"), 1, released ? 1 : 0);
  update = update * core(site, x.mean({2, 3})).unsqueeze(-1).unsqueeze(-1);
  update = torch::conv2d(update, p(site + ".visual_conv_static_up.weight"),
                         bias(".visual_conv_static_up.bias"), 1, released ? 0 : 1);
  EXPECT_TRUE(torch::allclose(released ? conditioner->block(x, y) : conditioner->convolution(x, y),
                              y + update, 1e-9, 1e-9));
  EXPECT_EQ(conditioner->updates_convolution(), !released);
  EXPECT_TRUE(released || torch::equal(conditioner->block(x, y), y));
}

INSTANTIATE_TEST_SUITE_P(Variants, MmcaTest,
                         ::testing::Values(Variant::kReleased, Variant::kPaper));

TEST(MmcaInitialisationTest, GatesStartAsTheirSourcesSay) {
  const auto released = make_mmca(config(Variant::kReleased), sites(), kWidth);
  const auto paper = make_mmca(config(Variant::kPaper), sites(), kWidth);
  const auto is_zero = [](Conditioning& module, const std::string& name) {
    return module.named_parameters()[name].abs().max().item<double>() == 0;
  };
  EXPECT_FALSE(is_zero(*released, "encoder.layers.0.q.text_linear_w"));
  EXPECT_TRUE(is_zero(*released, "backbone.layer2.text_linear_w"));
  EXPECT_TRUE(is_zero(*paper, "encoder.layers.0.q.text_linear_w"));
  EXPECT_TRUE(torch::equal(paper->named_parameters()["encoder.layers.0.q.text_linear_b"],
                           torch::ones({4})));
}

TEST(MmcaInitialisationTest, CoreWeightsTakeTheDeviationTheyAreTold) {
  ConditioningConfig wide = config(Variant::kReleased);
  wide.gate_width = 64;
  wide.core_deviation = 0.5;
  const auto parameters = make_mmca(wide, sites(), kWidth)->named_parameters();
  for (const char* site : {"encoder.layers.0.q", "backbone.layer2"}) {
    const Tensor weight = parameters[fmt::format("{}.text_linear_w", site)];
    EXPECT_NEAR(weight.std().item<double>(), 0.5, 0.1) << site;
  }
}

}  // namespace
}  // namespace referent::conditioning
