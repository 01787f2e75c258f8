import { setTimeout as sleep } from 'node:timers/promises'
import { type Agent, createAgent, delegate, type Interact, memoryState } from '@countersign/agent'
import { invite } from '../invite.js'
import { reportDelay, type VisitorParts } from './parts.js'

/** An agent that the server runs for the visitor. */
export interface VisitorAgent {
  readonly agent: Agent
  readonly delegate: string
}

/** Makes a new delegate of the playground's agent server, whose name begins with the label. Its requests wait for stories to end. */
export async function visitorAgent(
  { participants, alone }: VisitorParts,
  { label, interact }: { readonly label: string; readonly interact?: Interact },
): Promise<VisitorAgent> {
  const { addresses } = participants
  const { code, sub } = await invite(participants, {
    at: addresses.agentServer,
    folder: 'agent-server',
    sub: undefined,
    label,
  })
  const send: typeof fetch = (input, init) =>
    alone(async () => {
      const response = await fetch(input, init)
      await sleep(reportDelay)
      return response
    })
  const agent = createAgent({
    identity: delegate({ agentServer: addresses.agentServer, enroll: { type: 'code', code } }),
    state: memoryState(),
    acceptAuthServer: [addresses.authServer, addresses.roomsAuthServer],
    identifyTo: [addresses.calendar, addresses.rooms],
    development: true,
    fetch: send,
    ...(interact === undefined ? {} : { interact }),
  })
  return { agent, delegate: sub }
}
