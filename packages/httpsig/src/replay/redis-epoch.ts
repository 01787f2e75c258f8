/**
 * Lua that tells since when a server knows all that it was told: another process (restarted, flushed or promoted) may have lost some
 * of it, since snapshots and replicas lag behind. The same holds for a server to which an instance has come back from another one: what
 * was told there meanwhile is not here. An instance says so by when the other one answered it last (`left`). A start less than a minute
 * after that does not count as later: clocks of instances differ.
 *
 * Defines `startOf(key, epoch, times)`: `epoch` holds the fields of the hash at `key`, `times` the Unix seconds `now` and `left`. It
 * returns the start, and true where that is now.
 */
export const epochScript: string = `
local function startOf(key, epoch, times)
  local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
  local start = tonumber(epoch.start)
  if run and epoch.run == run and start and not (times.left and start <= times.left + 60) then return start, false end
  redis.call('HSET', key, 'run', run or '', 'start', times.now)
  return tonumber(times.now), true
end
`

/** What an instance says of the server that it comes from: Unix seconds of its last answer, or nothing. */
export function leftAt(now: number, awaySeconds: number | undefined): string {
  return awaySeconds === undefined ? '' : String(now - awaySeconds)
}
