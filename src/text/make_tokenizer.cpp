// SPDX-License-Identifier: Apache-2.0
#include "referent/core/embed.h"
#include "referent/core/error.h"
#include "referent/core/file.h"
#include "referent/text/config.h"
#include "referent/text/word_piece.h"

REFERENT_EMBED(bert_vocabulary, REFERENT_BERT_VOCABULARY)

namespace referent::text {
namespace {

constexpr std::uint64_t kVocabularyLimit = std::uint64_t{64} << 20;

}  // namespace

std::string vocabulary_text(const TokenizerConfig& config) {
  return config.vocabulary.empty() ? std::string(bert_vocabulary())
                                   : read_text_file(config.vocabulary, kVocabularyLimit);
}

std::unique_ptr<Tokenizer> make_tokenizer(const TokenizerConfig& config) {
  switch (config.type) {
    case TokenizerType::kWordPiece:
      return std::make_unique<WordPiece>(vocabulary_text(config), config.vocabulary.empty()
                                                                      ? "the built-in vocabulary"
                                                                      : config.vocabulary.string());
  }
  REFERENT_CHECK(false, "tokenizer type {}", static_cast<int>(config.type));
}

std::unique_ptr<Tokenizer> make_word_piece(std::string vocabulary_text) {
  return std::make_unique<WordPiece>(std::move(vocabulary_text));
}

}  // namespace referent::text
