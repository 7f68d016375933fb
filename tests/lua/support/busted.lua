-- Runs busted's command line. The build's module must be the one that is tested, so C modules are searched for first: a
-- pure-Lua copas may be installed on this machine.
local searchers = package.searchers or package.loaders
table.insert(searchers, 2, table.remove(searchers, 3))

require("busted.runner")({ standalone = false })
