// SPDX-License-Identifier: Apache-2.0
#include "referent/formats/json.h"

#include <unordered_set>
#include <vector>

#include "json_parse.h"
#include "referent/core/error.h"

namespace referent::formats {
namespace {

using Json = nlohmann::json;
using Event = Json::parse_event_t;

/// nlohmann keeps the last of two equal keys and nests without limit; this refuses both.
class Strictness {
 public:
  explicit Strictness(const std::string& where) : where_(where) {}

  bool operator()(int depth, Event event, const Json& value) {
    switch (event) {
      case Event::object_start:
        check_depth(depth);
        keys_.emplace_back();
        break;
      case Event::array_start:
        check_depth(depth);
        break;
      case Event::object_end:
        keys_.pop_back();
        break;
      case Event::key:
        if (!keys_.back().insert(value.get_ref<const std::string&>()).second) {
          throw DataError("{}: the key \"{}\" occurs twice in one object", where_,
                          value.get_ref<const std::string&>());
        }
        break;
      default:
        break;
    }
    return true;
  }

 private:
  void check_depth(int depth) const {
    if (depth >= kMaxJsonDepth) {
      throw DataError("{}: JSON nested deeper than {} levels", where_, kMaxJsonDepth);
    }
  }

  const std::string& where_;
  std::vector<std::unordered_set<std::string>> keys_;
};

}  // namespace

Json parse_json(std::string_view text, const std::string& where) {
  try {
    Strictness strictness(where);
    return Json::parse(text, [&](int depth, Event event, const Json& value) {
      return strictness(depth, event, value);
    });
  } catch (const Json::exception& error) {
    throw DataError("{}: not valid JSON: {}", where, error.what());
  }
}

void check_json(std::string_view text, const std::string& where) {
  parse_json(text, where);
}

}  // namespace referent::formats
