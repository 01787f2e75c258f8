/**
 * Lua that tells since when a server knows all that it was told: another process (restarted, flushed or promoted) may have lost some
 * of it, since snapshots and replicas lag behind. The same holds for a server to which an instance has come back from another one: what
 * was told there meanwhile is not here. An instance says so by the seconds since the other one answered it last (`away`).
 *
 * The mark is written and read by the clock of Redis alone. One instance whose clock is wrong would otherwise shut all others, or let
 * back in what was refused before (F-83). A mark that is later than that clock was made before it was set back: a new one is made.
 *
 * Defines `at`, the Unix seconds of Redis, and `epochAge(key, epoch, away)`, where `epoch` holds the fields of the hash at `key`. It
 * returns the age of the mark in seconds, the mark, and true where that is new.
 */
export const epochScript: string = `
local time = redis.call('TIME')
local at = tonumber(time[1]) + tonumber(time[2]) / 1000000
local function epochAge(key, epoch, away)
  local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
  local start = tonumber(epoch.start)
  local age = start and at - start or -1
  if run and epoch.run == run and age >= 0 and not (away and age >= away) then return age, epoch.start, false end
  local mark = string.format('%.6f', at)
  redis.call('HSET', key, 'run', run or '', 'start', mark)
  return 0, mark, true
end
`
