import type { SigningKey } from '@countersign/httpsig'
import { AgentError } from '../error.js'
import type { AgentState } from '../state/state.js'
import { keysOf } from '../state/state-keys.js'

/** The current enrolment. */
export interface CurrentKey {
  /** The name of its key in the state. */
  readonly key: string
  readonly agent_token: string
  /** When the agent server accepted this key, in Unix seconds. */
  readonly key_since: number
  /** Digest of the single-use code or token that it enrolled with. */
  readonly enrolled_with?: string
  /** When to try another rotation at the earliest, in Unix seconds. */
  readonly rotate_after?: number
}

/** A new key, saved before it is sent. The agent server may have accepted it already, since its answer can be lost. */
export interface NextKey {
  readonly key: string
  readonly for: 'enrollment' | 'rotation'
  /** Digest of the single-use code or token that was sent with it and got no answer. */
  readonly unanswered?: string
}

/** A replaced key, and the Unix time until which requests signed with it may still be on their way. */
export interface RetiredKey {
  readonly key: string
  readonly until: number
}

/** The state of a delegate. */
export interface DelegateRecord {
  readonly current?: CurrentKey
  readonly next?: NextKey
  readonly retired?: RetiredKey
}

/** Stores the record of one delegate, and its keys. */
export interface DelegateStore {
  read(): Promise<DelegateRecord>
  write(record: DelegateRecord): Promise<void>
  /** Returns the key of this name. */
  load(name: string): Promise<SigningKey | undefined>
  /** Makes a fresh key under a name that the current enrolment does not use. */
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
      // Two names take turns, so that crashes between key and record do not pile up unused keys.
      const own = `${name} 1` === current?.key ? `${name} 2` : `${name} 1`
      return { name: own, key: await keys.generate(own) }
    },
    remove: key => keys.remove(key),
  }
}

/** The error for a record that cannot be used. It does not quote the record. */
export function damagedRecordError(): AgentError {
  return new AgentError('state_unusable', 'the saved enrolment is damaged: remove it and enrol again')
}

function checkRecord(value: unknown): DelegateRecord {
  if (typeof value !== 'object' || value === null) throw damagedRecordError()
  const record: Partial<Record<keyof DelegateRecord, unknown>> = value
  // The record of another version: enrolling over it would lose its key.
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
