// SPDX-License-Identifier: Apache-2.0
#include "agreement.h"

#include "referent/core/error.h"
#include "referent/core/hash.h"

namespace referent::engine {

std::string description_of(std::span<const data::Example> examples) {
  std::string all;
  for (const data::Example& example : examples) {
    const image::Box& box = example.box;
    all += fmt::format("{}\n{}\n{}\n{} {} {} {}\n", example.id, example.image.filename().string(),
                       example.expression, box.x1, box.y1, box.x2, box.y2);
  }
  return fmt::format("{} expressions, hash {:016x}", examples.size(),
                     xxh3_64(std::as_bytes(std::span(all))));
}

}  // namespace referent::engine
