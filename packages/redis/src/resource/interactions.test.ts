import { verifies } from '@countersign/requirements'
import {
  type InteractionLimits,
  type InteractionSession,
  type InteractionSessions,
  memoryInteractions,
} from '@countersign/resource'
import { redisForTests } from '@countersign/testing/redis'
import { afterEach, describe, expect, test } from 'vitest'
import { redisInteractions } from '../resource.js'

const { url, away, prefix } = await redisForTests()
const stops: Array<() => Promise<void>> = []
let number = 0

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
  number++
})

async function inRedis(now: () => number, limits: InteractionLimits = {}): Promise<InteractionSessions> {
  const sessions = await redisInteractions({ url, prefix: `${prefix}:${number}`, now, ...limits })
  stops.push(() => sessions.close())
  return sessions
}

const claim = { browser: 'b', returnUrl: 'https://app.example/callback', state: 's' }

function sessionOf(id: string, o: { readonly name?: string; readonly principal?: string; readonly now: number }) {
  const { name = 'a', principal = 'ada', now } = o
  const agent = `https://${name}.example`
  return {
    id,
    agent,
    principal,
    expires: now + 600,
    asking: { agent },
    pending: {
      kind: 'page',
      resource: 'https://r2.example',
      state: `state-${id}`,
      url: 'https://r2.example/x',
    },
  } satisfies InteractionSession
}

describe.each([
  ['in memory', '', async (now: () => number, limits?: InteractionLimits) => memoryInteractions(now, limits)],
  [`in Redis${away}`, away, inRedis],
] as const)('%s', (_, why, open) => {
  const on = test.skipIf(why !== '')

  on(verifies('interaction.bound', 'questions are bounded for one user, one agent, and in all'), async () => {
    const now = { time: 1000 }
    const sessions = await open(() => now.time, { capacity: 5, perAgent: 4, perPrincipal: 2 })
    const session = (id: string, name: string, principal: string) => sessionOf(id, { name, principal, now: now.time })
    for (const id of ['1', '2', '3']) {
      now.time++
      await sessions.add(session(id, 'a', 'ada'))
    }
    expect([await sessions.find('1'), (await sessions.find('3'))?.id]).toEqual([undefined, '3'])
    for (const id of ['4', '5']) await sessions.add(session(id, 'a', 'bob'))
    await expect(sessions.add(session('6', 'a', 'eve'))).rejects.toMatchObject({ status: 503 })
    await sessions.add(session('7', 'other', 'eve'))
    await expect(sessions.add(session('8', 'third', 'mia'))).rejects.toMatchObject({
      code: 'temporarily_unavailable',
      reason: 'capacity_exceeded',
    })
    expect((await sessions.claim('7', claim))?.claim).toEqual(claim)
    expect((await sessions.claim('7', { ...claim, browser: 'c' }))?.claim).toEqual(claim)
    expect(await sessions.take('state-7', 'c')).toBeUndefined()
    expect((await sessions.take('state-7', 'b'))?.id).toBe('7')
    expect(await sessions.take('state-7', 'b')).toBeUndefined()
    now.time += 601
    await sessions.add(session('9', 'a', 'ada'))
    expect([await sessions.find('3'), (await sessions.find('9'))?.id]).toEqual([undefined, '9'])
  })

  on('a question in place of another has its state, and keeps the browser that began', async () => {
    const sessions = await open(() => 1000)
    const first = sessionOf('1', { now: 1000 })
    await sessions.add(first)
    await sessions.claim('1', claim)
    const taken = await sessions.take(first.pending.state, 'b')
    expect(taken).toEqual({ ...first, claim })
    await sessions.add({ ...first, claim, id: '2' })
    expect(await sessions.claim('2', { ...claim, browser: 'c' })).toEqual({ ...first, claim, id: '2' })
    expect(await sessions.take(first.pending.state, 'c')).toBeUndefined()
    expect((await sessions.take(first.pending.state, 'b'))?.id).toBe('2')
  })

  on(verifies('interaction.code', 'an answer is for one principal, once, until it ends'), async () => {
    const now = { time: 1000 }
    const sessions = await open(() => now.time, { perPrincipal: 2 })
    const answer = { principal: 'ada', denied: true, expires: 1600 } as const
    await sessions.keep('code', answer)
    expect(await sessions.redeem('code', 'bob')).toBeUndefined()
    expect(await sessions.redeem('code', 'ada')).toEqual(answer)
    expect(await sessions.redeem('code', 'ada')).toBeUndefined()
    for (const [index, code] of ['1', '2', '3'].entries())
      await sessions.keep(code, { ...answer, expires: answer.expires + index })
    expect(await sessions.redeem('1', 'ada'), 'the oldest gave way').toBeUndefined()
    expect(await sessions.redeem('2', 'ada')).toMatchObject({ denied: true, expires: 1601 })
    now.time = 1603
    expect(await sessions.redeem('3', 'ada')).toBeUndefined()
  })

  on('the bytes of all questions are bounded, and free again when one has ended', async () => {
    const now = { time: 1000 }
    const sessions = await open(() => now.time, { maxBytes: 3000 })
    let added = 0
    const more = (): Promise<boolean> =>
      sessions.add(sessionOf(String(added++), { name: `n${added}`, principal: `p${added}`, now: now.time })).then(
        () => true,
        () => false,
      )
    while (await more());
    expect(added).toBeGreaterThan(2)
    expect(added).toBeLessThan(9)
    now.time += 601
    expect(await more()).toBe(true)
  })
})

test.skipIf(away !== '')(verifies('F-83', `a clock that is ahead takes no bytes off twice${away}`), async () => {
  const right = await inRedis(() => 1000, { maxBytes: 3000 })
  const ahead = await inRedis(() => 1700, { maxBytes: 3000 })
  const add = (sessions: InteractionSessions, id: string, now: number): Promise<boolean> =>
    sessions.add(sessionOf(id, { name: `n${id}`, principal: `p${id}`, now })).then(
      () => true,
      () => false,
    )
  for (const id of ['1', '2']) expect(await add(right, id, 1000)).toBe(true)
  // It takes both for ended, and counts its own alone.
  expect(await add(ahead, '3', 1700)).toBe(true)
  for (const id of ['1', '2']) {
    await right.claim(id, claim)
    expect((await right.take(`state-${id}`, 'b'))?.id).toBe(id)
  }
  const more: boolean[] = []
  for (const id of ['4', '5', '6', '7']) more.push(await add(right, id, 1000))
  expect(more, 'one is held').toEqual([true, true, false, false])
})

test.skipIf(away !== '')(`a browser that goes to another instance at each step is known there${away}`, async () => {
  const [one, two, three] = [await inRedis(() => 1000), await inRedis(() => 1000), await inRedis(() => 1000)]
  const session = sessionOf('1', { now: 1000 })
  await one.add(session)
  expect(await two.find('1')).toEqual(session)
  await three.claim('1', claim)
  expect(await one.claim('1', { ...claim, browser: 'c' })).toEqual({ ...session, claim })
  const taken = await Promise.all([one, two, three].map(each => each.take(session.pending.state, 'b')))
  expect(taken.filter(each => each !== undefined)).toHaveLength(1)
  await two.keep('code', { principal: 'ada', denied: true, expires: 1600 })
  expect(await three.redeem('code', 'ada')).toMatchObject({ denied: true })
})
