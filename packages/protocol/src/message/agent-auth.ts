import { serializeString } from 'structured-headers'
import { refusal } from '../error.js'
import { offPage } from '../internal/check-options.js'
import { parseStructuredItem, type StructuredItem, textOf } from './structured-item.js'

/**
 * A challenge: what the agent must send for its request to be accepted.
 * @see protocol §4
 */
export interface AgentAuth {
  /** The agent must identify itself (`identity=?1`). */
  readonly identity?: true
  /** The agent must send an auth token (`auth-token`); always with `resourceToken` and `authServer`. */
  readonly authToken?: true
  /** The resource token to send to the auth server. */
  readonly resourceToken?: string
  /** The auth server to send it to. */
  readonly authServer?: string
  /** The URL to send the user to before the request is repeated. */
  readonly userInteraction?: string
  /** The signature algorithms that the resource supports. */
  readonly algs?: readonly string[]
}

const maxBytes = 16 * 1024
const algorithmName = /^[\x21\x23-\x5b\x5d-\x7e]{1,64}$/

/**
 * Reads the value of an `Agent-Auth` header.
 * @throws AAuthError `invalid_request` when it is not a challenge of this edition: not a Structured Field Item, a parameter twice or of
 * another type, `auth-token` without `resource_token` and `auth_server`, over 16 KiB.
 * @see protocol §4, RFC 9651 §3.3
 */
export function parseAgentAuth(value: string): AgentAuth {
  if (value.length > maxBytes) throw refusal('agent_auth_malformed', { about: offPage && 'it is over 16 KiB' })
  const parameters = parametersOf(value)
  const identity = booleanOf(parameters, 'identity')
  const authToken = booleanOf(parameters, 'auth-token')
  const resourceToken = stringOf(parameters, 'resource_token')
  const authServer = stringOf(parameters, 'auth_server')
  const userInteraction = stringOf(parameters, 'user_interaction')
  const algs = algsOf(stringOf(parameters, 'algs'))
  if (!companionsAgree({ authToken, resourceToken, authServer }))
    throw refusal('agent_auth_malformed', {
      about: offPage && 'auth-token, resource_token and auth_server must be present together or not at all',
    })
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
 * @throws TypeError when a part is not printable ASCII, only some of `authToken`, `resourceToken` and `authServer` are present, or the
 * value is over 16 KiB.
 * @see protocol §4
 */
export function serializeAgentAuth(challenge: AgentAuth): string {
  const { identity, authToken, resourceToken, authServer, userInteraction, algs } = challenge
  if (!companionsAgree({ authToken, resourceToken, authServer }))
    throw new TypeError('authToken, resourceToken and authServer must be present together or not at all')
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

type Parameters = StructuredItem['parameters']

function parametersOf(value: string): Parameters {
  const item = parseStructuredItem(value)
  if (item === undefined)
    throw refusal('agent_auth_malformed', { about: offPage && 'it is not a Structured Field Item' })
  if (item.value !== 'httpsig')
    throw refusal('agent_auth_malformed', { about: offPage && 'it must be the token httpsig' })
  // Parsers keep the last of two equal names: two readers could follow two different challenges.
  if (item.repeats) throw refusal('agent_auth_malformed', { about: offPage && 'it names a parameter twice' })
  return item.parameters
}

function booleanOf(parameters: Parameters, name: string): true | undefined {
  const value = parameters.get(name)
  if (value === undefined || value === '?0') return undefined
  if (value !== '?1') throw refusal('agent_auth_malformed', { about: offPage && `${name} must be a Boolean` })
  return true
}

function stringOf(parameters: Parameters, name: string): string | undefined {
  const raw = parameters.get(name)
  if (raw === undefined) return undefined
  const value = textOf(raw)
  if (value === undefined || value === '')
    throw refusal('agent_auth_malformed', { about: offPage && `${name} must be a String` })
  return value
}

function algsOf(text: string | undefined): string[] | undefined {
  const names = text?.split(' ')
  if (names?.some(name => !algorithmName.test(name)))
    throw refusal('agent_auth_malformed', { about: offPage && 'algs must be names separated by single spaces' })
  return names
}
