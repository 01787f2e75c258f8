import { useEffect, useState } from 'preact/hooks'
import type { AttackResult, OfferedAttack } from '../../../src/attacks/contract.js'
import { json } from '../store.js'

/** The attacks on one message. */
export interface MessageAttacks {
  /** Undefined until they are known. */
  readonly offered: readonly OfferedAttack[] | undefined
  /** The name of the attack that is made now. */
  readonly running: string | undefined
  /** What came of the last attack. */
  readonly result: AttackResult | undefined
  /** Why the playground did not answer; empty if it did. */
  readonly fault: string
  readonly make: (attack: OfferedAttack) => Promise<void>
}

interface Known extends Omit<MessageAttacks, 'make'> {
  readonly id: number
}

const unknown = (id: number): Known => ({ id, offered: undefined, running: undefined, result: undefined, fault: '' })

/** Loads the attacks on a message, and makes them. */
export function useAttacks(id: number): MessageAttacks {
  const [state, setKnown] = useState(unknown(id))
  // What comes for a message that is no longer shown changes nothing.
  const change = (part: Partial<Known>): void => setKnown(known => (known.id === id ? { ...known, ...part } : known))
  useEffect(() => {
    setKnown(unknown(id))
    json<readonly OfferedAttack[]>(`/api/attacks?message=${id}`).then(
      offered => change({ offered }),
      error => change({ fault: faultOf(error) }),
    )
  }, [id])
  const known = state.id === id ? state : unknown(id)
  return {
    ...known,
    async make({ name }) {
      change({ running: name, fault: '' })
      const init = { method: 'POST', headers: { 'content-type': 'application/json' } }
      try {
        const body = JSON.stringify({ message: id })
        change({ result: await json<AttackResult>(`/api/attacks/${name}`, { ...init, body }) })
      } catch (error) {
        change({ fault: faultOf(error) })
      } finally {
        change({ running: undefined })
      }
    },
  }
}

const faultOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
