import { join } from 'node:path'
import { type Agent, type AgentEvent, createAgent, delegate, type Enrollment, type Interact } from '@countersign/agent'
import { fileState } from '@countersign/agent/node'
import { makeFolder } from './folder.js'

/** Settings of {@link delegateAgent}. */
export interface DelegateSettings {
  /** The state folder. */
  readonly folder: string
  readonly agentServer: string
  /** Not needed once enrolled. */
  readonly enroll?: Enrollment | undefined
  readonly development: boolean
  readonly authServers?: readonly string[]
  readonly interact?: Interact | undefined
  readonly onEvent?: (event: AgentEvent) => void
  /** Sends requests. Default: the platform's `fetch`. */
  readonly fetch?: typeof fetch
}

/** Creates an agent that acts as a delegate; its enrolment is in the state folder. */
export function delegateAgent(settings: DelegateSettings): Agent {
  const { agentServer, enroll, development, authServers = [], interact, onEvent, fetch: send } = settings
  const folder = join(settings.folder, 'delegates')
  makeFolder(folder, 'owner')
  return createAgent({
    identity: delegate({ agentServer, enroll }),
    state: fileState(join(folder, `${new URL(agentServer).host.replace(':', '_')}.json`)),
    acceptAuthServer: authServers,
    // A user who types a URL after `--as delegate` agrees to identify the agent there.
    identifyTo: 'any',
    development,
    ...(interact === undefined ? {} : { interact }),
    ...(onEvent === undefined ? {} : { onEvent }),
    ...(send === undefined ? {} : { fetch: send }),
  })
}
