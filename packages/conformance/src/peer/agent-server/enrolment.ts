import { randomUUID } from 'node:crypto'
import { isObject, type JsonObject } from '../shared/json.js'
import { type PublicKey, readKey } from '../shared/key.js'
import { badRequest, refusing } from '../shared/refusal.js'
import { type Jws, readJws } from '../shared/token.js'
import type { Delegates } from './delegates.js'
import type { Settings } from './settings.js'

/** A request of a new key. */
interface Newcomer {
  readonly key: PublicKey
  header(name: string): string | undefined
}

/** Enrols a new key, and says which delegate it is. @throws Refusal */
export type Enrol = (enrollment: unknown, newcomer: Newcomer) => Promise<string>

interface Place {
  readonly settings: Settings
  readonly id: string
  readonly url: string
  readonly now: () => number
  readonly delegates: Delegates
}

const badGrant = refusing(400, 'invalid_grant')
const refused = () => badGrant('enrolment_refused', 'the code, token or session is wrong, or was used')

/** Opens the ways in which keys enrol. @see protocol §5 */
export function openEnrolment({ settings, id, url, now, delegates }: Place): Enrol {
  const codes = new Set(settings.codes)
  const codesOfLimited = new Set(settings.limited.codes)
  const used = new Set<string>()
  const ways: Readonly<Record<string, (enrollment: JsonObject, newcomer: Newcomer) => Promise<string>>> = {
    async code({ code }) {
      if (typeof code !== 'string') throw badRequest('code_missing', '`code` is no text')
      const isLimited = codesOfLimited.delete(code)
      if (!isLimited && !codes.delete(code)) throw refused()
      const sub = randomUUID()
      if (isLimited) delegates.limit(sub, settings.limited)
      return sub
    },
    async oidc({ token }, { key }) {
      if (settings.oidc === undefined || typeof token !== 'string') throw refused()
      const { sub } = await checkIdToken(token, { ...settings.oidc, audience: `${url}#${key.thumbprint}`, now })
      if (sub !== settings.oidc.sub) throw refused()
      if (used.has(token)) throw refused()
      used.add(token)
      return randomUUID()
    },
    async session(_, { header }) {
      if (settings.session === undefined || header('cookie') !== settings.session.cookie) throw refused()
      if (header('origin') !== id) throw refused()
      return `session-${settings.session.user}`
    },
  }
  return async (enrollment, newcomer) => {
    const type = isObject(enrollment) ? String(enrollment['type']) : ''
    const way = Object.hasOwn(ways, type) ? ways[type] : undefined
    if (way === undefined || !isObject(enrollment)) throw badRequest('enrollment_unknown', 'the type is unknown')
    const sub = await way(enrollment, newcomer)
    delegates.bind(sub, newcomer.key)
    return sub
  }
}

/** Checks a token of an OpenID issuer, which must name this endpoint and the new key, and nothing else. */
async function checkIdToken(
  token: string,
  o: { readonly issuer: string; readonly audience: string; readonly now: () => number },
): Promise<JsonObject> {
  const jws = readJws(token, badGrant)
  const { iss, exp, aud } = jws.claims
  if (iss !== o.issuer) throw refused()
  if (!(await keysOf(o.issuer, jws)).some(key => key.verifies(jws.input, jws.signature))) throw refused()
  if (typeof exp !== 'number' || exp <= o.now()) throw refused()
  if ([aud].flat().join(' ') !== o.audience) throw refused()
  return jws.claims
}

/** The keys of an issuer that a token may be signed with. */
async function keysOf(issuer: string, { header }: Jws): Promise<readonly PublicKey[]> {
  const read = async (url: string): Promise<JsonObject> => {
    const answer = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(5000) })
    return (await answer.json()) as JsonObject
  }
  const { jwks_uri: uri } = await read(`${issuer}/.well-known/openid-configuration`)
  const { keys } = await read(String(uri))
  return [keys].flat().flatMap(key => {
    const isNamed = isObject(key) && key['kid'] === header['kid'] && key['alg'] === header['alg']
    return isNamed ? [readKey(key)] : []
  })
}
