import { AgentError } from '@countersign/agent'
import type { CommandNames } from './command-names.js'
import { delegateAgent } from './delegate.js'
import { type EnrollmentFlags, readEnrollment } from './enrollment-flags.js'
import { repeatFlags, requireIdentifier, stateFolder } from './identity.js'
import { printLines } from './output.js'

/** Flags of `countersign enroll`. */
export interface EnrollFlags extends EnrollmentFlags {
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
