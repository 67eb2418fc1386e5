// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "referent/config/field.h"
#include "referent/text/tokenizer.h"

namespace referent::text {

enum class TokenizerType { kWordPiece, kSentencePiece };

/// How expressions become token ids.
struct TokenizerConfig {
  TokenizerType type = TokenizerType::kWordPiece;
  std::filesystem::path vocabulary = {};
  std::filesystem::path model = {};

  template <class V>
  void visit(V& v) {
    v.field("type", type,
            "Kind of tokenizer: BERT's uncased WordPiece, or a sentencepiece model such as "
            "`referent tokenizer train` makes.");
    v.field("vocabulary", vocabulary,
            "Vocabulary file (word_piece): one piece a line, as BERT's vocab.txt. Empty: the "
            "built-in one of bert-base-uncased.");
    v.field("model", model,
            "Model file (sentencepiece). Its pieces must fit into vocabulary_size of the text "
            "encoder.");
  }
};

/// What a checkpoint carries of the tokenizer: the text of the vocabulary, a sentencepiece model in
/// base64. Throws ConfigError when the configuration names no model that it needs, DataError when
/// the file cannot be read.
std::string carried_vocabulary(const TokenizerConfig& config);

/// Throws ConfigError when the file is no vocabulary or model, DataError when it cannot be read.
std::unique_ptr<Tokenizer> make_tokenizer(const TokenizerConfig& config);

/// The tokenizer out of what carried_vocabulary() gave. Throws ConfigError when it is something
/// else.
std::unique_ptr<Tokenizer> make_tokenizer(TokenizerType type, std::string carried,
                                          std::string_view name = "the vocabulary");

}  // namespace referent::text

template <>
struct referent::config::EnumNames<referent::text::TokenizerType> {
  static constexpr std::array kNames{
      std::pair{referent::text::TokenizerType::kWordPiece, "word_piece"},
      std::pair{referent::text::TokenizerType::kSentencePiece, "sentencepiece"}};
};
