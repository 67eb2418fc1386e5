// SPDX-License-Identifier: Apache-2.0
// LibTorch's headers bring an fmt without its library. Header-only, it would be compiled again in
// every file that formats, for two seconds; here it is compiled once.
#if !defined(FMT_HEADER_ONLY)  // as in a bare build
#include <fmt/format-inl.h>

FMT_BEGIN_NAMESPACE

template locale_ref::locale_ref(const std::locale&);
template std::locale locale_ref::get<std::locale>() const;

namespace detail {

template thousands_sep_result<char> thousands_sep_impl<char>(locale_ref);
template char decimal_point_impl<char>(locale_ref);

}  // namespace detail
FMT_END_NAMESPACE
#endif
