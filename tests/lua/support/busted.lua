-- Runs busted's command line. The build's module must be the one that is tested, so `copas` is searched for among the C
-- modules first: a pure-Lua copas may be installed on this machine.
local searchers = package.searchers or package.loaders
local find_c_module = searchers[3]
table.insert(searchers, 2, function(name, ...)
  if name:find("^copas") then return find_c_module(name, ...) end
end)

require("busted.runner")({ standalone = false })
