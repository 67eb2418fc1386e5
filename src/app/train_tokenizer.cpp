// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <nlohmann/json.hpp>

#include "referent/app/commands.h"
#include "referent/core/error.h"
#include "referent/core/file.h"
#include "referent/core/log.h"
#include "referent/data/dataset.h"
#include "referent/text/sentence_piece.h"
#include "referent/text/utf8.h"

namespace referent::app {
namespace {

void append_lines(const Path& file, std::vector<std::string>& texts) {
  const std::string content = read_text_file(file);
  text::check_utf8(content, file.string());
  for (std::size_t begin = 0; begin < content.size();) {
    const std::size_t end = std::min(content.find('\n', begin), content.size());
    texts.push_back(content.substr(begin, end - begin));
    begin = end + 1;
  }
}

std::vector<std::string> read_texts(const TrainTokenizerOptions& options) {
  if (options.data.empty() && options.texts.empty()) {
    throw ConfigError("nothing to train on: give --data FORMAT:PATH[:SPLIT] or --text FILE");
  }
  std::vector<std::string> texts;
  for (const std::string& word : options.data) {
    std::ranges::move(data::read_expressions(data::parse_dataset_argument(word)),
                      std::back_inserter(texts));
  }
  for (const Path& file : options.texts) append_lines(file, texts);
  for (std::string& text : texts) text = text::to_lower(text);
  return texts;
}

}  // namespace

int run_train_tokenizer(const TrainTokenizerOptions& options, const CommonOptions& common) {
  const std::vector<std::string> texts = read_texts(options);
  const std::string model = text::train_sentence_piece(texts, options.size, options.type);
  const text::SentencePiece tokenizer(model);
  std::size_t tokens = 0;
  for (const std::string& text : texts) tokens += tokenizer.tokenize(text).size();
  write_file(options.out, model);
  const double mean = static_cast<double>(tokens) / static_cast<double>(texts.size());
  if (common.json) {
    fmt::print("{}\n", nlohmann::ordered_json({{"schema_version", 1},
                                               {"file", options.out.string()},
                                               {"pieces", tokenizer.vocabulary_size()},
                                               {"expressions", texts.size()},
                                               {"pieces_per_expression", mean}})
                           .dump(1));
    return 0;
  }
  if (common.quiet) return 0;
  fmt::print(
      "{}: {} pieces, {:.2f} of them in an expression (of {})\n"
      "In a configuration: \"text_encoder\": {{\"tokenizer\": {{\"type\": \"sentencepiece\", "
      "\"model\": \"{}\"}}, \"vocabulary_size\": {}}}\n",
      options.out.string(), tokenizer.vocabulary_size(), mean, texts.size(), options.out.string(),
      tokenizer.vocabulary_size());
  return 0;
}

}  // namespace referent::app
