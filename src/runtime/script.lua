#!/usr/bin/env lua
-- The copas runtime for an ordinary Lua that finds the module: what LuaRocks installs as `copas`.
require("copas.runtime")(arg)
