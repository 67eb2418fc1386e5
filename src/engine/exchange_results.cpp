// SPDX-License-Identifier: Apache-2.0
#include "exchange_results.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "referent/core/error.h"

namespace referent::engine {
namespace {

using Json = nlohmann::json;

template <typename T>
Json json_of(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

template <typename T>
std::optional<T> optional_of(const Json& json) {
  return json.is_null() ? std::nullopt : std::optional(json.get<T>());
}

/// What the data set does not say of a result, as CBOR, which keeps every bit of a number.
std::string packed(const Evaluation& part) {
  Json results = Json::array();
  auto result = part.results.begin();
  for (const auto& [index, iou] : part.metrics.ious()) {  // in the order of the results
    Json item = {{"index", index},
                 {"box", {result->box.x1, result->box.y1, result->box.x2, result->box.y2}},
                 {"score", json_of(result->score)},
                 {"iou", iou},
                 {"mask_iou", json_of(result->mask_iou)},
                 {"size", {result->width, result->height}}};
    if (result->mask) {
      item["mask"] = {result->mask->height, result->mask->width, result->mask->counts};
    }
    if (result->mask_iou) {
      const metrics::MaskOverlap& overlap = part.masks.value().overlaps().at(index);
      item["overlap"] = {overlap.intersection, overlap.united};
    }
    results.push_back(std::move(item));
    ++result;
  }
  const std::vector<std::uint8_t> bytes = Json::to_cbor(results);
  return {bytes.begin(), bytes.end()};
}

void add(const Json& item, const data::Dataset& dataset, Evaluation& whole) {
  const auto index = item.at("index").get<std::int64_t>();
  const data::Example& example = dataset.examples[static_cast<std::size_t>(index)];
  const auto box = item.at("box").get<std::array<double, 4>>();
  SampleResult result{example.id,
                      example.image,
                      example.expression,
                      {box[0], box[1], box[2], box[3]},
                      example.box,
                      optional_of<double>(item.at("score")),
                      item.at("iou").get<float>()};
  result.mask_iou = optional_of<float>(item.at("mask_iou"));
  result.width = item.at("size").at(0).get<std::int64_t>();
  result.height = item.at("size").at(1).get<std::int64_t>();
  result.same_class = example.same_class;
  if (item.contains("mask")) {
    const Json& mask = item["mask"];
    result.mask = formats::Rle{mask.at(0).get<std::int64_t>(), mask.at(1).get<std::int64_t>(),
                               mask.at(2).get<std::vector<std::uint32_t>>()};
  }
  if (item.contains("overlap")) {
    const Json& overlap = item["overlap"];
    whole.masks.value().add(index,
                            {overlap.at(0).get<std::int64_t>(), overlap.at(1).get<std::int64_t>()});
  }
  whole.metrics.add(index, result.iou);
  whole.results.push_back(std::move(result));
}

}  // namespace

std::optional<Evaluation> exchange_results(distributed::ProcessGroup& group,
                                           const std::optional<Evaluation>& part,
                                           const data::Dataset& dataset) {
  const std::vector<std::string> parts = group.all_gather(part ? packed(*part) : "");
  if (std::ranges::any_of(parts, [](const std::string& bytes) { return bytes.empty(); })) {
    return std::nullopt;
  }
  std::vector<Json> items;
  for (const std::string& bytes : parts) {
    const Json results = Json::from_cbor(bytes);
    items.insert(items.end(), results.begin(), results.end());
  }
  std::ranges::sort(items, {},
                    [](const Json& item) { return item.at("index").get<std::int64_t>(); });
  REFERENT_CHECK(items.size() == dataset.examples.size(), "{} results of {} examples", items.size(),
                 dataset.examples.size());
  Evaluation whole = part.value();
  whole.metrics = {};
  if (whole.masks) whole.masks.emplace();
  whole.results.clear();
  for (const Json& item : items) add(item, dataset, whole);
  return whole;
}

}  // namespace referent::engine
