// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "referent/text/tokenizer.h"

namespace referent::text {

/// A referring expression as TransVG and MMCA feed it to BERT: lower-cased, stripped, cut to
/// `length` ids as [CLS] pieces [SEP], not padded; `truncated` says whether pieces were lost.
///
/// "a ||| b" (spaces included, no line break, the last such mark) is a pair:
/// [CLS] a [SEP] b [SEP], cut from the end of the longer part, of b when they are equally long.
/// Offsets refer to the bytes of `expression` as it was given.
///
/// `length` is at least 3. Throws DataError when `expression` is not UTF-8.
Encoded encode_expression(const Tokenizer& tokenizer, std::string_view expression,
                          std::int64_t length);

}  // namespace referent::text
