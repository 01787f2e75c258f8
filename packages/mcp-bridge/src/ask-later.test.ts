import { setImmediate } from 'node:timers/promises'
import type { Interact } from '@countersign/agent'
import { expect, test } from 'vitest'
import { askLater, type Later } from './ask-later.js'

type Interview = Parameters<ReturnType<Interact['open']>['obtainGrant']>[0]
type Grant = Awaited<ReturnType<ReturnType<Interact['open']>['obtainGrant']>>

const link = 'https://auth.example/consent?request_token=1'
const visit = {} as Parameters<Later['open']>[1]

/** Users who are asked, and decide when the test says so. */
function asked(waits: AbortSignal = new AbortController().signal, isReached = false) {
  const seen = { asked: 0, signals: [] as AbortSignal[] }
  let decide: { yes(grant: Grant): void; no(error: Error): void } = { yes: () => {}, no: () => {} }
  const { interact, stop } = askLater(({ open }) => ({
    kind: 'loopback',
    open: () => ({
      async obtainGrant({ abandoned }) {
        seen.asked += 1
        seen.signals.push(abandoned)
        if (!isReached) await open(link, visit)
        return new Promise<Grant>((yes, no) => {
          decide = { yes, no }
        })
      },
    }),
  }))
  const interviewer = interact.open({} as never)
  const interview = (scope: string): Interview =>
    ({
      asked: { issuer: 'https://auth.example', resource: 'https://api.example', scope: [scope] },
      abandoned: waits,
    }) as unknown as Interview
  return {
    seen,
    stop,
    call: (scope = 'read') => interviewer.obtainGrant(interview(scope)),
    decide: () => decide,
  }
}

const toAgree = expect.objectContaining({ code: 'interaction_required', url: link })
const grant = { issuer: 'https://auth.example' } as Grant

test('a call that needs a user fails at once with the link, and the next goes on from what they decided', async () => {
  const { call, decide, seen } = asked()
  await expect(call()).rejects.toEqual(toAgree)
  await expect(call()).rejects.toEqual(toAgree)
  expect(seen.asked).toBe(1)
  decide().yes(grant)
  await setImmediate()
  expect(await call()).toBe(grant)
  // What was granted is the agent's to keep: another call asks anew.
  await expect(call()).rejects.toEqual(toAgree)
  expect(seen.asked).toBe(2)
})

test('a no is told to the call that comes next', async () => {
  const { call, decide } = asked()
  await expect(call()).rejects.toEqual(toAgree)
  decide().no(new Error('the user said no'))
  await setImmediate()
  await expect(call()).rejects.toThrow('the user said no')
  await expect(call()).rejects.toEqual(toAgree)
})

test('another scope is another question', async () => {
  const { call, seen } = asked()
  await expect(call('read')).rejects.toEqual(toAgree)
  await expect(call('write')).rejects.toEqual(toAgree)
  expect(seen.asked).toBe(2)
})

test('where the user is reached, asking ends with the call that waits', async () => {
  const waits = new AbortController()
  const { call, seen, decide } = asked(waits.signal, true)
  const waiting = call()
  await setImmediate()
  waits.abort()
  expect(seen.signals.map(({ aborted }) => aborted)).toEqual([true])
  decide().no(new Error('abandoned'))
  await expect(waiting).rejects.toThrow('abandoned')
})

test('waiting outlives a call that has failed with the link, and ends with the bridge', async () => {
  const waits = new AbortController()
  const { call, seen, stop } = asked(waits.signal)
  await expect(call()).rejects.toEqual(toAgree)
  waits.abort()
  expect(seen.signals.map(({ aborted }) => aborted)).toEqual([false])
  stop()
  expect(seen.signals.map(({ aborted }) => aborted)).toEqual([true])
})

test('of a server that asks on and on the oldest questions are given up', async () => {
  const { call, seen, stop } = asked()
  for (let at = 0; at < 65; at++) await expect(call(`scope-${at}`)).rejects.toEqual(toAgree)
  expect(seen.signals.map(({ aborted }) => aborted)).toEqual([true, ...Array<boolean>(64).fill(false)])
  stop()
})
