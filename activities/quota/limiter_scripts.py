"""The scripts behind the limiter; each runs alone, on the server's clock, so all workers share one truth.

Deadlines are milliseconds since the epoch. A minute is counted in a hash of one field per second; a second counts until
every moment of it is 60 seconds past, so no 60 seconds ever see more than the limit.
"""

NOW = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function cool(key, milliseconds)
  if milliseconds > 0 and now + milliseconds > tonumber(redis.call('GET', key) or '0') then
    redis.call('SET', key, string.format('%.0f', now + milliseconds), 'PX', string.format('%.0f', milliseconds))
  end
end
"""

TAKE = (
    NOW
    + """
local wait = 0
for i = 1, 2 do
  wait = math.max(wait, tonumber(redis.call('GET', KEYS[i]) or '0') - now)
end
if wait > 0 then return {'cooling', wait} end

redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)
local room = tonumber(ARGV[3])
if tonumber(redis.call('HGET', KEYS[4], 'failures') or '0') >= tonumber(ARGV[4]) then room = 1 end
if redis.call('ZCARD', KEYS[3]) >= room then return {'full', 0} end

local second = math.floor(now / 1000)
local function minute(key, amount, limit)
  local used, seconds, counts = 0, {}, {}
  local flat = redis.call('HGETALL', key)
  for i = 1, #flat, 2 do
    local at = tonumber(flat[i])
    if now >= (at + 61) * 1000 then
      redis.call('HDEL', key, flat[i])
    else
      counts[at] = tonumber(flat[i + 1])
      used = used + counts[at]
      seconds[#seconds + 1] = at
    end
  end
  table.sort(seconds)
  local free = limit - used
  for _, at in ipairs(seconds) do
    if free >= amount then break end
    free = free + counts[at]
    wait = math.max(wait, (at + 61) * 1000 - now)
  end
end
local asked = {1, tonumber(ARGV[5])}
for i = 1, 2 do
  if ARGV[5 + i] ~= '' then
    -- What is more than a minute allows goes alone: it would wait for ever.
    asked[i] = math.min(asked[i], tonumber(ARGV[5 + i]))
    minute(KEYS[4 + i], asked[i], tonumber(ARGV[5 + i]))
  end
end
if wait > 0 then return {'full', wait} end
for i = 1, 2 do
  if ARGV[5 + i] ~= '' then
    redis.call('HINCRBY', KEYS[4 + i], second, asked[i])
    redis.call('EXPIRE', KEYS[4 + i], 62)
  end
end
redis.call('ZADD', KEYS[3], now + ARGV[2], ARGV[1])
redis.call('EXPIRE', KEYS[3], 86400)
return {'taken', 0}
"""
)
"""KEYS: cooldown of the provider, of the key; leases, circuit; minute of requests, of tokens.
ARGV: lease, its milliseconds, calls at once, failures that open the circuit, tokens, requests per minute, tokens per
minute (empty: no limit). Returns what happened and after how many milliseconds it may go (0: unknown).
While a circuit that was open has seen no answer yet, one call at a time tries."""

COOL = NOW + "cool(KEYS[1], tonumber(ARGV[1]))"
"""KEYS: cooldown. ARGV: milliseconds. A later deadline stays."""

NOTE = (
    NOW
    + """
local outcome = ARGV[1]
cool(KEYS[3], tonumber(ARGV[3]))
if outcome == 'neutral' then return end
redis.call('LPUSH', KEYS[1], string.format('%.0f %s %s', now, outcome, ARGV[2]))
redis.call('LTRIM', KEYS[1], 0, ARGV[4] - 1)
redis.call('EXPIRE', KEYS[1], 86400)
if outcome ~= 'outage' then
  redis.call('HDEL', KEYS[2], 'failures', 'openings')
  return
end
local failures = redis.call('HINCRBY', KEYS[2], 'failures', 1)
redis.call('EXPIRE', KEYS[2], 3600)
-- Calls that were under way when it opened fail as well: they are the same outage, not another one.
if failures >= tonumber(ARGV[5]) and now >= tonumber(redis.call('HGET', KEYS[2], 'open_until') or '0') then
  local openings = redis.call('HINCRBY', KEYS[2], 'openings', 1)
  local open = tonumber(ARGV[math.min(5 + openings, #ARGV)])
  redis.call('HSET', KEYS[2], 'open_until', string.format('%.0f', now + open))
  cool(KEYS[4], open)
end
"""
)
"""KEYS: recent calls, circuit; cooldown of the key, of the provider.
ARGV: outcome, latency, milliseconds to leave the key alone (0: none), calls to remember, failures that open the
circuit, milliseconds that it is open the first time, the second time, ... (the last: every time after)."""
