// SPDX-License-Identifier: Apache-2.0
#include "frame.h"

#include "referent/core/error.h"

namespace referent::text {

Encoded frame(std::vector<Token> tokens, std::int64_t first, std::int64_t last,
              std::int64_t length) {
  REFERENT_CHECK(length >= 2, "{} ids cannot hold [CLS] and [SEP]", length);
  Encoded encoded;
  encoded.truncated = static_cast<std::int64_t>(tokens.size()) > length - 2;
  if (encoded.truncated) tokens.resize(static_cast<std::size_t>(length - 2));
  const auto append = [&encoded](std::int64_t id, std::int64_t begin, std::int64_t end) {
    encoded.ids.push_back(id);
    encoded.offsets.emplace_back(begin, end);
  };
  append(first, 0, 0);
  for (const Token& token : tokens) append(token.id, token.begin, token.end);
  append(last, 0, 0);
  return encoded;
}

}  // namespace referent::text
