#include "copas/io/buffer.hpp"

#include <array>
#include <cstring>
#include <new>

namespace copas {
namespace {

// Blocks that a thread has used and may use again at once. It needs neither a constructor nor a destructor, so that using
// it does not begin with asking whether it exists.
struct block_pool {
  std::array<void*, 32> blocks;
  std::size_t kept;
  bool cleaned_up;  // at the end of the thread, or it will be
  bool closed;
};
constinit thread_local block_pool pool{};

struct cleaner {
  ~cleaner() {
    while (pool.kept > 0) ::operator delete(pool.blocks[--pool.kept]);
    pool.closed = true;
  }
};

void clean_up_at_end() {
  thread_local const cleaner at_end;
  static_cast<void>(&at_end);
  pool.cleaned_up = true;
}

void* allocate(std::size_t size) { return ::operator new(sizeof(block_header) + size); }

void* take() {
  if (pool.kept > 0) return pool.blocks[--pool.kept];
  return allocate(read_buffer::block_size);
}

void give_back(void* memory) noexcept {
  if (pool.closed || pool.kept == pool.blocks.size() || !COPAS_HAS_MEMORY_POOLS) return ::operator delete(memory);
  if (!pool.cleaned_up) clean_up_at_end();
  pool.blocks[pool.kept++] = memory;
}

}  // namespace

block make_block(std::size_t size) {
  const bool usual = size <= read_buffer::block_size;
  auto* const header = new (usual ? take() : allocate(size)) block_header{};
  header->size = usual ? read_buffer::block_size : size;
  return block{reinterpret_cast<std::byte*>(header + 1)};
}

void block_deleter::operator()(std::byte* memory) const noexcept {
  auto* const header = reinterpret_cast<block_header*>(memory) - 1;
  if (header->size == read_buffer::block_size) {
    give_back(header);
  } else {
    ::operator delete(header);
  }
}

std::span<std::byte> read_buffer::space() {
  if (!block_) block_ = make_block(block_size);
  block_header& header = header_of(block_);
  header.begin = header.end = 0;
  return {block_.get(), header.size};
}

void read_buffer::commit(std::size_t count) noexcept {
  header_of(block_).end = count;
  relax();
}

void read_buffer::prepend(std::string_view added) {
  if (added.empty()) return;
  if (!block_ || header_of(block_).begin < added.size()) {
    block larger = make_block(added.size() + size());
    if (!empty()) std::memcpy(larger.get() + added.size(), bytes().data(), size());
    header_of(larger).end = added.size() + size();
    header_of(larger).begin = added.size();
    block_ = std::move(larger);
  }
  block_header& header = header_of(block_);
  header.begin -= added.size();
  std::memcpy(data() + header.begin, added.data(), added.size());
}

}  // namespace copas
