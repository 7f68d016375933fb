#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "copas/http/message.hpp"
#include "copas/http/url.hpp"

using copas::http::url;

// A URL that is accepted can be written into a head without ending a line, and stands for itself.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto found = url::parse(text);
  if (found) {
    std::string head;
    if (copas::http::append_request_line(head, "GET", found->target)) std::abort();
    if (copas::http::append_field(head, "host", found->authority())) std::abort();
    const auto again = url::parse(found->text());
    if (!again || !again->same_origin(*found) || again->target != found->target) std::abort();
  }
  const auto half = size / 2;
  static_cast<void>(copas::http::resolve(text.substr(0, half), text.substr(half)));
  return 0;
}
