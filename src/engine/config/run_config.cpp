// SPDX-License-Identifier: Apache-2.0
#include "referent/engine/config.h"

#include <algorithm>

#include "presets.h"
#include "referent/config/reader.h"
#include "referent/config/writer.h"
#include "referent/core/error.h"
#include "referent/engine/run_document.h"

namespace referent::engine {
namespace {

/// Lays the preset that "model" names beneath the document. A name that is none is left to the
/// reader, which reports it among all other faults.
void fill_in_preset(config::Document& document) {
  const nlohmann::json& root = document.root();
  if (!root.is_object() || !root.contains("model") || !root["model"].is_object()) return;
  const std::string name = root["model"].value("/preset"_json_pointer, std::string());
  const nlohmann::json values = preset(name);
  if (values.is_null()) return;
  document.fill("", values, {"preset " + name, "."});
}

void check_eval_data(const RunConfig& config, const std::string& where) {
  for (const std::string& name : config.train.eval_data) {
    if (config.data.eval.contains(name)) continue;
    throw ConfigError("{}: /train/eval_data names \"{}\", which is not a key of /data/eval", where,
                      name);
  }
}

void check_best_metric(const RunConfig& config, const std::string& where) {
  if (!is_of_masks(config.train.best_metric) || config.model.heads.mask) return;
  throw ConfigError(
      "{}: /train/best_metric is \"{}\", but the model has no mask head: add /model/heads/mask, or "
      "choose by \"prec@0.5\" or \"mean_iou\"",
      where, config::name_of(config.train.best_metric));
}

void check_tokenizer(const RunConfig& config, const std::string& where) {
  const text::TokenizerConfig& tokenizer = config.model.text_encoder.tokenizer;
  if (tokenizer.type != text::TokenizerType::kSentencePiece || !tokenizer.model.empty()) return;
  throw ConfigError(
      "{}: /model/text_encoder/tokenizer/type is \"sentencepiece\", but there is no "
      "/model/text_encoder/tokenizer/model: name the file, such as `referent tokenizer train` "
      "makes",
      where);
}

RunConfig read_document(const config::Document& document, const std::string& where) {
  auto config = config::parse<RunConfig>(document);
  check_eval_data(config, where);
  check_best_metric(config, where);
  check_tokenizer(config, where);
  return config;
}

}  // namespace

config::Document load_run_document(const Path& file, std::span<const std::string> overrides) {
  config::Document document = config::load_document(file, overrides);
  fill_in_preset(document);
  return document;
}

RunConfig load_run_config(const Path& file, std::span<const std::string> overrides) {
  return read_document(load_run_document(file, overrides), file.string());
}

RunConfig parse_run_config(const std::string& text, const std::string& name,
                           std::span<const std::string> overrides) {
  config::Document document = config::parse_document(text, name);
  for (const std::string& assignment : overrides) document.set(assignment);
  fill_in_preset(document);
  return read_document(document, name);
}

std::string dump_run_config(const RunConfig& config) {
  return config::dump(config).dump(2) + "\n";
}

}  // namespace referent::engine
