// SPDX-License-Identifier: Apache-2.0
#include "referent/text/sentence_piece.h"

#include <sentencepiece_processor.h>

#include <exception>

#include "frame.h"
#include "referent/core/error.h"
#include "referent/formats/sentence_piece_model.h"
#include "referent/text/utf8.h"

namespace referent::text {

struct SentencePiece::Library {
  sentencepiece::SentencePieceProcessor processor;
};

SentencePiece::SentencePiece(const std::string& model, std::string_view name)
    : library_(std::make_unique<Library>()) {
  sentencepiece::SentencePieceProcessor& processor = library_->processor;
  std::string fault;
  try {
    formats::check_sentence_piece_model(model, name);
    const auto status = processor.LoadFromSerializedProto(model);
    if (!status.ok())
      fault = fmt::format("{} is no sentencepiece model: {}", name, status.message());
  } catch (const Error& error) {
    fault = error.what();
  } catch (const std::exception& error) {  // of the library's own tables
    fault = fmt::format("{} is no sentencepiece model: {}", name, error.what());
  }
  if (!fault.empty()) throw ConfigError("{}", fault);
  cls_ = special(processor.bos_id(), "[CLS]", "begin", name);
  sep_ = special(processor.eos_id(), "[SEP]", "end", name);
  pad_ = processor.pad_id() >= 0 ? processor.pad_id() : processor.unk_id();
}

SentencePiece::~SentencePiece() = default;

std::int64_t SentencePiece::special(std::int64_t id, const char* piece, const char* role,
                                    std::string_view name) const {
  if (id >= 0) return id;
  const int named = library_->processor.PieceToId(piece);
  if (named == library_->processor.unk_id()) {
    throw ConfigError(
        "{} has no piece for the {} of a text, neither its own nor {}; `referent tokenizer train` "
        "makes models that have",
        name, role, piece);
  }
  return named;
}

std::vector<Token> SentencePiece::tokenize(std::string_view text) const {
  check_utf8(text, "the text");
  std::vector<Token> tokens;
  const auto encoded =
      library_->processor.EncodeAsImmutableProto(text);  // its pieces point into it
  for (const auto& piece : encoded.pieces()) {
    tokens.push_back({static_cast<std::int64_t>(piece.id()), piece.begin(), piece.end()});
  }
  return tokens;
}

Encoded SentencePiece::encode(std::string_view text, std::int64_t length) const {
  return frame(tokenize(text), cls_, sep_, length);
}

std::int64_t SentencePiece::vocabulary_size() const {
  return library_->processor.GetPieceSize();
}

const std::string& SentencePiece::piece(std::int64_t id) const {
  REFERENT_CHECK(id >= 0 && id < vocabulary_size(), "piece {} of {}", id, vocabulary_size());
  return library_->processor.IdToPiece(static_cast<int>(id));
}

}  // namespace referent::text
