import { parseItem, serializeString, Token } from 'structured-headers'
import { AAuthError } from './error.js'

/**
 * A challenge: what the agent must show before it is let in.
 * @see protocol.md §4
 */
export interface AgentAuth {
  /** The agent must say who it is (`identity=?1`). */
  readonly identity?: true
  /** The agent must bring an auth token (`auth-token`); always with `resourceToken` and `authServer`. */
  readonly authToken?: true
  /** The resource token to take to the auth server. */
  readonly resourceToken?: string
  /** The issuer to take it to. */
  readonly authServer?: string
  /** Where to send the user before the request is repeated. */
  readonly userInteraction?: string
  /** The signature algorithms the resource takes. */
  readonly algs?: readonly string[]
}

const maxBytes = 16 * 1024
const algorithmName = /^[\x21\x23-\x5b\x5d-\x7e]{1,64}$/

/**
 * Reads the value of an `Agent-Auth` header.
 * @throws AAuthError `invalid_request` when it is no challenge this edition knows: not a Structured Field Item, a parameter
 * twice or of another type, `auth-token` without its companions, over 16 KiB.
 * @see protocol.md §4, RFC 9651 §3.3
 */
export function parseAgentAuth(value: string): AgentAuth {
  if (value.length > maxBytes) throw malformed('Agent-Auth is over 16 KiB')
  const parameters = parametersOf(value)
  const identity = booleanOf(parameters, 'identity')
  const authToken = booleanOf(parameters, 'auth-token')
  const resourceToken = stringOf(parameters, 'resource_token')
  const authServer = stringOf(parameters, 'auth_server')
  const userInteraction = stringOf(parameters, 'user_interaction')
  const algs = algsOf(stringOf(parameters, 'algs'))
  if (!companionsAgree({ authToken, resourceToken, authServer }))
    throw malformed('Agent-Auth: auth-token, resource_token and auth_server stand together or not at all')
  return {
    ...(identity && { identity }),
    ...(authToken && { authToken }),
    ...(resourceToken !== undefined && { resourceToken }),
    ...(authServer !== undefined && { authServer }),
    ...(userInteraction !== undefined && { userInteraction }),
    ...(algs !== undefined && { algs }),
  }
}

/**
 * Writes the value of an `Agent-Auth` header: always a valid Structured Field Item.
 * @throws TypeError when a part is not printable ASCII, `authToken`, `resourceToken` and `authServer` do not stand together,
 * or the value is over 16 KiB.
 * @see protocol.md §4
 */
export function serializeAgentAuth(challenge: AgentAuth): string {
  const { identity, authToken, resourceToken, authServer, userInteraction, algs } = challenge
  if (!companionsAgree({ authToken, resourceToken, authServer }))
    throw new TypeError('authToken, resourceToken and authServer stand together or not at all')
  if (algs?.some(name => !algorithmName.test(name))) throw new TypeError('algs must be algorithm names')
  const value = [
    'httpsig',
    ...(identity ? ['identity=?1'] : []),
    ...(authToken ? ['auth-token'] : []),
    ...parameter('resource_token', resourceToken),
    ...parameter('auth_server', authServer),
    ...parameter('user_interaction', userInteraction),
    ...parameter('algs', algs?.length ? algs.join(' ') : undefined),
  ].join('; ')
  if (value.length > maxBytes) throw new TypeError('Agent-Auth would be over 16 KiB')
  return value
}

function parameter(name: string, value: string | undefined): string[] {
  if (value === undefined) return []
  if (!/^[\x20-\x7e]*$/.test(value)) throw new TypeError(`${name} must be printable ASCII`)
  return [`${name}=${serializeString(value)}`]
}

function companionsAgree(c: {
  authToken: true | undefined
  resourceToken: string | undefined
  authServer: string | undefined
}): boolean {
  return c.authToken
    ? c.resourceToken !== undefined && c.authServer !== undefined
    : c.resourceToken === undefined && c.authServer === undefined
}

type Parameters = ReadonlyMap<string, unknown>

function parametersOf(value: string): Parameters {
  let item: ReturnType<typeof parseItem>
  try {
    item = parseItem(value)
  } catch (cause) {
    throw malformed('Agent-Auth is not a Structured Field Item', cause)
  }
  const [challenge, parameters] = item
  if (!(challenge instanceof Token) || challenge.toString() !== 'httpsig')
    throw malformed('Agent-Auth must be the token httpsig')
  // The parser keeps the last of two equal names; two readers could then follow two different challenges.
  if (writtenParameters(value) !== parameters.size) throw malformed('Agent-Auth names a parameter twice')
  return parameters
}

/** Counts the parameters of an Item that parsed: each begins with the only `;` that may stand outside a string. */
function writtenParameters(item: string): number {
  let count = 0
  for (let at = 0; at < item.length; at++) {
    if (item[at] === ';') count++
    if (item[at] !== '"') continue
    const escapes = item[at - 1] !== '%' // a Display String (%"…") has no backslash escapes
    for (at++; item[at] !== '"'; at++) if (escapes && item[at] === '\\') at++
  }
  return count
}

function booleanOf(parameters: Parameters, name: string): true | undefined {
  const value = parameters.get(name)
  if (value === undefined || value === false) return undefined
  if (value !== true) throw malformed('Agent-Auth: identity and auth-token must be Booleans')
  return true
}

function stringOf(parameters: Parameters, name: string): string | undefined {
  const value = parameters.get(name)
  if (value === undefined) return undefined
  if (typeof value !== 'string' || value === '')
    throw malformed('Agent-Auth: resource_token, auth_server, user_interaction and algs must be Strings')
  return value
}

function algsOf(text: string | undefined): string[] | undefined {
  const names = text?.split(' ')
  if (names?.some(name => !algorithmName.test(name)))
    throw malformed('Agent-Auth: algs must be names set apart by spaces')
  return names
}

function malformed(description: string, cause?: unknown): AAuthError {
  return new AAuthError('invalid_request', description, cause === undefined ? {} : { cause })
}
