#pragma once

#include <memory>
#include <utility>
#include <vector>

namespace copas {

/// Something that a loop has one of, and that ends with it, such as what looks up names for its tasks.
class loop_property {
 public:
  loop_property() = default;
  loop_property(const loop_property&) = delete;
  loop_property& operator=(const loop_property&) = delete;
  virtual ~loop_property() = default;
};

/// What a loop has, by key, which is the address of something that whoever asks for it owns.
class loop_properties {
 public:
  /// The property that belongs to `key`; null if there is none.
  [[nodiscard]] loop_property* find(const void* key) const noexcept;
  /// @pre    there is none for this key
  /// @error  std::bad_alloc
  void add(const void* key, std::unique_ptr<loop_property> added);
  /// Destroys all of them, the last one first.
  void clear() noexcept;

 private:
  std::vector<std::pair<const void*, std::unique_ptr<loop_property>>> all_;
};

}  // namespace copas
