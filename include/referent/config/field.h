// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <initializer_list>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace referent::config {

/// What is legal for a field beyond its type.
struct Constraint {
  double minimum = -std::numeric_limits<double>::infinity();
  double maximum = std::numeric_limits<double>::infinity();
  std::vector<std::string> choices;  ///< for strings; empty: any
  bool required = false;             ///< the file must give it
};

inline Constraint in_range(double minimum, double maximum) {
  return {minimum, maximum, {}, false};
}
inline Constraint at_least(double minimum) {
  return {minimum, std::numeric_limits<double>::infinity(), {}, false};
}
inline Constraint one_of(std::initializer_list<const char*> names) {
  Constraint constraint;
  constraint.choices.assign(names.begin(), names.end());
  return constraint;
}
inline Constraint required() {
  Constraint constraint;
  constraint.required = true;
  return constraint;
}

/// The JSON names of an enum: specialise with a `static constexpr std::array` of pairs called
/// `kNames`, in the order in which documentation lists them.
///
///     template <> struct EnumNames<Variant> {
///       static constexpr std::array kNames{std::pair{Variant::kReleased, "released"}, ...};
///     };
template <typename Enum>
struct EnumNames;

/// The JSON name of an enumerator; null for a value that is none.
template <typename Enum>
constexpr const char* name_of(Enum value) {
  for (const auto& [enumerator, name] : EnumNames<Enum>::kNames) {
    if (enumerator == value) return name;
  }
  return nullptr;
}

// A configuration struct is plain data with defaults in place and one member
//
//     template <class V> void visit(V& v) {
//       v.field("size", size, "Side of the padded square [pixels].", in_range(32, 4096));
//     }
//
// that parsing, bounds, dump, schema, documentation and `--set` all share. A field is a bool, an
// integer, double, std::string, std::filesystem::path (relative to the file that names it, ${VAR}
// expanded), an enum with EnumNames, another such struct, or a std::optional, std::vector,
// std::array or std::map<std::string, ...> of these. A constraint on one of the latter holds for
// its elements, except `required`. A struct of several types ("type" chooses) lists the fields of
// all of them.

}  // namespace referent::config
