/**
 * One verdict in one step on the server, so that of several instances exactly one lets a request pass.
 *
 * KEYS: epoch, seen, room of the partition, share of the principal. ARGV: now, created, window, capacity, share; without `created` only the
 * epoch is seen to.
 *
 * The epoch names the server process and since when the set knows all: a flushed, another or restarted Redis may have lost entries
 * (snapshots and replicas lag behind), and then the start rule holds again. Room is counted in slices of time, by the clock of Redis,
 * which all instances share.
 * Returns 0 fresh, 1 replayed, 2 early, 3 full.
 */
export const replayScript: string = `
local now, window = tonumber(ARGV[1]), tonumber(ARGV[3])
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
local held = redis.call('HMGET', KEYS[1], 'run', 'start')
local start = tonumber(held[2])
if not run or held[1] ~= run or not start then
  start = now
  redis.call('HSET', KEYS[1], 'run', run or '', 'start', ARGV[1])
end
if ARGV[2] == '' then return 0 end
if redis.call('EXISTS', KEYS[2]) == 1 then return 1 end
local created = tonumber(ARGV[2])
if created < start or (now < start + window / 2 and created > now + 5) then return 2 end

local time = redis.call('TIME')
local at = tonumber(time[1]) + tonumber(time[2]) / 1000000
local length = window / 8
local function count(key)
  local sum = 0
  local slices = redis.call('HGETALL', key)
  for i = 1, #slices, 2 do
    if (tonumber(slices[i]) + 1) * length + window + 1 > at then
      sum = sum + tonumber(slices[i + 1])
    else
      redis.call('HDEL', key, slices[i])
    end
  end
  return sum
end
if count(KEYS[3]) >= tonumber(ARGV[4]) or count(KEYS[4]) >= tonumber(ARGV[5]) then return 3 end

local slice = string.format('%.0f', math.floor(at / length))
redis.call('SET', KEYS[2], '', 'PX', string.format('%.0f', math.ceil((window + 1) * 1000)))
for i = 3, 4 do
  redis.call('HINCRBY', KEYS[i], slice, 1)
  redis.call('PEXPIRE', KEYS[i], string.format('%.0f', math.ceil((window + length + 1) * 1000)))
end
return 0
`
