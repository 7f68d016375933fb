#include "decoder.hpp"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <new>

#include "copas/http/message.hpp"

namespace copas::http {
namespace {

constexpr int window_bits = 15;
constexpr int gzip_or_zlib = window_bits + 32;

}  // namespace

class decoder::machine {
 public:
  explicit machine(bool gzip) : gzip_{gzip} { begin(gzip_or_zlib); }
  machine(const machine&) = delete;
  machine& operator=(const machine&) = delete;
  ~machine() { ::inflateEnd(&stream_); }

  bool decode(std::string_view& from, std::string& to, std::size_t most);

  bool ended_ = false;
  bool begun_ = false;

 private:
  void begin(int bits) {
    if (::inflateInit2(&stream_, bits) != Z_OK) throw std::bad_alloc{};
  }
  bool choose_format(std::string_view from);

  bool gzip_;
  z_stream stream_{};
};

// What is called deflate has a header of two bytes, but some servers leave it out.
bool decoder::machine::choose_format(std::string_view from) {
  begun_ = true;
  if (gzip_ || (static_cast<unsigned char>(from.front()) & 0x0fU) == Z_DEFLATED) return true;
  return ::inflateReset2(&stream_, -window_bits) == Z_OK;
}

bool decoder::machine::decode(std::string_view& from, std::string& to, std::size_t most) {
  if (!begun_ && !from.empty() && !choose_format(from)) return false;
  const std::size_t before = to.size();
  while (!from.empty() && to.size() - before < most) {
    if (ended_) {  // one member of gzip may follow another
      if (!gzip_ || ::inflateReset(&stream_) != Z_OK) return false;
      ended_ = false;
    }
    const std::size_t room = std::min<std::size_t>(most - (to.size() - before), std::size_t{64} * 1024);
    const std::size_t offset = to.size();
    to.resize(offset + room);
    // zlib does not change its input, though its type says so.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(from.data()));
    stream_.avail_in = static_cast<uInt>(std::min<std::size_t>(from.size(), std::numeric_limits<uInt>::max()));
    stream_.next_out = reinterpret_cast<Bytef*>(to.data() + offset);
    stream_.avail_out = static_cast<uInt>(room);
    const uInt given = stream_.avail_in;
    const int outcome = ::inflate(&stream_, Z_NO_FLUSH);
    from.remove_prefix(given - stream_.avail_in);
    to.resize(offset + room - stream_.avail_out);
    ended_ = outcome == Z_STREAM_END;
    if (outcome != Z_OK && outcome != Z_STREAM_END && outcome != Z_BUF_ERROR) return false;
    if (outcome == Z_BUF_ERROR && given == stream_.avail_in) return false;
  }
  return true;
}

bool decoder::knows(std::string_view coding) noexcept {
  return equal_without_case(coding, "gzip") || equal_without_case(coding, "x-gzip") ||
         equal_without_case(coding, "deflate");
}

decoder::decoder(std::string_view coding)
    : machine_{std::make_unique<machine>(!equal_without_case(coding, "deflate"))} {}
decoder::decoder(decoder&&) noexcept = default;
decoder& decoder::operator=(decoder&&) noexcept = default;
decoder::~decoder() = default;

bool decoder::decode(std::string_view& from, std::string& to, std::size_t most) {
  return machine_->decode(from, to, most);
}
bool decoder::complete() const noexcept { return machine_->ended_ || !machine_->begun_; }

}  // namespace copas::http
