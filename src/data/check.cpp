// SPDX-License-Identifier: Apache-2.0
#include "referent/data/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <iterator>
#include <unordered_map>
#include <unordered_set>

#include "findings.h"
#include "image_finder.h"
#include "referent/core/error.h"

namespace referent::data {
namespace {

/// Whether a word of the name begins with "train": "train", "trainval", "refcocog_train".
bool names_training(const std::string& name) {
  for (std::size_t at = name.find("train"); at != std::string::npos;
       at = name.find("train", at + 1)) {
    if (at == 0 || std::isalnum(static_cast<unsigned char>(name[at - 1])) == 0) return true;
  }
  return false;
}

/// The entries by split, in the order in which splits first occur.
std::vector<SplitState> splits_of(const Annotations& annotations, const CheckedDataset& dataset) {
  std::vector<SplitState> splits;
  std::unordered_map<std::string, std::size_t> places;
  for (const Entry& entry : annotations.entries) {
    const auto [place, is_new] = places.try_emplace(entry.split, splits.size());
    if (is_new) {
      SplitState& state = splits.emplace_back();
      state.annotations = &annotations;
      state.split = entry.split;
      const std::string& name = entry.split.empty() ? annotations.name : entry.split;
      state.training = dataset.training.value_or(names_training(name));
      state.skips_missing = dataset.config.missing == MissingImages::kSkip;
    }
    splits[place->second].entries.push_back(&entry);
  }
  return splits;
}

/// Looks up the images of a split; files go to `pictures`, where they are one however often named.
void find_pictures(SplitState& split, ImageFinder& finder, PictureTable& pictures) {
  for (const Entry* entry : split.entries) {
    if (!entry->fault.empty() || split.pictures.contains(entry->image)) continue;
    const Picture* picture = nullptr;
    if (const auto path = finder.find(entry->image)) {
      picture = &pictures.try_emplace(path->string(), Picture{*path, {}, {}, {}, 0}).first->second;
    }
    split.pictures.emplace(entry->image, picture);
  }
}

/// The names alone.
void name_pictures(SplitState& split) {
  for (const Entry* entry : split.entries) {
    if (entry->fault.empty()) split.pictures.emplace(entry->image, nullptr);
  }
}

Counts counts_of(const SplitState& split) {
  Counts counts;
  std::unordered_set<std::string> images;
  std::unordered_set<std::string> referents;
  for (const Entry* entry : split.entries) {
    if (!entry->fault.empty()) continue;
    ++counts.expressions;
    images.insert(entry->image);
    referents.insert(referent_key(*entry));
  }
  counts.images = static_cast<std::int64_t>(images.size());
  counts.referents = static_cast<std::int64_t>(referents.size());
  return counts;
}

/// What differs from the published numbers, those that are not known aside; empty: nothing.
std::string count_fault(const Counts& counts, const Counts& published) {
  std::string fault;
  const auto compare = [&](const char* what, std::int64_t count, std::int64_t expected) {
    if (expected == 0 || count == expected) return;
    fault += fmt::format("{}{} {} instead of {}", fault.empty() ? "" : ", ", count, what, expected);
  };
  compare("expressions", counts.expressions, published.expressions);
  compare("images", counts.images, published.images);
  compare("referents", counts.referents, published.referents);
  return fault;
}

/// Ids that a data set gives itself.
void check_ids(const std::vector<SplitState>& splits, Findings& findings) {
  std::unordered_set<std::string> ids;
  for (const SplitState& split : splits) {
    for (const Entry* entry : split.entries) {
      if (!entry->fault.empty() || !entry->has_id || ids.insert(entry->id).second) continue;
      findings.add(FindingKind::kIdTwice, split,
                   fmt::format("{}: the id {}", split.place(*entry), entry->id));
    }
  }
}

/// What instances.json lists twice is told with the first split, for it belongs to none.
void check_lists(const Annotations& annotations, const SplitState& split, Findings& findings) {
  for (const std::string& name : annotations.images_listed_twice) {
    findings.add(FindingKind::kSameName, split,
                 fmt::format("instances.json lists the image {} twice", name));
  }
  for (const std::string& id : annotations.objects_listed_twice) {
    findings.add(FindingKind::kIdTwice, split,
                 fmt::format("instances.json lists the annotation {} twice", id));
  }
}

/// Everything while it is looked at.
class Check {
 public:
  explicit Check(const CheckOptions& options) : options_(options), findings_(options) {}

  void add(const CheckedDataset& dataset) {
    auto annotations = std::make_unique<Annotations>();
    try {
      *annotations = read_annotations(dataset.config, Masks::kRead);
      if (annotations->entries.empty()) {
        throw DataError("{} holds no examples", dataset.config.path.string());
      }
    } catch (const DataError& error) {
      report_.unreadable.emplace_back(dataset.name, error.what());
      return;
    }
    std::vector<SplitState> splits = splits_of(*annotations, dataset);
    ImageFinder finder(dataset.config.images.empty() ? annotations->folder : dataset.config.images);
    for (SplitState& split : splits) {
      split.number = splits_.size() + static_cast<std::size_t>(&split - splits.data());
      if (options_.pictures != Pictures::kIgnore) {
        find_pictures(split, finder, pictures_);
      } else {
        name_pictures(split);
      }
      count(split);
    }
    check_ids(splits, findings_);
    check_lists(*annotations, splits.front(), findings_);
    std::move(splits.begin(), splits.end(), std::back_inserter(splits_));
    annotations_.push_back(std::move(annotations));
  }

  CheckReport finish() {
    if (options_.pictures == Pictures::kDecode) {
      read_pictures(pictures_, options_.workers);
      report_.pictures = static_cast<std::int64_t>(pictures_.size());
    }
    for (const SplitState& split : splits_) {
      check_pictures(split, options_, findings_);
      check_entries(split, options_, findings_);
    }
    check_leaks(splits_, findings_);
    report_.findings = findings_.take();
    return std::move(report_);
  }

 private:
  void count(SplitState& split) {
    CheckedSplit row;
    row.dataset = split.annotations->name;
    row.split = split.split;
    row.training = split.training;
    row.counts = counts_of(split);
    row.published = published_counts(row.dataset, row.split);
    if (row.published) {
      const std::string fault = count_fault(row.counts, *row.published);
      split.as_published = fault.empty();
      if (!fault.empty()) findings_.add(FindingKind::kCount, split, fault);
    }
    // Lines that cannot be read have no split; they make no row among others.
    if (row.counts.expressions > 0) report_.splits.push_back(std::move(row));
  }

  const CheckOptions& options_;
  Findings findings_;
  CheckReport report_;
  std::vector<std::unique_ptr<Annotations>> annotations_;
  std::vector<SplitState> splits_;
  PictureTable pictures_;  // nodes stay where they are
};

}  // namespace

std::int64_t CheckReport::faults() const {
  std::int64_t total = 0;
  for (const Finding& finding : findings) total += finding.is_fault ? finding.count : 0;
  return total;
}

CheckReport check_datasets(std::span<const CheckedDataset> datasets, const CheckOptions& options) {
  Check check(options);
  for (const CheckedDataset& dataset : datasets) check.add(dataset);
  return check.finish();
}

}  // namespace referent::data
