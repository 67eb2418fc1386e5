// SPDX-License-Identifier: Apache-2.0
// Pictures of every kind that a user may have: `data check` lists what is wrong with them, the
// decoder and the transform of evaluation never crash, and a box keeps its place.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>

#include "referent/core/error.h"
#include "referent/core/file.h"
#include "referent/data/check.h"
#include "referent/data/transform.h"
#include "referent/image/decode.h"
#include "referent/image/encode.h"
#include "referent/text/config.h"
#include "support/temporary_folder.h"
#include "support/turned_jpeg.h"

namespace referent::data {
namespace {

const Path kPictures = Path(REFERENT_SOURCE_DIR) / "tests" / "golden" / "image";

/// A green rectangle on grey.
image::Image marked_picture(std::int64_t width, std::int64_t height, const image::Box& box) {
  image::Image result(width, height);
  for (std::int64_t y = 0; y < height; ++y) {
    for (std::int64_t x = 0; x < width; ++x) {
      const auto px = static_cast<double>(x);
      const auto py = static_cast<double>(y);
      const bool inside = px >= box.x1 && px < box.x2 && py >= box.y1 && py < box.y2;
      std::uint8_t* pixel = result.row(y) + 3 * x;
      pixel[0] = inside ? 0 : 120;
      pixel[1] = inside ? 255 : 120;
      pixel[2] = inside ? 0 : 120;
    }
  }
  return result;
}

/// Around the green pixels.
image::Box find_mark(const image::Image& picture) {
  image::Box box{1e9, 1e9, -1, -1};
  for (std::int64_t y = 0; y < picture.height; ++y) {
    for (std::int64_t x = 0; x < picture.width; ++x) {
      const std::uint8_t* pixel = picture.row(y) + 3 * x;
      if (pixel[1] < 180 || pixel[0] > 70) continue;
      box = {std::min(box.x1, static_cast<double>(x)), std::min(box.y1, static_cast<double>(y)),
             std::max(box.x2, static_cast<double>(x + 1)),
             std::max(box.y2, static_cast<double>(y + 1))};
    }
  }
  return box;
}

double distance(const image::Box& a, const image::Box& b) {
  return std::max(
      {std::abs(a.x1 - b.x1), std::abs(a.y1 - b.y1), std::abs(a.x2 - b.x2), std::abs(a.y2 - b.y2)});
}

/// The same place in the stored pixels of a picture that EXIF turns, which is `width` x `height`
/// upright.
image::Box stored_box(const image::Box& b, std::uint8_t orientation, double width, double height) {
  const image::Box mirrored{width - b.x2, b.y1, width - b.x1, b.y2};
  const auto flip_y = [height](const image::Box& box) {
    return image::Box{box.x1, height - box.y2, box.x2, height - box.y1};
  };
  const auto transpose = [](const image::Box& box) {
    return image::Box{box.y1, box.x1, box.y2, box.x2};
  };
  switch (orientation) {
    case 2:
      return mirrored;
    case 3:
      return flip_y(mirrored);
    case 4:
      return flip_y(b);
    case 5:
      return transpose(b);
    case 6:
      return transpose(mirrored);
    case 7:
      return transpose(flip_y(mirrored));
    case 8:
      return transpose(flip_y(b));
    default:
      return b;
  }
}

std::unique_ptr<Transform> evaluation_transform(std::int64_t size) {
  TransformContext context;
  context.image.size = size;
  context.image.whole_pixel_boxes = false;
  context.tokenizer = text::make_tokenizer({});
  return make_evaluation_transform(context);
}

/// What a model that finds the target exactly would answer: the target of the square, taken back to
/// the original picture.
image::Box taken_back(const Sample& sample) {
  const auto side = static_cast<double>(sample.size);
  const double cx = sample.target[0] * side;
  const double cy = sample.target[1] * side;
  const double w = sample.target[2] * side;
  const double h = sample.target[3] * side;
  const auto x = [&](double at) { return (at - static_cast<double>(sample.left)) / sample.scale; };
  const auto y = [&](double at) { return (at - static_cast<double>(sample.top)) / sample.scale; };
  return {x(cx - w / 2), y(cy - h / 2), x(cx + w / 2), y(cy + h / 2)};
}

TEST(OddPicturesTest, EveryExifOrientationKeepsTheBoxInBothFrames) {
  constexpr std::int64_t kWidth = 120;
  constexpr std::int64_t kHeight = 80;
  const image::Box upright{16, 24, 56, 64};
  const testing::TemporaryFolder folder;
  const auto transform = evaluation_transform(64);
  double worst = 0;
  for (std::uint8_t orientation = 1; orientation <= 8; ++orientation) {
    const bool transposed = orientation >= 5;
    const image::Box stored = stored_box(upright, orientation, kWidth, kHeight);
    const image::Image pixels = transposed ? marked_picture(kHeight, kWidth, stored)
                                           : marked_picture(kWidth, kHeight, stored);
    const Path file = folder.path() / fmt::format("{}.jpg", orientation);
    write_file(file, testing::turned_jpeg(pixels, orientation));
    EXPECT_EQ(image::read_image_facts(read_file(file), "x").orientation, orientation);
    // Prediction shows photos as people see them; data sets are in the stored pixels.
    for (const auto& [frame, box] : {std::pair{image::Orientation::kApply, upright},
                                     std::pair{image::Orientation::kIgnore, stored}}) {
      const image::Image decoded = image::decode_file(file, frame);
      worst = std::max(worst, distance(find_mark(decoded), box));
      RandomStream unused(0);
      const Sample sample = (*transform)(Example{"0", file, "green", box}, decoded, unused);
      worst = std::max(worst, distance(taken_back(sample), box));
    }
  }
  std::printf("8 EXIF orientations in both frames: largest error of a box %.3f pixels\n", worst);
  EXPECT_LE(worst, 1.0);
}

TEST(OddPicturesTest, EveryFormAndSizeIsDecodedTransformedOrRefused) {
  const testing::TemporaryFolder folder;
  std::vector<Path> files;
  for (const auto& entry : std::filesystem::directory_iterator(kPictures)) {
    const std::string extension = entry.path().extension().string();
    if (extension == ".py" || extension == ".json") continue;
    files.push_back(entry.path());
  }
  for (const auto& [width, height] : {std::pair{1, 1}, std::pair{1, 20000}, std::pair{20000, 1}}) {
    const Path file = folder.path() / fmt::format("{}x{}.png", width, height);
    image::save_image(file, image::Image(width, height));
    files.push_back(file);
  }
  const auto transform = evaluation_transform(64);
  int used = 0;
  int refused = 0;
  double worst = 0;
  for (const Path& file : files) {
    try {
      const image::Image decoded = image::decode_file(file, image::Orientation::kApply);
      const image::Box box{0, 0, static_cast<double>(decoded.width),
                           static_cast<double>(decoded.height)};
      RandomStream unused(0);
      const Sample sample = (*transform)(Example{"0", file, "all", box}, decoded, unused);
      worst = std::max(worst, distance(taken_back(sample), box));
      ++used;
    } catch (const DataError&) {
      ++refused;
    }
  }
  std::printf("%zu forms of pictures: %d used (box error at most %.4f pixels), %d refused\n",
              files.size(), used, worst, refused);
  EXPECT_LE(worst, 1.0);
  EXPECT_EQ(refused, 3);  // a GIF file and two animations
}

TEST(OddPicturesTest, CheckTellsThemApart) {
  const testing::TemporaryFolder folder;
  std::string lines;
  const auto add = [&](const std::string& name, std::span<const std::byte> bytes) {
    write_file(folder.path() / name, bytes);
    lines += fmt::format(R"({{"image": "{}", "expression": "{}", "box": [0, 0, 1, 1]}})"
                         "\n",
                         name, name);
  };
  for (const char* name : {"grey.jpg", "cmyk.jpg", "grey16.png", "rgb16.png", "rgba.png",
                           "palette.png", "lossy.webp", "lossless_alpha.webp"}) {
    add(name, read_file(kPictures / name));
  }
  for (int orientation = 2; orientation <= 8; ++orientation) {
    const std::string name = fmt::format("orientation{}.jpg", orientation);
    add(name, read_file(kPictures / name));
  }
  image::Image thin(1, 20000);
  add("thin.png", image::encode_png(thin));
  add("dot.png", image::encode_png(image::Image(1, 1)));
  auto torn = read_file(kPictures / "rgb.jpg");
  torn.resize(torn.size() * 2 / 3);
  add("torn.jpg", torn);
  add("empty.jpg", {});
  add("animated.webp", read_file(kPictures / "animated.webp"));
  add("still.gif", read_file(kPictures / "still.gif"));
  write_file(folder.path() / "set.jsonl", lines);
  CheckedDataset dataset;
  dataset.config.path = folder.path() / "set.jsonl";
  const CheckReport report = check_datasets(std::vector{dataset}, CheckOptions{});
  std::map<FindingKind, std::int64_t> counts;
  for (const Finding& finding : report.findings) counts[finding.kind] = finding.count;
  EXPECT_EQ(counts, (std::map<FindingKind, std::int64_t>{{FindingKind::kImageEmpty, 1},
                                                         {FindingKind::kImageTorn, 2},
                                                         {FindingKind::kImageType, 1},
                                                         {FindingKind::kImageTurned, 7}}))
      << report_table(report);
  EXPECT_EQ(report.faults(), 4);
}

}  // namespace
}  // namespace referent::data
