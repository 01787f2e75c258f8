import { setTimeout as sleep } from 'node:timers/promises'
import { clearStage } from '../clear-stage.js'
import type { ShownMessage } from '../explorer/contract.js'
import type { Participants } from '../participants.js'
import { type Attack, allAttacks, infoOf } from './all-attacks.js'
import { createAttacker } from './attacker.js'
import type { AttackResult, OfferedAttack, Scoreboard } from './contract.js'

/** Attacks the participants, one attack at a time, and keeps what came of each. */
export interface Attacks {
  scoreboard(): Scoreboard
  /** The attack of that name. */
  find(name: string): Attack | undefined
  offered(message: ShownMessage): readonly OfferedAttack[]
  /** Makes one attack; on no message its result goes to the scoreboard. */
  make(attack: Attack, message?: ShownMessage): Promise<AttackResult>
  /** Makes all, in order. A second call while one runs waits for the same run. */
  makeAll(): Promise<Scoreboard>
}

/** What {@link createAttacks} needs. */
export interface AttacksOptions {
  readonly participants: Participants
  /** Runs an attack while no story is played. */
  readonly alone: <T>(work: () => Promise<T>) => Promise<T>
  /** Called with each change of the scoreboard. */
  readonly onChange: (state: Scoreboard['state'], result?: AttackResult) => void
  /** Default: all of them. */
  readonly attacks?: readonly Attack[]
  /** The messages of the story that a message belongs to. Default: none are known. */
  readonly storyOf?: (message: ShownMessage) => readonly ShownMessage[]
}

/** Milliseconds after which the last message of an attack has been heard, so that it is not taken for one of the next story. */
const untilHeard = 60
/** Attacks on messages that may wait at the same time. */
const mostWaiting = 20

export function createAttacks(options: AttacksOptions): Attacks {
  const { participants, alone, onChange, attacks = allAttacks, storyOf } = options
  const attacker = createAttacker(participants, { attacks, storyOf })
  // bound: the attacks; grown by the program
  const results = new Map<string, AttackResult>()
  let state: Scoreboard['state'] = 'waiting'
  let running: Promise<Scoreboard> | undefined
  let waiting = 0
  const makeAlone = (attack: Attack, message?: ShownMessage): Promise<AttackResult> =>
    alone(async () => {
      const result = await attacker.make(attack, message)
      await sleep(untilHeard)
      return result
    })
  const inOrder = (): readonly AttackResult[] => attacks.flatMap(({ name }) => results.get(name) ?? [])
  const scoreboard = (): Scoreboard => ({ state, attacks: attacks.map(infoOf), results: inOrder() })
  const keep = (result: AttackResult): void => {
    results.set(result.attack, result)
    onChange(state, result)
  }
  const runAll = async (): Promise<Scoreboard> => {
    state = 'running'
    results.clear()
    onChange(state)
    try {
      await alone(() => clearStage(participants))
      for (const attack of attacks) keep(await makeAlone(attack))
    } finally {
      state = 'ended'
      running = undefined
      onChange(state)
    }
    return scoreboard()
  }
  return {
    scoreboard,
    find: name => attacks.find(attack => attack.name === name),
    offered: attacker.offered,
    async make(attack, message) {
      if (waiting >= mostWaiting) throw new RangeError('too many attacks wait already')
      waiting++
      try {
        // A message of a story is attacked under what its user has allowed.
        if (message === undefined) await alone(() => clearStage(participants))
        const result = await makeAlone(attack, message)
        if (message === undefined) keep(result)
        return result
      } finally {
        waiting--
      }
    },
    makeAll() {
      running ??= runAll()
      return running
    },
  }
}

/** Whether every attack was made and has held. */
export function allHeld({ attacks, results }: Scoreboard): boolean {
  return results.length === attacks.length && results.every(({ verdict }) => verdict === 'held')
}
