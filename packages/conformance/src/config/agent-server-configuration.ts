import type { Place } from '../participants/participant.js'
import { ConfigurationError } from './configuration-error.js'
import { type Members, readInteger, readMembers, readText, readTexts } from './members.js'
import { readPlace } from './place.js'

/** What an agent server under test offers. */
export interface AgentServerConfiguration {
  /** Its identifier; default the origin of the URL. */
  readonly id?: string | undefined
  /** A program and its arguments, which prints an enrolment code that works once. */
  readonly invite: readonly string[]
  /** How tokens of the suite's OpenID issuer enrol; absent where they do not. */
  readonly oidc?: OidcEnrolment | undefined
  /** How a signed-in session enrols; absent where none does. */
  readonly session?: SessionEnrolment | undefined
  /** Milliseconds for one request. */
  readonly deadline: number
}

/** An OpenID issuer that the suite plays, and the claims by which its tokens enrol. */
export interface OidcEnrolment {
  readonly issuer: Place
  readonly claims: Readonly<Record<string, unknown>>
}

/** A session that is signed in at the agent server. */
export interface SessionEnrolment {
  /** The headers that show it, such as a cookie. */
  readonly headers: Readonly<Record<string, string>>
  /** Members of `enrollment` beside its type. */
  readonly members: Readonly<Record<string, unknown>>
}

/** Reads the configuration of an agent server. @throws ConfigurationError */
export function readAgentServerConfiguration(value: unknown): AgentServerConfiguration {
  const read = readMembers('the configuration', value, ['id', 'invite', 'oidc', 'session', 'keySecret', 'deadline'])
  const command = readTexts('invite', read['invite'])
  if (command === undefined || command.length === 0)
    throw new ConfigurationError('invite must be a list: a program that prints an enrolment code, and its arguments')
  return {
    id: readText('id', read['id']),
    invite: command,
    oidc: readOidc(read['oidc'], readText('keySecret', read['keySecret'])),
    session: readSession(read['session']),
    deadline: readInteger('deadline', read['deadline'], { least: 100, most: 60_000 }) ?? 10_000,
  }
}

function readOidc(value: unknown, secret: string | undefined): OidcEnrolment | undefined {
  if (value === undefined) return undefined
  const { claims, ...place } = readMembers('oidc', value, ['claims', 'port', 'id'])
  return { issuer: readPlace('oidc', place, { secret, port: 4712 }), claims: objectIn('oidc.claims', claims) }
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
