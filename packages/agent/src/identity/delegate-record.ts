import type { SigningKey } from '@countersign/httpsig'
import { AgentError } from '../error.js'
import type { AgentState } from '../state/state.js'
import { keysOf } from '../state/state-keys.js'

/** The enrolment in force. */
export interface CurrentKey {
  /** Name of its key among the state's keys. */
  readonly key: string
  readonly agent_token: string
  /** When the agent server took this key, Unix seconds. */
  readonly key_since: number
  /** Digest of what it enrolled with, where that can be used once only. */
  readonly enrolled_with?: string
  /** Not before this time is another rotation worth a try, Unix seconds. */
  readonly rotate_after?: number
}

/** A key that the agent server may have taken already, since its answer can be lost: saved before it is asked. */
export interface NextKey {
  readonly key: string
  readonly for: 'enrollment' | 'rotation'
  /** Digest of what was sent and not answered, where that can be used once only. */
  readonly unanswered?: string
}

/** A key that was replaced, and until when the tokens bound to it may still be on their way; Unix seconds. */
export interface RetiredKey {
  readonly key: string
  readonly until: number
}

/** What a delegate keeps in state. */
export interface DelegateRecord {
  readonly current?: CurrentKey
  readonly next?: NextKey
  readonly retired?: RetiredKey
}

/** The record of one delegate, and its keys. */
export interface DelegateStore {
  read(): Promise<DelegateRecord>
  write(record: DelegateRecord): Promise<void>
  /** The key a record names. */
  load(name: string): Promise<SigningKey | undefined>
  /** A fresh key that takes the place of none the record needs, and the name it is kept under. */
  generate(record: DelegateRecord): Promise<{ readonly name: string; readonly key: SigningKey }>
  remove(name: string): Promise<void>
}

export function delegateStore(state: AgentState, agentServer: string): DelegateStore {
  const keys = keysOf(state)
  const name = `delegate ${agentServer}`
  return {
    read: async () => checkRecord((await state.read(name)) ?? {}),
    write: record => state.write(name, record),
    load: key => keys.load(key),
    async generate({ current }) {
      // Two names take turns, so that no crash between a key and its record leaves keys behind without end.
      const own = `${name} 1` === current?.key ? `${name} 2` : `${name} 1`
      return { name: own, key: await keys.generate(own) }
    },
    remove: key => keys.remove(key),
  }
}

/** A record that cannot be used; what it holds is not quoted. */
export function damagedRecordError(): AgentError {
  return new AgentError('state_unusable', 'the saved enrolment is damaged: remove it and enrol again')
}

function checkRecord(value: unknown): DelegateRecord {
  if (typeof value !== 'object' || value === null) throw damagedRecordError()
  const record: Partial<Record<keyof DelegateRecord, unknown>> = value
  // An object without these is the record of an older version: to enrol over it would lose its key.
  if (Object.keys(record).some(member => !['current', 'next', 'retired'].includes(member))) throw damagedRecordError()
  const fits =
    hasMembers(record.current, { key: 'string', agent_token: 'string', key_since: 'number' }) &&
    hasMembers(record.next, { key: 'string', for: 'string' }) &&
    hasMembers(record.retired, { key: 'string', until: 'number' })
  if (!fits) throw damagedRecordError()
  return record as DelegateRecord
}

function hasMembers(value: unknown, members: Readonly<Record<string, 'string' | 'number'>>): boolean {
  if (value === undefined) return true
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(members).every(([name, type]) => typeof (value as Record<string, unknown>)[name] === type)
}
