import { epochScript } from '../servers/epoch.js'

/**
 * One verdict in one step on the server, so that of several instances exactly one lets a request pass.
 *
 * KEYS: the epoch; what the keys of slices begin with: requests, counts. The script adds the number of a slice, which it has from the
 * clock of Redis. What they begin with has the braces of the epoch, so that a cluster has all of them in one slot.
 * ARGV: now, window, capacity, share of a site, share of a principal; then created, partition, request, principal, site (empty: the
 * principal is its own). Without `created` only the epoch is seen to; then `away` may follow, when an instance comes from another
 * server. With `seen` as the last one it writes nothing and returns 1 where
 * the request is remembered, else 0.
 *
 * The epoch names the server process and since when the set knows all: where Redis may have lost entries, or an instance brings them
 * from another Redis, the start rule holds again. It also holds, for each slice of time, the latest `created`
 * remembered in it (`c`). Slices go by the clock of Redis, which all instances share. A slice
 * that is gone, by age or because the clock of Redis was set, leaves its `c` behind: what was created then or before is early.
 * Returns 0 fresh, 1 replayed, 2 early, 3 full.
 */
export const replayScript: string = `${epochScript}
local now, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local length = window / 8
local created = tonumber(ARGV[6])

local epoch = {}
local fields = redis.call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do epoch[fields[i]] = fields[i + 1] end
if ARGV[11] == 'seen' then
  for field in pairs(epoch) do
    local slice = string.match(field, '^c(%d+)$')
    if slice and redis.call('SISMEMBER', KEYS[2] .. slice, ARGV[8]) == 1 then return 1 end
  end
  return 0
end
local age = epochAge(KEYS[1], epoch, not created and tonumber(ARGV[7]) or nil)
local ahead = at - now
if ahead < 0 or ahead > window then ahead = 0 end
local start = now + ahead - age
local behind = now - at
if behind < 0 or behind > 600 then behind = 0 end
if not created then return start <= math.floor(now) and 0 or 2 end

local function whole(number) return string.format('%.0f', number) end
local forgotten = tonumber(epoch.forgotten)
local before = forgotten
local function keep(latest) return whole(math.ceil((window * 4 + math.min(math.max(latest - at, 0), 600)) * 1000)) end
local live = {}
for field, value in pairs(epoch) do
  local slice = string.match(field, '^c(%d+)$')
  if slice then
    local old = (tonumber(slice) + 1) * length + window + 1 <= at
    local latest = tonumber(value)
    local held = redis.call('EXISTS', KEYS[2] .. slice) == 1
    if held and (not old or latest + window / 2 >= now - behind) then
      live[#live + 1] = slice
      if old then
        redis.call('PEXPIRE', KEYS[2] .. slice, keep(latest))
        redis.call('PEXPIRE', KEYS[3] .. slice, keep(latest))
      end
    else
      forgotten = math.max(forgotten or latest, latest)
      redis.call('HDEL', KEYS[1], field)
      redis.call('UNLINK', KEYS[2] .. slice, KEYS[3] .. slice)
    end
  end
end
if forgotten ~= before then redis.call('HSET', KEYS[1], 'forgotten', whole(math.ceil(forgotten))) end

for i = 1, #live do
  if redis.call('SISMEMBER', KEYS[2] .. live[i], ARGV[8]) == 1 then return 1 end
end
if created < start or (age < window / 2 and created > now + 5) then return 2 end
if forgotten and created <= forgotten then return 2 end

local principal = 'p' .. ARGV[9]
local site = ARGV[10] == '' and principal or 's' .. ARGV[10]
local all, ofSite, ofPrincipal = 0, 0, 0
for i = 1, #live do
  local counts = redis.call('HMGET', KEYS[3] .. live[i], ARGV[7], site, principal)
  all = all + (tonumber(counts[1]) or 0)
  ofSite = ofSite + (tonumber(counts[2]) or 0)
  ofPrincipal = ofPrincipal + (tonumber(counts[3]) or 0)
end
local capacity = tonumber(ARGV[3])
if all >= capacity or ofSite >= tonumber(ARGV[4]) or ofPrincipal >= tonumber(ARGV[5]) then return 3 end
-- As hasShare of @countersign/httpsig.
if all >= capacity * 0.9 and ofSite >= capacity / 1000 then return 3 end

local slice = whole(math.floor(at / length))
local requests, counts = KEYS[2] .. slice, KEYS[3] .. slice
redis.call('SADD', requests, ARGV[8])
redis.call('HINCRBY', counts, ARGV[7], 1)
redis.call('HINCRBY', counts, principal, 1)
if site ~= principal then redis.call('HINCRBY', counts, site, 1) end
local latest = tonumber(epoch['c' .. slice])
if not latest or created > latest then
  redis.call('PEXPIRE', requests, keep(created))
  redis.call('PEXPIRE', counts, keep(created))
  redis.call('HSET', KEYS[1], 'c' .. slice, whole(math.ceil(created)))
end
return 0
`
