// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "referent/config/field.h"
#include "referent/image/config.h"

namespace referent::data {

enum class DatasetFormat { kJsonl, kRefer, kIndex, kSeqtr };
enum class MissingImages { kError, kSkip };
enum class AugmentType { kNone, kReleased, kSimple };
enum class ResizeFilter { kAntialias, kPlain };

/// One entry of `data.train` or `data.eval`.
struct DatasetConfig {
  DatasetFormat format = DatasetFormat::kJsonl;
  std::filesystem::path path;
  std::string split;
  std::filesystem::path images;
  MissingImages missing = MissingImages::kError;

  template <class V>
  void visit(V& v) {
    v.field("format", format, "How the annotations are stored.");
    v.field("path", path,
            "jsonl: the file. refer: FOLDER@BY, e.g. refcoco@unc, for refs(unc).p and "
            "instances.json; @BY may be left out where there is one. index: the .pth file, or its "
            "folder together with a split. seqtr: SeqTR's instances.json, an object of splits.",
            config::required());
    v.field(
        "split", split,
        "Which part: needed by refer and seqtr; for jsonl the lines whose \"split\" it is. Empty: "
        "all.");
    v.field("images", images,
            "Folder of the images: a name is looked up as it is, then by its base name. Empty: "
            "the folder of the annotations.");
    v.field("missing", missing,
            "What to do about images that are not there; skipped ones are "
            "counted and reported.");
  }
};

struct ImageConfig {
  std::int64_t size = 640;
  bool whole_pixel_boxes = true;
  ResizeFilter resize = ResizeFilter::kAntialias;
  image::MaskResize mask_resize = image::MaskResize::kPixelCentre;

  template <class V>
  void visit(V& v) {
    v.field("size", size,
            "Side of the padded square, which is also the long side of the resized "
            "picture [pixels].",
            config::in_range(32, 4096));
    v.field("whole_pixel_boxes", whole_pixel_boxes,
            "Cut x, y, width and height of a box to whole pixels before use, as the released "
            "loaders do; the published accuracies are measured against such boxes.");
    v.field("resize", resize,
            "antialias: as Pillow does, and with it TransVG and MMCA. plain: the four nearest "
            "pixels whatever the reduction, as OpenCV does, and with it VG-LAW's released code.");
    v.field("mask_resize", mask_resize,
            "Which pixel a mask's pixel i becomes when it is scaled: pixel_centre takes the one "
            "under its middle, floor((i + 0.5) * scale); released takes floor(i * scale), half a "
            "pixel off, as VG-LAW's released code does.");
  }
};

struct TextConfig {
  std::int64_t length = 20;

  template <class V>
  void visit(V& v) {
    v.field("length", length,
            "Most token ids of an expression, special tokens included; what is longer is cut.",
            config::in_range(3, 512));
  }
};

/// The recipe for pictures that are small and square to begin with.
struct SimpleAugmentConfig {
  double flip = 0.5;
  double crop = 0.5;
  double crop_min_side = 0.664;
  double crop_cut = 0.1;
  std::int64_t crop_tries = 10;
  double jitter = 0.4;
  std::vector<std::string> place_words = {"left",   "right", "top",   "bottom", "middle", "center",
                                          "corner", "side",  "above", "below",  "upper",  "lower"};

  template <class V>
  void visit(V& v) {
    v.field("flip", flip,
            "Probability of a horizontal flip, which also exchanges left and right in the words.",
            config::in_range(0, 1));
    v.field("crop", crop, "Probability of a crop, resized back to the picture's size.",
            config::in_range(0, 1));
    v.field("crop_min_side", crop_min_side, "Least side of a crop [fraction of the picture's].",
            config::in_range(0.05, 1));
    v.field("crop_cut", crop_cut,
            "How much of the box a crop may cut off at each of its four sides [fraction of the "
            "box's side].",
            config::in_range(0, 0.45));
    v.field("crop_tries", crop_tries, "Crops drawn before the picture stays whole.",
            config::in_range(1, 1000));
    v.field("jitter", jitter,
            "Brightness, contrast and saturation are multiplied by 1 - this to 1 + this.",
            config::in_range(0, 1));
    v.field("place_words", place_words,
            "An expression that contains one of these (lower case) is never cropped.");
  }
};

/// How training examples are varied.
struct AugmentConfig {
  AugmentType type = AugmentType::kNone;
  bool scale = true;
  bool crop = true;
  bool translate = true;
  bool color = true;
  bool blur = false;
  bool released_quirks = false;
  SimpleAugmentConfig simple;

  template <class V>
  void visit(V& v) {
    v.field("type", type, "Recipe: none (as in evaluation), that of the released code, or simple.");
    v.field("scale", scale, "released: long side from size - 192 to size, instead of size.");
    v.field("crop", crop,
            "released: crop half of the pictures whose expression names no direction.");
    v.field("translate", translate,
            "released: lay the picture anywhere on the square, instead of in its middle.");
    v.field("color", color,
            "released: change brightness, contrast and saturation of four pictures in five; "
            "VG-LAW's code does not.");
    v.field("blur", blur, "released: blur half of the pictures with a sigma of 0.1 to 2.");
    v.field("released_quirks", released_quirks,
            "released: also reproduce its faults: crops are accepted by comparing the box's centre "
            "x with the crop's top and y with its left, the box may be cut to nothing, and left "
            "and right are exchanged within words (\"bright\" becomes \"bleft\").");
    v.field("simple", simple, "What the simple recipe does.");
  }
};

/// Synthetic scenes: coloured shapes on a plain ground.
struct SceneConfig {
  std::int64_t size = 128;
  std::int64_t min_objects = 4;
  std::int64_t max_objects = 6;
  std::int64_t seed = 0;

  template <class V>
  void visit(V& v) {
    v.field("size", size, "Side of the square pictures [pixels].", config::in_range(64, 1024));
    v.field("min_objects", min_objects, "Fewest shapes in a scene.", config::in_range(4, 8));
    v.field("max_objects", max_objects, "Most shapes in a scene.", config::in_range(4, 8));
    v.field("seed", seed, "Seed of all draws.", config::at_least(0));
  }
};

}  // namespace referent::data

namespace referent::config {

template <>
struct EnumNames<data::DatasetFormat> {
  static constexpr std::array kNames{std::pair{data::DatasetFormat::kJsonl, "jsonl"},
                                     std::pair{data::DatasetFormat::kRefer, "refer"},
                                     std::pair{data::DatasetFormat::kIndex, "index"},
                                     std::pair{data::DatasetFormat::kSeqtr, "seqtr"}};
};
template <>
struct EnumNames<data::MissingImages> {
  static constexpr std::array kNames{std::pair{data::MissingImages::kError, "error"},
                                     std::pair{data::MissingImages::kSkip, "skip"}};
};
template <>
struct EnumNames<data::ResizeFilter> {
  static constexpr std::array kNames{std::pair{data::ResizeFilter::kAntialias, "antialias"},
                                     std::pair{data::ResizeFilter::kPlain, "plain"}};
};
template <>
struct EnumNames<data::AugmentType> {
  static constexpr std::array kNames{std::pair{data::AugmentType::kNone, "none"},
                                     std::pair{data::AugmentType::kReleased, "released"},
                                     std::pair{data::AugmentType::kSimple, "simple"}};
};

}  // namespace referent::config
