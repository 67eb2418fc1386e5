// SPDX-License-Identifier: Apache-2.0
#include "referent/loader/loader.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <numeric>
#include <span>

#include "bare_decode.h"
#include "model_run.h"
#include "pictures.h"
#include "referent/core/error.h"
#include "referent/core/random.h"
#include "referent/data/transform.h"
#include "referent/image/decode.h"
#include "referent/inference/build.h"
#include "referent/loader/collate.h"
#include "subjects.h"

namespace referent::app::bench {
namespace {

/// What happens to every picture in round `round`.
using Pass = std::function<void(std::int64_t round)>;

/// One timed part: its row and the times of its rounds, milliseconds a picture.
struct Part {
  std::string name;
  Pass pass;
  std::vector<double> times = {};
};

/// Times all parts alternately: A B C A B C ..., after a round that is not timed.
void time_parts(std::vector<Part>& parts, std::int64_t rounds, std::size_t pictures) {
  for (std::int64_t round = 0; round <= rounds; ++round) {
    for (Part& part : parts) {
      const auto start = std::chrono::steady_clock::now();
      part.pass(round);
      const std::chrono::duration<double, std::milli> spent =
          std::chrono::steady_clock::now() - start;
      if (round > 0) part.times.push_back(spent.count() / static_cast<double>(pictures));
    }
  }
}

Row row_of(const Part& part) {
  Row row;
  row.name = part.name;
  row.rounds = static_cast<std::int64_t>(part.times.size());
  row.ours = spread_of(part.times);
  row.images_per_second = 1e3 / row.ours.median_ms;
  return row;
}

/// What loads samples the way that a run does.
class Source {
 public:
  Source(const engine::RunConfig& config, const std::vector<data::Example>& examples)
      : tokenizer_(text::make_tokenizer(config.model.text_encoder.tokenizer)),
        examples_(examples),
        seed_(static_cast<std::uint64_t>(config.seed)) {
    const data::TransformContext context = inference::transform_context(config, tokenizer_);
    eval_ = data::make_evaluation_transform(context);
    train_ = data::make_train_transform(context, config.data.augment);
  }

  data::Sample eval(std::int64_t index) const {
    RandomStream unused(0);
    return make(*eval_, index, unused);
  }
  data::Sample train(std::int64_t index, std::int64_t epoch) const {
    RandomStream stream(seed_, static_cast<std::uint64_t>(epoch), static_cast<std::uint64_t>(index),
                        "augment");
    return make(*train_, index, stream);
  }
  std::int64_t count() const { return static_cast<std::int64_t>(examples_.size()); }
  std::int64_t pad_id() const { return tokenizer_->pad_id(); }

 private:
  data::Sample make(const data::Transform& transform, std::int64_t index,
                    RandomStream& stream) const {
    const data::Example& example = examples_[static_cast<std::size_t>(index)];
    return transform(example, image::decode_file(example.image, image::Orientation::kIgnore),
                     stream);
  }

  std::shared_ptr<const text::Tokenizer> tokenizer_;
  const std::vector<data::Example>& examples_;
  std::uint64_t seed_;
  std::unique_ptr<data::Transform> eval_;
  std::unique_ptr<data::Transform> train_;
};

/// The largest difference between the pixels that the floor and the loader decode.
double decode_difference(const std::vector<data::Example>& examples, BareDecoder& bare) {
  int largest = 0;
  for (const data::Example& example : examples) {
    const image::Image ours = image::decode_file(example.image, image::Orientation::kIgnore);
    const std::vector<std::uint8_t>& other = bare(example.image);
    REFERENT_CHECK(other.size() == ours.pixels.size(), "{}: two sizes", example.image.string());
    for (std::size_t i = 0; i < other.size(); ++i) {
      largest = std::max(largest, std::abs(int{other[i]} - int{ours.pixels[i]}));
    }
  }
  return largest;
}

void drain(const Source& source, const BenchOptions& options, const engine::RunConfig& config,
           std::int64_t workers, const loader::Loader::MakeSample& make) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(source.count()));
  std::iota(order.begin(), order.end(), 0);
  loader::Loader loader(
      make, loader::cut(order, options.batch_size, /*drop_last=*/false),
      {.text_length = config.data.text.length, .pad_id = source.pad_id(), .workers = workers});
  while (loader.next()) {
  }
}

}  // namespace

std::vector<Row> bench_loader(const BenchOptions& options, std::int64_t workers) {
  engine::RunConfig config = model_run(options);
  config.data.augment.type = data::AugmentType::kReleased;
  config.data.augment.released_quirks = true;
  const Pictures pictures(options.images, options.pictures);
  const std::vector<data::Example>& examples = pictures.examples();
  const Source source(config, examples);
  BareDecoder bare;
  const double difference = decode_difference(examples, bare);

  const auto each = [&](auto&& act) {
    for (std::int64_t i = 0; i < source.count(); ++i) act(i);
  };
  std::vector<data::Sample> samples;
  each([&](std::int64_t i) { samples.push_back(source.eval(i)); });
  std::vector<Part> parts{
      {"bare JPEG decode",
       [&](std::int64_t) {
         for (const data::Example& example : examples) bare(example.image);
       }},
      {"eval sample", [&](std::int64_t) { each([&](std::int64_t i) { source.eval(i); }); }},
      {"train sample",
       [&](std::int64_t round) { each([&](std::int64_t i) { source.train(i, round); }); }},
      {"collate", [&](std::int64_t) {
         const auto size = static_cast<std::size_t>(options.batch_size);
         for (std::size_t i = 0; i < samples.size(); i += size) {
           loader::collate(std::span(samples).subspan(i, std::min(size, samples.size() - i)),
                           config.data.text.length, source.pad_id());
         }
       }}};
  std::vector<std::int64_t> teams{1};
  if (workers > 1) teams.push_back(workers);
  for (const std::int64_t team : teams) {
    parts.push_back({fmt::format("loader eval, workers {}", team), [&, team](std::int64_t) {
                       drain(source, options, config, team,
                             [&](std::int64_t i) { return source.eval(i); });
                     }});
    parts.push_back({fmt::format("loader train, workers {}", team), [&, team](std::int64_t round) {
                       drain(source, options, config, team,
                             [&, round](std::int64_t i) { return source.train(i, round); });
                     }});
  }
  time_parts(parts, options.rounds, examples.size());

  std::vector<Row> rows;
  rows.reserve(parts.size());
  for (const Part& part : parts) rows.push_back(row_of(part));
  const Floor floor{rows[0].ours.median_ms, "bare JPEG decode of the same files, one thread"};
  rows[1].floor = floor;
  rows[2].floor = floor;
  rows[1].max_difference = difference;
  rows[1].differs = difference != 0;
  return rows;
}

}  // namespace referent::app::bench
