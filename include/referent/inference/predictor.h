// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "referent/batch/batch.h"
#include "referent/core/file.h"
#include "referent/data/transform.h"
#include "referent/engine/config.h"
#include "referent/image/image.h"
#include "referent/inference/plan.h"
#include "referent/models/model.h"
#include "referent/text/tokenizer.h"

namespace referent::inference {

/// Somebody else's 8-bit RGB pixels, row by row.
struct PixelView {
  const std::uint8_t* data = nullptr;
  std::int64_t width = 0;
  std::int64_t height = 0;
  std::int64_t stride = 0;  ///< bytes from one row to the next, at least 3 * width
};

/// One expression about one picture, which must outlive the call.
struct Query {
  const image::Image* image = nullptr;
  std::string expression;
};

/// A trained model, ready to ground expressions. Safe to call from many threads at once.
class Predictor {
 public:
  /// Reads a native checkpoint, which holds configuration and vocabulary too, and runs it as a
  /// Plan. Throws CheckpointError.
  explicit Predictor(const Path& checkpoint, const Plan::Options& options = {});

  /// Around a model that somebody else holds and may go on training; puts it into evaluation mode.
  Predictor(std::shared_ptr<models::Model> model, const engine::RunConfig& config,
            std::shared_ptr<const text::Tokenizer> tokenizer, torch::Device device = torch::kCPU);

  /// The box of what `expression` means, in the picture's pixels and inside it, and its mask where
  /// the model has a mask head. Throws DataError for an empty picture or expression and one that is
  /// not UTF-8.
  Prediction ground(const image::Image& image, std::string_view expression) const;
  Prediction ground(const PixelView& pixels, std::string_view expression) const;
  /// Reads a JPEG, PNG or WebP file, turned upright as its EXIF orientation says; box and mask are
  /// those of the upright picture.
  Prediction ground(const Path& file, std::string_view expression) const;
  /// Many at once, in batches of the configuration's eval.batch_size. A picture, by its address, is
  /// seen once for all expressions about it, which then go one after the other.
  std::vector<Prediction> ground(std::span<const Query> queries) const;

  /// The model's output for a batch; tensors are on the CPU.
  Output forward(const Batch& batch) const;

  bool has_mask_head() const { return config_.model.heads.mask.has_value(); }

  /// The mask that `output` of forward() gives sample number `index` of its batch, in the frame of
  /// the sample's original picture; nothing where the model has no mask head. The threshold is the
  /// mask head's.
  std::optional<formats::Rle> mask_of(const Output& output, std::int64_t index,
                                      const data::Sample& sample) const;

  /// The transform that makes the model's samples of examples.
  const data::Transform& transform() const { return *transform_; }
  const text::Tokenizer& tokenizer() const { return *tokenizer_; }
  const engine::RunConfig& config() const { return config_; }

 private:
  Predictor(const engine::RunConfig& config, std::shared_ptr<const text::Tokenizer> tokenizer,
            torch::Device device);

  data::Sample make_sample(const image::Image& image, std::string_view expression) const;
  Output finish(const Output& output, const Tensor& image_padding) const;
  Prediction prediction_of(const Output& output, std::int64_t index, const data::Sample& sample,
                           const std::string& expression) const;
  void ground_about_one(std::span<const Query> queries, std::span<const std::size_t> of_picture,
                        std::span<Prediction> predictions) const;

  engine::RunConfig config_;
  torch::Device device_;
  std::shared_ptr<models::Model> model_;  ///< null where there is a plan
  std::shared_ptr<const Plan> plan_;
  std::shared_ptr<const text::Tokenizer> tokenizer_;
  std::shared_ptr<const data::Transform> transform_;
};

/// A box of the model (cx, cy, w, h over the square, 0..1) in pixels of the sample's original
/// picture, cut to it.
image::Box to_original(const std::array<float, 4>& box, const data::Sample& sample);

}  // namespace referent::inference
