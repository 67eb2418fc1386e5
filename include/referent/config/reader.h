// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "referent/config/document.h"
#include "referent/config/json.h"
#include "referent/config/schema.h"
#include "referent/config/traits.h"

namespace referent::config {

namespace detail {

/// `text` as a path: ${VAR} from the environment, relative to `folder`, absolute; empty stays
/// empty. What would have been legal goes to `fault` when it is not.
std::filesystem::path read_path(const std::string& text, const std::filesystem::path& folder,
                                std::string& fault);

/// Everything that is wrong with a document, gathered in one run.
class Problems {
 public:
  explicit Problems(const Document& document) : document_(document) {}

  const Document& document() const { return document_; }
  void unknown_key(const std::string& pointer, const std::string& key,
                   const std::vector<std::string>& known);
  void missing(const std::string& pointer, const std::string& legal, const char* doc);
  /// `choices` are searched for what a wrong string may have meant.
  void illegal(const std::string& pointer, const nlohmann::json& value, const std::string& legal,
               const std::vector<std::string>& choices = {});

  /// Throws ConfigError with a line per problem when there are any.
  void raise() const;

 private:
  void add(const std::string& pointer, const std::string& message);

  const Document& document_;
  std::vector<std::string> lines_;
};

bool is_integer_within(const nlohmann::json& value, std::int64_t lowest, std::uint64_t highest,
                       const Constraint& constraint);
bool is_number_within(const nlohmann::json& value, const Constraint& constraint);

template <typename T>
void read(const nlohmann::json& value, const std::string& pointer, const Constraint& constraint,
          Problems& problems, T& member);

/// Fills one struct from one JSON object.
class Reader {
 public:
  Reader(const nlohmann::json& object, const std::string& pointer, Problems& problems)
      : object_(object), pointer_(pointer), problems_(problems) {}

  template <typename T>
  void field(const char* name, T& member, const char* doc, const Constraint& constraint = {}) {
    known_.emplace_back(name);
    const std::string pointer = child_pointer(pointer_, std::string_view(name));
    const auto found = object_.find(name);
    if (found != object_.end()) {
      read(*found, pointer, constraint, problems_, member);
    } else if (constraint.required) {
      problems_.missing(pointer, legal_values(type_schema<T>(constraint)), doc);
    } else if constexpr (Structure<T>) {
      // Its defaults hold, but what it requires is missing too.
      read(nlohmann::json::object(), pointer, constraint, problems_, member);
    }
  }

  void report_unknown_keys();

 private:
  const nlohmann::json& object_;
  const std::string& pointer_;
  Problems& problems_;
  std::vector<std::string> known_;
};

template <Structure T>
void read_structure(const nlohmann::json& value, const std::string& pointer, Problems& problems,
                    T& member) {
  Reader reader(value, pointer, problems);
  member.visit(reader);
  reader.report_unknown_keys();
}

/// Reads the elements of an array into `members`, which has as many.
template <typename Members>
void read_elements(const nlohmann::json& value, const std::string& pointer,
                   const Constraint& constraint, Problems& problems, Members& members) {
  for (std::size_t i = 0; i < members.size(); ++i) {
    read(value[i], child_pointer(pointer, i), constraint, problems, members[i]);
  }
}

template <Enumeration T>
bool read_enum(const nlohmann::json& value, T& member) {
  for (const auto& [enumerator, name] : EnumNames<T>::kNames) {
    if (value == name) {
      member = enumerator;
      return true;
    }
  }
  return false;
}

inline bool is_choice(const nlohmann::json& value, const std::vector<std::string>& choices) {
  const auto* word = value.get_ptr<const std::string*>();
  return word != nullptr &&
         (choices.empty() || std::find(choices.begin(), choices.end(), *word) != choices.end());
}

template <typename T>
void read(const nlohmann::json& value, const std::string& pointer, const Constraint& constraint,
          Problems& problems, T& member) {
  const auto illegal = [&](const std::vector<std::string>& choices = {}) {
    problems.illegal(pointer, value, legal_values(type_schema<T>(constraint)), choices);
  };
  if constexpr (Structure<T>) {
    if (!value.is_object()) return illegal();
    read_structure(value, pointer, problems, member);
  } else if constexpr (Optional<T>) {
    member.reset();
    if (!value.is_null()) read(value, pointer, constraint, problems, member.emplace());
  } else if constexpr (List<T>) {
    if (!value.is_array()) return illegal();
    member = T(value.size());
    read_elements(value, pointer, constraint, problems, member);
  } else if constexpr (FixedList<T>) {
    if (!value.is_array() || value.size() != member.size()) return illegal();
    read_elements(value, pointer, constraint, problems, member);
  } else if constexpr (Dictionary<T>) {
    if (!value.is_object()) return illegal();
    member.clear();
    for (const auto& [key, element] : value.items()) {
      read(element, child_pointer(pointer, key), constraint, problems, member[key]);
    }
  } else if constexpr (Enumeration<T>) {
    if (!read_enum(value, member)) illegal(enum_names<T>());
  } else if constexpr (Boolean<T>) {
    if (!value.is_boolean()) return illegal();
    member = value.get<bool>();
  } else if constexpr (Integer<T>) {
    using Limits = std::numeric_limits<T>;
    if (!is_integer_within(value, static_cast<std::int64_t>(Limits::min()),
                           static_cast<std::uint64_t>(Limits::max()), constraint)) {
      return illegal();
    }
    member = value.get<T>();
  } else if constexpr (Real<T>) {
    if (!is_number_within(value, constraint)) return illegal();
    member = value.get<double>();
  } else if constexpr (FilePath<T>) {
    if (!value.is_string()) return illegal();
    std::string fault;
    member = read_path(value.get<std::string>(), problems.document().nearest_origin(pointer).folder,
                       fault);
    if (!fault.empty()) problems.illegal(pointer, value, fault);
  } else {
    static_assert(Text<T>, "not a type that a configuration field can have");
    if (!is_choice(value, constraint.choices)) return illegal(constraint.choices);
    member = value.get<std::string>();
  }
}

}  // namespace detail

/// A configuration struct from a document: defaults where the document says nothing. Throws one
/// ConfigError that lists everything wrong (unknown and missing keys, wrong types, values out of
/// range or not among the legal names), each with file, JSON pointer, the value and what is legal.
///
/// An integer must be written as one (3.0 is not), null stands for an optional without value, and
/// a relative path starts from the folder of the file that wrote it (from the current folder for
/// --set); ${VAR} in a path is taken from the environment, "$${" stands for "${".
template <Structure T>
T parse(const Document& document) {
  T configuration{};
  detail::Problems problems(document);
  detail::read(document.root(), "", {}, problems, configuration);
  problems.raise();
  return configuration;
}

}  // namespace referent::config
