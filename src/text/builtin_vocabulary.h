// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace referent::text {

/// configs/vocab/bert-base-uncased.txt as it was when this was built.
std::string_view builtin_bert_vocabulary();

}  // namespace referent::text
