// SPDX-License-Identifier: Apache-2.0
#include "referent/config/json.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include "referent/core/error.h"

namespace referent::config {
namespace {

using Json = nlohmann::json;

/// An iterator over text that tells how far the parser has read: nlohmann's SAX events carry no
/// position of their own.
class WatchedIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  WatchedIterator(const char* position, const char** watch) : position_(position), watch_(watch) {}
  reference operator*() const { return *position_; }
  WatchedIterator& operator++() {
    *watch_ = ++position_;
    return *this;
  }
  WatchedIterator operator++(int) {
    WatchedIterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const WatchedIterator& other) const { return position_ == other.position_; }
  bool operator!=(const WatchedIterator& other) const { return position_ != other.position_; }

 private:
  const char* position_;
  const char** watch_;
};

/// Builds the value and refuses what JSON allows but a configuration must not hold.
class Builder : public nlohmann::json_sax<Json> {
 public:
  Builder(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t& /*text*/) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t& /*value*/) override { return false; }

  bool start_object(std::size_t /*elements*/) override { return open(Json::object()); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t /*elements*/) override { return open(Json::array()); }
  bool end_array() override { return close(); }

  bool key(string_t& key) override {
    if (open_.back().value->contains(key)) {
      fail(consumed(),
           fmt::format("duplicate key \"{}\"; keep one", excerpt(std::string_view(key))),
           child_pointer(pointer(), key));
    }
    key_ = std::move(key);
    return true;
  }

  /// Refuses a NUL byte, which nlohmann's parser takes for the end of the text.
  void check_nul() const {
    const std::size_t nul = text_.find('\0');
    if (nul != std::string_view::npos) fail(nul + 1, "a NUL byte is not JSON", "");
  }

  bool parse_error(std::size_t position, const std::string& token,
                   const Json::exception& error) override {
    const std::size_t offset = std::min(position, text_.size());
    const char last = offset > 0 ? text_[offset - 1] : '\0';
    if (!token.starts_with('"') && (last == '/' || last == '#')) {
      fail(offset, "JSON has no comments; remove this one", pointer());
    }
    // "[json.exception...] parse error at line 1, column 2: reason": the place is told anyway.
    const std::string message = error.what();
    const std::size_t reason = message.find(": ");
    fail(offset, reason == std::string::npos ? message : message.substr(reason + 2), pointer());
  }

  const char** watch() { return &read_to_; }
  Json take() { return std::move(root_); }

 private:
  struct Level {
    Json* value;
    std::string pointer;
  };

  std::size_t consumed() const {
    return read_to_ == nullptr ? 0 : static_cast<std::size_t>(read_to_ - text_.data());
  }

  std::string pointer() const { return open_.empty() ? "" : open_.back().pointer; }

  Json* place(Json value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    Json& parent = *open_.back().value;
    if (parent.is_array()) {
      parent.push_back(std::move(value));
      return &parent.back();
    }
    return &(parent[key_] = std::move(value));
  }

  template <typename Value>
  bool add(Value&& value) {
    place(Json(std::forward<Value>(value)));
    return true;
  }

  bool open(Json container) {
    std::string here;
    if (!open_.empty()) {
      const Json& parent = *open_.back().value;
      here = parent.is_array() ? child_pointer(pointer(), parent.size())
                               : child_pointer(pointer(), key_);
    }
    if (open_.size() == kDeepestJson) {
      fail(consumed(), fmt::format("nested deeper than {} levels", kDeepestJson), here);
    }
    open_.push_back({place(std::move(container)), std::move(here)});
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  /// `offset` is one past the character concerned.
  [[noreturn]] void fail(std::size_t offset, const std::string& reason,
                         const std::string& where) const {
    const std::string_view before = text_.substr(0, offset > 0 ? offset - 1 : 0);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 = 0 on the first line
    throw ConfigError("{}:{}:{}: at \"{}\": {}", name_, line, before.size() - line_start + 1,
                      excerpt(std::string_view(where)), reason);
  }

  std::string_view text_;
  const std::string& name_;
  const char* read_to_ = nullptr;
  Json root_;
  std::vector<Level> open_;
  std::string key_;
};

}  // namespace

nlohmann::json parse_json(std::string_view text, const std::string& name) {
  if (text.size() > kLargestJson) {
    throw ConfigError("{}: {} bytes; a configuration has at most {}", name, text.size(),
                      kLargestJson);
  }
  if (text.starts_with("\xEF\xBB\xBF")) {
    throw ConfigError("{}:1:1: begins with a byte order mark (BOM); save it as plain UTF-8", name);
  }
  Builder builder(text, name);
  builder.check_nul();
  Json::sax_parse(WatchedIterator(std::to_address(text.begin()), builder.watch()),
                  WatchedIterator(std::to_address(text.end()), builder.watch()), &builder);
  return builder.take();
}

std::string child_pointer(const std::string& pointer, std::string_view key) {
  std::string result = pointer + "/";
  for (const char letter : key) {
    if (letter == '~') {
      result += "~0";
    } else if (letter == '/') {
      result += "~1";
    } else {
      result += letter;
    }
  }
  return result;
}

std::string child_pointer(const std::string& pointer, std::size_t index) {
  return fmt::format("{}/{}", pointer, index);
}

std::string excerpt(std::string_view text) {
  constexpr std::size_t kLongest = 160;
  if (text.size() <= kLongest) return std::string(text);
  const auto continues = [](char byte) { return (byte & 0xC0) == 0x80; };
  std::size_t head = kLongest / 2;
  while (head > 0 && continues(text[head])) --head;
  std::size_t tail = text.size() - kLongest / 2;
  while (tail < text.size() && continues(text[tail])) ++tail;
  return fmt::format("{}...{}", text.substr(0, head), text.substr(tail));
}

std::string excerpt(const nlohmann::json& value) {
  return excerpt(std::string_view(value.dump(-1, ' ', false, Json::error_handler_t::replace)));
}

bool is_utf8(const std::string& text) {
  try {
    (void)Json(text).dump();
    return true;
  } catch (const Json::type_error&) {
    return false;
  }
}

}  // namespace referent::config
