import type { Place } from '../participants/participant.js'
import { ConfigurationError } from './configuration-error.js'
import {
  type ClosedMcp,
  type McpServer,
  readClosedMcp,
  readMcpServer,
  readStatelessMcp,
  type StatelessMcp,
} from './mcp-server.js'
import { readInteger, readMembers, readText, readTexts } from './members.js'
import { readPlace } from './place.js'
import { type Route, readRoute } from './route.js'

/** What a resource under test offers. */
export interface ResourceConfiguration {
  /** Its identifier; default the origin of the URL. */
  readonly id?: string | undefined
  readonly routes: readonly Route[]
  /** Algorithms that it takes. */
  readonly algorithms: readonly string[]
  /** An origin that CORS lets in; absent where CORS is off. */
  readonly corsOrigin?: string | undefined
  /** Other authorities that it answers under. */
  readonly authorities: readonly string[]
  /** An MCP server of the resource; absent where it has none. */
  readonly mcp?: McpServer | undefined
  /** An MCP server of revision 2026-07-28; absent where it has none. */
  readonly statelessMcp?: StatelessMcp | undefined
  /** An MCP server behind a route that lets one agent in; absent where it has none. */
  readonly closedMcp?: ClosedMcp | undefined
  /** Where the participants are that the suite plays. */
  readonly participants: PlayedPlaces
  /** Milliseconds for one request. */
  readonly deadline: number
}

/** The participants that the suite plays under fixed identifiers, and their default ports. */
export const playedPorts = {
  agentServer: 4710,
  otherAgentServer: 4711,
  authServer: 4720,
  otherAuthServer: 4721,
  downstream: 4740,
  oauthServer: 4741,
} as const

/** Where each of {@link playedPorts} is. */
export type PlayedPlaces = Readonly<Record<keyof typeof playedPorts, Place>>

const known = [
  'id',
  'routes',
  'algorithms',
  'corsOrigin',
  'authorities',
  'mcp',
  'statelessMcp',
  'closedMcp',
  'participants',
  'keySecret',
  'deadline',
]

/** Reads the configuration of a resource. @throws ConfigurationError */
export function readResourceConfiguration(value: unknown): ResourceConfiguration {
  const members = readMembers('the configuration', value, known)
  const { id, routes, algorithms, corsOrigin, authorities, participants, keySecret, deadline } = members
  if (!Array.isArray(routes) || routes.length === 0)
    throw new ConfigurationError('routes must be a list with at least one route of the resource')
  const read = routes.map((route, at) => readRoute(`routes[${at}]`, route))
  if (!read.some(({ level, method }) => level !== 'anonymous' && method === 'GET'))
    throw new ConfigurationError('routes must have one with GET that needs a signature')
  return {
    id: readText('id', id),
    routes: read,
    algorithms: readTexts('algorithms', algorithms) ?? ['Ed25519', 'ES256'],
    corsOrigin: readText('corsOrigin', corsOrigin),
    mcp: readMcpServer('mcp', members['mcp']),
    statelessMcp: readStatelessMcp('statelessMcp', members['statelessMcp']),
    closedMcp: readClosedMcp('closedMcp', members['closedMcp']),
    authorities: readTexts('authorities', authorities) ?? [],
    participants: readPlaces(participants, readText('keySecret', keySecret)),
    deadline: readInteger('deadline', deadline, { least: 100, most: 60_000 }) ?? 10_000,
  }
}

/**
 * Reads where the participants of the suite are.
 * @param secret what the keys of participants under public identifiers follow from
 * @throws ConfigurationError
 */
export function readPlaces(value: unknown, secret: string | undefined): PlayedPlaces {
  const given = readMembers('participants', value ?? {}, Object.keys(playedPorts))
  const place = (name: keyof typeof playedPorts): Place =>
    readPlace(`participants.${name}`, given[name], { secret, port: playedPorts[name] })
  return {
    agentServer: place('agentServer'),
    otherAgentServer: place('otherAgentServer'),
    authServer: place('authServer'),
    otherAuthServer: place('otherAuthServer'),
    downstream: place('downstream'),
    oauthServer: place('oauthServer'),
  }
}
