// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>
#include <unordered_map>

#include "pieces/border.h"
#include "referent/core/error.h"
#include "referent/text/sentence_piece.h"

namespace referent::text {
namespace {

std::unordered_map<std::string, std::string> settings(std::int64_t size, SentencePieceType type) {
  return {{"vocab_size", std::to_string(size)},
          {"model_type", type == SentencePieceType::kBpe ? "bpe" : "unigram"},
          // Few texts may not give as many pieces: then the model has fewer.
          {"hard_vocab_limit", "false"},
          {"character_coverage", "1.0"},
          {"pad_id", "0"},
          {"unk_id", "1"},
          {"bos_id", "2"},
          {"eos_id", "3"},
          {"pad_piece", "[PAD]"},
          {"unk_piece", "[UNK]"},
          {"bos_piece", "[CLS]"},
          {"eos_piece", "[SEP]"},
          // Sums over threads would depend on how many there are.
          {"num_threads", "1"},
          {"minloglevel", "2"}};
}

/// What the library says, without the place in its sources that stands before.
std::string_view reason(std::string_view message) {
  const std::size_t bracket = message.rfind("] ");
  return bracket == std::string_view::npos ? message : message.substr(bracket + 2);
}

}  // namespace

std::string train_sentence_piece(std::span<const std::string> texts, std::int64_t size,
                                 SentencePieceType type) {
  const bool blank = std::ranges::all_of(texts, [](const std::string& text) {
    return text.find_first_not_of(" \t\r\n\f\v") == std::string::npos;
  });
  if (blank) throw DataError("there is no text to train a tokenizer on");
  std::string model;
  std::string fault;
  pieces::functions().train(
      texts, settings(size, type), [&model](std::string_view bytes) { model = bytes; },
      [&fault](std::string_view text) { fault = reason(text); });
  if (!fault.empty()) throw ConfigError("a tokenizer of {} pieces: {}", size, fault);
  return model;
}

}  // namespace referent::text
