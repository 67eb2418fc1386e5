// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

/// The border between libreferent_base.so and libreferent_pieces.so, which alone links
/// libsentencepiece and is loaded into a scope of its own when a model is needed.
///
/// libsentencepiece exports an object of 32 bytes under the name FLAGS_minloglevel, LibTorch's
/// libc10 one of 4 bytes. Where both are in a program's global scope and LibTorch comes first, the
/// linker gives libc10's place to the constructor of the large one, which writes over the mutex
/// behind it: torch::jit's executor then waits for ever.
///
/// Memory is freed on the side that allocated it.
namespace referent::text::pieces {

using TakeText = std::function<void(std::string_view text)>;
/// The bytes [begin, end) of a text are the piece `id`.
using TakePiece = std::function<void(int id, std::uint32_t begin, std::uint32_t end)>;

/// A sound model.
class Model {
 public:
  virtual ~Model() = default;

  virtual void encode(std::string_view text, const TakePiece& take) const = 0;
  virtual int size() const = 0;
  virtual const std::string& piece(int id) const = 0;
  virtual int id_of(std::string_view piece) const = 0;  // the unknown piece's where there is none

  // -1 where the model has none; every model has an unknown piece.
  virtual int begin_id() const = 0;
  virtual int end_id() const = 0;
  virtual int pad_id() const = 0;
  virtual int unknown_id() const = 0;
};

/// Neither throws what the library does.
struct Functions {
  /// A model from the content of a .model file; null after fault has been called.
  Model* (*load)(std::string_view bytes, const TakeText& fault);
  /// Calls either model with the content of a .model file, or fault.
  void (*train)(std::span<const std::string> texts,
                const std::unordered_map<std::string, std::string>& settings, const TakeText& model,
                const TakeText& fault);
};

/// The one symbol of libreferent_pieces.so.
using Entry = const Functions* (*)();
inline constexpr const char* kEntry = "referent_pieces";

/// Those functions; loads the library at the first call. Throws FileError when it cannot.
const Functions& functions();

}  // namespace referent::text::pieces
