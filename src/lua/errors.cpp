#include "lua/errors.hpp"

#include <netdb.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "copas/core/result.hpp"
#include "copas/net/address.hpp"
#include "copas/tls/error.hpp"

namespace copas::lua {
namespace {

// The words that programs compare with, from the specification of LuaSocket; other numbers have those of strerror(3).
const char* text_of_system_error(int code) {
  switch (code) {
    case EAGAIN:
    case ETIMEDOUT: return "timeout";
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE: return "closed";
    case ECONNREFUSED: return "connection refused";
    case EADDRINUSE: return "address already in use";
    case EISCONN: return "already connected";
    case EACCES: return "permission denied";
    case ENAMETOOLONG: return "path too long";
    default: return std::strerror(code);
  }
}

const char* text_of_resolver_error(int code) {
  switch (code) {
    case EAI_NONAME: return "host or service not provided, or not known";
    case EAI_AGAIN: return "temporary failure in name resolution";
    case EAI_FAIL: return "non-recoverable failure in name resolution";
    case EAI_SERVICE: return "service not supported for socket type";
    case EAI_FAMILY: return "ai_family not supported";
    case EAI_SOCKTYPE: return "ai_socktype not supported";
    case EAI_BADFLAGS: return "invalid value for ai_flags";
    case EAI_MEMORY: return "memory allocation failure";
    case EAI_OVERFLOW: return "argument buffer overflow";
    default: return ::gai_strerror(code);
  }
}

}  // namespace

void push_error(lua_State* L, const std::error_code& error) {
  if (error.category() == copas_category()) {
    lua_pushstring(L, text_of(static_cast<errc>(error.value())));
  } else if (error.category() == tls::category()) {
    char reason[256];
    std::snprintf(reason, sizeof reason, "%s", error.message().c_str());
    lua_pushstring(L, reason);
  } else if (error.category() == resolver_category()) {
    lua_pushstring(L, text_of_resolver_error(error.value()));
  } else {
    lua_pushstring(L, text_of_system_error(error.value()));
  }
}

int push_failure(lua_State* L, const std::error_code& error) {
  lua_pushnil(L);
  push_error(L, error);
  return 2;
}

}  // namespace copas::lua
