// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "referent/config/field.h"
#include "referent/text/tokenizer.h"

namespace referent::text {

/// A sentencepiece model (Kudo and Richardson 2018), unigram or BPE, piece for piece the library's.
/// [CLS] and [SEP] are the model's begin and end of text, else its pieces of those names; [PAD] is
/// the model's, else its unknown piece, which is as good where padding is masked.
///
/// Offsets refer to the bytes of the text as it was given; a piece that begins a word covers the
/// space before it, and has an empty range where there was none.
class SentencePiece final : public Tokenizer {
 public:
  /// `model` is the content of a .model file, `name` stands for it in messages. Throws ConfigError
  /// when it is no sound model, or has no begin or end of text.
  explicit SentencePiece(const std::string& model,
                         std::string_view name = "the sentencepiece model");
  SentencePiece(const SentencePiece&) = delete;
  SentencePiece& operator=(const SentencePiece&) = delete;
  ~SentencePiece() override;

  /// Throws DataError when `text` is not UTF-8.
  std::vector<Token> tokenize(std::string_view text) const override;

  /// [CLS] pieces [SEP]; `length` is at least 2. Throws DataError when `text` is not UTF-8.
  Encoded encode(std::string_view text, std::int64_t length) const override;

  std::int64_t pad_id() const override { return pad_; }
  std::int64_t vocabulary_size() const override;

  /// The piece of an id, a space at its begin written as U+2581.
  const std::string& piece(std::int64_t id) const;

 private:
  struct Library;

  std::int64_t special(std::int64_t id, const char* piece, const char* role,
                       std::string_view name) const;

  std::unique_ptr<Library> library_;
  std::int64_t pad_ = 0;
  std::int64_t cls_ = 0;
  std::int64_t sep_ = 0;
};

enum class SentencePieceType { kUnigram, kBpe };

/// Trains a model of at most `size` pieces on `texts` and returns the content of its .model file.
/// The pieces [PAD], [UNK], [CLS] and [SEP] are 0 to 3, and every character of the texts is a
/// piece. The same texts give the same model. Throws DataError when they hold no characters,
/// ConfigError when `size` has no room for all of them.
std::string train_sentence_piece(std::span<const std::string> texts, std::int64_t size,
                                 SentencePieceType type);

}  // namespace referent::text

template <>
struct referent::config::EnumNames<referent::text::SentencePieceType> {
  static constexpr std::array kNames{
      std::pair{referent::text::SentencePieceType::kUnigram, "unigram"},
      std::pair{referent::text::SentencePieceType::kBpe, "bpe"}};
};
