import { type Agent, type AgentEvent, agentServer, createAgent, type Interact, pseudonym } from '@countersign/agent'
import type { CommandNames } from './command-names.js'
import { delegateAgent } from './delegate.js'
import { codeEnrollment } from './enrollment-flags.js'
import { withFlagNames } from './flag-words.js'
import { loadOwnKeys, repeatFlags, requireIdentifier, stateFolder } from './identity.js'
import { onOneLine } from './output.js'
import { UsageError } from './usage-error.js'

/** Flags of a command that acts as an agent. */
export interface IdentityFlags {
  readonly as: 'anonymous' | 'pseudonym' | 'agent' | 'delegate'
  readonly id?: string
  /** Enrols a delegate whose state folder has no enrolment. */
  readonly code?: string
  readonly authServer?: readonly string[]
  readonly state?: string
  readonly development?: boolean
  /** False with `--no-browser`. */
  readonly browser?: boolean
  readonly device?: boolean
  readonly verbose?: boolean
}

/** Settings of the agent that are not flags. */
export interface AgentSettings {
  readonly interact: Interact | undefined
  readonly onEvent: (event: AgentEvent) => void
  readonly names: CommandNames
  /** Sends requests. Default: the platform's `fetch`. */
  readonly fetch?: typeof fetch
}

/** Creates the agent that the flags describe; for `anonymous` it is the plain `fetch`. */
// unchecked options {}: they are flags of a command, which commander checks
export async function agentOf(
  flags: IdentityFlags,
  { interact, onEvent, names, fetch: send }: AgentSettings,
): Promise<Pick<Agent, 'fetch'>> {
  if (flags.code !== undefined && flags.as !== 'delegate')
    throw new UsageError('--code enrols a delegate: it needs --as delegate')
  if (flags.as === 'anonymous') return { fetch: (input, init) => (send ?? fetch)(input, init) }
  const sending = send === undefined ? {} : { fetch: send }
  const development = flags.development ?? false
  const authServers = (flags.authServer ?? []).map(id => requireIdentifier(id, '--auth-server', development))
  if (flags.as === 'pseudonym') return createAgent({ identity: pseudonym(), development, onEvent, ...sending })
  if (flags.id === undefined)
    throw new UsageError(
      `--as ${flags.as} needs --id: ${flags.as === 'agent' ? `the identity made by ${names.keys}` : 'the agent server you enrolled with'}`,
    )
  const id = requireIdentifier(flags.id, '--id', development)
  const folder = stateFolder(flags.state)
  if (flags.as === 'delegate') {
    const enroll = flags.code === undefined ? undefined : codeEnrollment(flags.code)
    return delegateAgent({ folder, agentServer: id, enroll, development, authServers, interact, onEvent, ...sending })
  }
  const publish = `${names.keys} publish DIR --id ${id}${repeatFlags(flags)}`
  const [signing] = await loadOwnKeys(folder, id, {
    refusal: `${publish} makes some; restore those of before where they are published`,
  })
  if (signing === undefined) throw new UsageError(`there are no keys of ${id}: ${publish}`)
  return createAgent({
    identity: agentServer({ id, ...signing }),
    acceptAuthServer: authServers,
    // A user who types a URL after `--as agent` agrees to identify the agent there.
    identifyTo: 'any',
    development,
    ...(interact === undefined ? {} : { interact }),
    ...sending,
    onEvent,
  })
}

/** Parses a URL. @throws UsageError that suggests what was meant */
export function requireUrl(url: string): URL {
  if (!URL.canParse(url)) {
    const meant = /^[\w.-]+(?::\d+)?(?:[/?]|$)/.test(url) ? `; did you mean https://${url}?` : ''
    throw new UsageError(`not a URL: ${JSON.stringify(url)}${meant}`)
  }
  const parsed = new URL(url)
  if (parsed.protocol !== 'https:' && parsed.protocol !== 'http:')
    throw new UsageError('only http and https URLs can be fetched')
  return parsed
}

/** Returns a step as `--verbose` shows it. */
export function stepLine(step: AgentEvent): string {
  return `* ${step.what}${step.status === undefined ? '' : ` (${step.status})`}: ${withFlagNames(onOneLine(step.detail))}`
}
