// SPDX-License-Identifier: Apache-2.0
#include "referent/checkpoint/name_map.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "maps/families.h"
#include "referent/core/error.h"

namespace referent::checkpoint {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// What a pattern matched in a name.
struct Match {
  std::vector<std::string_view> numbers;  ///< for each '*'
  std::string_view rest;                  ///< behind a prefix
};

std::optional<Match> match_pattern(std::string_view pattern, std::string_view name) {
  const bool prefix = pattern.ends_with('.');
  Match match;
  for (const char c : pattern) {
    if (c != '*') {
      if (name.empty() || name.front() != c) return std::nullopt;
      name.remove_prefix(1);
      continue;
    }
    const auto end = std::find_if_not(name.begin(), name.end(), is_digit);
    const auto length = static_cast<std::size_t>(end - name.begin());
    if (length == 0) return std::nullopt;
    match.numbers.push_back(name.substr(0, length));
    name.remove_prefix(length);
  }
  if (name.empty() == prefix) return std::nullopt;
  match.rest = name;
  return match;
}

std::string fill_pattern(std::string_view pattern, const Match& match) {
  std::string name;
  std::size_t next = 0;
  for (const char c : pattern) {
    if (c == '*') {
      name += match.numbers.at(next++);
    } else {
      name += c;
    }
  }
  return name += match.rest;
}

bool has(const StateDict& state, std::string_view name) {
  return state.tensors.find(std::string(name)) != state.tensors.end();
}

bool has_part(const StateDict& state, std::string_view part) {
  return std::any_of(state.tensors.begin(), state.tensors.end(),
                     [&](const auto& item) { return item.first.find(part) != std::string::npos; });
}

const std::vector<NameMap>& all_maps() {
  static const std::vector<NameMap> all{{"transvg", maps::transvg()}, {"mmca", maps::mmca()},
                                        {"detr", maps::detr()},       {"bert", maps::bert()},
                                        {"vg_law", maps::vg_law()},   {"vitdet", maps::vitdet()},
                                        {"mae", maps::mae()},         {"resnet", maps::resnet()}};
  return all;
}

}  // namespace

NameMap::NameMap(std::string family, NameRules rules)
    : family_(std::move(family)), rules_(std::move(rules)) {}

std::optional<std::string> NameMap::to_native(std::string_view released) const {
  if (ignored(released)) return std::nullopt;
  std::string name(released);
  for (const NameRule& suffix : rules_.old_suffixes) {
    if (!released.ends_with(suffix.released)) continue;
    name.replace(name.size() - suffix.released.size(), suffix.released.size(), suffix.native);
  }
  for (const NameRule& rule : rules_.rules) {
    if (const auto match = match_pattern(rule.released, name)) {
      return fill_pattern(rule.native, *match);
    }
  }
  return std::nullopt;
}

std::optional<std::string> NameMap::to_released(std::string_view native) const {
  for (const NameRule& rule : rules_.rules) {
    if (rule.import_only) continue;
    if (const auto match = match_pattern(rule.native, native)) {
      return fill_pattern(rule.released, *match);
    }
  }
  return std::nullopt;
}

bool NameMap::ignored(std::string_view released) const {
  return std::any_of(rules_.ignored.begin(), rules_.ignored.end(),
                     [&](std::string_view pattern) {
                       return match_pattern(pattern, released).has_value();
                     }) ||
         std::any_of(rules_.ignored_suffixes.begin(), rules_.ignored_suffixes.end(),
                     [&](std::string_view suffix) { return released.ends_with(suffix); });
}

std::vector<std::string> families() {
  std::vector<std::string> names;
  for (const NameMap& map : all_maps()) names.push_back(map.family());
  return names;
}

const NameMap& name_map(std::string_view family) {
  for (const NameMap& map : all_maps()) {
    if (map.family() == family) return map;
  }
  throw ConfigError("unknown family of released files '{}'; known are {}", family,
                    fmt::join(families(), ", "));
}

std::string detect_family(const StateDict& state) {
  if (has(state, "vl_pos_embed.weight")) {
    const bool adapters =
        has_part(state, ".text_linear_q.") || has_part(state, ".multimodal_layers.");
    return adapters ? "mmca" : "transvg";
  }
  // MDETR shares DETR's names but has a text encoder inside the transformer.
  if (has(state, "backbone.0.body.conv1.weight") && has(state, "input_proj.weight") &&
      !has_part(state, "transformer.text_encoder.")) {
    return "detr";
  }
  if (has(state, "bert.embeddings.word_embeddings.weight") ||
      has(state, "embeddings.word_embeddings.weight")) {
    return "bert";
  }
  if (has(state, "weight_generator.layer_embedding")) return "vg_law";
  if (has(state, "backbone.net.pos_embed")) return "vitdet";
  if (has(state, "pos_embed") && has(state, "blocks.0.attn.qkv.weight")) return "mae";
  if (has(state, "conv1.weight") && has(state, "layer1.0.conv1.weight")) return "resnet";
  return "";
}

}  // namespace referent::checkpoint
