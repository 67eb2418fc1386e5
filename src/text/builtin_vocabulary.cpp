// SPDX-License-Identifier: Apache-2.0
#include "builtin_vocabulary.h"

// The file itself, as bytes of this library: an array literal of its size would take the compiler
// longer than the rest of the room.
asm(R"(
    .pushsection .rodata
    .global referent_bert_vocabulary_begin
    .global referent_bert_vocabulary_end
referent_bert_vocabulary_begin:
    .incbin ")" REFERENT_BERT_VOCABULARY R"("
referent_bert_vocabulary_end:
    .popsection
)");

extern "C" const char referent_bert_vocabulary_begin[];
extern "C" const char referent_bert_vocabulary_end[];

namespace referent::text {

std::string_view builtin_bert_vocabulary() {
  return {referent_bert_vocabulary_begin, referent_bert_vocabulary_end};
}

}  // namespace referent::text
