// SPDX-License-Identifier: Apache-2.0
#include "referent/text/sentence_piece.h"

#include "frame.h"
#include "pieces/border.h"
#include "referent/core/error.h"
#include "referent/formats/sentence_piece_model.h"
#include "referent/text/utf8.h"

namespace referent::text {

struct SentencePiece::Library {
  std::unique_ptr<const pieces::Model> model;
};

SentencePiece::SentencePiece(const std::string& model, std::string_view name)
    : library_(std::make_unique<Library>()) {
  try {
    formats::check_sentence_piece_model(model, name);
  } catch (const DataError& error) {
    throw ConfigError("{}", error.what());
  }
  std::string fault;
  library_->model.reset(
      pieces::functions().load(model, [&fault](std::string_view text) { fault = text; }));
  if (!library_->model) throw ConfigError("{} is no sentencepiece model: {}", name, fault);
  const pieces::Model& loaded = *library_->model;
  cls_ = special(loaded.begin_id(), "[CLS]", "begin", name);
  sep_ = special(loaded.end_id(), "[SEP]", "end", name);
  pad_ = loaded.pad_id() >= 0 ? loaded.pad_id() : loaded.unknown_id();
}

SentencePiece::~SentencePiece() = default;

std::int64_t SentencePiece::special(std::int64_t id, const char* piece, const char* role,
                                    std::string_view name) const {
  if (id >= 0) return id;
  const int named = library_->model->id_of(piece);
  if (named == library_->model->unknown_id()) {
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
  library_->model->encode(text, [&tokens](int id, std::uint32_t begin, std::uint32_t end) {
    tokens.push_back({static_cast<std::int64_t>(id), begin, end});
  });
  return tokens;
}

Encoded SentencePiece::encode(std::string_view text, std::int64_t length) const {
  return frame(tokenize(text), cls_, sep_, length);
}

std::int64_t SentencePiece::vocabulary_size() const {
  return library_->model->size();
}

const std::string& SentencePiece::piece(std::int64_t id) const {
  REFERENT_CHECK(id >= 0 && id < vocabulary_size(), "piece {} of {}", id, vocabulary_size());
  return library_->model->piece(static_cast<int>(id));
}

}  // namespace referent::text
