import { readFileSync } from 'node:fs'
import { AgentError, type Enrollment } from '@countersign/agent'
import type { CommandNames } from './command-names.js'
import { delegateAgent } from './delegate.js'
import { repeatFlags, requireIdentifier, stateFolder } from './identity.js'
import { printLines } from './output.js'
import { UsageError } from './usage-error.js'

/** Flags of `countersign enroll`. */
export interface EnrollFlags {
  readonly code?: string
  readonly oidcToken?: string
  readonly state?: string
  readonly development?: boolean
}

/** `countersign enroll AGENT-SERVER`: makes a key, gets an agent token for a code or an OIDC token, and stores both. */
export async function enroll(agentServer: string, flags: EnrollFlags, names: CommandNames): Promise<void> {
  const development = flags.development ?? false
  const server = requireIdentifier(agentServer, 'the agent server', development)
  const settings = { folder: stateFolder(flags.state), agentServer: server, development }
  const agent = delegateAgent({ ...settings, enroll: readEnrollment(flags, process.env) })
  const { agent: id, delegate } = await agent.identify().catch((error: unknown) => {
    throw isCredentialRefused(error) ? new AgentError('denied', describeRefusedCredential(flags, server)) : error
  })
  printLines(`enrolled as ${delegate ?? ''} of ${id}`)
  printLines(`  ${names.fetch} URL --as delegate --id ${server}${repeatFlags(flags)}`)
}

/** Whether the agent server refused the code or token, rather than the request. */
function isCredentialRefused(error: unknown): boolean {
  return error instanceof AgentError && Object(error.cause ?? {}).error === 'invalid_grant'
}

function describeRefusedCredential({ code }: EnrollFlags, server: string): string {
  return code === undefined
    ? `${server} does not take this token: its log says why, and its --config file which tokens it takes (oidc)`
    : `${server} does not take this code: it is wrong, was used, or has expired; its operator prints another with countersign agent-server invite`
}

/**
 * Returns the enrolment that the flags describe.
 * @throws UsageError unless there is exactly one flag, whose code or token can be read
 */
export function readEnrollment(
  flags: EnrollFlags,
  environment: Readonly<Record<string, string | undefined>>,
): Enrollment {
  const { code, oidcToken } = flags
  if ((code === undefined) === (oidcToken === undefined))
    throw new UsageError('enroll takes one of --code CODE and --oidc-token FILE|-|env:NAME')
  if (code !== undefined) return { type: 'code', code: requireOneWord(code === '-' ? readText(0) : code, '--code') }
  return { type: 'oidc', token: requireOneWord(readToken(oidcToken ?? '', environment), '--oidc-token') }
}

function readToken(source: string, environment: Readonly<Record<string, string | undefined>>): string {
  if (source === '-') return readText(0)
  if (!source.startsWith('env:')) return readText(source)
  const value = environment[source.slice('env:'.length)]
  if (value === undefined) throw new UsageError('--oidc-token names an environment variable that is not set')
  return value.trim()
}

function readText(file: string | 0): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    // The value is not quoted: it may be a token given in place of a file.
    throw new UsageError(
      'the file of --oidc-token cannot be read: it takes a file, - or env:NAME, never the token itself',
    )
  }
}

function requireOneWord(text: string, flag: string): string {
  if (!/^[\x21-\x7e]+$/.test(text)) throw new UsageError(`${flag} must give exactly one word`)
  return text
}
