import { setImmediate } from 'node:timers/promises'
import { AgentError, type Interact, type Visit } from '@countersign/agent'
import { expect, test } from 'vitest'
import { askLater } from './ask-later.js'

type Interview = Parameters<ReturnType<Interact['open']>['obtainGrant']>[0]
type Grant = Awaited<ReturnType<ReturnType<Interact['open']>['obtainGrant']>>

const link = 'https://auth.example/consent?request_token=1'
const visit = { ended: new AbortController().signal } as Visit

/** Users who decide when the test says so. */
function startAsking(waits: AbortSignal = new AbortController().signal, isReached = false) {
  const seen = { asked: 0, signals: [] as AbortSignal[] }
  let decide: { yes(grant: Grant): void; no(error: Error): void } = { yes: () => {}, no: () => {} }
  // As the state of an agent, which has the grant as soon as the user has agreed.
  let kept: Grant | undefined
  const { interact, isAsking, stop } = askLater(({ open }) => ({
    kind: 'loopback',
    open: () => ({
      checkOperation: async () => undefined,
      async obtainGrant({ abandoned }) {
        seen.asked += 1
        seen.signals.push(abandoned)
        if (!isReached) await open(link, visit)
        kept = await new Promise<Grant>((yes, no) => {
          decide = { yes, no }
        })
        return kept
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
    async call(scope = 'read') {
      const grant = kept ?? (await interviewer.obtainGrant(interview(scope)))
      kept = undefined
      return grant
    },
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
  decide().no(new AgentError('denied', 'the user said no'))
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

/** A user who is sent to a page, and who answers when the test says so. */
function startSending() {
  const seen = { asked: 0, sent: 0, withdrawn: 0 }
  let decide: { yes(code: string): void; no(error: Error): void } = { yes: () => {}, no: () => {} }
  let goes = async (): Promise<void> => undefined
  const { interact, isAsking, stop } = askLater(({ openAgain }) => {
    const open = openAgain(async (_, { ended }) => {
      seen.sent += 1
      ended.addEventListener('abort', () => (seen.withdrawn += 1))
      await goes()
    })
    const ask = async (abandoned: AbortSignal | undefined): Promise<string> => {
      seen.asked += 1
      const ended = new AbortController()
      abandoned?.addEventListener('abort', () => decide.no(new Error('abandoned')))
      const answer = new Promise<string>((yes, no) => {
        decide = { yes, no }
      }).finally(() => ended.abort())
      answer.catch(() => undefined)
      await open(link, { ...visit, ended: ended.signal })
      return answer
    }
    return {
      kind: 'loopback',
      open: () => ({
        checkOperation: async () => undefined,
        obtainGrant: async ({ abandoned }) => ({ ...grant, issuer: await ask(abandoned) }),
        interactionCode: async ({ page, signal }) => (page === undefined ? undefined : ask(signal)),
      }),
    }
  })
  const interviewer = interact.open({} as never)
  const code = (page: string | undefined, signal?: AbortSignal): Promise<string | undefined> =>
    interviewer.interactionCode?.({ resource: 'https://api.example', page, signal } as never) ?? expect.fail()
  const grantFor = (abandoned: AbortSignal): Promise<Grant> =>
    interviewer.obtainGrant({ asked: { scope: ['read'] }, abandoned } as never)
  return {
    seen,
    isAsking,
    stop,
    code,
    grantFor,
    decide: () => decide,
    answersWith(next: typeof goes) {
      goes = next
    },
  }
}

const page = 'https://api.example/ask'

test('a user who was sent to a page may answer after the call has ended: the next call has the answer', async () => {
  const { seen, code, decide, isAsking } = startSending()
  const late = new AbortController()
  const first = code(page, late.signal)
  await setImmediate()
  late.abort(new Error('the time limit of the client'))
  await expect(first).rejects.toThrow('the time limit of the client')
  expect([isAsking(), seen.withdrawn]).toEqual([false, 0])
  // Other calls to the same resource do not wait for the answer.
  expect(await code(undefined)).toBe(undefined)
  decide().yes('a code')
  await setImmediate()
  expect(await code(undefined)).toBe('a code')
  expect(seen).toEqual({ asked: 1, sent: 1, withdrawn: 1 })
  // It was for one request.
  expect(await code(undefined)).toBe(undefined)
})

test('a later call sends the user to the same page once more, and waits with them', async () => {
  const { seen, grantFor, decide } = startSending()
  const late = new AbortController()
  const first = grantFor(late.signal)
  await setImmediate()
  late.abort(new Error('late'))
  await expect(first).rejects.toThrow('late')
  const again = new AbortController()
  const second = grantFor(again.signal)
  await expect.poll(() => seen.sent, { timeout: 4000 }).toBe(2)
  again.abort(new Error('late again'))
  await expect(second).rejects.toThrow('late again')
  // The second visit is taken back, and the question stays open.
  expect(seen).toEqual({ asked: 1, sent: 2, withdrawn: 1 })
  const third = grantFor(new AbortController().signal)
  decide().yes('https://auth.example')
  expect(await third).toEqual(grant)
  expect(seen).toMatchObject({ asked: 1, sent: 2 })
})

test('a user who does not go there again ends the question, and a refusal after the call is told to the next one', async () => {
  const { seen, code, decide, answersWith } = startSending()
  const late = new AbortController()
  const first = code(page, late.signal)
  await setImmediate()
  late.abort(new Error('late'))
  await expect(first).rejects.toThrow('late')
  answersWith(async () => {
    throw new AgentError('denied', 'the user declined to be asked')
  })
  await expect(code(page)).rejects.toThrow('the user declined to be asked')
  answersWith(async () => undefined)
  const later = new AbortController()
  const next = code(page, later.signal)
  await setImmediate()
  later.abort(new Error('late'))
  await expect(next).rejects.toThrow('late')
  expect(seen.asked).toBe(2)
  decide().no(new AgentError('denied', 'the user said no'))
  await setImmediate()
  // What does not need the user is not refused for it.
  expect(await code(undefined)).toBe(undefined)
  await expect(code(page)).rejects.toThrow('the user said no')
  expect(seen.asked).toBe(2)
})

test('a user who was not sent anywhere is asked no more once the call has ended', async () => {
  const { seen, code, answersWith } = startSending()
  let isThere = (): void => undefined
  answersWith(() => new Promise(resolve => (isThere = resolve)))
  const late = new AbortController()
  const first = code(page, late.signal)
  await setImmediate()
  late.abort(new Error('late'))
  expect(seen.withdrawn).toBe(0)
  isThere()
  await expect(first).rejects.toThrow('abandoned')
  expect(seen).toEqual({ asked: 1, sent: 1, withdrawn: 1 })
})
