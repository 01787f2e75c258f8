import { setImmediate } from 'node:timers/promises'
import type { Interact } from '@countersign/agent'
import { expect, test } from 'vitest'
import { askLater, type PlaceReceivers } from './ask-later.js'

type Interview = Parameters<ReturnType<Interact['open']>['obtainGrant']>[0]
type Grant = Awaited<ReturnType<ReturnType<Interact['open']>['obtainGrant']>>

const link = 'https://auth.example/consent?request_token=1'
const visit = {} as Parameters<PlaceReceivers['open']>[1]

/** Users who decide when the test says so. */
function startAsking(waits: AbortSignal = new AbortController().signal, isReached = false) {
  const seen = { asked: 0, signals: [] as AbortSignal[] }
  let decide: { yes(grant: Grant): void; no(error: Error): void } = { yes: () => {}, no: () => {} }
  const { interact, isAsking, stop } = askLater(({ open }) => ({
    kind: 'loopback',
    open: () => ({
      checkOperation: async () => undefined,
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
    isAsking,
    stop,
    call: (scope = 'read') => interviewer.obtainGrant(interview(scope)),
    decide: () => decide,
  }
}

const toAgree = expect.objectContaining({ code: 'interaction_required', url: link })
const grant = { issuer: 'https://auth.example' } as Grant

test('a call that needs a user fails at once with the link; the next call continues with the decision', async () => {
  const { call, decide, seen } = startAsking()
  await expect(call()).rejects.toEqual(toAgree)
  await expect(call()).rejects.toEqual(toAgree)
  expect(seen.asked).toBe(1)
  decide().yes(grant)
  await setImmediate()
  expect(await call()).toBe(grant)
  // The agent keeps the grant, so another call begins a new question.
  await expect(call()).rejects.toEqual(toAgree)
  expect(seen.asked).toBe(2)
})

test('the next call gets the refusal of the user', async () => {
  const { call, decide } = startAsking()
  await expect(call()).rejects.toEqual(toAgree)
  decide().no(new Error('the user said no'))
  await setImmediate()
  await expect(call()).rejects.toThrow('the user said no')
  await expect(call()).rejects.toEqual(toAgree)
})

test('another scope is another question', async () => {
  const { call, seen } = startAsking()
  await expect(call('read')).rejects.toEqual(toAgree)
  await expect(call('write')).rejects.toEqual(toAgree)
  expect(seen.asked).toBe(2)
})

test('a question to a user who can be reached ends with its call', async () => {
  const waits = new AbortController()
  const { call, seen, decide } = startAsking(waits.signal, true)
  const waiting = call()
  await setImmediate()
  waits.abort()
  expect(seen.signals.map(({ aborted }) => aborted)).toEqual([true])
  decide().no(new Error('abandoned'))
  await expect(waiting).rejects.toThrow('abandoned')
})

test('a user is being asked while a call waits, and not once it has failed with the link', async () => {
  const reached = startAsking(undefined, true)
  const waiting = reached.call()
  await setImmediate()
  expect(reached.isAsking()).toBe(true)
  reached.decide().yes(grant)
  await waiting
  expect(reached.isAsking()).toBe(false)
  const later = startAsking()
  await expect(later.call()).rejects.toEqual(toAgree)
  expect(later.isAsking()).toBe(false)
})

test('a question outlives a call that failed with the link, and ends with the bridge', async () => {
  const waits = new AbortController()
  const { call, seen, stop } = startAsking(waits.signal)
  await expect(call()).rejects.toEqual(toAgree)
  waits.abort()
  expect(seen.signals.map(({ aborted }) => aborted)).toEqual([false])
  stop()
  expect(seen.signals.map(({ aborted }) => aborted)).toEqual([true])
})

test('the oldest questions of a server with too many are abandoned', async () => {
  const { call, seen, stop } = startAsking()
  for (let at = 0; at < 65; at++) await expect(call(`scope-${at}`)).rejects.toEqual(toAgree)
  expect(seen.signals.map(({ aborted }) => aborted)).toEqual([true, ...Array<boolean>(64).fill(false)])
  stop()
})
