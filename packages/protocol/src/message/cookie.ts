import { headerValues, type ReceivedMessage } from '@countersign/httpsig'
import { schemeOf } from '../term/identifier.js'

/** The cookies of one participant. */
export interface Cookies {
  /** The value of a cookie; undefined when the browser sent none, or more than one. */
  read(message: ReceivedMessage, name: string): string | undefined
  /** Values by the rest of their names after `prefix`; a cookie that was sent twice is left out. */
  readAll(message: ReceivedMessage, prefix: string): ReadonlyMap<string, string>
  /** A `Set-Cookie` value. Without `maxAge` (seconds) the cookie lasts until the browser is closed. */
  write(name: string, value: string, maxAge?: number): string
  /** A `Set-Cookie` value that deletes the cookie. */
  clear(name: string): string
}

/**
 * Names and flags of cookies. The prefix `__Host-` keeps other hosts of the domain from setting them. It needs TLS: in development
 * the name has the port instead, since browsers send the cookies of one port to all ports.
 * @see protocol §2
 */
export function cookiesOf(id: string): Cookies {
  const isSecure = schemeOf(id) === 'https'
  const port = new URL(id).port || '80'
  const [before, after] = isSecure ? ['__Host-countersign-', ''] : ['countersign-', `-${port}`]
  const nameOf = (name: string): string => `${before}${name}${after}`
  // Lax, not Strict: users come to these pages by links from other sites, and return from a provider.
  const flags = `Path=/; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`
  return {
    read(message, name) {
      const wanted = `${nameOf(name)}=`
      const values = pairsOf(message, wanted).filter(pair => pair.startsWith(wanted))
      // Of two cookies with one name, an attacker may have set one.
      return values.length === 1 ? values[0]?.slice(wanted.length) : undefined
    },
    readAll(message, prefix) {
      const begin = before + prefix
      // bound: one call
      const values = new Map<string, string>()
      const twice = new Set<string>()
      for (const pair of pairsOf(message, begin)) {
        const [name = ''] = pair.split('=', 1)
        if (!(name.startsWith(begin) && name.endsWith(after) && name.length > begin.length + after.length)) continue
        const rest = name.slice(begin.length, name.length - after.length)
        if (values.has(rest)) twice.add(rest)
        values.set(rest, pair.slice(name.length + 1))
      }
      for (const rest of twice) values.delete(rest)
      return values
    },
    write: (name, value, maxAge) =>
      `${nameOf(name)}=${value}; ${flags}${maxAge === undefined ? '' : `; Max-Age=${maxAge}`}`,
    clear: name => `${nameOf(name)}=; ${flags}; Max-Age=0`,
  }
}

/** The cookies that contain `text`: cheaper than to parse all of them. */
function pairsOf(message: ReceivedMessage, text: string): string[] {
  return headerValues(message, 'cookie')
    .flatMap(line => line.split(';').filter(pair => pair.includes(text)))
    .map(pair => pair.trim())
}
