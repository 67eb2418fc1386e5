// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "referent/text/tokenizer.h"

namespace referent::text {

/// BERT's uncased WordPiece (Devlin et al. 2019), id for id the tokenizer of
/// pytorch_pretrained_bert 0.6.2 that TransVG and MMCA were trained with: control characters
/// dropped, CJK characters set apart, words lower-cased, decomposed and stripped of accents, cut
/// at punctuation, then matched greedily from the left; words of more than 100 characters and
/// words without a match become [UNK]. A special token standing alone in the text ("[CLS]") is
/// that token. Character properties are those of utf8proc's Unicode version.
///
/// Offsets refer to the bytes of the text as it was given; a piece covers the accents that were
/// stripped from its last letter.
class WordPiece final : public Tokenizer {
 public:
  /// `vocabulary` is the text of a vocab.txt: one piece a line, its id the line number from 0.
  /// `name` stands for it in messages. Throws ConfigError when [PAD], [UNK], [CLS] or [SEP] is
  /// missing or the text is not UTF-8.
  explicit WordPiece(std::string vocabulary, std::string_view name = "the vocabulary");
  WordPiece(const WordPiece&) = delete;
  WordPiece& operator=(const WordPiece&) = delete;

  /// Throws DataError when `text` is not UTF-8.
  std::vector<Token> tokenize(std::string_view text) const override;

  /// [CLS] pieces [SEP]; `length` is at least 2. Throws DataError when `text` is not UTF-8.
  Encoded encode(std::string_view text, std::int64_t length) const override;

  std::int64_t pad_id() const override { return pad_; }
  std::int64_t vocabulary_size() const override { return size_; }

  /// The vocabulary as it was given, for a checkpoint to carry.
  const std::string& vocabulary() const { return vocabulary_; }

 private:
  struct Word;
  struct Match {
    std::int64_t id;
    std::size_t end;  ///< the character after the piece; where it began when nothing matches
  };
  using Pieces = std::unordered_map<std::string_view, std::int64_t>;

  std::int64_t special(std::string_view token, std::string_view name) const;
  Match longest_match(const Word& word, std::size_t begin) const;
  void cut(const Word& word, std::vector<Token>& tokens) const;

  std::string vocabulary_;   // the maps' keys point into it
  Pieces first_;             // pieces that begin a word
  Pieces following_;         // pieces written "##...", without the mark
  std::size_t longest_ = 0;  // characters of the longest piece
  std::int64_t size_ = 0;
  std::int64_t pad_ = 0;
  std::int64_t unknown_ = 0;
  std::int64_t cls_ = 0;
  std::int64_t sep_ = 0;
};

}  // namespace referent::text
