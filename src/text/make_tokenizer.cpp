// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "referent/core/error.h"
#include "referent/core/file.h"
#include "referent/text/config.h"
#include "referent/text/word_piece.h"

namespace referent::text {
namespace {

constexpr std::uint64_t kVocabularyLimit = std::uint64_t{64} << 20;

}  // namespace

std::unique_ptr<Tokenizer> make_tokenizer(const TokenizerConfig& config) {
  if (config.vocabulary.empty()) {
    throw ConfigError(
        "the tokenizer has no vocabulary; name a file such as configs/vocab/bert-base-uncased.txt");
  }
  switch (config.type) {
    case TokenizerType::kWordPiece:
      return std::make_unique<WordPiece>(read_text_file(config.vocabulary, kVocabularyLimit),
                                         config.vocabulary.string());
  }
  REFERENT_CHECK(false, "tokenizer type {}", static_cast<int>(config.type));
}

std::unique_ptr<Tokenizer> make_word_piece(std::string vocabulary_text) {
  return std::make_unique<WordPiece>(std::move(vocabulary_text));
}

}  // namespace referent::text
