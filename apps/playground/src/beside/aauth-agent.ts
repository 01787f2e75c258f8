import { join } from 'node:path'
import { type Agent, createAgent, delegate } from '@countersign/agent'
import { fileState, loopback } from '@countersign/agent/node'
import { invite } from '../invite.js'
import type { Participants } from '../participants.js'
import { type Asked, type Decision, type StoryUser, scriptedUser } from '../story-user.js'

/** A delegate of the playground's agent, with its state in a file, and its user. */
export interface AAuthAgent {
  readonly agent: ReturnType<Agent['forUser']>
  /** The file that holds its key and its grants. */
  readonly file: string
  readonly user: StoryUser
  /** What its user was asked. */
  readonly asked: readonly Asked[]
  /** What its user answers from now on. At first: yes. */
  answer(decision: Decision): void
}

/** Invites a delegate, as an operator would, and starts it. It enrols when it first calls. */
export async function inviteAgent(participants: Participants): Promise<AAuthAgent> {
  const { addresses, folder } = participants
  const { agentServer, authServer, roomsAuthServer, impostor } = addresses
  const { code, sub } = await invite(participants, {
    ...{ at: agentServer, folder: 'agent-server', sub: undefined },
  })
  const file = join(folder, `delegate-${sub}.json`)
  const user = scriptedUser('Ada Lovelace')
  // bound: one call
  const asked: Asked[] = []
  let decision: Decision = 'Allow'
  const agent = createAgent({
    identity: delegate({ agentServer, enroll: { type: 'code', code } }),
    state: fileState(file),
    interact: loopback({ open: async link => void asked.push(await user.decide(link, decision)) }),
    // The impostor says that it is an auth server, too.
    acceptAuthServer: [authServer, roomsAuthServer, impostor],
    identifyTo: [addresses.calendar, addresses.rooms, impostor],
    development: true,
  })
  const answer = (next: Decision): void => {
    decision = next
  }
  return { agent: agent.forUser('ada'), file, user, asked, answer }
}
