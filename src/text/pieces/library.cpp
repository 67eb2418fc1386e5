// SPDX-License-Identifier: Apache-2.0
// libreferent_pieces.so: libsentencepiece behind border.h.
#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>

#include <exception>
#include <memory>

#include "border.h"

namespace referent::text::pieces {
namespace {

class LoadedModel final : public Model {
 public:
  sentencepiece::SentencePieceProcessor processor;

  void encode(std::string_view text, const TakePiece& take) const override {
    const auto encoded = processor.EncodeAsImmutableProto(text);  // its pieces point into it
    for (const auto& piece : encoded.pieces()) take(piece.id(), piece.begin(), piece.end());
  }
  int size() const override { return processor.GetPieceSize(); }
  const std::string& piece(int id) const override { return processor.IdToPiece(id); }
  int id_of(std::string_view piece) const override { return processor.PieceToId(piece); }
  int begin_id() const override { return processor.bos_id(); }
  int end_id() const override { return processor.eos_id(); }
  int pad_id() const override { return processor.pad_id(); }
  int unknown_id() const override { return processor.unk_id(); }
};

Model* load(std::string_view bytes, const TakeText& fault) {
  try {
    auto model = std::make_unique<LoadedModel>();
    const auto status = model->processor.LoadFromSerializedProto(bytes);
    if (status.ok()) return model.release();
    fault(status.message());
  } catch (const std::exception& error) {  // of the library's own tables
    fault(error.what());
  }
  return nullptr;
}

/// Texts in memory, as the library reads them.
class Texts final : public sentencepiece::SentenceIterator {
 public:
  explicit Texts(std::span<const std::string> texts) : texts_(texts) {}

  bool done() const override { return next_ >= texts_.size(); }
  void Next() override { ++next_; }
  const std::string& value() const override { return texts_[next_]; }
  sentencepiece::util::Status status() const override { return {}; }

 private:
  std::span<const std::string> texts_;
  std::size_t next_ = 0;
};

void train(std::span<const std::string> texts,
           const std::unordered_map<std::string, std::string>& settings, const TakeText& model,
           const TakeText& fault) {
  try {
    Texts iterator(texts);
    std::string bytes;
    const auto status = sentencepiece::SentencePieceTrainer::Train(settings, &iterator, &bytes);
    status.ok() ? model(bytes) : fault(status.message());
  } catch (const std::exception& error) {
    fault(error.what());
  }
}

constexpr Functions kFunctions{.load = &load, .train = &train};

}  // namespace
}  // namespace referent::text::pieces

extern "C" const referent::text::pieces::Functions* referent_pieces() {
  return &referent::text::pieces::kFunctions;
}
