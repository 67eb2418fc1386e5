// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "referent/core/file.h"
#include "referent/text/word_piece.h"

namespace referent::testing {

/// BERT's tokenizer with the vocabulary that the repository carries.
inline const text::WordPiece& bert() {
  static const text::WordPiece tokenizer(
      read_text_file(Path(REFERENT_SOURCE_DIR) / "configs/vocab/bert-base-uncased.txt"));
  return tokenizer;
}

}  // namespace referent::testing
