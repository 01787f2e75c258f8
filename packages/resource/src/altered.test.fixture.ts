import { verifies } from '@countersign/requirements'
import { send, type Wire } from '@countersign/testing/wire'
import { expect } from 'vitest'
import type { Calendar } from './calendar.test.fixture.js'

/** A change that an intermediary makes to a request. */
export type Change = (wire: Wire) => Wire

/** Rows whose first cell is what they prove, ready for `test.each`. */
export function cases(
  rows: ReadonlyArray<readonly [ids: string, title: string, change: Change]>,
): Array<readonly [title: string, change: Change]> {
  return rows.map(([ids, title, change]) => {
    const [first = '', second, ...more] = [...ids.split(' '), title]
    return [verifies(first, second ?? '', ...more), change]
  })
}

export function header(name: string, change: (value: string) => string): Change {
  return wire => ({
    ...wire,
    headers: wire.headers.map(([key, value]) => (key === name ? [key, change(value)] : [key, value])),
  })
}

export function without(...names: string[]): Change {
  return wire => ({ ...wire, headers: wire.headers.filter(([name]) => !names.includes(name)) })
}

export function plus(name: string, value: string): Change {
  return wire => ({ ...wire, headers: [...wire.headers, [name, value]] })
}

export function target(to: string): Change {
  return wire => ({ ...wire, target: to })
}

export function method(to: string): Change {
  return wire => ({ ...wire, method: to })
}

/** Sends the request untouched, which passes, and then changed, which must not: status, code, challenge, and no handler. */
export async function expectRefusal(
  calendar: Calendar,
  wire: Wire,
  change: Change,
  expected: { readonly status: number | readonly number[]; readonly error?: string },
): Promise<void> {
  const { status, error } = expected
  const accepted = await send(calendar.port, wire)
  expect(accepted.status, `the twin: ${accepted.body}`).toBe(200)
  const before = calendar.ran()
  const answer = await send(calendar.port, change(wire))
  expect(typeof status === 'number' ? [status] : status, answer.body).toContain(answer.status)
  if (error !== undefined) expect(answer.error).toBe(error)
  if (answer.status === 401) expect(answer.headers.get('agent-auth')).toMatch(/^httpsig/)
  expect(calendar.ran(), 'no handler ran').toBe(before)
}
