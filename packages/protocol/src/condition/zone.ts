import { boundedMap } from '../internal/bounded-map.js'

/**
 * Names that IANA uses today and that engines resolve to an older name. Engines that keep a link's own name need no table.
 */
const renamed: ReadonlySet<string> = new Set([
  'Africa/Asmara',
  'America/Argentina/Buenos_Aires',
  'America/Argentina/Catamarca',
  'America/Argentina/Cordoba',
  'America/Argentina/Jujuy',
  'America/Argentina/Mendoza',
  'America/Atikokan',
  'America/Indiana/Indianapolis',
  'America/Kentucky/Louisville',
  'America/Nuuk',
  'Asia/Ho_Chi_Minh',
  'Asia/Kathmandu',
  'Asia/Kolkata',
  'Asia/Yangon',
  'Atlantic/Faroe',
  'Etc/GMT',
  'Etc/UTC',
  'Europe/Kyiv',
  'Pacific/Chuuk',
  'Pacific/Kanton',
  'Pacific/Pohnpei',
])

const longestZone = 64

/**
 * To ask the engine costs as much as a signature. Only names that it knows are kept, so that junk drives none out; there are fewer than
 * 700.
 */
// bound: 1024 names of zones: more than there are; bytes: 1024 × 150; grown by a stranger; shared: all have room; junk
// is not kept; filled by kept-zones.test.ts "zones are kept by their names"
const zones = boundedMap<string, true>(1024)

/**
 * Tells whether a value is an IANA time zone in its own spelling. Another spelling, an offset or an unknown name is none: read as UTC or
 * local time, it would move the window.
 */
export function isZone(value: unknown): value is string {
  if (typeof value !== 'string' || value.length > longestZone || !/^[A-Z][A-Za-z0-9_+\-/]*$/.test(value)) return false
  if (zones.get(value) !== undefined) return true
  const resolved = resolve(value)
  const isOne = resolved === value ? value !== 'Factory' : resolved !== undefined && renamed.has(value)
  if (isOne) zones.set(value, true)
  return isOne
}

/** Whether this runtime knows time zones. One that was built without them can judge no `hours`, and must not say that it does. */
export function knowsZones(): boolean {
  return isZone('Europe/Paris')
}

function resolve(zone: string): string | undefined {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone
  } catch {
    return undefined
  }
}
