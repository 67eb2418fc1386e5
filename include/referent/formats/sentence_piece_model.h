// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace referent::formats {

/// Whether a sentencepiece model (a ModelProto of the library's sentencepiece_model.proto) may be
/// handed to the library, which trusts the tables in it: the nesting of messages holds, and the
/// precompiled character maps of its normalisers lead nowhere outside themselves. `name` stands for
/// the model in messages. Throws DataError.
void check_sentence_piece_model(std::string_view bytes, std::string_view name);

}  // namespace referent::formats
