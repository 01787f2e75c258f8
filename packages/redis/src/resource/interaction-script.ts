/**
 * Each method of the port in one step on the server.
 *
 * A session is a hash: `json`, `claim`, `browser`, and what removes it: its `member` and the sets that it is in. A member is the size of an
 * entry and its keys. Sets have members by the time when they end: all of a kind, those of an agent, a site, a principal. A string has the
 * bytes of all. Keys of entries that are removed for others come from members; they begin with the braces of the keys given here, and are in
 * their slot.
 *
 * KEYS and ARGV by method:
 * `add`: session, state, all, bytes, agent, site, principal; now, ends, JSON, capacity, maxBytes, most of agent, site, principal → 1, or 0
 * where there is no room. `find`: session → JSON, claim. `claim`: session; browser, claim → the same. `take`: state, all, bytes; browser →
 * the same. `keep`: answer, all, bytes, of the principal; now, ends, JSON, capacity, maxBytes, most of a principal, principal.
 * `redeem`: answer, all, bytes, of the principal; principal → JSON.
 */
export const interactionScript: string = `
local op = ARGV[1]

-- The first set is that of all. What an instance whose clock is ahead has taken out of it already is not taken off the bytes again.
local function forget(member, bytes, sets)
  local held = redis.call('ZREM', sets[1], member)
  for i = 2, #sets do redis.call('ZREM', sets[i], member) end
  if held == 1 then redis.call('DECRBY', bytes, string.match(member, '^%d+')) end
end

local function remove(member, bytes, sets)
  forget(member, bytes, sets)
  local entry, state = string.match(member, '^%d+ (%S+) ?(%S*)$')
  redis.call('UNLINK', entry)
  if state ~= '' and redis.call('GET', state) == entry then redis.call('UNLINK', state) end
end

local function sweep(all, bytes, now)
  local ended = redis.call('ZRANGEBYSCORE', all, '-inf', now, 'LIMIT', 0, 100)
  for i = 1, #ended do forget(ended[i], bytes, { all }) end
end

local function giveWay(hold, sets, most)
  local own = sets[#sets]
  while redis.call('ZCARD', own) >= tonumber(most) do
    remove(redis.call('ZRANGE', own, 0, 0)[1], hold.bytes, sets)
  end
end

local function hasRoom(hold, capacity, maxBytes)
  local bytes = tonumber(redis.call('GET', hold.bytes) or '0')
  return redis.call('ZCARD', hold.all) < tonumber(capacity) and bytes < tonumber(maxBytes)
end

local function put(member, hold, sets)
  for i = 1, #sets do
    redis.call('ZADD', sets[i], hold.ends, member)
    redis.call('EXPIRE', sets[i], hold.life)
  end
  redis.call('INCRBY', hold.bytes, string.match(member, '^%d+'))
  redis.call('EXPIRE', hold.bytes, hold.life)
end

if op == 'find' or op == 'claim' then
  if redis.call('EXISTS', KEYS[1]) == 0 then return false end
  if op == 'claim' and redis.call('HSETNX', KEYS[1], 'browser', ARGV[2]) == 1 then
    redis.call('HSET', KEYS[1], 'claim', ARGV[3])
  end
  return redis.call('HMGET', KEYS[1], 'json', 'claim')
end

if op == 'take' then
  local session = redis.call('GET', KEYS[1])
  if not session then return false end
  local found = redis.call('HMGET', session, 'json', 'claim', 'browser', 'member', 'agent', 'site', 'principal')
  if not found[1] or found[3] ~= ARGV[2] then return false end
  remove(found[4], KEYS[3], { KEYS[2], found[5], found[6], found[7] })
  return { found[1], found[2] }
end

if op == 'redeem' then
  local found = redis.call('HMGET', KEYS[1], 'json', 'principal', 'member')
  if not found[1] or found[2] ~= ARGV[2] then return false end
  remove(found[3], KEYS[3], { KEYS[2], KEYS[4] })
  return found[1]
end

local now, ends, json = tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local life = math.max(math.ceil(ends - now), 1)
local hold = { ends = ends, life = math.max(life, 600) + 60 }
if op == 'keep' then
  hold.all, hold.bytes = KEYS[2], KEYS[3]
  local sets = { KEYS[2], KEYS[4] }
  sweep(hold.all, hold.bytes, now)
  redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', now)
  giveWay(hold, sets, ARGV[7])
  if not hasRoom(hold, ARGV[5], ARGV[6]) then return 0 end
  local member = string.len(json) .. ' ' .. KEYS[1]
  redis.call('HSET', KEYS[1], 'json', json, 'principal', ARGV[8], 'member', member)
  redis.call('EXPIRE', KEYS[1], life)
  put(member, hold, sets)
  return 1
end

hold.all, hold.bytes = KEYS[3], KEYS[4]
local agent, site, own = KEYS[5], KEYS[6], KEYS[7]
local sets = { hold.all, agent, site, own }
sweep(hold.all, hold.bytes, now)
for i = 2, #sets do redis.call('ZREMRANGEBYSCORE', sets[i], '-inf', now) end
giveWay(hold, sets, ARGV[9])
if not hasRoom(hold, ARGV[5], ARGV[6]) then return 0 end
if redis.call('ZCARD', agent) >= tonumber(ARGV[7]) or redis.call('ZCARD', site) >= tonumber(ARGV[8]) then return 0 end
-- A claim comes later: the return URL of the agent and its state.
local member = string.len(json) + 1024 .. ' ' .. KEYS[1] .. ' ' .. KEYS[2]
redis.call('HSET', KEYS[1], 'json', json, 'member', member, 'agent', agent, 'site', site, 'principal', own)
if string.find(json, '"claim":', 1, true) then
  local claim = cjson.decode(json).claim
  if claim then redis.call('HSET', KEYS[1], 'browser', claim.browser) end
end
redis.call('EXPIRE', KEYS[1], life)
redis.call('SET', KEYS[2], KEYS[1], 'EX', life)
put(member, hold, sets)
return 1
`
