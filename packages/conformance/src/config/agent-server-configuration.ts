import type { Place } from '../participants/participant.js'
import { ConfigurationError } from './configuration-error.js'
import { type Members, readInteger, readMembers, readText, readTexts } from './members.js'
import { readPlace } from './place.js'

/** The participants that the suite plays for an agent server, and their default ports; 0 is one that is free. */
export const agentServerPorts = { otherAgentServer: 0, oidcIssuer: 4712 } as const

/** What an agent server under test offers. */
export interface AgentServerConfiguration {
  /** Its identifier; default the origin of the URL. */
  readonly id?: string | undefined
  /** A program and its arguments, which prints an enrolment code that works once. */
  readonly invite: readonly string[]
  /** The same for delegates with conditions; absent where there are none. */
  readonly inviteWithConditions?: readonly string[] | undefined
  /** How tokens of the suite's OpenID issuer enrol; absent where they do not. */
  readonly oidc?: OidcEnrolment | undefined
  /** How a signed-in session enrols; absent where none does. */
  readonly session?: SessionEnrolment | undefined
  readonly participants: Readonly<Record<keyof typeof agentServerPorts, Place>>
  /** Milliseconds for one request. */
  readonly deadline: number
}

/** The claims by which tokens of the suite's OpenID issuer enrol. */
export interface OidcEnrolment {
  readonly claims: Readonly<Record<string, unknown>>
}

/** A session that is signed in at the agent server. */
export interface SessionEnrolment {
  /** The headers that show it, such as a cookie. */
  readonly headers: Readonly<Record<string, string>>
  /** Members of `enrollment` beside its type. */
  readonly members: Readonly<Record<string, unknown>>
}

const known = ['id', 'invite', 'inviteWithConditions', 'oidc', 'session', 'participants', 'keySecret', 'deadline']

/** Reads the configuration of an agent server. @throws ConfigurationError */
export function readAgentServerConfiguration(value: unknown): AgentServerConfiguration {
  const read = readMembers('the configuration', value, known)
  const command = readTexts('invite', read['invite'])
  if (command === undefined || command.length === 0)
    throw new ConfigurationError('invite must be a list: a program that prints an enrolment code, and its arguments')
  const secret = readText('keySecret', read['keySecret'])
  const given = readMembers('participants', read['participants'] ?? {}, Object.keys(agentServerPorts))
  const place = (name: keyof typeof agentServerPorts): Place =>
    readPlace(`participants.${name}`, given[name], { secret, port: agentServerPorts[name] })
  return {
    id: readText('id', read['id']),
    invite: command,
    inviteWithConditions: readTexts('inviteWithConditions', read['inviteWithConditions']),
    oidc: readOidc(read['oidc']),
    session: readSession(read['session']),
    participants: { otherAgentServer: place('otherAgentServer'), oidcIssuer: place('oidcIssuer') },
    deadline: readInteger('deadline', read['deadline'], { least: 100, most: 60_000 }) ?? 10_000,
  }
}

function readOidc(value: unknown): OidcEnrolment | undefined {
  if (value === undefined) return undefined
  const { claims } = readMembers('oidc', value, ['claims'])
  return { claims: objectIn('oidc.claims', claims) }
}

function readSession(value: unknown): SessionEnrolment | undefined {
  if (value === undefined) return undefined
  const { headers, members } = readMembers('session', value, ['headers', 'members'])
  const lines = Object.entries(objectIn('session.headers', headers))
  if (lines.length === 0) throw new ConfigurationError('session.headers must have the header that shows the session')
  return {
    headers: Object.fromEntries(lines.map(([name, line]) => [name, readText(`session.headers.${name}`, line) ?? ''])),
    members: objectIn('session.members', members),
  }
}

function objectIn(place: string, value: unknown): Members {
  const members = value ?? {}
  return readMembers(place, members, Object.keys(Object(members)))
}
