// SPDX-License-Identifier: Apache-2.0
#include <sstream>

#include "annotations.h"
#include "golden.h"
#include "referent/core/file.h"
#include "referent/formats/rle.h"
#include "referent/image/mask.h"

namespace referent::app {
namespace {

using nlohmann::json;

/// What differs from the golden; empty when nothing does.
std::string difference(const json& golden, const formats::Annotation& annotation) {
  const std::int64_t height = golden.at("size").at(0);
  const std::int64_t width = golden.at("size").at(1);
  const auto expected = golden.at("rle").get<std::string>();
  const formats::Rle rle = image::rle_of(annotation.segmentation, width, height);
  if (formats::encode_rle_counts(rle.counts) != expected) return "its run lengths differ";
  const auto area = golden.at("area").get<std::uint64_t>();
  if (formats::rle_area(rle) != area) {
    return fmt::format("its area is {}, not {}", formats::rle_area(rle), area);
  }
  // The pixels too, there and back.
  const formats::Rle golden_rle{height, width, formats::decode_rle_counts(expected)};
  if (image::mask_of(rle) != image::mask_of(golden_rle)) return "its pixels differ";
  if (image::rle_of(image::mask_of(golden_rle)) != golden_rle) return "it does not come back";
  return {};
}

}  // namespace

void run_coco_masks(const std::filesystem::path& lines, CaseReport& report) {
  const auto annotations = read_annotations(photo_folder(lines));
  std::istringstream stream(read_text_file(lines));
  std::int64_t compared = 0;
  std::int64_t differing = 0;
  std::string first;
  for (std::string line; std::getline(stream, line);) {
    const json golden = json::parse(line);
    const auto id = golden.at("annotation").get<std::int64_t>();
    const auto annotation = annotations.find(id);
    if (annotation == annotations.end()) {
      report.skip(fmt::format("the annotation {} is absent (set REFERENT_TEST_DATA)", id));
      return;
    }
    ++compared;
    const std::string fault = difference(golden, annotation->second);
    if (fault.empty()) continue;
    ++differing;
    if (first.empty()) first = fmt::format("annotation {}: {}", id, fault);
  }
  report.check(fmt::format("{} masks", compared), compared > 0 && differing == 0,
               fmt::format("{} masks differ, first {}", differing, first));
}

}  // namespace referent::app
