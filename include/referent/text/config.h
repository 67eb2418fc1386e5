// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "referent/config/field.h"
#include "referent/text/tokenizer.h"

namespace referent::text {

enum class TokenizerType { kWordPiece };

/// How expressions become token ids.
struct TokenizerConfig {
  TokenizerType type = TokenizerType::kWordPiece;
  std::filesystem::path vocabulary;

  template <class V>
  void visit(V& v) {
    v.field("type", type, "Kind of tokenizer: BERT's uncased WordPiece.");
    v.field("vocabulary", vocabulary,
            "Vocabulary file: one piece a line, as BERT's vocab.txt. Empty: the built-in one of "
            "bert-base-uncased.");
  }
};

/// The text of the vocabulary, as a checkpoint carries it. Throws DataError when the file cannot be
/// read.
std::string vocabulary_text(const TokenizerConfig& config);

/// Throws ConfigError when the file is no BERT vocabulary, DataError when it cannot be read.
std::unique_ptr<Tokenizer> make_tokenizer(const TokenizerConfig& config);

/// A WordPiece from the text of a vocabulary, such as a checkpoint carries.
std::unique_ptr<Tokenizer> make_word_piece(std::string vocabulary_text);

}  // namespace referent::text

template <>
struct referent::config::EnumNames<referent::text::TokenizerType> {
  static constexpr std::array kNames{
      std::pair{referent::text::TokenizerType::kWordPiece, "word_piece"}};
};
