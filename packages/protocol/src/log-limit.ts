import { checkOptions } from './internal/check-options.js'

/** Length of a count, in seconds. */
const window = 60
/** Lines of one kind in that time, by default. */
const defaultLines = 60
/** Further kinds share one count. */
const mostKinds = 200

/**
 * Limits the lines that requests can make a server log: a number of each kind per minute, and one line that says how many were left
 * out. Each kind is counted alone, so that a flood of one kind does not hide another. Lines that are not written through it have no
 * limit.
 */
export interface LogLimit {
  /** Calls `line`, unless too many of its kind were written within the minute. @param kind a constant, never text of a request */
  write(kind: string, line: () => void): void
  /** Logs what was left out, once the minute is over. Call it before each line that is not written through the limit. */
  turn(): void
  /** Logs what was left out so far. Call it at the end of a process. */
  end(): void
}

/**
 * Creates a limit on the lines of a log.
 * @param log receives the line that says what was left out
 * @param options.lines lines of one kind per minute; default 60
 * @param options.now Unix seconds
 */
// unchecked options log: it is a party, a message or a logger, of which few members are read
export function logLimit(
  log: { warn(fields: Readonly<Record<string, unknown>>, message: string): unknown },
  options: { readonly lines?: number; readonly now?: () => number } = {},
): LogLimit {
  checkOptions('logLimit', options, { lines: 'number', now: 'function' })
  const { lines = defaultLines, now = () => Date.now() / 1000 } = options
  // bound: 200 kinds; grown by the program
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
    // Also when the clock was set back.
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
