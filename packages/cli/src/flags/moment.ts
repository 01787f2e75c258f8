import { UsageError } from '@countersign/fetch/internal'

/**
 * The Unix seconds of a time that a flag gives.
 * @throws UsageError
 */
export function secondsIn(flag: string, text: string): number {
  const seconds = /^\d{1,11}$/.test(text) ? Number(text) : Date.parse(text) / 1000
  if (Number.isFinite(seconds)) return seconds
  throw new UsageError(`${flag} must be Unix seconds or a date such as 2026-01-31T12:00:00Z`)
}
