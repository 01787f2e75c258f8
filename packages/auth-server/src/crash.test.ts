import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { generateSigningKey } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import type { Answer, Call } from './crash.test.child.js'
import {
  delegate,
  post,
  publishAgent,
  publishResource,
  resourceToken,
  type Signer,
  type World,
} from './world.test.fixture.js'

type Participants = Pick<World, 'clock' | 'web' | 'agentKey' | 'resourceKey'>

/** The auth server as a process of its own, which can be killed. */
interface Running {
  call(message: Call['message']): Promise<Answer>
  /** SIGKILL: no handler runs, no buffer is written. */
  kill(): Promise<void>
}

async function start(database: string, documents: string): Promise<Running> {
  const program = fileURLToPath(new URL('../dist/crash.test.child.js', import.meta.url))
  if (!existsSync(program)) throw new Error('build first: npx tsc -b packages/auth-server')
  const child: ChildProcess = fork(program, [database, documents], { execArgv: [], serialization: 'advanced' })
  const waiting = new Map<number, { resolve: (answer: Answer) => void; reject: (error: Error) => void }>()
  let calls = 0
  const ready = Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => Promise.reject(new Error('died'))),
  ])
  child.on('exit', () => {
    for (const { reject } of waiting.values()) reject(new Error('killed'))
  })
  await ready
  child.on('message', (answer: Answer) => {
    waiting.get(answer.id)?.resolve(answer)
    waiting.delete(answer.id)
  })
  return {
    call: message =>
      new Promise((resolve, reject) => {
        const id = calls++
        waiting.set(id, { resolve, reject })
        child.send({ id, message } satisfies Call, error => error !== null && reject(error))
      }),
    async kill() {
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    },
  }
}

async function participants(): Promise<Participants> {
  const clock = {
    get now() {
      return Math.floor(Date.now() / 1000)
    },
  }
  const web = new Map<string, unknown>()
  const agentKey = { kid: 'k1', key: await generateSigningKey() }
  const resourceKey = { kid: 'r1', key: await generateSigningKey() }
  publishAgent({ web }, 'https://agent.example', [agentKey])
  publishResource({ web }, 'https://calendar.example', [resourceKey])
  return { clock, web, agentKey, resourceKey }
}

/** Signs anew while a just started server cannot tell requests from replays. */
async function patiently(running: Running, request: () => Promise<Call['message']>): Promise<Answer> {
  for (;;) {
    const answer = await running.call(await request())
    if (answer.status !== 503) return answer
    await sleep(100)
  }
}

/** What one delegate knows of a refresh token it was handed. */
interface Held {
  readonly owner: Signer
  readonly token: string
  revocation: 'none' | 'sent' | 'answered'
}

/** Asks, refreshes, and revokes every third grant, until the server dies; remembers what was answered. */
async function work(cast: Participants, running: Running, owner: Signer, held: Held[]): Promise<void> {
  try {
    for (let turn = 0; turn < 45; turn++) {
      const asked = await patiently(running, async () =>
        post(cast, owner, { request_type: 'auth', resource_token: await resourceToken(cast, owner) }),
      )
      const body: unknown = JSON.parse(asked.body)
      if (typeof body !== 'object' || body === null || !('refresh_token' in body)) throw new Error('refused')
      const grant: Held = { owner, token: String(body.refresh_token), revocation: 'none' }
      held.push(grant)
      await running.call(await post(cast, owner, { request_type: 'refresh', refresh_token: grant.token }))
      if (turn % 3 !== 0) continue
      const message = await post(cast, owner, { token: grant.token }, { target: '/agent/revoke' })
      grant.revocation = 'sent'
      await running.call(message)
      grant.revocation = 'answered'
    }
  } catch (error) {
    if (!(error instanceof Error) || !/killed|channel closed|EPIPE/i.test(error.message)) throw error
  }
}

test(verifies('F-08', 'F-09', 'revoke.ends', 'a kill loses no refresh token that was answered, and no revocation'), {
  timeout: 60_000,
}, async ({ onTestFinished }) => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-crash-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  const documents = join(directory, 'web.json')
  const database = `sqlite:${join(directory, 'auth.db')}`
  const cast = await participants()
  writeFileSync(documents, JSON.stringify(Object.fromEntries(cast.web)))
  const owners = await Promise.all(Array.from({ length: 8 }, (_, index) => delegate(cast, `phone-${index}`)))
  const held: Held[] = []
  for (const answers of [60, 150]) {
    const running = await start(database, documents)
    const working = Promise.all(owners.map(owner => work(cast, running, owner, held)))
    while (held.length < answers) await sleep(5)
    await running.kill()
    await working
  }
  const running = await start(database, documents)
  const outcomes = await Promise.all(
    held.map(async ({ owner, token, revocation }) => {
      const form = { request_type: 'refresh', refresh_token: token }
      const { status } = await patiently(running, () => post(cast, owner, form))
      return `revocation ${revocation}: ${status}`
    }),
  )
  await running.kill()
  const seen = new Set(outcomes)
  // A revocation that was sent and never answered may have happened or not.
  seen.delete('revocation sent: 200')
  seen.delete('revocation sent: 400')
  expect(seen).toEqual(new Set(['revocation answered: 400', 'revocation none: 200']))
})
