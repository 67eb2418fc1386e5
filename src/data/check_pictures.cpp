// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <set>
#include <thread>
#include <unordered_map>
#include <unordered_set>

#include "findings.h"
#include "referent/core/error.h"
#include "referent/core/file.h"
#include "referent/core/hash.h"
#include "referent/core/progress.h"

namespace referent::data {
namespace {

void read_picture(Picture& picture) {
  const std::string name = picture.path.string();
  try {
    const auto bytes = read_file(picture.path, image::DecodeLimits().max_bytes);
    picture.hash = xxh3_64(bytes);
    picture.state = bytes.empty()                    ? Picture::State::kEmpty
                    : image::looks_like_image(bytes) ? Picture::State::kTorn
                                                     : Picture::State::kOtherType;
    picture.facts = image::read_image_facts(bytes, name);
    image::decode_bytes(bytes, name, image::Orientation::kIgnore);
    picture.state = Picture::State::kSound;
  } catch (const DataError& error) {
    // Not even its bytes could be read: too large, no permission, a folder.
    if (picture.state == Picture::State::kUnread) picture.state = Picture::State::kTorn;
    picture.message = error.what();
  }
}

/// COCO's number where the name has it, so that "COCO_train2014_000000000009.jpg" and
/// "000000000009.jpg" are one image; else the base name.
std::string picture_key(const std::string& name) {
  constexpr std::size_t kDigits = 12;
  const std::string stem = std::filesystem::path(name).stem().string();
  if (stem.size() >= kDigits) {
    const std::string start = stem.substr(0, stem.size() - kDigits);
    const std::string digits = stem.substr(stem.size() - kDigits);
    const bool is_number =
        std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (is_number && (start.empty() || (start.starts_with("COCO_") && start.ends_with('_')))) {
      return "COCO " + digits;
    }
  }
  return std::filesystem::path(name).filename().string();
}

bool was_read(const Picture* picture) {
  return picture != nullptr && picture->state != Picture::State::kUnread &&
         picture->state != Picture::State::kEmpty;
}

void check_state(const std::string& name, const Picture* picture, const SplitState& split,
                 Findings& findings) {
  if (picture == nullptr) {
    findings.add(FindingKind::kImageMissing, split, name);
    return;
  }
  switch (picture->state) {
    case Picture::State::kEmpty:
      findings.add(FindingKind::kImageEmpty, split, picture->message);
      break;
    case Picture::State::kTorn:
      findings.add(FindingKind::kImageTorn, split, picture->message);
      break;
    case Picture::State::kOtherType:
      findings.add(FindingKind::kImageType, split, picture->message);
      break;
    case Picture::State::kSound:
      if (picture->facts.orientation == 1) break;
      findings.add(FindingKind::kImageTurned, split,
                   fmt::format("{}: EXIF orientation {}", picture->path.string(),
                               picture->facts.orientation));
      break;
    case Picture::State::kUnread:
      break;
  }
}

/// Files of one base name, or of equal bytes, in one split.
void check_twins(const SplitState& split, Findings& findings) {
  std::unordered_map<std::string, const Picture*> by_name;
  std::unordered_map<std::uint64_t, const Picture*> by_bytes;
  std::set<const Picture*> seen;
  for (const auto& [name, picture] : split.pictures) {
    if (picture == nullptr || !seen.insert(picture).second) continue;
    const auto [same_name, new_name] = by_name.emplace(picture->path.filename().string(), picture);
    const auto pair_text = [picture = picture](const Picture& other) {
      return fmt::format("{} and {}", other.path.string(), picture->path.string());
    };
    if (!new_name) findings.add(FindingKind::kSameName, split, pair_text(*same_name->second));
    if (!was_read(picture)) continue;
    const auto [same_bytes, new_bytes] = by_bytes.emplace(picture->hash, picture);
    if (!new_bytes) findings.add(FindingKind::kSameBytes, split, pair_text(*same_bytes->second));
  }
}

/// The size that the annotations state against the file's.
void check_sizes(const SplitState& split, Findings& findings) {
  std::unordered_set<std::string> done;
  for (const Entry* entry : split.entries) {
    const Referent& stated = *entry->referent;
    const auto found = split.pictures.find(entry->image);
    if (stated.width <= 0 || found == split.pictures.end() || !was_read(found->second)) continue;
    if (found->second->state != Picture::State::kSound || !done.insert(entry->image).second) {
      continue;
    }
    const image::ImageSize size = found->second->facts.size;
    if (size == image::ImageSize{stated.width, stated.height}) continue;
    findings.add(FindingKind::kImageSize, split,
                 fmt::format("{} is {} x {} pixels large, the annotations say {} x {}",
                             entry->image, size.width, size.height, stated.width, stated.height));
  }
}

/// What an evaluation split shares with one for training.
void check_leak(const SplitState& training, const SplitState& evaluation, Findings& findings) {
  std::unordered_map<std::string, std::string> names;
  std::unordered_map<std::uint64_t, std::string> contents;
  for (const auto& [name, picture] : training.pictures) {
    names.emplace(picture_key(name), name);
    if (was_read(picture)) contents.emplace(picture->hash, name);
  }
  std::unordered_set<std::string> seen;
  for (const auto& [name, picture] : evaluation.pictures) {
    const std::string key = picture_key(name);
    if (!seen.insert(key).second) continue;
    if (names.contains(key)) {
      findings.add(FindingKind::kLeak, evaluation,
                   fmt::format("{} is in {} too", name, training.label()));
    } else if (was_read(picture) && contents.contains(picture->hash)) {
      findings.add(
          FindingKind::kLeak, evaluation,
          fmt::format("{} is {} of {}", name, contents.at(picture->hash), training.label()));
    }
  }
}

}  // namespace

void read_pictures(PictureTable& pictures, std::int64_t workers) {
  std::vector<Picture*> queue;
  for (auto& [path, picture] : pictures) queue.push_back(&picture);
  ProgressBar progress("pictures", static_cast<std::int64_t>(queue.size()));
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::exception_ptr failure;
  const auto work = [&] {
    for (std::size_t i = next++; i < queue.size(); i = next++) {
      try {
        read_picture(*queue[i]);
      } catch (...) {
        const std::scoped_lock lock(mutex);
        failure = std::current_exception();
        next = queue.size();
      }
      const std::scoped_lock lock(mutex);
      progress.advance();
    }
  };
  {
    std::vector<std::jthread> threads;
    for (std::int64_t i = 1; i < workers; ++i) threads.emplace_back(work);
    work();
  }
  if (failure) std::rethrow_exception(failure);
}

void check_pictures(const SplitState& split, const CheckOptions& options, Findings& findings) {
  if (options.pictures == Pictures::kIgnore) return;
  for (const auto& [name, picture] : split.pictures) check_state(name, picture, split, findings);
  check_twins(split, findings);
  check_sizes(split, findings);
}

void check_leaks(const std::vector<SplitState>& splits, Findings& findings) {
  for (const SplitState& evaluation : splits) {
    if (evaluation.training) continue;
    for (const SplitState& training : splits) {
      if (training.training) check_leak(training, evaluation, findings);
    }
  }
}

}  // namespace referent::data
