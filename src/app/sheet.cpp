// SPDX-License-Identifier: Apache-2.0
#include "sheet.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "referent/core/error.h"
#include "referent/core/log.h"
#include "referent/image/decode.h"
#include "referent/image/draw.h"
#include "referent/image/encode.h"
#include "referent/image/mask.h"
#include "referent/image/resample.h"

namespace referent::app {
namespace {

constexpr std::int64_t kCellWidth = 480;
constexpr std::int64_t kMaxCellHeight = 720;

/// 4, or what else fills whole rows with few columns.
std::int64_t columns_for(std::int64_t count) {
  for (const std::int64_t columns : {4, 5, 3, 6}) {
    if (count % columns == 0) return columns;
  }
  return std::min<std::int64_t>(count, 4);
}

/// In the middle of white.
image::Image as_wide_as_a_cell(const image::Image& picture) {
  image::Image cell(kCellWidth, picture.height);
  std::ranges::fill(cell.pixels, std::uint8_t{255});
  for (std::int64_t y = 0; y < picture.height; ++y) {
    std::copy_n(picture.row(y), 3 * picture.width,
                cell.row(y) + 3 * ((kCellWidth - picture.width) / 2));
  }
  return cell;
}

image::Image picture_of(const engine::SampleResult& result, const std::string& rank,
                        const Path& images) {
  std::error_code code;
  const bool elsewhere =
      !images.empty() && result.image.is_relative() && !std::filesystem::exists(result.image, code);
  // As the evaluator reads it: boxes are in pixels of the file.
  const image::Image file = image::decode_file(elsewhere ? images / result.image : result.image,
                                               image::Orientation::kIgnore);
  const double ratio =
      std::min(static_cast<double>(kCellWidth) / static_cast<double>(file.width),
               static_cast<double>(kMaxCellHeight) / static_cast<double>(file.height));
  const auto side = [ratio](std::int64_t of_file) {
    return std::max<std::int64_t>(std::llround(static_cast<double>(of_file) * ratio), 1);
  };
  const std::int64_t width = side(file.width);
  const std::int64_t height = side(file.height);
  const auto scaled = [ratio](const image::Box& box) {
    return image::Box{box.x1 * ratio, box.y1 * ratio, box.x2 * ratio, box.y2 * ratio};
  };
  std::vector<image::Annotation> annotations{
      {.box = scaled(result.target), .color = image::kTargetColor, .label = ""},
      {.box = scaled(result.box),
       .label = fmt::format("{}, IoU {:.2f}: {}", rank, result.iou, result.expression)}};
  if (result.mask) {
    annotations.back().mask =
        image::resize(image::mask_of(*result.mask), width, height, image::MaskResize::kPixelCentre);
  }
  // Scaled before it is drawn on, so that lines and letters are alike in all cells.
  return as_wide_as_a_cell(image::draw_annotations(
      image::resize(file, width, height, image::Filter::kBicubic), annotations));
}

}  // namespace

void write_sheet(const EvalOptions& options, std::span<const engine::Evaluation> evaluations) {
  std::vector<const engine::SampleResult*> ranked;
  for (const engine::Evaluation& evaluation : evaluations) {
    for (const engine::SampleResult& result : evaluation.results) ranked.push_back(&result);
  }
  std::ranges::stable_sort(ranked, [](const auto* a, const auto* b) { return a->iou > b->iou; });
  const auto total = static_cast<std::int64_t>(ranked.size());
  const std::int64_t count = std::min(options.sheet_count, std::max<std::int64_t>(total / 2, 1));
  const auto part = [&](std::int64_t first) {
    std::vector<image::Image> pictures;
    for (std::int64_t i = first; i < first + count; ++i) {
      pictures.push_back(picture_of(*ranked[static_cast<std::size_t>(i)],
                                    fmt::format("{} of {}", i + 1, total), options.images));
    }
    return image::contact_sheet(pictures, columns_for(count), kCellWidth);
  };
  image::Image sheet = part(0);  // both parts are equally wide
  const image::Image worst = part(total - count);
  sheet.pixels.insert(sheet.pixels.end(), worst.pixels.begin(), worst.pixels.end());
  sheet.height += worst.height;
  image::save_image(options.sheet, sheet);
  log::info("wrote {}", options.sheet.string());
}

}  // namespace referent::app
