import { join } from 'node:path'
import { type Agent, type AgentEvent, createAgent, delegate, type Enrollment, type Interact } from '@countersign/agent'
import { fileState } from '@countersign/agent/node'
import { makeFolder } from './folder.js'

/** What the command must know to act as a delegate. */
export interface DelegateSettings {
  /** The state folder. */
  readonly folder: string
  readonly agentServer: string
  /** Not needed once enrolled. */
  readonly enroll?: Enrollment
  readonly development: boolean
  readonly authServers?: readonly string[]
  readonly interact?: Interact | undefined
  readonly onEvent?: (event: AgentEvent) => void
  /** Sends requests. Default: the platform's. */
  readonly fetch?: typeof fetch
}

/** An agent that acts as a delegate; what it enrolled as is kept in the state folder. */
export function delegateAgent(settings: DelegateSettings): Agent {
  const { agentServer, enroll, development, authServers = [], interact, onEvent, fetch: send } = settings
  const folder = join(settings.folder, 'delegates')
  makeFolder(folder, 'owner')
  return createAgent({
    identity: delegate({ agentServer, ...(enroll === undefined ? {} : { enroll }) }),
    state: fileState(join(folder, `${new URL(agentServer).host.replace(':', '_')}.json`)),
    acceptAuthServer: authServers,
    // Whoever types a URL after `--as delegate` has decided to be known there.
    identifyTo: 'any',
    development,
    ...(interact === undefined ? {} : { interact }),
    ...(onEvent === undefined ? {} : { onEvent }),
    ...(send === undefined ? {} : { fetch: send }),
  })
}
