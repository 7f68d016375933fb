-- TLS in the form of LuaSec: contexts made of a table of parameters, and connections.
local functions = ...

local tls = {
  _VERSION = "1.2.0", -- of the interface
  _COPYRIGHT = "Copyright (c) 2026 The Copas authors",
  newcontext = nil,
  wrap = nil,
  loadcertificate = functions.certificate,
}

-- Functions that choose a protocol (ALPN), by context and then by connection.
local choosers = setmetatable({}, { __mode = "k" })

-- What a parameter may be, for those that are one string, or several.
local function strings(value)
  if type(value) == "table" then return value end
  return value ~= nil and { value } or nil
end

local function refuse_type(name, wanted, value)
  error(("bad TLS parameter '%s' (%s expected, got %s)"):format(name, wanted, type(value)), 0)
end

-- A number counts as its text, as in Lua's own functions.
local function text_of(name, value)
  if type(value) == "number" then return tostring(value) end
  if type(value) ~= "string" then refuse_type(name, "string", value) end
  return value
end

-- A parameter that is nil or false is not set.
local function optional_string(params, name)
  return params[name] and text_of(name, params[name]) or nil
end

-- A parameter that is one word, or several.
local function words(params, name)
  if not params[name] then return nil end
  local list = {}
  for index, word in ipairs(strings(params[name])) do list[index] = text_of(name, word) end
  return list
end

-- What is said of parameters that are set, but to nothing, which the functions in C++ would take for not set.
local empty_key = {
  key = "error loading private key (no file name)",
  certificate = "error loading certificate (no file name)",
}
local empty_rule = {
  cafile = "error loading CA locations (no file name)",
  capath = "error loading CA locations (no file name)",
  ciphers = "error setting cipher list (it is empty)",
  curve = "elliptic curve '' not supported",
  curveslist = 'unknown elliptic curve in ""',
}

local function fault_of_empty(params, faults)
  for name, fault in pairs(faults) do
    if params[name] == "" then return fault end
  end
end

-- The protocols to offer or to choose from; or false and why there are none.
local function protocols(value)
  local list = strings(value)
  if #list == 0 then return false, "invalid ALPN list (empty)" end
  for _, name in ipairs(list) do
    if type(name) ~= "string" then return false, "invalid ALPN parameter" end
    if name == "" then return false, "invalid ALPN name (empty string)" end
    if #name > 255 then return false, "invalid ALPN name (length > 255)" end
  end
  return list
end

local function read_alpn(params, into)
  local value = params.alpn
  if not value then return true end
  local kind = type(value)
  if into.server and kind == "function" then
    into.asks_for_protocols = true
    return true
  end
  if kind ~= "table" and (into.server or kind ~= "string") then return false, "invalid ALPN parameter" end
  local err
  into.alpn, err = protocols(value)
  return into.alpn, err
end

-- The certificates with their keys. A password that is a function is asked for only if there is need.
local function read_keys(params, ask)
  local keys = {}
  for index, each in ipairs(params.certificates or { params }) do
    local password = each.password or nil
    local fault = fault_of_empty(each, empty_key)
    if fault then return nil, fault end
    if password and each.key then
      if type(password) == "function" then
        password = ask and password() or nil
      elseif type(password) ~= "string" then
        return nil, "invalid password type"
      end
    end
    keys[index] = {
      certificate = optional_string(each, "certificate"),
      key = optional_string(each, "key"),
      password = password,
    }
  end
  return keys
end

-- Whether a TLSA record for the peer's own certificate says enough, which is the only flag of DANE.
local function read_dane_flags(dane)
  if type(dane) ~= "table" then return false end
  for _, flag in ipairs(dane) do
    if flag ~= "no_ee_namechecks" then
      error(("bad TLS parameter 'dane' (invalid option '%s')"):format(tostring(flag)), 0)
    end
  end
  return #dane > 0
end

-- The parameters as functions.context takes them; or nil and an error.
local function normalise(params, ask)
  local mode, protocol = text_of("mode", params.mode), text_of("protocol", params.protocol)
  if mode ~= "server" and mode ~= "client" then return nil, ("invalid mode (%s)"):format(mode) end
  local fault = fault_of_empty(params, empty_rule)
  if fault then return nil, fault end
  local depth = params.depth and (tonumber(params.depth) or refuse_type("depth", "number", params.depth)) or nil
  local normal = {
    server = mode == "server",
    protocol = protocol,
    cafile = optional_string(params, "cafile"),
    capath = optional_string(params, "capath"),
    default_trust = params.default_trust,
    verify_host = params.verify_host,
    verify = words(params, "verify"),
    verifyext = words(params, "verifyext"),
    depth = depth,
    options = words(params, "options"),
    ciphers = optional_string(params, "ciphers"),
    ciphersuites = optional_string(params, "ciphersuites"),
    curve = optional_string(params, "curve"),
    curveslist = optional_string(params, "curveslist"),
    dane = params.dane and true or false,
    dane_without_names = read_dane_flags(params.dane),
  }
  local err
  normal.keys, err = read_keys(params, ask)
  if not normal.keys then return nil, err end
  if params.dhparam then
    if type(params.dhparam) ~= "function" then return nil, "invalid DH parameter type" end
    normal.dhparam = params.dhparam(false, 2048)
  end
  local ok
  ok, err = read_alpn(params, normal)
  if not ok then return nil, err end
  return normal
end

---Makes a context; or nil and an error.
function tls.newcontext(params)
  if type(params) ~= "table" then error("bad argument #1 to 'newcontext' (table expected)", 2) end
  local normal, err = normalise(params)
  if not normal then return nil, err end
  local context, why, wants_password = functions.context(normal)
  if wants_password then
    normal = normalise(params, true)
    context, why = functions.context(normal)
  end
  if not context then return nil, why end
  if normal.asks_for_protocols then choosers[context] = params.alpn end
  return context
end

local function set_of(names)
  local set = {}
  for _, name in ipairs(names) do set[name] = true end
  return set
end

-- All fields that contexts are made of, and which of them name files.
local fields = {
  "mode", "protocol", "key", "password", "certificate", "certificates", "cafile", "capath", "default_trust",
  "verify_host", "verify", "verifyext", "depth", "options", "ciphers", "ciphersuites", "dhparam", "curve", "curveslist",
  "alpn", "dane",
}
local is_field = set_of(fields)
local is_file = { key = true, certificate = true, cafile = true, capath = true }

-- Adds a text of a value that others do not have.
local function describe(value, name, into)
  local kind = type(value)
  if kind == "table" then
    into[#into + 1] = "{"
    if name == "certificates" then
      for _, each in ipairs(value) do
        for _, field in ipairs { "key", "password", "certificate" } do describe(each[field], field, into) end
      end
    else
      for _, each in ipairs(value) do describe(each, nil, into) end
    end
    into[#into + 1] = "}"
    return
  end
  local text = tostring(value)
  into[#into + 1] = kind:sub(1, 3)
  into[#into + 1] = #text
  into[#into + 1] = text
  if is_file[name] and kind == "string" then into[#into + 1] = functions.stamp(value) or "" end
end

local function fingerprint(params)
  local parts = {}
  for _, name in ipairs(fields) do
    local value = params[name]
    if value == nil then
      parts[#parts + 1] = "-"
    else
      describe(value, name, parts)
    end
  end
  return table.concat(parts, " ")
end

local cache, cached = {}, 0 -- contexts, and the functions that their texts name, by fingerprint
local most_cached = 100

-- What contexts were made of, by table of parameters: its fields as they were, what lists among them held, the stamps
-- of files, and in which turn these were looked at. To compare those is faster than to describe all anew for each
-- connection.
local remembered = setmetatable({}, { __mode = "k" })

local function copy_of(list)
  local copy = {}
  for index, value in ipairs(list) do copy[index] = value end
  return copy
end

-- nil if there is too much in them, or fields that are not their own.
local function snapshot_of(params)
  if params.certificates ~= nil or getmetatable(params) ~= nil then return nil end
  local snapshot = { fields = {}, count = 0, lists = {}, stamps = {}, turn = functions.turn() }
  for name, value in next, params do
    snapshot.fields[name], snapshot.count = value, snapshot.count + 1
    if type(value) == "table" and is_field[name] then
      snapshot.lists[value] = copy_of(value)
    elseif is_file[name] and type(value) == "string" then
      snapshot.stamps[value] = functions.stamp(value) or false
    end
  end
  return snapshot
end

local function has_same_fields(params, snapshot)
  if getmetatable(params) ~= nil then return false end
  local seen, missed = snapshot.fields, snapshot.count
  for name, value in next, params do
    if value ~= seen[name] then return false end
    missed = missed - 1
  end
  return missed == 0
end

local function has_same_lists(snapshot)
  for list, copy in next, snapshot.lists do
    if #list ~= #copy then return false end
    for index = 1, #copy do
      if list[index] ~= copy[index] then return false end
    end
  end
  return true
end

-- The system is asked once in a turn of the loop.
local function has_same_files(snapshot)
  local turn = functions.turn()
  if turn and turn == snapshot.turn then return true end
  for file, stamp in next, snapshot.stamps do
    if (functions.stamp(file) or false) ~= stamp then return false end
  end
  snapshot.turn = turn
  return true
end

local function is_like(params, snapshot)
  return has_same_fields(params, snapshot) and has_same_lists(snapshot) and has_same_files(snapshot)
end

---The context for a table of parameters, made anew when they or the files that they name have changed; raises what is
---wrong with them.
local function context_for(params)
  if functions.is_context(params) then return params end
  if type(params) ~= "table" then error("invalid context", 0) end
  local snapshot = remembered[params]
  if snapshot and is_like(params, snapshot) then return snapshot.context end
  snapshot = snapshot_of(params) -- before the files are read
  local key = fingerprint(params)
  local found = cache[key]
  if not found then
    local context, err = tls.newcontext(params)
    if not context then error(err, 0) end
    if cached >= most_cached then cache, cached = {}, 0 end
    found = { context = context, params.password, params.dhparam, params.alpn, params.certificates }
    cache[key], cached = found, cached + 1
  end
  if snapshot then
    snapshot.context = found.context
    remembered[params] = snapshot
  end
  return found.context
end

---What is wrong with parameters of a server, whatever becomes of the files that they name, and of fields that are not
---set yet; nil if that is nothing.
local function fault_of(params)
  local tried = {}
  for _, name in ipairs(fields) do tried[name] = params[name] end
  tried.mode, tried.protocol = tried.mode or "server", tried.protocol or "any"
  if type(tried.dhparam) == "function" then tried.dhparam = nil end
  local ok, normal, err = pcall(normalise, tried)
  if not ok then return normal end
  if not normal then return err end
  normal.keys, normal.cafile, normal.capath, normal.default_trust = {}, nil, nil, nil
  local context, why = functions.context(normal)
  if not context then return why end
  return nil
end

-- What an object that is none of ours has read and not handed out: it has to be decrypted.
local function take_buffered(skt)
  if not skt.dirty or not skt:dirty() then return "" end
  skt:settimeout(0)
  local data, _, partial = skt:receive(2 ^ 24)
  return data or partial or ""
end

---A connection that takes over the descriptor of `skt`.
local function secure(skt, context)
  local connection
  if functions.is_socket(skt) then
    connection = functions.secure(context, skt)
  else
    local early = take_buffered(skt)
    connection = functions.secure(context, skt:getfd(), early)
    skt:setfd(-1)
  end
  local choose = choosers[context]
  if choose then choosers[connection] = choose end
  return connection
end

function tls.wrap(skt, params)
  local context, host = params, nil
  if type(params) == "table" then
    local err
    context, err = tls.newcontext(params)
    if not context then return nil, err end
    host = type(params.verify_host) == "string" and params.verify_host or nil
  elseif not functions.is_context(params) then
    error("invalid context", 2)
  end
  local connection = secure(skt, context)
  if host and functions.is_context(context) == "client" then functions.expect(connection, host) end
  return connection
end

local contexts_by_name = setmetatable({}, { __mode = "k" }) -- those of connections

---Answers the client's offer of protocols, as the context of the name wants it that the client asks for.
local function choose_protocol(connection)
  local named = (contexts_by_name[connection] or {})[connection:getsniname()]
  local choose = choosers[named] or choosers[connection]
  local answer = choose(functions.offered(connection))
  functions.choose(connection, { protocols = strings(answer) or {} })
end

tls.config = {
  protocols = { tlsv1 = true, tlsv1_1 = true, tlsv1_2 = true, tlsv1_3 = true },
  options = set_of(functions.option_names()),
  algorithms = { ec = true },
  curves = set_of(functions.curve_names()),
  capabilities = { alpn = true, dane = { no_ee_namechecks = true }, curves_list = true, ecdh_auto = true },
}

local connection_methods = functions.connection_methods

local function check_names(wanted, names)
  if type(names) ~= wanted then
    error(("bad argument #1 to 'sni' (%s expected, got %s)"):format(wanted, type(names)), 3)
  end
end

---sni(name) of a client, sni(contexts by name [, strict]) of a server
function connection_methods.sni(connection, names, strict)
  if functions.mode(connection) == "client" then
    check_names("string", names)
    functions.sni(connection, names)
  else
    check_names("table", names)
    functions.sni(connection, names, strict)
    contexts_by_name[connection] = names
  end
end

-- A client's offer of protocols that a function answers stops the handshake.
local shake_hands = connection_methods.dohandshake
function connection_methods.dohandshake(connection)
  local ok, err = shake_hands(connection)
  while err == "protocols" do
    choose_protocol(connection)
    ok, err = shake_hands(connection)
  end
  if ok then return true end
  return false, err
end

return setmetatable(tls, {
  internal = {
    functions = functions,
    context_for = context_for,
    fault_of = fault_of,
    secure = secure,
    choose_protocol = choose_protocol,
  },
})
