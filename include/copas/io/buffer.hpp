#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace copas {

/// Returns a block of a read buffer to where it came from.
struct block_deleter {
  void operator()(std::byte* memory) const noexcept;
};
using block = std::unique_ptr<std::byte[], block_deleter>;

/// What lies in front of each block: its size, and which part of it a read buffer uses. So an idle connection, which has
/// no block, has no room for these either.
struct alignas(std::max_align_t) block_header {
  std::size_t size = 0;
  std::size_t begin = 0;
  std::size_t end = 0;
};
[[nodiscard]] inline block_header& header_of(const block& of) noexcept {
  return *(reinterpret_cast<block_header*>(of.get()) - 1);
}

/// Memory for at least `size` bytes; of the usual size it is likely to be warm.
/// @error std::bad_alloc
[[nodiscard]] block make_block(std::size_t size);

/// Bytes that arrived and nobody has taken yet.
///
/// It holds memory only while it holds bytes. Blocks of the usual size come from a list of the thread, last in, first
/// out: connections that take turns share the one block that is still in the processor's cache.
class read_buffer {
 public:
  static constexpr std::size_t block_size = std::size_t{16} * 1024;

  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  [[nodiscard]] std::size_t size() const noexcept {
    return block_ ? header_of(block_).end - header_of(block_).begin : 0;
  }
  [[nodiscard]] std::span<char> bytes() noexcept {
    if (!block_) return {};
    return {data() + header_of(block_).begin, size()};
  }

  /// Room for a read, to be followed by `commit`. The buffer must be empty.
  /// @error std::bad_alloc
  [[nodiscard]] std::span<std::byte> space();
  /// Says how many bytes were put into the space; none gives the memory back.
  void commit(std::size_t count) noexcept;

  /// Drops the first bytes, but keeps their memory until the buffer is used again or `relax` is called.
  void consume(std::size_t count) noexcept {
    if (block_) header_of(block_).begin += count;
  }

  /// Gives the memory back if there is nothing in it.
  void relax() noexcept {
    if (empty()) clear();
  }
  void clear() noexcept { block_.reset(); }

  /// Puts bytes back in front of what is here.
  /// @error std::bad_alloc
  void prepend(std::string_view added);

  /// Takes the memory away, with the bytes in it; the buffer is empty afterwards.
  [[nodiscard]] block detach() noexcept { return std::move(block_); }

 private:
  [[nodiscard]] char* data() noexcept { return reinterpret_cast<char*>(block_.get()); }

  block block_;
};

}  // namespace copas
