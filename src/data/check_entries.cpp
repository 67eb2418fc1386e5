// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cmath>
#include <string_view>
#include <unordered_set>

#include "findings.h"
#include "referent/core/error.h"
#include "referent/text/expression.h"
#include "referent/text/utf8.h"

namespace referent::data {
namespace {

/// Coordinates beyond this overflow an int.
constexpr double kFarthest = 2147483647.0;

/// Annotations round: a box may end this far beyond its image [pixels].
constexpr double kSlack = 1.0;

/// Enough of an expression to find it by.
std::string shown(std::string_view expression) {
  constexpr std::size_t kMost = 60;
  if (expression.size() <= kMost) return fmt::format("\"{}\"", expression);
  std::size_t end = kMost;
  while (end > 0 && (static_cast<unsigned char>(expression[end]) & 0xC0U) == 0x80U) --end;
  return fmt::format("\"{}...\" ({} bytes)", expression.substr(0, end), expression.size());
}

bool is_control(std::string_view text, std::size_t at) {
  const auto byte = static_cast<unsigned char>(text[at]);
  if (byte < 0x20 || byte == 0x7F) return true;
  return byte == 0xC2 && at + 1 < text.size() && static_cast<unsigned char>(text[at + 1]) < 0xA0;
}

bool has_control(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (is_control(text, at)) return true;
  }
  return false;
}

/// Bytes of the space that `text` begins with: ASCII's, no-break, typographic and ideographic ones.
std::size_t leading_space(std::string_view text) {
  if (text.find_first_of(" \t\r\n\f\v") == 0) return 1;
  if (text.starts_with("\xC2\xA0")) return 2;
  if (text.starts_with("\xE3\x80\x80")) return 3;
  const bool typographic = text.size() >= 3 && text.starts_with("\xE2\x80") &&
                           static_cast<unsigned char>(text[2]) <= 0x8A;
  return typographic ? 3 : 0;
}

bool is_blank(std::string_view text) {
  while (!text.empty()) {
    const std::size_t space = leading_space(text);
    if (space == 0) return false;
    text.remove_prefix(space);
  }
  return true;
}

bool is_cut(const std::string& expression, const CheckOptions& options) {
  // Every token stands for at least one byte, and two are special.
  if (options.tokenizer == nullptr ||
      static_cast<std::int64_t>(expression.size()) + 2 <= options.length) {
    return false;
  }
  return text::encode_expression(*options.tokenizer, expression, options.length).truncated;
}

/// What is wrong with an expression, if anything.
std::optional<FindingKind> text_fault(const Entry& entry, const CheckOptions& options) {
  const std::string& text = entry.expression;
  // U+FFFD stands where some program could not read a byte.
  if (!entry.valid_utf8 || text::find_invalid_utf8(text) ||
      text.find("\xEF\xBF\xBD") != std::string::npos) {
    return FindingKind::kTextUtf8;
  }
  if (text.empty()) return FindingKind::kTextEmpty;
  if (is_blank(text)) return FindingKind::kTextBlank;
  if (has_control(text)) return FindingKind::kTextControl;
  if (is_cut(text, options)) return FindingKind::kTextLong;
  return std::nullopt;
}

/// The size of the entry's picture: the file's, else as it is stated; 0 where nobody tells.
image::ImageSize size_of(const Entry& entry, const SplitState& split) {
  const auto found = split.pictures.find(entry.image);
  if (found != split.pictures.end() && found->second != nullptr &&
      found->second->state == Picture::State::kSound) {
    return found->second->facts.size;
  }
  return {entry.referent->width, entry.referent->height};
}

std::optional<FindingKind> box_fault(const Entry& entry, image::ImageSize size) {
  if (!entry.box) return FindingKind::kBoxNone;
  for (const double number : entry.box->numbers) {
    if (!std::isfinite(number)) return FindingKind::kBoxNotFinite;
  }
  const image::Box box = entry.box->box();
  for (const double coordinate : {box.x1, box.y1, box.x2, box.y2}) {
    if (!(std::abs(coordinate) <= kFarthest)) return FindingKind::kBoxOverflow;
  }
  if (box.width() < 0 || box.height() < 0) return FindingKind::kBoxInverted;
  if (box.width() == 0 || box.height() == 0) return FindingKind::kBoxNoArea;
  if (box.x1 < 0 || box.y1 < 0) return FindingKind::kBoxNegative;
  const bool beyond = box.x2 > static_cast<double>(size.width) + kSlack ||
                      box.y2 > static_cast<double>(size.height) + kSlack;
  if (size.width > 0 && beyond) return FindingKind::kBoxOutside;
  return std::nullopt;
}

std::string describe_box(const Entry& entry, image::ImageSize size) {
  if (!entry.box) return "no box";
  const auto& [a, b, c, d] = entry.box->numbers;
  std::string text = fmt::format("[{}, {}, {}, {}]", a, b, c, d);
  if (size.width > 0) text += fmt::format(" in {} x {} pixels", size.width, size.height);
  return text;
}

/// Picture, box and words, to tell whether they come again.
std::string example_key(const Entry& entry) {
  std::string key = entry.image + '\0' + entry.expression + '\0';
  if (entry.box) {
    for (const double number : entry.box->numbers) key += fmt::format("{} ", number);
  }
  return key;
}

/// Looks at outlines; neighbours share one.
class MaskCheck {
 public:
  /// Why it can be no mask; empty: it can.
  std::string operator()(const std::shared_ptr<const formats::Segmentation>& mask) {
    if (mask == nullptr || mask == last_) return {};
    last_ = mask;
    try {
      formats::check_segmentation(*mask);
    } catch (const DataError& error) {
      return error.what();
    }
    return {};
  }

 private:
  std::shared_ptr<const formats::Segmentation> last_;
};

}  // namespace

void check_entries(const SplitState& split, const CheckOptions& options, Findings& findings) {
  std::unordered_set<std::string> keys;
  MaskCheck check_mask;
  for (const Entry* entry : split.entries) {
    const auto add = [&](FindingKind kind, std::string_view what) {
      findings.add(kind, split, fmt::format("{}: {}", split.place(*entry), what));
    };
    if (!entry->fault.empty()) {
      add(FindingKind::kEntry, entry->fault);
      continue;
    }
    if (const auto kind = text_fault(*entry, options)) add(*kind, shown(entry->expression));
    const image::ImageSize size = size_of(*entry, split);
    if (const auto kind = box_fault(*entry, size)) add(*kind, describe_box(*entry, size));
    if (const std::string fault = check_mask(entry->referent->mask); !fault.empty()) {
      add(FindingKind::kMask, fault);
    }
    if (!keys.insert(example_key(*entry)).second) {
      add(FindingKind::kExampleTwice, shown(entry->expression));
    }
  }
}

}  // namespace referent::data
