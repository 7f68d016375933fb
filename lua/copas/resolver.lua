-- copas.resolver: how names are looked up.
local _, internal = ...
local native = internal.native

local function is_count(value) return type(value) == "number" and value >= 0 and value % 1 == 0 end
local function is_array_of_strings(value)
  if type(value) ~= "table" then return false end
  for _, each in ipairs(value) do
    if type(each) ~= "string" then return false end
  end
  return true
end

-- What each option has to be: a text for errors, and a test.
local kinds = {
  mode = { "'dns' or 'system'", function(value) return value == "dns" or value == "system" end },
  servers = { "an array of addresses", is_array_of_strings },
  timeout = { "a number of seconds", function(value) return type(value) == "number" and value > 0 end },
  tries = { "a whole number", function(value) return is_count(value) and value > 0 end },
  search = { "an array of domains", is_array_of_strings },
  ndots = { "a whole number", is_count },
  cache_size = { "a whole number", is_count },
  hosts = { "a file name", function(value) return type(value) == "string" end },
  resolv_conf = { "a file name", function(value) return type(value) == "string" end },
}

-- In the name of the user's code.
local function refuse(text, ...) error(native.where() .. text:format(...), 0) end

local resolver = {}

---Sets how names are looked up from now on; what is not given is as it was at the beginning.
function resolver.resolver(options)
  if options == nil then options = {} end
  if type(options) ~= "table" then
    refuse("expected a table with options, got: %s", type(options))
  end
  for name, value in pairs(options) do
    local kind = kinds[name]
    if not kind then refuse("unknown option '%s'", tostring(name)) end
    if not kind[2](value) then refuse("expected option '%s' to be %s, got: %s", name, kind[1], tostring(value)) end
  end
  local by_system = options.mode == "system"
  local wrong = native.set_resolver(by_system, options.servers, options.timeout, options.tries, options.search,
    options.ndots, options.cache_size, options.hosts, options.resolv_conf)
  if wrong then refuse("option 'servers': '%s' is no address", wrong) end
  if options.mode == "dns" and not native.load_library() then
    refuse("option 'mode': the library that asks name servers, copas/cares.so, was not found")
  end
end

return resolver
