// SPDX-License-Identifier: Apache-2.0
#include "referent/core/base64.h"
#include "referent/core/embed.h"
#include "referent/core/error.h"
#include "referent/core/file.h"
#include "referent/text/config.h"
#include "referent/text/sentence_piece.h"
#include "referent/text/word_piece.h"

REFERENT_EMBED(bert_vocabulary, REFERENT_BERT_VOCABULARY)

namespace referent::text {
namespace {

constexpr std::uint64_t kVocabularyLimit = std::uint64_t{64} << 20;

}  // namespace

std::string carried_vocabulary(const TokenizerConfig& config) {
  switch (config.type) {
    case TokenizerType::kWordPiece:
      return config.vocabulary.empty() ? std::string(bert_vocabulary())
                                       : read_text_file(config.vocabulary, kVocabularyLimit);
    case TokenizerType::kSentencePiece:
      if (config.model.empty()) {
        throw ConfigError(
            "the tokenizer is sentencepiece, but no model is named: set "
            "/model/text_encoder/tokenizer/model");
      }
      return to_base64(read_text_file(config.model, kVocabularyLimit));
  }
  REFERENT_CHECK(false, "tokenizer type {}", static_cast<int>(config.type));
}

std::unique_ptr<Tokenizer> make_tokenizer(const TokenizerConfig& config) {
  const std::filesystem::path& file =
      config.type == TokenizerType::kWordPiece ? config.vocabulary : config.model;
  return make_tokenizer(config.type, carried_vocabulary(config),
                        file.empty() ? "the built-in vocabulary" : file.string());
}

std::unique_ptr<Tokenizer> make_tokenizer(TokenizerType type, std::string carried,
                                          std::string_view name) {
  if (type == TokenizerType::kWordPiece) {
    return std::make_unique<WordPiece>(std::move(carried), name);
  }
#ifdef REFERENT_SENTENCEPIECE
  const auto model = from_base64(carried);
  if (!model) throw ConfigError("{} is no sentencepiece model in base64", name);
  return std::make_unique<SentencePiece>(*model, name);
#else
  throw ConfigError("{}: this build has no sentencepiece", name);
#endif
}

}  // namespace referent::text
