-- SHA-1 (RFC 3174) in the subset of Lua that all versions share, for handshakes: it is slow.
local function bitwise(combine)
  local of_nibbles = {}
  for a = 0, 15 do
    of_nibbles[a] = {}
    for b = 0, 15 do
      local result = 0
      for bit = 0, 3 do
        local x, y = math.floor(a / 2 ^ bit) % 2, math.floor(b / 2 ^ bit) % 2
        if combine(x == 1, y == 1) then result = result + 2 ^ bit end
      end
      of_nibbles[a][b] = result
    end
  end
  return function(a, b)
    local result, factor = 0, 1
    for _ = 1, 8 do
      result = result + of_nibbles[a % 16][b % 16] * factor
      a, b, factor = math.floor(a / 16), math.floor(b / 16), factor * 16
    end
    return result
  end
end

local both = bitwise(function(x, y) return x and y end)
local either = bitwise(function(x, y) return x or y end)
local differ = bitwise(function(x, y) return x ~= y end)
local word = 2 ^ 32

local function rotate(value, by)
  local shifted = value * 2 ^ by
  return shifted % word + math.floor(shifted / word)
end

local function bytes(value, count)
  local text = {}
  for index = count, 1, -1 do
    text[index] = string.char(value % 256)
    value = math.floor(value / 256)
  end
  return table.concat(text)
end

local function mix(step, b, c, d)
  if step < 20 then return either(both(b, c), both(word - 1 - b, d)), 0x5A827999 end
  if step < 40 then return differ(differ(b, c), d), 0x6ED9EBA1 end
  if step < 60 then return either(either(both(b, c), both(b, d)), both(c, d)), 0x8F1BBCDC end
  return differ(differ(b, c), d), 0xCA62C1D6
end

---The digest, 20 bytes.
return function(text)
  local padded = text .. "\128" .. ("\0"):rep((55 - #text) % 64) .. bytes(#text * 8, 8)
  local h = { 0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0 }
  for block = 1, #padded, 64 do
    local w = {}
    for index = 0, 15 do
      local a, b, c, d = padded:byte(block + index * 4, block + index * 4 + 3)
      w[index] = a * 2 ^ 24 + b * 65536 + c * 256 + d
    end
    for index = 16, 79 do
      w[index] = rotate(differ(differ(w[index - 3], w[index - 8]), differ(w[index - 14], w[index - 16])), 1)
    end
    local a, b, c, d, e = h[1], h[2], h[3], h[4], h[5]
    for step = 0, 79 do
      local f, constant = mix(step, b, c, d)
      a, b, c, d, e = (rotate(a, 5) + f + e + constant + w[step]) % word, a, rotate(b, 30), c, d
    end
    for index, value in ipairs { a, b, c, d, e } do h[index] = (h[index] + value) % word end
  end
  for index = 1, 5 do h[index] = bytes(h[index], 4) end
  return table.concat(h)
end
