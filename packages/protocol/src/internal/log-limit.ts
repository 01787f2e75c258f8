import { checkOptions } from './check-options.js'

/** Seconds that lines are counted for. */
const window = 60
/** Lines of one kind in that time. */
const defaultLines = 60
/** Beyond, kinds share one count. */
const mostKinds = 200

/**
 * Bounds what strangers can make a server log: of each kind of line so many a minute, and one line that says how many were left
 * out. Each kind counts alone, and what is not written through it is not counted at all: no flood hides a grant, and none of one
 * kind hides another.
 */
export interface LogLimit {
  /** Calls `line`, unless too many of its kind were written within the minute. `kind` is a constant of ours, never a stranger's word. */
  write(kind: string, line: () => void): void
  /** Says what was left out, once its minute is over; whoever logs something that is not bounded calls it before. */
  turn(): void
  /** Says at once what was left out so far: at the end of a process. */
  end(): void
}

/**
 * Makes a bound on the lines of a log.
 * @param log takes the line that says what was left out
 * @param options.lines of one kind, a minute; default 60
 * @param options.now Unix seconds
 */
export function logLimit(
  log: { warn(fields: Readonly<Record<string, unknown>>, message: string): unknown },
  options: { readonly lines?: number; readonly now?: () => number } = {},
): LogLimit {
  checkOptions('logLimit', options, { lines: 'number', now: 'function' })
  const { lines = defaultLines, now = () => Date.now() / 1000 } = options
  const seen = new Map<string, number>()
  let began = now()

  function end(): void {
    const over = [...seen].filter(([, count]) => count > lines).map(([kind, count]) => [kind, count - lines] as const)
    const since = began
    began = now()
    seen.clear()
    if (over.length === 0) return
    const total = over.reduce((sum, [, count]) => sum + count, 0)
    log.warn({ left_out: total, kinds: Object.fromEntries(over), since }, 'lines left out')
  }

  function turn(): void {
    // Also when the clock went back.
    if (Math.abs(now() - began) >= window) end()
  }

  return {
    write(kind, line) {
      turn()
      const counted = seen.has(kind) || seen.size < mostKinds ? kind : 'other'
      const count = (seen.get(counted) ?? 0) + 1
      seen.set(counted, count)
      if (count <= lines) line()
    },
    turn,
    end,
  }
}
