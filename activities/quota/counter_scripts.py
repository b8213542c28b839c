"""The scripts that change a user's counters in Redis; each runs alone, so nobody sees one half done.

A hash per period: `revision` (of the ledger's counters it was copied from), `requests`, `spent`, `held` (micro-USD),
and the limits `calls` and `money` (empty: none). A hash without `revision` does not count as there.
"""

TAKE = """
local amount = tonumber(ARGV[1])
local fits = true
for i = 1, 2 do
  local v = redis.call('HMGET', KEYS[i], 'revision', 'requests', 'spent', 'held', 'calls', 'money')
  if not v[1] then return 'absent' end
  local requests, committed = tonumber(v[2]), tonumber(v[3]) + tonumber(v[4])
  if v[5] ~= '' and requests + 1 > tonumber(v[5]) then fits = false end
  if v[6] ~= '' and amount > 0 and committed + amount > tonumber(v[6]) then fits = false end
end
if not fits then return 'full' end
for i = 1, 2 do
  redis.call('HINCRBY', KEYS[i], 'requests', 1)
  redis.call('HINCRBY', KEYS[i], 'held', ARGV[1])
  redis.call('EXPIRE', KEYS[i], ARGV[1 + i])
end
return 'taken'
"""
"""KEYS: day, month. ARGV: amount, seconds to keep each. Checks both periods, then sets aside in both, or in neither."""

GIVE_BACK = """
for i = 1, 2 do
  if redis.call('HGET', KEYS[i], 'revision') then
    redis.call('HINCRBY', KEYS[i], 'requests', -1)
    redis.call('HINCRBY', KEYS[i], 'held', -ARGV[1])
  end
end
"""
"""KEYS: day, month. ARGV: amount. What TAKE set aside and the ledger did not."""

COPY = """
local create, changed = ARGV[1] == '1', 0
for i = 1, 2 do
  local a = 2 + (i - 1) * 7
  local old = redis.call('HMGET', KEYS[i], 'revision', 'requests', 'spent', 'held', 'calls', 'money')
  local revision = tonumber(old[1] or '')
  if (revision or create) and (not revision or revision <= tonumber(ARGV[a])) then
    for field = 1, 6 do
      if old[field] ~= ARGV[a + field - 1] then changed = changed + 1; break end
    end
    redis.call('HSET', KEYS[i], 'revision', ARGV[a], 'requests', ARGV[a + 1], 'spent', ARGV[a + 2],
               'held', ARGV[a + 3], 'calls', ARGV[a + 4], 'money', ARGV[a + 5])
    redis.call('EXPIRE', KEYS[i], ARGV[a + 6])
  end
end
return changed
"""
"""KEYS: day, month. ARGV: '1' to make what is missing, then for each: revision, requests, spent, held, calls, money,
seconds to keep. The numbers of the ledger replace older ones, so however many copies are made at once, and in whatever
order they arrive, the newest stands. Returns how many of the two hashes were wrong."""
