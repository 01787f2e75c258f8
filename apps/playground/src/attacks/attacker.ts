import type { ShownMessage } from '../explorer/contract.js'
import { nameOf } from '../explorer/signer.js'
import type { Participants } from '../participants.js'
import { type Attack, allAttacks, infoOf } from './all-attacks.js'
import { anotherToken } from './another-token.js'
import { startAttacker } from './attacker-server.js'
import { subjectOf } from './captured.js'
import type { AttackResult, OfferedAttack } from './contract.js'
import { judge } from './judge.js'
import { loggedReason } from './logged-reason.js'
import type { Subject } from './message-attack.js'
import { ownSubject } from './own-subject.js'
import { participantKeys } from './participant-keys.js'
import { type Attempt, attemptOn, now, type RunContext, thiefSigner } from './run.js'
import { sendRaw } from './wire.js'

/** Attacks the running participants. */
export interface Attacker {
  /** The attacks on a message: which of them can be made, and why the others cannot. */
  offered(message: ShownMessage): readonly OfferedAttack[]
  /** Makes an attack: on the message if one is given, else on one that it makes itself. */
  make(attack: Attack, message?: ShownMessage): Promise<AttackResult>
}

/** What {@link createAttacker} can be told. */
export interface AttackerOptions {
  /** Default: all of them. */
  readonly attacks?: readonly Attack[] | undefined
  /** The messages of the story that a message belongs to. Default: none are known. */
  readonly storyOf?: ((message: ShownMessage) => readonly ShownMessage[]) | undefined
}

/** Creates an attacker of these participants. */
export function createAttacker(
  participants: Participants,
  { attacks = allAttacks, storyOf = () => [] }: AttackerOptions = {},
): Attacker {
  const { addresses, agents } = participants
  const keys = participantKeys(participants)
  const logs = [...participants.logs, `${participants.folder}/agent-server.log`, `${participants.folder}/web-app.log`]
  const logged = loggedReason(logs)
  const own = ownSubject(participants)
  const captured = (message: ShownMessage): Subject | { readonly why: string } =>
    subjectOf(message, {
      ring: agents,
      keys,
      send: sendRaw,
      now,
      to: originOf(message, participants),
      another: lives =>
        message.from === 'agent'
          ? Promise.resolve(undefined)
          : anotherToken(message, { participants, send: sendRaw, storyOf, subjectOf: captured, lives }),
    })
  const attempt = async (attack: Attack, message?: ShownMessage): Promise<Attempt> => {
    const thief = await thiefSigner()
    const attacker = await startAttacker(thief)
    const context: RunContext = { addresses, attackerIssuer: attacker.id, thief, send: sendRaw, now }
    try {
      if (!attack.onMessage) return { ...(await attack.play({ ...context, participants })), reasons: attack.reasons }
      const subject = message === undefined ? await own(attack.name) : captured(message)
      const why = 'why' in subject ? subject.why : attack.why(subject)
      if (why !== undefined || 'why' in subject) throw new Error(why)
      return await attemptOn(subject, attack, context)
    } finally {
      await attacker.close()
    }
  }
  return {
    offered(message) {
      const subject = captured(message)
      return attacks
        .filter(attack => attack.onMessage)
        .map(attack => {
          const why = 'why' in subject ? subject.why : attack.why(subject)
          return why === undefined ? infoOf(attack) : { ...infoOf(attack), why }
        })
    },
    async make(attack, message) {
      const begun = performance.now()
      const about = { ...aboutOf(attack, message), at: Date.now() }
      const took = (): number => Math.round(performance.now() - begun)
      try {
        const judged = await judge(await attempt(attack, message), { nameOf: id => nameOf(id, addresses), logged })
        return { ...about, took: took(), ...judged }
      } catch (error) {
        const note = error instanceof Error ? error.message : String(error)
        return { ...about, took: took(), verdict: 'not made', note }
      }
    },
  }
}

function aboutOf(attack: Attack, message: ShownMessage | undefined): Omit<AttackResult, 'at' | 'took' | 'verdict'> {
  const { name, title, tries, kind, clause: rule, heading } = infoOf(attack)
  return { attack: name, title, tries, kind, rule, heading, ...(message === undefined ? {} : { message: message.id }) }
}

function originOf({ to }: ShownMessage, { addresses }: Participants): string {
  const { agentServer, authServer, roomsAuthServer, calendar, rooms, desks, webApp, addressBook, tools } = addresses
  const origins: Readonly<Record<string, string>> = {
    'agent-server': agentServer,
    'auth-server': authServer,
    'rooms-auth-server': roomsAuthServer,
    calendar,
    rooms,
    desks,
    'web-app': webApp,
    'address-book': addressBook,
    tools,
  }
  return origins[to] ?? calendar
}
