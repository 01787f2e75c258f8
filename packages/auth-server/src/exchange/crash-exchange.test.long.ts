import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { openStore } from '@countersign/store'
import { participants, patiently, type Running, start } from '@countersign/testing/auth/crash'
import {
  downstreamId,
  type ExchangeWorld,
  middleCallback,
  middleId,
  publishIssuer,
  publishMiddle,
  roomsToken,
  upstreamIssuer,
  upstreamToken,
} from '@countersign/testing/auth/exchange'
import { post, signerOf } from '@countersign/testing/auth/world'
import { folderOfTest } from '@countersign/testing/folders'
import { part } from '@countersign/testing/json-web-token'
import { publishResource } from '@countersign/testing/world/web'
import { expect, test } from 'vitest'
import { migrations, type Tables } from '../tables/tables.js'

test(verifies(
  'F-10',
  'exchange.issued',
  'exchange.no-refresh',
  'a kill in the middle of exchanges leaves none half done, and each can be repeated',
), {
  timeout: 60_000,
}, async () => {
  const directory = folderOfTest()
  const database = `sqlite:${join(directory, 'auth.db')}`
  const documents = join(directory, 'web.json')
  const cast = await participants()
  const [middleKey, upstreamKey, roomsKey] = await Promise.all(
    ['m1', 'u1', 'w1'].map(async kid => ({ kid, key: await generateSigningKey() })),
  )
  if (middleKey === undefined || upstreamKey === undefined || roomsKey === undefined) throw new Error('no keys')
  publishMiddle(cast, middleId, middleKey)
  publishResource(cast, downstreamId, [roomsKey])
  publishIssuer(cast, upstreamIssuer, [upstreamKey])
  writeFileSync(documents, JSON.stringify(Object.fromEntries(cast.web)))
  const middle = signerOf(middleId, middleKey)
  // Only what makes tokens is asked of the world here.
  const made = { ...cast, middle, middleKey, upstreamKey, roomsKey } as unknown as ExchangeWorld

  const request = async (scope: string, jti: string) =>
    post(made, middle, {
      request_type: 'exchange',
      upstream_token: await upstreamToken(made, { claims: { jti, sub: 'ada' } }),
      resource_token: await roomsToken(made, { claims: { scope } }),
      redirect_uri: middleCallback,
      state: jti,
    })
  const scopes = ['rooms.read', 'rooms.book'] as const
  /** One exchange after the other, until the server dies; what was answered. */
  async function work(running: Running, name: string, onAnswer: () => void): Promise<string[]> {
    const answers: string[] = []
    for (let turn = 0; turn < 200; turn++) {
      const answer = await patiently(running, () => request(scopes[turn % 2] ?? 'rooms.read', `${name}-${turn}`)).catch(
        (error: unknown) => {
          if (error instanceof Error && /killed|channel closed|EPIPE/i.test(error.message)) return undefined
          throw error
        },
      )
      if (answer === undefined) return answers
      expect(answer.status).toBe(200)
      answers.push(answer.body)
      onAnswer()
    }
    return answers
  }

  const answered: string[] = []
  for (const killAfter of [9, 20]) {
    const running = await start(database, documents)
    let count = 0
    const killed = new Promise<void>(resolve => {
      const onAnswer = () => {
        count++
        if (count === killAfter) setTimeout(() => resolve(running.kill()), 1)
      }
      void Promise.all([1, 2, 3, 4].map(worker => work(running, `${killAfter}-${worker}`, onAnswer))).then(lists =>
        answered.push(...lists.flat()),
      )
    })
    await killed
  }

  const running = await start(database, documents)
  for (const scope of scopes) {
    const again = await patiently(running, () => request(scope, `again-${scope}`))
    expect(again.status).toBe(200)
    answered.push(again.body)
  }
  await running.kill()
  const answers = answered.map(body => JSON.parse(body) as Record<string, unknown>)
  const tokens = answers.filter(answer => 'auth_token' in answer)
  const pending = answers.filter(answer => 'request_token' in answer)
  expect(tokens.length + pending.length).toBe(answers.length)
  expect(Math.min(tokens.length, pending.length)).toBeGreaterThan(3)
  for (const answer of tokens) {
    expect(Object.keys(answer)).toEqual(['auth_token', 'expires_in'])
    expect(part(answer['auth_token'], 1)['act']).toEqual({
      iss: 'https://one.example',
      agent: 'https://agent.example',
      agent_delegate: 'phone',
    })
  }
  const store = await openStore<Tables>({ url: database, room: 'auth_server', migrations })
  const grants = await store.db.selectFrom('auth_server_grants').select('id').execute()
  const rows = await store.db.selectFrom('auth_server_requests').selectAll().execute()
  await store.close()
  expect(grants).toEqual([])
  // Everything answered is there, and what was not answered is there whole or not at all.
  expect(rows.length).toBeGreaterThanOrEqual(pending.length)
  expect(new Set(rows.map(({ status }) => status))).toEqual(new Set(['pending']))
  for (const { upstream } of rows) {
    expect(JSON.parse(upstream ?? '{}')).toMatchObject({
      iss: 'https://one.example',
      sub: 'ada',
      scope: expect.any(Array),
    })
  }
})
