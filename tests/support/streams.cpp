#include "support/streams.hpp"

#include <ostream>
#include <random>
#include <vector>

namespace copas::testing {

void PrintTo(const text& value, std::ostream* out) {
  constexpr std::size_t shown = 200;
  *out << value.bytes.size() << " bytes \"" << value.bytes.substr(0, shown)
       << (value.bytes.size() > shown ? "...\"" : "\"") << ", " << (value.error ? value.error.message() : "no error");
}

task<text> receive(loop& events, ref<stream> from, receive_pattern pattern, std::string prefix, deadline until) {
  receive_operation operation{&events, from, pattern, std::move(prefix)};
  operation.set_deadline(until);
  const received got = co_await operation;
  co_return text{.bytes = std::string{got.bytes()}, .error = got.error};
}

task<text> receive_some(loop& events, ref<stream> from, std::size_t room, deadline until) {
  std::vector<std::byte> into(room);
  const transfer got = co_await receive_some_operation{&events, from, into, until};
  co_return text{.bytes = std::string{reinterpret_cast<const char*>(into.data()), got.bytes}, .error = got.error};
}

task<transfer> send(loop& events, ref<stream> to, std::string_view bytes, deadline until) {
  co_return co_await send_awaitable{&events, to, std::as_bytes(std::span{bytes}), until};
}

std::string noise(std::size_t length, unsigned seed) {
  std::minstd_rand random{seed};
  std::string bytes(length, '\0');
  for (char& each : bytes) {
    const auto value = random();
    each = value % 61 == 0 ? '\n' : value % 61 == 1 ? '\r' : static_cast<char>(value >> 8);
  }
  return bytes;
}

}  // namespace copas::testing
