// SPDX-License-Identifier: Apache-2.0
#include "referent/core/error.h"

namespace referent::detail {

void check_failed(const char* file, int line, const char* condition, const std::string& message) {
  throw std::logic_error(fmt::format("{}:{}: internal check failed: {}{}{}", file, line, condition,
                                     message.empty() ? "" : ": ", message));
}

}  // namespace referent::detail
