#pragma once

#include <cassert>
#include <cstdint>
#include <utility>

namespace copas {

/// Base of objects with several owners in one thread. The last `ref` to go deletes the object.
class ref_counted {
 public:
  ref_counted() = default;
  ref_counted(const ref_counted&) = delete;
  ref_counted& operator=(const ref_counted&) = delete;

 protected:
  ~ref_counted() = default;

 private:
  template <class>
  friend class ref;
  std::uint32_t owners_ = 0;
};

/// One share of a `ref_counted` object: a shared pointer of one word, without atomics or a control block.
template <class T>
class ref {
 public:
  ref() = default;
  explicit ref(T* object) noexcept : object_{object} {
    if (object_ != nullptr) ++object_->owners_;
  }
  ref(const ref& other) noexcept : ref{other.object_} {}
  ref(ref&& other) noexcept : object_{std::exchange(other.object_, nullptr)} {}
  ref& operator=(ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~ref() {
    if (object_ != nullptr && --object_->owners_ == 0) delete object_;
  }

  /// @pre it has one: an owner that was moved from has none.
  T& operator*() const noexcept {
    assert(object_ != nullptr);
    return *object_;
  }
  T* operator->() const noexcept { return &**this; }
  [[nodiscard]] T* get() const noexcept { return object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }
  /// Is it the only share?
  [[nodiscard]] bool sole() const noexcept { return object_ != nullptr && object_->owners_ == 1; }

 private:
  T* object_ = nullptr;
};

}  // namespace copas
