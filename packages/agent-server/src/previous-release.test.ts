import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { generateSigningKey, type SignatureKey, type SigningKey, signRequest } from '@countersign/httpsig'
import { verifies } from '@countersign/requirements'
import { temporaryFolder } from '@countersign/testing/folders'
import { postgresForTests } from '@countersign/testing/postgres'
import { previousRelease } from '@countersign/testing/previous-release'
import { expect, test } from 'vitest'
import { agentTokenOf, enrollmentBody } from './delegate.test.fixture.js'

const before = previousRelease()
const postgres = await postgresForTests(1)
const folder = temporaryFolder()

interface Answer {
  readonly status: number
  readonly body: string
}

/** An agent server in a process of its own, of this build or of the last release. */
interface Server {
  invite(sub: string): Promise<{ readonly code: string }>
  /** Posts to the delegate token endpoint, again while a server that has just started answers 503. */
  post(o: { readonly key: SigningKey; readonly signatureKey?: SignatureKey; readonly body?: string }): Promise<Answer>
  stop(): Promise<void>
}

async function start(root: string, database: string): Promise<Server> {
  const program = fileURLToPath(new URL('../dist/previous-release.test.child.js', import.meta.url))
  const child = fork(program, [root, database], { execArgv: [], serialization: 'advanced' })
  await Promise.race([once(child, 'message'), once(child, 'exit').then(() => Promise.reject(new Error('died')))])
  const waiting = new Map<number, (answer: never) => void>()
  let asked = 0
  child.on('message', ({ id, answered }: { id: number; answered: never }) => waiting.get(id)?.(answered))
  const ask = <T>(what: object): Promise<T> =>
    new Promise(resolve => {
      const id = asked++
      waiting.set(id, resolve)
      child.send({ id, ...what })
    })
  return {
    invite: sub => ask({ invite: sub }),
    async post({ key, signatureKey = { scheme: 'hwk', jwk: key.publicJwk }, body }) {
      for (;;) {
        const url = 'https://agent.example/delegate/token'
        const bytes = body === undefined ? {} : { body: new TextEncoder().encode(body) }
        const headers: Array<readonly [string, string]> = [['host', 'agent.example']]
        if (body !== undefined) headers.push(['content-type', 'application/json'])
        const signed = await signRequest({ method: 'POST', url, headers, key, signatureKey, ...bytes })
        const message = { method: 'POST', target: '/delegate/token', headers: [...headers, ...signed], ...bytes }
        const answer = await ask<Answer>({ message })
        if (answer.status !== 503) return answer
        await sleep(100)
      }
    },
    async stop() {
      const gone = once(child, 'exit')
      child.disconnect()
      await gone
    },
  }
}

test.skipIf(before.away !== '').each([
  { name: 'SQLite', away: '', url: () => `sqlite:${join(folder, 'agent.db')}` },
  { name: `PostgreSQL${postgres.away}`, away: postgres.away, url: postgres.newUrl },
])(
  verifies(
    'F-82',
    `on $name the last release enrols and renews beside this one, after this one has migrated${before.away}`,
  ),
  { timeout: 180_000 },
  async ({ away, url }) => {
    if (away !== '') return
    const database = url()
    const here = fileURLToPath(new URL('../../..', import.meta.url))
    const enrolled = async (invites: Server, enrols: Server, sub: string) => {
      const key = await generateSigningKey()
      const { status, body } = await enrols.post({ key, body: enrollmentBody((await invites.invite(sub)).code) })
      expect([sub, status]).toEqual([sub, 200])
      return { key, jwt: agentTokenOf(JSON.parse(body)) }
    }
    const renews = async (server: Server, { key, jwt }: { key: SigningKey; jwt: string }): Promise<number> =>
      (await server.post({ key, signatureKey: { scheme: 'jwt', jwt } })).status
    const old = await start(before.root, database)
    const early = await enrolled(old, old, 'early')
    const now = await start(here, database)
    for (const server of [old, now]) expect(await renews(server, early)).toBe(200)
    for (const [invites, enrols] of [
      [old, old],
      [now, now],
      [old, now],
      [now, old],
    ] as const) {
      const one = await enrolled(invites, enrols, crypto.randomUUID())
      for (const server of [old, now]) expect(await renews(server, one)).toBe(200)
    }
    await old.stop()
    expect(await renews(now, early)).toBe(200)
    await now.stop()
  },
)
