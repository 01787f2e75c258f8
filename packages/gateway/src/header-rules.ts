import { isProxyClaim } from './claimed-headers.js'

const hopByHop: readonly string[] = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]

/** Headers that make some servers serve another request than the one that was judged. */
export const overrides: readonly string[] = [
  'x-original-url',
  'x-original-host',
  'x-rewrite-url',
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
]

/** Headers that only the gateway may send to an upstream. */
const inboundOnly: ReadonlySet<string> = new Set([
  ...hopByHop,
  ...overrides,
  'host',
  'content-length',
  'expect',
  'signature',
  'signature-input',
  'signature-key',
  // The signer that Web Bot Auth names: without its signature, a claim that any caller can make.
  'signature-agent',
  'forwarded',
])

/** What is known of a header by its name. */
export interface HeaderRule {
  /** Its name as `plainName` has it. */
  readonly plain: string
  readonly isConnection: boolean
  /** Whether the API gets it, unless `Connection` names it. */
  readonly toApi: boolean
  /** Whether a caller gets it from the API, unless `Connection` names it. */
  readonly toCaller: boolean
}

/** Finds the rule of a header by its name. */
export type HeaderRules = (name: string) => HeaderRule

/** Names that are remembered: more than the headers of usual callers have together. Callers can send any others. */
const mostKept = 512
const longestKept = 64

/**
 * The rules of a gateway. To read a name takes longer than all else that is done with a header, so names are read once.
 * @param drop further headers that the API does not get, as `plainName` has them
 */
export function headerRules(drop: ReadonlySet<string>): HeaderRules {
  // bound: 512 names of at most 64 characters; bytes: 512 × 400 bytes; grown by a stranger; shared: the first stay:
  // names that a stranger makes up push out none; filled by header-rules.test.ts "the first 512 names are kept"
  const kept = new Map<string, HeaderRule>()
  return name => {
    const known = kept.get(name)
    if (known !== undefined) return known
    const rule = ruleOf(name, drop)
    // Full, it stays as it is: names that a stranger makes up must not push out the others.
    if (name.length <= longestKept && kept.size < mostKept) kept.set(name, rule)
    return rule
  }
}

function ruleOf(name: string, drop: ReadonlySet<string>): HeaderRule {
  const plain = plainName(name)
  return {
    plain,
    isConnection: plain === 'connection',
    toApi: !name.startsWith(':') && !isInboundOnly(plain) && !drop.has(plain),
    // The API does not speak AAuth: a challenge or fact in its answer may be text of an attacker.
    toCaller: !isHopByHop(plain) && !isOurs(plain) && plain !== 'agent-auth',
  }
}

/** The name in the form that CGI and WSGI servers make equal: `AAuth_Level`, for some also `AAuth.Level`, is `AAuth-Level` (SIG-21). */
export function plainName(name: string): string {
  const lower = name.toLowerCase()
  // All names that are looked for are shorter.
  return lower.slice(0, 64).replace(/[^a-z0-9]/g, '-') + lower.slice(64)
}

/** Whether a header is of this connection only. @param plain as of {@link plainName} */
export function isHopByHop(plain: string): boolean {
  return hopByHop.includes(plain)
}

/** Whether a header of a caller must not reach the API. @param plain as of {@link plainName} */
function isInboundOnly(plain: string): boolean {
  return inboundOnly.has(plain) || isOurs(plain) || isProxyClaim(plain)
}

/** Whether a header tells a fact that the gateway vouches for. @param plain as of {@link plainName} */
export function isOurs(plain: string): boolean {
  return plain.startsWith('aauth-')
}

const none: ReadonlySet<string> = new Set()

/** The names in the values of `Connection` lines, as {@link plainName} has them. */
export function connectionNames(values: readonly string[]): ReadonlySet<string> {
  // `keep-alive` names a header that is of the connection anyway.
  if (values.every(value => value === 'keep-alive')) return none
  // Each name is read once: reading a name costs more than sending it.
  const names = new Set(values.flatMap(value => value.split(',')))
  return new Set([...names].map(name => plainName(name.trim())))
}
