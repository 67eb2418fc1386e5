// SPDX-License-Identifier: Apache-2.0
#include <sstream>

#include "golden.h"
#include "referent/core/file.h"
#include "referent/text/config.h"
#include "referent/text/expression.h"

namespace referent::app {

using nlohmann::json;

void run_word_piece(const std::filesystem::path& lines, CaseReport& report) {
  const auto tokenizer = text::make_tokenizer({});
  std::istringstream stream(read_text_file(lines));
  std::string line;
  std::getline(stream, line);
  const auto length = json::parse(line).at("max_query_len").get<std::int64_t>();
  std::int64_t number = 1;
  std::int64_t compared = 0;
  std::int64_t differing = 0;
  std::string first;
  while (std::getline(stream, line)) {
    ++number;
    const json entry = json::parse(line);
    const auto text = entry.at("text").get<std::string>();
    std::vector<std::int64_t> ids;
    for (const text::Token& token : tokenizer->tokenize(text)) ids.push_back(token.id);
    const text::Encoded encoded = text::encode_expression(*tokenizer, text, length);
    ++compared;
    if (ids == entry.at("ids").get<std::vector<std::int64_t>>() &&
        encoded.ids == entry.at("input_ids").get<std::vector<std::int64_t>>()) {
      continue;
    }
    ++differing;
    if (first.empty()) first = fmt::format("line {}: {}", number, text);
  }
  report.check(fmt::format("{} texts", compared), compared > 0 && differing == 0,
               fmt::format("{} texts differ, first {}", differing, first));
}

}  // namespace referent::app
