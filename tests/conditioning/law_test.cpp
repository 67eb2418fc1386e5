// SPDX-License-Identifier: Apache-2.0
// VG-LAW's weights against a literal composition of its formulas.
#include "referent/conditioning/law.h"

#include <gtest/gtest.h>

#include <cmath>

#include "referent/core/error.h"
#include "referent/ops/conditional_linear.h"

namespace referent::conditioning {
namespace {

using torch::Tensor;

constexpr std::int64_t kWidth = 6;
constexpr std::int64_t kText = 8;
constexpr std::int64_t kRank = 3;

ConditioningConfig config(Variant variant) {
  ConditioningConfig config;
  config.type = Type::kLaw;
  config.variant = variant;
  config.rank = kRank;
  config.generator_heads = 2;
  config.generator_reduction = 2;
  return config;
}

class LawTest : public ::testing::TestWithParam<Variant> {
 protected:
  void SetUp() override {
    torch::manual_seed(1);
    torch::set_default_dtype(caffe2::TypeMeta::Make<double>());
    law_ = make_law(config(GetParam()), {{}, "blocks", 2, kWidth}, kText);
    const torch::NoGradGuard no_grad;
    for (auto& item : law_->named_parameters()) {
      item.value().uniform_(-1, 1);
      parameters_.emplace(item.key(), item.value());
    }
    text_.tokens = torch::randn({2, 5, kText});
    text_.padding = torch::zeros({2, 5}, torch::kBool);
    text_.padding[1].narrow(0, 3, 2).fill_(true);
  }
  void TearDown() override { torch::set_default_dtype(caffe2::TypeMeta::Make<float>()); }

  Tensor p(const std::string& name) const { return parameters_.at(name); }

  /// M of sample b and layer i.
  Tensor core(std::int64_t layer, std::int64_t b) const {
    const std::int64_t real = b == 0 ? 5 : 3;
    const Tensor tokens = text_.tokens[b].narrow(0, 0, real);  // [L, T]
    std::vector<Tensor> heads;
    for (std::int64_t h = 0; h < 2; ++h) {
      const Tensor keys = tokens.narrow(1, 4 * h, 4);
      const Tensor query = p("layer_embedding")[layer][0].narrow(0, 4 * h, 4);
      Tensor logits = keys.mv(query);
      if (GetParam() == Variant::kReleased) logits = logits / std::sqrt(4.0);
      heads.push_back(keys.t().mv(logits.softmax(0)));
    }
    const std::string phi = fmt::format("proj.{}.", layer);
    Tensor x = torch::linear(torch::cat(heads), p(phi + "0.weight"), p(phi + "0.bias"));
    if (GetParam() == Variant::kReleased) {
      x = (x - x.mean()) / (x.var(/*unbiased=*/false) + 1e-7).sqrt() * p(phi + "1.weight") +
          p(phi + "1.bias");
    }
    return torch::linear(torch::gelu(x), p(phi + "3.weight"), p(phi + "3.bias"))
        .view({kRank, kRank});
  }

  /// W0 + P M Q^T of sample b.
  Tensor weight(const Tensor& base, std::int64_t layer, std::int64_t b) const {
    return base + p("S").squeeze(-1).mm(core(layer, b)).mm(p("D").squeeze(-1));
  }

  std::shared_ptr<Conditioning> law_;
  std::map<std::string, Tensor> parameters_;
  TextFeatures text_;
};

TEST_P(LawTest, UpdatesTheFusedProjection) {
  const Tensor x = torch::randn({2, 7, kWidth});
  const Tensor base = torch::randn({3 * kWidth, kWidth});
  for (std::int64_t layer = 0; layer < 2; ++layer) {
    const auto update = law_->layer(layer, text_)->fused_attention(x, base);
    const Tensor y = ops::conditional_linear(x, base, Tensor(), update);
    for (std::int64_t b = 0; b < 2; ++b) {
      EXPECT_TRUE(torch::allclose(y[b], x[b].mm(weight(base, layer, b).t()), 1e-9, 1e-9));
    }
  }
}

TEST_P(LawTest, EachThirdReadsWhatItsProjectionReads) {
  const Tensor x = torch::randn({2, 7, kWidth});
  const Tensor position = torch::randn({2, 7, kWidth});
  const Tensor base = torch::randn({3 * kWidth, kWidth});
  const auto update = law_->layer(0, text_)->attention(x, position, base);
  const auto check = [&](std::int64_t third, const ops::LowRankUpdate& got, const Tensor& input) {
    const Tensor own = base.narrow(0, third * kWidth, kWidth);
    const Tensor y = ops::conditional_linear(input, own, Tensor(), got);
    for (std::int64_t b = 0; b < 2; ++b) {
      const Tensor adapted = weight(base, 0, b).narrow(0, third * kWidth, kWidth);
      EXPECT_TRUE(torch::allclose(y[b], input[b].mm(adapted.t()), 1e-9, 1e-9)) << third;
    }
  };
  check(0, update.query.value(), x + position);
  check(1, update.key.value(), x + position);
  check(2, update.value.value(), x);
}

TEST_P(LawTest, LeavesTheMlpAndConvolutionsAsTheyAre) {
  EXPECT_FALSE(law_->layer(0, text_)->mlp(torch::randn({2, 7, kWidth})).has_value());
  EXPECT_EQ(law_->block(0, text_), nullptr);
}

INSTANTIATE_TEST_SUITE_P(Variants, LawTest, ::testing::Values(Variant::kReleased, Variant::kPaper));

TEST(LawInitTest, TheReleasedGeneratorStartsWithoutUpdateAndThePapersWithOne) {
  torch::manual_seed(2);
  TextFeatures text;
  text.tokens = torch::randn({1, 4, kText});
  text.padding = torch::zeros({1, 4}, torch::kBool);
  for (const Variant variant : {Variant::kReleased, Variant::kPaper}) {
    const auto law = make_law(config(variant), {{}, "blocks", 1, kWidth}, kText);
    const auto update = law->layer(0, text)->fused_attention({}, {});
    EXPECT_EQ(update.core.abs().max().item<float>() == 0.0F, variant == Variant::kReleased);
  }
}

TEST(LawInitTest, RefusesHeadsThatDoNotDivideTheText) {
  ConditioningConfig three = config(Variant::kReleased);
  three.generator_heads = 3;
  EXPECT_THROW(make_law(three, {{}, "blocks", 1, kWidth}, kText), ConfigError);
}

}  // namespace
}  // namespace referent::conditioning
