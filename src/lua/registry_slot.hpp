#pragma once

#include <memory>

#include "lua/gate.hpp"

namespace copas::lua::detail {

/// A value in the registry of a Lua state; the copies of a `reference` share it.
class registry_slot {
 public:
  /// Takes the value at `index` of the stack, which stays there.
  registry_slot(lua_State* L, int index);
  registry_slot(const registry_slot&) = delete;
  registry_slot& operator=(const registry_slot&) = delete;
  ~registry_slot();

  [[nodiscard]] const gate& entrance() const noexcept { return *gate_; }
  void push(lua_State* L) const;

  /// Where a call of the value runs; null if no module is open.
  [[nodiscard]] scheduler* home() const noexcept { return home_; }

 private:
  std::shared_ptr<gate> gate_;
  int key_ = LUA_NOREF;
  scheduler* home_;
};

}  // namespace copas::lua::detail
