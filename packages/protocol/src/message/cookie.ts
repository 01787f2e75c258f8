import { headerValues, type ReceivedMessage } from '@countersign/httpsig'
import { schemeOf } from '../term/identifier.js'

/** The cookies of one participant. */
export interface Cookies {
  /** The value the browser sent; undefined when it sent none, or more than one. */
  read(message: ReceivedMessage, name: string): string | undefined
  /** Values by what follows `prefix` in their names; one whose name came more than once is left out. */
  readAll(message: ReceivedMessage, prefix: string): ReadonlyMap<string, string>
  /** A `Set-Cookie` value. Without `maxAge` (seconds) it lasts as long as the browser keeps running. */
  write(name: string, value: string, maxAge?: number): string
  /** A `Set-Cookie` value that makes the browser forget. */
  clear(name: string): string
}

/**
 * Names and flags of cookies: `__Host-`, so that no neighbour under the same domain can plant one; in development, where
 * that needs TLS, the port in the name, since browsers send cookies of one port to all others.
 * @see protocol §2
 */
export function cookiesOf(id: string): Cookies {
  const isSecure = schemeOf(id) === 'https'
  const port = new URL(id).port || '80'
  const [before, after] = isSecure ? ['__Host-countersign-', ''] : ['countersign-', `-${port}`]
  const nameOf = (name: string): string => `${before}${name}${after}`
  // Lax, not Strict: the way to these pages is a link from elsewhere, and the user comes back from a provider.
  const flags = `Path=/; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`
  return {
    read(message, name) {
      const wanted = `${nameOf(name)}=`
      const values = pairsOf(message, wanted).filter(pair => pair.startsWith(wanted))
      // Two of one name: somebody planted one of them.
      return values.length === 1 ? values[0]?.slice(wanted.length) : undefined
    },
    readAll(message, prefix) {
      const begin = before + prefix
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

/** The cookies that have `text` in them, which costs less to see than where each begins. */
function pairsOf(message: ReceivedMessage, text: string): string[] {
  return headerValues(message, 'cookie')
    .flatMap(line => line.split(';').filter(pair => pair.includes(text)))
    .map(pair => pair.trim())
}
