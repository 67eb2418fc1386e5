// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace referent::text {

/// One piece of a text: its id and the bytes [begin, end) of the text that it stands for.
struct Token {
  std::int64_t id = 0;
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

/// A text as a model takes it: [CLS] pieces [SEP], not padded.
struct Encoded {
  std::vector<std::int64_t> ids;
  /// Byte range of each id in the text; special tokens have an empty range.
  std::vector<std::pair<std::int64_t, std::int64_t>> offsets;
  bool truncated = false;
};

/// Cuts text into a model's vocabulary. Safe to call from many threads.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  /// The pieces of `text` (UTF-8), without special tokens, not cut.
  virtual std::vector<Token> tokenize(std::string_view text) const = 0;

  /// Special tokens around the pieces, cut to `length` ids in all.
  virtual Encoded encode(std::string_view text, std::int64_t length) const = 0;

  virtual std::int64_t pad_id() const = 0;
  virtual std::int64_t vocabulary_size() const = 0;
};

}  // namespace referent::text
