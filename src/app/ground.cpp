// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "referent/app/commands.h"
#include "referent/core/error.h"
#include "referent/core/log.h"
#include "referent/formats/rle_json.h"
#include "referent/image/decode.h"
#include "referent/image/draw.h"
#include "referent/image/encode.h"
#include "referent/image/mask.h"
#include "referent/inference/build.h"
#include "referent/inference/predictor.h"
#include "referent/text/expression.h"
#include "referent/text/utf8.h"

namespace referent::app {
namespace {

using Json = nlohmann::ordered_json;

void check_expressions(const std::vector<std::string>& expressions) {
  if (expressions.empty()) throw ConfigError("ground: what should be found? Give an expression");
  for (const std::string& expression : expressions) {
    if (expression.find_first_not_of(" \t\r\n\f\v") == std::string::npos) {
      throw ConfigError("ground: an expression is empty");
    }
    if (const auto offset = text::find_invalid_utf8(expression)) {
      throw ConfigError("ground: an expression is not UTF-8: its byte {} begins no character",
                        *offset);
    }
  }
}

/// An expression that is too long is grounded by its beginning; whoever asked should know.
void warn_of_truncation(const std::vector<std::string>& expressions,
                        const inference::Predictor& predictor) {
  const std::int64_t length = predictor.config().data.text.length;
  for (const std::string& expression : expressions) {
    if (!text::encode_expression(predictor.tokenizer(), expression, length).truncated) continue;
    log::warning(
        "the model reads {} tokens of an expression; what is beyond them in \"{}\" is "
        "ignored",
        length, expression);
  }
}

/// Asked before any work: a model without mask head makes no masks.
void check_mask_head(const GroundOptions& options, const inference::Predictor& predictor) {
  if (!options.mask || predictor.has_mask_head()) return;
  throw CheckpointError(
      "{}: this model has no mask head, so that it finds boxes only: leave out --mask, or train "
      "one with model.heads.mask",
      options.checkpoint.string());
}

std::string predictions_json(const GroundOptions& options, const image::Image& image,
                             std::span<const Prediction> predictions) {
  Json list = Json::array();
  for (const Prediction& prediction : predictions) {
    const image::Box& box = prediction.box;
    list.push_back({{"image", options.image.string()},
                    {"expression", prediction.expression},
                    {"width", image.width},
                    {"height", image.height},
                    {"box", {box.x1, box.y1, box.x2, box.y2}},
                    {"score", prediction.score ? Json(*prediction.score) : Json(nullptr)}});
    if (options.mask) list.back()["mask"] = formats::rle_json(prediction.mask.value());
  }
  return Json({{"schema_version", 1}, {"predictions", std::move(list)}, {"errors", Json::array()}})
      .dump(2, ' ', false, Json::error_handler_t::replace);
}

/// One picture with every box, and mask where it is asked for; a folder gets it under the name of
/// the input.
void draw(const GroundOptions& options, const image::Image& image,
          std::span<const Prediction> predictions) {
  std::vector<image::Annotation> annotations;
  for (const Prediction& prediction : predictions) {
    annotations.push_back({.box = prediction.box, .label = prediction.expression});
    if (options.mask) annotations.back().mask = image::mask_of(prediction.mask.value());
  }
  const Path file = std::filesystem::is_directory(options.out)
                        ? options.out / options.image.stem().concat(".png")
                        : options.out;
  image::save_image(file, image::draw_annotations(image, annotations));
  log::info("wrote {}", file.string());
}

}  // namespace

int run_ground(const GroundOptions& options, const CommonOptions& common) {
  check_expressions(options.expressions);
  const image::Image image = image::decode_file(options.image, image::Orientation::kApply);
  const inference::Predictor predictor(
      options.checkpoint,
      {.device = inference::parse_device(common.device), .weights = common.weights});
  check_mask_head(options, predictor);
  warn_of_truncation(options.expressions, predictor);
  std::vector<inference::Query> queries;
  for (const std::string& expression : options.expressions) queries.push_back({&image, expression});
  const std::vector<Prediction> predictions = predictor.ground(queries);
  if (!options.out.empty()) draw(options, image, predictions);
  if (common.json) {
    fmt::print("{}\n", predictions_json(options, image, predictions));
    return 0;
  }
  for (const Prediction& prediction : predictions) {
    fmt::print("{:.1f} {:.1f} {:.1f} {:.1f}  {}{}\n", prediction.box.x1, prediction.box.y1,
               prediction.box.x2, prediction.box.y2, prediction.expression,
               options.mask
                   ? fmt::format("  ({} pixels)", formats::rle_area(prediction.mask.value()))
                   : "");
  }
  return 0;
}

}  // namespace referent::app
