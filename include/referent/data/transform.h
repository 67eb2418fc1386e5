// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>

#include "referent/core/random.h"
#include "referent/data/config.h"
#include "referent/data/example.h"
#include "referent/image/image.h"
#include "referent/text/tokenizer.h"

namespace referent::data {

/// Makes a decoded picture and its annotation into what a model takes. Safe to call from many
/// threads.
class Transform {
 public:
  virtual ~Transform() = default;

  /// `image` is the decoded file of `example`; `stream` is the example's own. Throws DataError when
  /// the expression is empty or not UTF-8, or the picture, the box or the mask cannot be used.
  virtual Sample operator()(const Example& example, image::Image image,
                            RandomStream& stream) const = 0;

  /// An expression alone, as the transform of evaluation reads it. Throws DataError likewise.
  virtual text::Encoded read(std::string_view expression) const = 0;
};

/// What every transform needs besides its own configuration.
struct TransformContext {
  ImageConfig image;
  TextConfig text;
  std::shared_ptr<const text::Tokenizer> tokenizer;
};

/// The transform of evaluation and inference: long side to the square's side, in the middle. Draws
/// nothing.
std::unique_ptr<Transform> make_evaluation_transform(const TransformContext& context);

/// The transform of training by `config.type`; AugmentType::kNone is that of evaluation.
std::unique_ptr<Transform> make_train_transform(const TransformContext& context,
                                                const AugmentConfig& config);

}  // namespace referent::data
