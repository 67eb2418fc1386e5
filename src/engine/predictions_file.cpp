// SPDX-License-Identifier: Apache-2.0
#include "referent/engine/predictions_file.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "referent/core/error.h"
#include "referent/formats/json.h"
#include "referent/formats/lines.h"
#include "referent/metrics/box.h"

namespace referent::engine {
namespace {

using Json = nlohmann::json;

/// 4 GiB, as for annotations.
constexpr std::uint64_t kMaxBytes = 4ULL << 30;
/// How much a line's IoU may be above that of its box and target: the evaluator measures with boxes
/// that are neither cut to the picture nor written in decimals.
constexpr float kSlack = 0.05F;
constexpr std::int64_t kMaxSide = 1 << 24;

/// One line of the file.
class Line {
 public:
  Line(std::string_view text, std::string where) : where_(std::move(where)) {
    formats::check_json(text, where_);
    json_ = Json::parse(text);
    if (!json_.is_object()) throw DataError("{}: a line should be a JSON object", where_);
  }

  /// Absent and null are the same.
  bool has(const char* key) const { return json_.contains(key) && !json_[key].is_null(); }

  const Json& require(const char* key) const {
    if (!has(key)) throw DataError("{}: \"{}\" is missing", where_, key);
    return json_[key];
  }

  [[noreturn]] void wrong(const char* key, const char* expected) const {
    throw DataError("{}: \"{}\" should be {}, not {}", where_, key, expected, json_[key].dump());
  }

  std::string text(const char* key) const {
    if (!require(key).is_string()) wrong(key, "a string");
    return json_[key].get<std::string>();
  }

  double number(const char* key) const {
    if (!require(key).is_number()) wrong(key, "a number");
    return json_[key].get<double>();
  }

  /// 0 where it is absent.
  std::int64_t count(const char* key) const {
    if (!has(key)) return 0;
    const double value = number(key);
    if (value != std::floor(value) || value < 1 || value > kMaxSide) {
      wrong(key, "a whole number from 1");
    }
    return static_cast<std::int64_t>(value);
  }

  image::Box box(const char* key) const {
    const Json& value = require(key);
    const bool is_box =
        value.is_array() && value.size() == 4 && std::ranges::all_of(value, [](const Json& item) {
          return item.is_number() && std::isfinite(item.get<double>());
        });
    if (!is_box) wrong(key, "[x1, y1, x2, y2] in pixels");
    return {value[0], value[1], value[2], value[3]};
  }

  std::string id(std::int64_t otherwise) const {
    if (!has("id")) return std::to_string(otherwise);
    if (json_["id"].is_number()) return json_["id"].dump();
    return text("id");
  }

  const std::string& where() const { return where_; }

 private:
  Json json_;
  std::string where_;
};

metrics::CornerBox corners(const image::Box& box) {
  return {static_cast<float>(box.x1), static_cast<float>(box.y1), static_cast<float>(box.x2),
          static_cast<float>(box.y2)};
}

/// The target as data.image.whole_pixel_boxes cuts it.
image::Box whole(const image::Box& box) {
  const double x1 = std::trunc(box.x1);
  const double y1 = std::trunc(box.y1);
  return {x1, y1, x1 + std::trunc(box.width()), y1 + std::trunc(box.height())};
}

float iou_of(const Line& line, const SampleResult& result) {
  const float measured = metrics::iou(corners(result.box), corners(result.target));
  if (!line.has("iou")) return measured;
  const auto stated = static_cast<float>(line.number("iou"));
  const float with_whole = metrics::iou(corners(result.box), corners(whole(result.target)));
  if (!(stated >= 0 && stated <= std::max(measured, with_whole) + kSlack)) {
    throw DataError("{}: \"iou\" is {}, but that of box and target is {:.4f}", line.where(), stated,
                    measured);
  }
  return stated;
}

SampleResult read_result(const Line& line, std::int64_t number) {
  SampleResult result;
  result.id = line.id(number);
  result.image = line.text("image");
  result.expression = line.text("expression");
  result.box = line.box("box");
  result.target = line.box("target");
  if (result.target.width() < 0 || result.target.height() < 0) {
    line.wrong("target", "a box from its upper left to its lower right corner");
  }
  if (line.has("score")) result.score = line.number("score");
  result.iou = iou_of(line, result);
  result.width = line.count("width");
  result.height = line.count("height");
  result.same_class = line.count("same_class");
  return result;
}

Evaluation& evaluation_of(const Line& line, const Path& path, std::vector<Evaluation>& into) {
  const std::string dataset = line.has("dataset") ? line.text("dataset") : path.stem().string();
  const std::string split = line.has("split") ? line.text("split") : "";
  const auto found = std::ranges::find_if(into, [&](const Evaluation& evaluation) {
    return evaluation.dataset == dataset && evaluation.split == split;
  });
  if (found != into.end()) return *found;
  into.emplace_back();
  into.back().dataset = dataset;
  into.back().split = split;
  return into.back();
}

}  // namespace

bool is_predictions_file(const Path& path) {
  std::ifstream file(path, std::ios::binary);
  char bytes[16] = {};
  file.read(bytes, sizeof bytes);
  const std::string_view read(bytes, static_cast<std::size_t>(file.gcount()));
  const std::size_t first = read.find_first_not_of(" \t\r\n");
  // The length with which safetensors begin may look like a brace, but zeros follow.
  return first != std::string_view::npos && read[first] == '{' &&
         read.find('\0') == std::string_view::npos;
}

std::vector<Evaluation> read_predictions(const Path& path) {
  const std::string content = read_text_file(path, kMaxBytes);
  std::vector<Evaluation> evaluations;
  formats::for_each_line(content, [&](std::int64_t number, std::string_view text) {
    const Line line(text, fmt::format("{}:{}", path.string(), number));
    Evaluation& evaluation = evaluation_of(line, path, evaluations);
    SampleResult result = read_result(line, number - 1);
    evaluation.metrics.add(evaluation.metrics.count(), result.iou);
    evaluation.results.push_back(std::move(result));
  });
  if (evaluations.empty()) throw DataError("{} holds no predictions", path.string());
  return evaluations;
}

}  // namespace referent::engine
