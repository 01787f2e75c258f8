import type { Place } from '../participants/participant.js'
import { ConfigurationError } from './configuration-error.js'
import { readFlag, readInteger, readMembers, readText } from './members.js'
import { readPlace } from './place.js'
import { readUserConfiguration, type UserConfiguration } from './user-configuration.js'

/** The participants that the suite plays for an auth server, and their default ports. */
export const authServerPorts = {
  agentServer: 4710,
  otherAgentServer: 4711,
  resource: 4730,
  otherResource: 4731,
  upstreamAuthServer: 4740,
  middle: 4741,
} as const

/** What an auth server under test offers. */
export interface AuthServerConfiguration {
  /** Its identifier; default the origin of the URL. */
  readonly id?: string | undefined
  /** Two scopes of the suite's resource that are granted directly to the suite's agent and its delegates. */
  readonly directScopes: readonly [string, string]
  /** A scope of it that a user must allow; absent where users are not asked. */
  readonly consentScope?: string | undefined
  /** Another scope that users are asked about, which the suite's resource calls far-reaching. */
  readonly graveScope?: string | undefined
  /** Whether it tells agents who their users are. */
  readonly signIn: boolean
  /** Whether the suite's agent may use the device flow, and the other agent may not. */
  readonly deviceFlow: boolean
  /** A scope of the suite's middle that upstream tokens must have to be exchanged; absent where nothing is exchanged. */
  readonly exchangeScope?: string | undefined
  /** How its users act; absent where no case can let one decide. */
  readonly user?: UserConfiguration | undefined
  readonly participants: Readonly<Record<keyof typeof authServerPorts, Place>>
  /** Milliseconds for one request. */
  readonly deadline: number
}

const known = [
  'id',
  'directScopes',
  'consentScope',
  'graveScope',
  'signIn',
  'deviceFlow',
  'exchangeScope',
  'user',
  'participants',
  'keySecret',
  'deadline',
]

/** Reads the configuration of an auth server. @throws ConfigurationError */
export function readAuthServerConfiguration(value: unknown): AuthServerConfiguration {
  const read = readMembers('the configuration', value, known)
  const { id, directScopes, consentScope, graveScope, signIn, deviceFlow, exchangeScope, user } = read
  const { participants, keySecret, deadline } = read
  const secret = readText('keySecret', keySecret)
  const given = readMembers('participants', participants ?? {}, Object.keys(authServerPorts))
  const place = (name: keyof typeof authServerPorts): Place =>
    readPlace(`participants.${name}`, given[name], { secret, port: authServerPorts[name] })
  return {
    id: readText('id', id),
    directScopes: readScopes(directScopes),
    consentScope: readText('consentScope', consentScope),
    graveScope: readText('graveScope', graveScope),
    signIn: readFlag('signIn', signIn),
    deviceFlow: readFlag('deviceFlow', deviceFlow),
    exchangeScope: readText('exchangeScope', exchangeScope),
    user: readUserConfiguration(user),
    participants: {
      agentServer: place('agentServer'),
      otherAgentServer: place('otherAgentServer'),
      resource: place('resource'),
      otherResource: place('otherResource'),
      upstreamAuthServer: place('upstreamAuthServer'),
      middle: place('middle'),
    },
    deadline: readInteger('deadline', deadline, { least: 100, most: 60_000 }) ?? 10_000,
  }
}

function readScopes(value: unknown): readonly [string, string] {
  const read: unknown = value ?? ['conformance.read', 'conformance.list']
  const [first, second, ...more] = Array.isArray(read) ? (read as unknown[]) : []
  if (typeof first !== 'string' || typeof second !== 'string' || more.length > 0 || first === second)
    throw new ConfigurationError('directScopes must be a list of two different scopes')
  return [first, second]
}
