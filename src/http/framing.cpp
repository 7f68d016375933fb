#include "framing.hpp"

#include <charconv>

#include "copas/http/message.hpp"

namespace copas::http {
namespace {

std::string joined(const std::vector<std::string>& values) {
  std::string all;
  for (const std::string& each : values) all.append(all.empty() && &each == &values.front() ? "" : ", ").append(each);
  return all;
}

std::vector<std::string_view> elements(std::string_view list) {
  std::vector<std::string_view> found;
  while (true) {
    const auto comma = list.find(',');
    found.push_back(trimmed(list.substr(0, comma)));
    if (comma == std::string_view::npos) return found;
    list.remove_prefix(comma + 1);
  }
}

}  // namespace

std::expected<framing, refusal> frame_body(const std::vector<std::string>& lengths,
                                           const std::vector<std::string>& codings) {
  int chunked = 0;
  const std::string all_codings = joined(codings);
  for (const std::string_view each : codings.empty() ? std::vector<std::string_view>{} : elements(all_codings)) {
    if (equal_without_case(each, "identity")) continue;
    if (!equal_without_case(each, "chunked") || ++chunked > 1) {
      return std::unexpected{refusal{.why = error::unsupported_transfer_encoding,
                                     .text = "unsupported transfer-encoding '" + all_codings + "'"}};
    }
  }
  if (chunked > 0 && !lengths.empty()) {
    return std::unexpected{
        refusal{.why = error::conflicting_lengths, .text = make_error_code(error::conflicting_lengths).message()}};
  }
  if (chunked > 0) return framing{.how = framing::kind::chunked};
  if (lengths.empty()) return framing{.how = framing::kind::until_close};

  const std::string all_lengths = joined(lengths);
  const auto each_length = elements(all_lengths);
  std::uint64_t length = 0;
  bool valid = each_length.front().size() <= 18;
  for (const std::string_view each : each_length) {  // equal ones count as one
    const auto [end, failure] = std::from_chars(each.data(), each.data() + each.size(), length);
    valid = valid && each == each_length.front() && failure == std::errc{} && end == each.data() + each.size();
  }
  if (!valid) {
    return std::unexpected{
        refusal{.why = error::invalid_content_length, .text = "invalid content-length '" + all_lengths + "'"}};
  }
  return framing{.how = framing::kind::counted, .length = length};
}

}  // namespace copas::http
