#include "copas/io/buffer.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>

namespace copas {
namespace {

// Blocks that a thread has used and may use again at once.
class block_pool {
 public:
  block_pool() = default;
  block_pool(const block_pool&) = delete;
  block_pool& operator=(const block_pool&) = delete;
  ~block_pool() {
    while (kept_ > 0) ::operator delete(blocks_[--kept_]);
    closed_ = true;
  }

  std::byte* take() {
    if (kept_ > 0) return static_cast<std::byte*>(blocks_[--kept_]);
    return static_cast<std::byte*>(::operator new(read_buffer::block_size));
  }

  void give_back(void* memory) noexcept {
    if (closed_ || kept_ == blocks_.size() || !COPAS_HAS_MEMORY_POOLS) {
      ::operator delete(memory);
    } else {
      blocks_[kept_++] = memory;
    }
  }

 private:
  std::array<void*, 32> blocks_{};
  std::size_t kept_ = 0;
  bool closed_ = false;  // at the end of the thread
};

thread_local block_pool pool;

}  // namespace

block make_block(std::size_t size) {
  if (size <= read_buffer::block_size) return {pool.take(), block_deleter{read_buffer::block_size}};
  return {static_cast<std::byte*>(::operator new(size)), block_deleter{size}};
}

void block_deleter::operator()(std::byte* memory) const noexcept {
  if (size == read_buffer::block_size) {
    pool.give_back(memory);
  } else {
    ::operator delete(memory);
  }
}

std::span<std::byte> read_buffer::space() {
  if (!block_) block_ = make_block(block_size);
  begin_ = end_ = 0;
  return {block_.get(), block_.get_deleter().size};
}

void read_buffer::commit(std::size_t count) noexcept {
  end_ = count;
  relax();
}

void read_buffer::prepend(std::string_view added) {
  if (added.empty()) return;
  if (begin_ < added.size()) {
    block larger = make_block(added.size() + size());
    if (!empty()) std::memcpy(larger.get() + added.size(), data() + begin_, size());
    end_ = added.size() + size();
    begin_ = added.size();
    block_ = std::move(larger);
  }
  begin_ -= added.size();
  std::memcpy(data() + begin_, added.data(), added.size());
}

}  // namespace copas
