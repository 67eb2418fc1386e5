// SPDX-License-Identifier: Apache-2.0
#include "referent/data/transform.h"

#include <utility>

#include "referent/core/error.h"
#include "referent/data/released_augment.h"
#include "referent/data/simple_augment.h"
#include "referent/data/view.h"
#include "referent/text/expression.h"
#include "referent/text/utf8.h"

namespace referent::data {
namespace {

/// The frame of every transform: checks, what happens to the view, words to tokens.
class BaseTransform : public Transform {
 public:
  explicit BaseTransform(TransformContext context) : context_(std::move(context)) {
    REFERENT_CHECK(context_.tokenizer != nullptr, "a transform needs a tokenizer");
  }

  Sample operator()(const Example& example, image::Image image, RandomStream& stream) const final {
    check_expression(example.expression,
                     fmt::format("example {} ({})", example.id, example.image.string()));
    const std::int64_t width = image.width;
    const std::int64_t height = image.height;
    View view = make_view(example, std::move(image), context_.image.whole_pixel_boxes);
    if (context_.image.resize == ResizeFilter::kPlain) {
      view.filter = image::Filter::kPlainBilinear;
    }
    view.mask_resize = context_.image.mask_resize;
    Sample sample = apply(std::move(view), stream);
    sample.id = example.id;
    sample.original_width = width;
    sample.original_height = height;
    sample.tokens = encode(sample.expression);
    return sample;
  }

  text::Encoded read(std::string_view expression) const final {
    check_expression(expression, "a query");
    return encode(expression);
  }

 protected:
  virtual Sample apply(View view, RandomStream& stream) const = 0;

  std::int64_t size() const { return context_.image.size; }

  Sample place_in_middle(View view) const {
    const std::int64_t left = middle_offset(size() - view.image.width);
    const std::int64_t top = middle_offset(size() - view.image.height);
    return place(std::move(view), size(), left, top);
  }

 private:
  static void check_expression(std::string_view expression, const std::string& whose) {
    const std::string what = fmt::format("the expression of {}", whose);
    text::check_utf8(expression, what);
    if (expression.find_first_not_of(" \t\r\n\f\v") == std::string_view::npos) {
      throw DataError("{} is empty", what);
    }
  }

  text::Encoded encode(std::string_view expression) const {
    return text::encode_expression(*context_.tokenizer, expression, context_.text.length);
  }

  TransformContext context_;
};

class EvaluationTransform final : public BaseTransform {
 public:
  using BaseTransform::BaseTransform;

 protected:
  Sample apply(View view, RandomStream& /*stream*/) const override {
    resize_long_side(view, size());
    return place_in_middle(std::move(view));
  }
};

class ReleasedTransform final : public BaseTransform {
 public:
  ReleasedTransform(TransformContext context, const AugmentConfig& config)
      : BaseTransform(std::move(context)), augment_(config, size()) {}

 protected:
  Sample apply(View view, RandomStream& stream) const override {
    StreamDraws draws(stream);
    return augment_(std::move(view), draws);
  }

 private:
  ReleasedAugment augment_;
};

class SimpleTransform final : public BaseTransform {
 public:
  SimpleTransform(TransformContext context, SimpleAugmentConfig config)
      : BaseTransform(std::move(context)), config_(std::move(config)) {}

 protected:
  Sample apply(View view, RandomStream& stream) const override {
    resize_long_side(view, size());
    augment_simple(view, config_, stream);
    return place_in_middle(std::move(view));
  }

 private:
  SimpleAugmentConfig config_;
};

}  // namespace

std::unique_ptr<Transform> make_evaluation_transform(const TransformContext& context) {
  return std::make_unique<EvaluationTransform>(context);
}

std::unique_ptr<Transform> make_train_transform(const TransformContext& context,
                                                const AugmentConfig& config) {
  switch (config.type) {
    case AugmentType::kNone:
      return make_evaluation_transform(context);
    case AugmentType::kReleased:
      return std::make_unique<ReleasedTransform>(context, config);
    case AugmentType::kSimple:
      return std::make_unique<SimpleTransform>(context, config.simple);
  }
  throw std::logic_error("unknown augmentation");
}

}  // namespace referent::data
